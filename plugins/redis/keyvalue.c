/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and values as Redis has them: strings of any bytes, with a time to live, swapped and counted in one
 * step. */
#include "tx.h"

#include <stdlib.h>

/* Microseconds to Redis's milliseconds, upwards: what is to live at all lives. */
static uint32_t to_milliseconds(int64_t time_to_live, int64_t *out, struct consort_error *error)
{
	if (time_to_live < 0)
		return consort_error_set(error, CONSORT_EINVAL, "a time to live is not negative");
	*out = time_to_live / 1000 + (time_to_live % 1000 != 0);
	return CONSORT_OK;
}

static uint32_t no_key(const struct redis_connection *conn, struct consort_view key,
		       struct consort_error *error)
{
	char shown[CONSORT_SHOWN_SIZE];

	consort_error_set(error, CONSORT_ENOTFOUND, "there is no key '%s'",
			  consort_shown(key.data, key.size, shown));
	consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
	return CONSORT_ENOTFOUND;
}

static uint32_t enter(struct redis_connection *conn, const struct consort_call *call,
		      struct consort_error *error)
{
	uint32_t status = redis_enter(conn, call, error);

	return status ? status : redis_tx_refuse(conn, "what is done to keys and values", error);
}

static void add_key(struct redis_connection *conn, uint32_t nargs, const char *word, struct consort_view key)
{
	redis_add(conn, redis_slot(conn, key.data, (size_t)key.size), nargs);
	redis_arg_text(conn, word);
	redis_arg(conn, key.data, (size_t)key.size);
}

static uint32_t kv_get(void *connection, const struct consort_call *call, struct consort_view key,
		       struct consort_view *out_value, int64_t *out_time_to_live, struct consort_error *error)
{
	struct redis_connection *conn = connection;
	const struct redis_reply *value, *left;
	uint32_t status = enter(conn, call, error);

	if (status)
		return status;
	redis_begin(conn);
	add_key(conn, 2, "GET", key);
	add_key(conn, 2, "PTTL", key);
	status = redis_run_well(conn, error);
	redis_leave(conn);
	if (status)
		return status;
	value = redis_reply(conn, 0);
	left = redis_reply(conn, 1);
	if (value->kind == REDIS_REPLY_NIL)
		return no_key(conn, key, error);
	if (!redis_is_text(value) || left->kind != REDIS_REPLY_INTEGER)
		return redis_fail_protocol(conn, "GET or PTTL answers something else", error);
	*out_value = (struct consort_view){value->as.text, value->size};
	/* -1: for ever; less than a millisecond is no more than some time */
	*out_time_to_live = left->as.integer == -1 ? 0 : left->as.integer > 0 ? left->as.integer * 1000 : 1;
	return CONSORT_OK;
}

static void add_set(struct redis_connection *conn, struct consort_view key, struct consort_view value,
		    int64_t ttl, bool absent)
{
	add_key(conn, 3u + (ttl ? 2u : 0u) + absent, "SET", key);
	redis_arg(conn, value.data, (size_t)value.size);
	if (absent)
		redis_arg_text(conn, "NX");
	if (!ttl)
		return;
	redis_arg_text(conn, "PX");
	redis_arg_int(conn, ttl);
}

static uint32_t kv_set(void *connection, const struct consort_call *call, struct consort_view key,
		       struct consort_view value, int64_t time_to_live, struct consort_error *error)
{
	struct redis_connection *conn = connection;
	int64_t ttl = 0;
	uint32_t status = to_milliseconds(time_to_live, &ttl, error);

	if (!status)
		status = enter(conn, call, error);
	if (status)
		return status;
	redis_begin(conn);
	add_set(conn, key, value, ttl, false);
	status = redis_doubt(conn, redis_run_well(conn, error), error);
	redis_leave(conn);
	if (!status && !redis_says(redis_reply(conn, 0), "OK"))
		status = redis_fail_protocol(conn, "SET answers something else", error);
	return status;
}

static uint32_t kv_remove(void *connection, const struct consort_call *call, struct consort_view key,
			  struct consort_error *error)
{
	struct redis_connection *conn = connection;
	uint32_t status = enter(conn, call, error);

