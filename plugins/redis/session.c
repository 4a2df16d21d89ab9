/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are, what the server is, and what this user may do there. Rights are found out without a right to
 * ask for them, and without a trace: the server checks a command when a transaction queues it, and the
 * transaction is dropped.
 */
#include "redis.h"

#include <stdio.h>
#include <stdlib.h>

#if HIREDIS_MAJOR >= 1
#define PROTOCOL "3"
#else
#define PROTOCOL "2"
#endif

/* --- saying hello --- */

/* What HELLO tells of a name. */
static const struct redis_reply *told(const struct redis_reply *hello, const char *name)
{
	uint64_t i;

	for (i = 0; hello->kind == REDIS_REPLY_ARRAY && i + 1 < hello->size; i += 2)
		if (redis_says(&hello->as.items[i], name))
			return &hello->as.items[i + 1];
	return NULL;
}

static uint32_t take_hello(struct redis_connection *conn, const struct redis_reply *hello,
			   struct consort_error *error)
{
	const struct redis_reply *version = told(hello, "version"), *mode = told(hello, "mode"),
				 *role = told(hello, "role");

	if (hello->kind == REDIS_REPLY_ERROR) {
		if (redis_fail(conn, hello, NULL, error) == CONSORT_ESYNTAX) {
			consort_error_prefix(error, "Redis 6 or newer is needed");
			error->status = CONSORT_EUNSUPPORTED;
		}
		return error->status;
	}
	if (!version || !redis_is_text(version))
		return redis_fail_protocol(conn, "HELLO tells no version", error);
	consort_copy_text(conn->version, sizeof(conn->version), version->as.text);
	conn->clustered = mode && redis_says(mode, "cluster");
	conn->replica = role && (redis_says(role, "replica") || redis_says(role, "slave"));
	return CONSORT_OK;
}

uint32_t redis_greet(struct redis_link *link, struct consort_error *error)
{
	struct redis_connection *conn = link->conn;
	const struct redis_database *database = conn->database;
	bool known = database->user || database->password;
	uint32_t status;

	redis_begin(conn);
	redis_add(conn, REDIS_ANY, known ? 7 : 4);
	redis_arg_text(conn, "HELLO");
	redis_arg_text(conn, PROTOCOL);
	if (known) {
		redis_arg_text(conn, "AUTH");
		redis_arg_text(conn, database->user ? database->user : "default");
		redis_arg_text(conn, database->password ? database->password : "");
	}
	redis_arg_text(conn, "SETNAME");
	redis_arg_text(conn, "consort");
	if (database->number) {
		redis_add(conn, REDIS_ANY, 2);
		redis_arg_text(conn, "SELECT");
		redis_arg_int(conn, database->number);
	}
	status = redis_run_on(conn, link, error);
	if (!status)
		status = take_hello(conn, redis_reply(conn, 0), error);
	if (!status && database->number && redis_reply(conn, 1)->kind == REDIS_REPLY_ERROR) {
		status = redis_fail(conn, redis_reply(conn, 1), NULL, error);
		consort_error_prefix(error, "db = %lld", (long long)database->number);
	}
	return status;
}

/* --- what may be run --- */

/* One command for each right, with arguments that are right in number; and what is missing without it. */
static const struct {
	const char *words[5];
	const char *why;
} rights[REDIS_RIGHTS] = {
	[REDIS_RIGHT_HASHES] = {{"HMGET", "consort", "f"}, "this user may not run HMGET"},
	[REDIS_RIGHT_GET] = {{"GET", "consort"}, "this user may not run GET"},
	[REDIS_RIGHT_HSET] = {{"HSET", "consort", "f", "v"}, "this user may not run HSET"},
	[REDIS_RIGHT_SET] = {{"SET", "consort", "v"}, "this user may not run SET"},
	[REDIS_RIGHT_DELETE] = {{"DEL", "consort"}, "this user may not run DEL"},
	[REDIS_RIGHT_INDEXES] = {{"ZADD", "consort", "0", "f"}, "this user may not run ZADD"},
	[REDIS_RIGHT_SCRIPTS] = {{"EVALSHA", "0", "0"}, "this user may not run EVALSHA"},
	[REDIS_RIGHT_MULTI] = {{"MULTI"}, "this user may not run MULTI"},
	[REDIS_RIGHT_WATCH] = {{"WATCH", "consort"}, "this user may not run WATCH"},
};

static void add_words(struct redis_connection *conn, const char *const *words, uint32_t most)
{
	uint32_t count = 0, i;

	while (count < most && words[count])
		count++;
	redis_add(conn, REDIS_ANY, count);
	for (i = 0; i < count; i++)
		redis_arg_text(conn, words[i]);
}

/* "NOPERM this user has no permissions to run the 'hset' command"; other words are about keys. */
static bool is_denied(const struct redis_reply *reply)
{
	return redis_is_error(reply, "NOPERM") && strstr(reply->as.text, "run the");
}

static uint32_t probe(struct redis_connection *conn, struct consort_error *error)
{
	static const char *const discard[] = {"DISCARD"};
	uint32_t status, i;

	redis_begin(conn);
	for (i = 0; i < REDIS_RIGHTS; i++)
		add_words(conn, rights[i].words, 5);
	add_words(conn, discard, 1);
	status = redis_run_on(conn, conn->links, error);
	for (i = 0; !status && i < REDIS_RIGHTS; i++)
		if (is_denied(redis_reply(conn, i)))
			conn->denied |= 1u << i;
	return status;
}

/* --- what the server is --- */