	if (status)
		return status;
	redis_begin(conn);
	add_key(conn, 2, "DEL", key);
	status = redis_doubt(conn, redis_run_well(conn, error), error);
	redis_leave(conn);
	if (status)
		return status;
	if (redis_reply(conn, 0)->kind != REDIS_REPLY_INTEGER)
		return redis_fail_protocol(conn, "DEL answers something else", error);
	return redis_reply(conn, 0)->as.integer ? CONSORT_OK : no_key(conn, key, error);
}

static uint32_t conflict(const struct redis_connection *conn, struct consort_view key,
			 struct consort_error *error)
{
	char shown[CONSORT_SHOWN_SIZE];

	consort_error_set(error, CONSORT_ECONFLICT, "the key '%s' has another value than was expected",
			  consort_shown(key.data, key.size, shown));
	consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
	return CONSORT_ECONFLICT;
}

static uint32_t kv_compare_and_set(void *connection, const struct consort_call *call, struct consort_view key,
				   const struct consort_view *expected, struct consort_view value,
				   int64_t time_to_live, struct consort_error *error)
{
	struct redis_connection *conn = connection;
	const struct redis_reply *reply;
	int64_t ttl = 0;
	uint32_t status = to_milliseconds(time_to_live, &ttl, error);

	if (!status)
		status = enter(conn, call, error);
	if (status)
		return status;
	if (expected)
		status = redis_script_load(conn, REDIS_SCRIPT_SWAP, error);
	redis_begin(conn);
	if (expected) {
		redis_add_script(conn, redis_slot(conn, key.data, (size_t)key.size), REDIS_SCRIPT_ARGS + 5,
				 REDIS_SCRIPT_SWAP, 1);
		redis_arg(conn, key.data, (size_t)key.size);
		redis_arg(conn, expected->data, (size_t)expected->size);
		redis_arg(conn, value.data, (size_t)value.size);
		redis_arg_int(conn, ttl);
		redis_arg_text(conn, "");
	} else {
		add_set(conn, key, value, ttl, true);
	}
	if (!status)
		status = redis_doubt(conn, redis_run_well(conn, error), error);
	redis_leave(conn);
	if (status)
		return status;
	reply = redis_reply(conn, 0);
	return redis_says(reply, "OK") || (reply->kind == REDIS_REPLY_INTEGER && reply->as.integer == 1)
		       ? CONSORT_OK
		       : conflict(conn, key, error);
}

static uint32_t kv_add(void *connection, const struct consort_call *call, struct consort_view key,
		       int64_t delta, int64_t time_to_live, int64_t *out_value, struct consort_error *error)
{
	struct redis_connection *conn = connection;
	int64_t ttl = 0;
	uint32_t status = to_milliseconds(time_to_live, &ttl, error);

	if (!status)
		status = enter(conn, call, error);
	if (status)
		return status;
	status = redis_script_load(conn, REDIS_SCRIPT_ADD, error);
	redis_begin(conn);
	redis_add_script(conn, redis_slot(conn, key.data, (size_t)key.size), REDIS_SCRIPT_ARGS + 3,
			 REDIS_SCRIPT_ADD, 1);
	redis_arg(conn, key.data, (size_t)key.size);
	redis_arg_int(conn, delta);
	redis_arg_int(conn, ttl);
	if (!status)
		status = redis_doubt(conn, redis_run_well(conn, error), error);
	redis_leave(conn);
	if (status)
		return status;
	if (!redis_is_text(redis_reply(conn, 0)))
		return redis_fail_protocol(conn, "a counter is no number", error);
	*out_value = strtoll(redis_reply(conn, 0)->as.text, NULL, 10);
	return CONSORT_OK;
}

const struct consort_keyvalue_ops redis_keyvalue_ops = {
	.struct_size = sizeof(redis_keyvalue_ops),
	.get = kv_get,
	.set = kv_set,
	.remove = kv_remove,
	.compare_and_set = kv_compare_and_set,
	.add = kv_add,
};