/* "run_id:…" of INFO; "" if we may not ask. */
static void take_run_id(const struct redis_reply *info, char *out, size_t size)
{
	const char *at = redis_is_text(info) ? strstr(info->as.text, "\nrun_id:") : NULL;

	*out = '\0';
	if (!at)
		return;
	consort_copy_text(out, size, at + 8);
	out[strcspn(out, "\r\n")] = '\0';
}

static uint32_t name_it(struct redis_connection *conn, const char *run, const struct redis_reply *user,
			struct consort_error *error)
{
	const struct redis_database *database = conn->database;
	int code;

	if (asprintf(&conn->server, "Redis %s%s%s", conn->version, conn->clustered ? " (cluster)" : "",
		     conn->replica ? " (replica)" : "") < 0)
		conn->server = NULL;
	if (conn->map)
		code = asprintf(&conn->identity, "%s", conn->map->identity);
	else
		code = asprintf(&conn->identity, "redis:%s/%lld", *run ? run : conn->links->node,
				(long long)database->number);
	if (code < 0)
		conn->identity = NULL;
	conn->user = strdup(redis_is_text(user) ? user->as.text
			    : database->user	? database->user
						: "default");
	return conn->server && conn->identity && conn->user ? CONSORT_OK : consort_error_no_memory(error);
}

uint32_t redis_meet(struct redis_connection *conn, struct consort_error *error)
{
	static const char *const info[] = {"INFO", "server"}, *const whoami[] = {"ACL", "WHOAMI"},
				 *const multi[] = {"MULTI"};
	char run[64];
	uint32_t status = CONSORT_OK;
	bool queues;

	if (conn->clustered)
		status = redis_map_refresh(conn, conn->links, error);
	if (status)
		return status;
	redis_begin(conn);
	add_words(conn, info, 2);
	add_words(conn, whoami, 2);
	add_words(conn, multi, 1);
	status = redis_run_on(conn, conn->links, error);
	if (status)
		return status;
	take_run_id(redis_reply(conn, 0), run, sizeof(run));
	status = name_it(conn, run, redis_reply(conn, 1), error);
	queues = redis_says(redis_reply(conn, 2), "OK");
	if (is_denied(redis_reply(conn, 2)))
		conn->denied |= 1u << REDIS_RIGHT_MULTI;
	return status || !queues ? status : probe(conn, error);
}

/* --- features --- */

/* Each feature with the rights that it needs. */
static const struct {
	uint32_t feature, rights;
	bool writes;
} needs[] = {
	{CONSORT_FEATURE_READ, 1u << REDIS_RIGHT_HASHES | 1u << REDIS_RIGHT_GET, false},
	{CONSORT_FEATURE_CREATE, 1u << REDIS_RIGHT_HSET | 1u << REDIS_RIGHT_SET | 1u << REDIS_RIGHT_SCRIPTS,
	 true},
	{CONSORT_FEATURE_UPDATE, 1u << REDIS_RIGHT_HSET | 1u << REDIS_RIGHT_SET | 1u << REDIS_RIGHT_SCRIPTS,
	 true},
	{CONSORT_FEATURE_UPSERT, 1u << REDIS_RIGHT_HSET | 1u << REDIS_RIGHT_SET | 1u << REDIS_RIGHT_SCRIPTS,
	 true},
	{CONSORT_FEATURE_BULK_WRITE,
	 1u << REDIS_RIGHT_HSET | 1u << REDIS_RIGHT_SET | 1u << REDIS_RIGHT_SCRIPTS, true},
	{CONSORT_FEATURE_DELETE, 1u << REDIS_RIGHT_DELETE | 1u << REDIS_RIGHT_SCRIPTS, true},
	{CONSORT_FEATURE_KEY_VALUE,
	 1u << REDIS_RIGHT_GET | 1u << REDIS_RIGHT_SET | 1u << REDIS_RIGHT_DELETE | 1u << REDIS_RIGHT_SCRIPTS,
	 true},
	{CONSORT_FEATURE_DEFINE,
	 1u << REDIS_RIGHT_INDEXES | 1u << REDIS_RIGHT_DELETE | 1u << REDIS_RIGHT_SCRIPTS, true},
	{CONSORT_FEATURE_INDEXES, 1u << REDIS_RIGHT_INDEXES | 1u << REDIS_RIGHT_SCRIPTS, true},
	{CONSORT_FEATURE_COUNTERS, 1u << REDIS_RIGHT_SCRIPTS, true},
	{CONSORT_FEATURE_TIME_TO_LIVE, 1u << REDIS_RIGHT_SET, true},
	{CONSORT_FEATURE_TRANSACTIONS, 1u << REDIS_RIGHT_MULTI | 1u << REDIS_RIGHT_WATCH, true},
};

void redis_features(void *connection, struct consort_features *mask, const struct consort_feature_sink *sink)
{
	const struct redis_connection *conn = connection;
	const char *why;
	size_t i;
	uint32_t right;

	for (i = 0; i < sizeof(needs) / sizeof(*needs); i++) {
		why = needs[i].writes && conn->replica ? "the server is a replica, which only reads" : NULL;
		for (right = 0; !why && right < REDIS_RIGHTS; right++)
			if (needs[i].rights & conn->denied & 1u << right)
				why = rights[right].why;
		if (!why || !consort_features_has(mask, needs[i].feature))
			continue;
		consort_features_remove(mask, needs[i].feature);
		sink->missing(sink->context, needs[i].feature, why);
	}
}

void redis_info(void *connection, struct consort_connection_info *info)
{
	const struct redis_connection *conn = connection;

	info->server = conn->server;
	info->identity = conn->identity;
	info->user = conn->user;
}
