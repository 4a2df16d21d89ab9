/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions on Redis: what is decided when a record is written, what is seen before the commit and by
 * whom, who wins when two write one record, and what a commit says when the server fails, is full, or sends
 * it elsewhere. Each case is run with hashes and with JSON.
 */
#include "redis-server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <consort/buffer.h>

#define SERVER "redis@transactions"
#define CLUSTER "redis-cluster@transactions"

/* Of the record that the case is about; a case's name begins with it. */
static const char *record(void)
{
	return strncmp(testing_name(), "json", 4) ? "hash" : "json";
}

static const char *resources(void)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	consort_buffer_printf(
		&text,
		"[resource note]\ndatabase = db\nsource = %%s\nkey = id\nrecord = %s\n"
		"attribute.id = int64\nattribute.name = text\nattribute.size = int64\n"
		"[resource brief]\ndatabase = db\nsource = brief-%%s\nkey = id\nrecord = %s\nttl = 1h\n"
		"attribute.id = int64\nattribute.name = text\n"
		"attribute.ends = timestamp codec expires\n"
		"[resource close]\ndatabase = db\nsource = close-%%s\nkey = id\nrecord = %s\n"
		"hash_tag = source\nattribute.id = int64\nattribute.name = text\n",
		record(), record(), record());
	return testing_keep(consort_buffer_steal(&text));
}

static struct consort *open_on(const char *server, const struct proxy *proxy)
{
	return redis_open(server, proxy, NULL, resources());
}

static struct consort *begin(struct consort *c)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *in = NULL;

	API_OK(consort_begin(c, "db", &in, &error));
	return in;
}

typedef enum consort_status write_fn(struct consort *c, struct consort_record *r,
				     struct consort_error *error);

/* name NULL: it is not set. */
static enum consort_status put_into(write_fn *fn, struct consort *c, const char *resource, int64_t id,
				    const char *name, struct consort_error *error)
{
	struct consort_record *r = consort_record_new(c, resource);
	enum consort_status status;

	consort_record_set(r, "id", consort_int64(id));
	if (name)
		consort_record_set(r, "name", consort_text(name));
	status = fn(c, r, error);
	consort_record_free(r);
	return status;
}

static enum consort_status put(write_fn *fn, struct consort *c, int64_t id, const char *name,
			       struct consort_error *error)
{
	return put_into(fn, c, "note", id, name, error);
}

static enum consort_status drop(struct consort *c, int64_t id, struct consort_error *error)
{
	return consort_delete(c, "note", CONSORT_ARGS(consort_int64(id)), error);
}

/* "1,a;2,b": by the key. */
static const char *all(struct consort *c)
{
	return api_find(c, "note", "id, name", NULL, "id");
}

static enum consort_status commit(struct consort *in, uint32_t *out_kind, struct consort_error *error)
{
	struct consort_outcome outcome = {.struct_size = sizeof(outcome), .kind = 99};
	enum consort_status status = consort_commit(in, &outcome, error);

	*out_kind = outcome.kind;
	return status;
}

static void expect_conflict(struct consort *in)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	uint32_t kind;

	CU_ASSERT_EQUAL(commit(in, &kind, &error), CONSORT_ECONFLICT);
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_ABORTED);
	CU_ASSERT_TRUE(error.flags & CONSORT_ERROR_RETRYABLE);
	TESTING_TEXT(error.sqlstate, "40001");
	TESTING_TEXT(error.origin, "db");
}

/* --- what is promised, and what is not --- */

static void test_features(void)
{
	struct consort *c = open_on(SERVER, NULL);
	const char *why = NULL;

	CU_ASSERT_TRUE(consort_supports(c, "db", CONSORT_FEATURE_TRANSACTIONS, NULL));
	CU_ASSERT_FALSE(consort_supports(c, "db", CONSORT_FEATURE_READ_YOUR_WRITES, &why));
	CU_ASSERT_FALSE(consort_supports(c, "db", CONSORT_FEATURE_ATOMIC_COMMIT, &why));
	CU_ASSERT_FALSE(consort_supports(c, "db", CONSORT_FEATURE_SAVEPOINTS, &why));
	consort_close(c);
}

static void test_isolation(void)
{
	struct consort_begin_options options = {.struct_size = sizeof(options)};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, NULL), *in = NULL;

	options.isolation = CONSORT_ISOLATION_SERIALIZABLE;
	CU_ASSERT_EQUAL(consort_begin_with(c, "db", &options, &in, &error), CONSORT_EUNSUPPORTED);
	options.isolation = CONSORT_ISOLATION_REPEATABLE_READ;
	CU_ASSERT_EQUAL(consort_begin_with(c, "db", &options, &in, &error), CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(error.message, "read committed");
	options.isolation = CONSORT_ISOLATION_READ_COMMITTED;
	API_OK(consort_begin_with(c, "db", &options, &in, &error));
	API_OK(consort_rollback(in, &error));
	consort_close(c);
}

/* Nobody sees it before the commit, the transaction itself neither; then everybody does. */
static void test_unseen(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, NULL), *other = open_on(SERVER, NULL), *in;
	uint32_t kind;

	API_OK(put(consort_create, c, 1, "old", &error));
	in = begin(c);
	API_OK(put(consort_update, in, 1, "new", &error));
	API_OK(put(consort_create, in, 2, "b", &error));
	TESTING_TEXT(all(in), "1,old");
	TESTING_TEXT(all(other), "1,old");
	API_OK(commit(in, &kind, &error));
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_COMMITTED);
	TESTING_TEXT(all(other), "1,new;2,b");
	in = begin(c);
	API_OK(drop(in, 1, &error));
	API_OK(put(consort_upsert, in, 3, "c", &error));
	API_OK(consort_rollback(in, &error));
	TESTING_TEXT(all(c), "1,new;2,b");
	consort_close(other);
	consort_close(c);
}

/* What may not be written is told at once. Attributes that are not written stay. */
static void test_decided(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, NULL), *in;

	API_OK(put(consort_create, c, 1, "a", &error));
	redis_ask(SERVER, "lpush %s:9 x", testing_name());
	in = begin(c);
	CU_ASSERT_EQUAL(put(consort_create, in, 1, "b", &error), CONSORT_ECONSTRAINT);
	TESTING_TEXT(error.constraint, "key");
	API_OK(consort_rollback(in, &error));
	in = begin(c);
	CU_ASSERT_EQUAL(put(consort_update, in, 2, "b", &error), CONSORT_ENOTFOUND);
	CU_ASSERT_EQUAL(drop(in, 2, &error), CONSORT_ENOTFOUND);
	/* that was no failure of the transaction's */
	API_OK(put(consort_update, in, 1, "c", &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(all(c), "1,c");
	in = begin(c);
	CU_ASSERT_EQUAL(put(consort_upsert, in, 9, "b", &error), CONSORT_ETYPE);
	API_OK(consort_rollback(in, &error));
	consort_close(c);
}

/* A record that the transaction has written is written again: decided by what it will be. */
static void test_again(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, NULL), *in = begin(c);
	struct consort_record *r;

	API_OK(put(consort_create, in, 1, "a", &error));
	r = consort_record_new(in, "note");
	consort_record_set(r, "id", consort_int64(1));
	consort_record_set(r, "size", consort_int64(7));
	API_OK(consort_update(in, r, &error));
	consort_record_free(r);
	API_OK(put(consort_create, in, 2, "b", &error));
	API_OK(drop(in, 2, &error));
	CU_ASSERT_EQUAL(put(consort_update, in, 2, "c", &error), CONSORT_ENOTFOUND);
	API_OK(put(consort_create, in, 2, "d", &error));
	API_OK(put(consort_upsert, in, 3, "e", &error));
	API_OK(put(consort_upsert, in, 3, "f", &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(api_find(c, "note", "id, name, size", NULL, "id"), "1,a,7;2,d,-;3,f,-");
	in = begin(c);
	API_OK(put(consort_update, in, 1, "x", &error));
	CU_ASSERT_EQUAL(put(consort_create, in, 1, "y", &error), CONSORT_ECONSTRAINT);
	API_OK(consort_rollback(in, &error));
	consort_close(c);
}

/* Many records in one call: one that is refused takes those of its call with it, and the transaction. */
static void test_many(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, NULL), *in;
	struct consort_record *records[600];
	int round, i;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < 600; i++) {
			records[i] = consort_record_new(c, "note");
			consort_record_set(records[i], "id", consort_int64(i));
			consort_record_set(records[i], "name", consort_text("many"));
		}
		in = begin(c);
		if (round)
			API_OK(drop(in, 500, &error));
		CU_ASSERT_EQUAL(consort_create_many(in, records, 600, 0, NULL, &error),
				round ? CONSORT_ECONSTRAINT : CONSORT_OK);
		if (round)
			API_OK(consort_rollback(in, &error));
		else
			API_OK(consort_commit(in, NULL, &error));
		TESTING_TEXT(api_find(c, "note", "count(*)", NULL, NULL), "600");
		for (i = 0; i < 600; i++)
			consort_record_free(records[i]);
	}
	consort_close(c);
}

static void test_by_query(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, NULL), *other = open_on(SERVER, NULL), *in;
	struct consort_query *q;
	int64_t affected = 0, id;

	for (id = 1; id < 6; id++)
		API_OK(put(consort_create, c, id, "a", &error));
	in = begin(c);
	q = consort_query_new(in, "note");
	consort_query_where(q, "id > 3");
	API_OK(consort_update_where(q, "name = 'b'", CONSORT_NO_ARGS, &affected, &error));
	consort_query_free(q);
	CU_ASSERT_EQUAL(affected, 2);
	TESTING_TEXT(all(other), "1,a;2,a;3,a;4,a;5,a");
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(all(other), "1,a;2,a;3,a;4,b;5,b");
	consort_close(other);
	consort_close(c);
}

static void test_time_to_live(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, NULL), *in;
	struct consort_record *r = consort_record_new(c, "brief");
	long left;

	in = begin(c);
	API_OK(put_into(consort_create, in, "brief", 1, "a", &error));
	consort_record_set(r, "id", consort_int64(2));
	consort_record_set(r, "ends", consort_timestamp(INT64_C(4102444800000000)));
	API_OK(consort_create(in, r, &error));
	API_OK(put_into(consort_update, in, "brief", 2, "b", &error));
	consort_record_free(r);
	API_OK(consort_commit(in, NULL, &error));
	left = strtol(redis_ask(SERVER, "ttl brief-%s:1", testing_name()), NULL, 10);
	CU_ASSERT_TRUE(left > 3500 && left <= 3600);
	TESTING_TEXT(redis_ask(SERVER, "pexpiretime brief-%s:2", testing_name()), "4102444800000;");
	TESTING_TEXT(api_find(c, "brief", "name", "id = 2", NULL), "b");
	consort_close(c);
}

static void test_refused(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, NULL), *in = begin(c);
	struct consort_cursor *rows = NULL;

	CU_ASSERT_EQUAL(consort_native(in, "db", "incr x", CONSORT_NO_ARGS, &rows, NULL, &error),
			CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(error.message, "cannot wait for a transaction's commit");
	API_OK(consort_rollback(in, &error));
	consort_close(c);
}

static void test_read_only(void)
{
	struct consort_begin_options options = {.struct_size = sizeof(options),
						.flags = CONSORT_TRANSACTION_READ_ONLY};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, NULL), *other = open_on(SERVER, NULL), *in = NULL;

	API_OK(put(consort_create, c, 1, "a", &error));
	API_OK(consort_begin_with(c, "db", &options, &in, &error));
	TESTING_TEXT(all(in), "1,a");
	API_OK(put(consort_update, other, 1, "b", &error));
	TESTING_TEXT(all(in), "1,b");
	API_OK(consort_commit(in, NULL, &error));
	API_OK(consort_begin_with(c, "db", &options, &in, &error));
	CU_ASSERT_EQUAL(put(consort_create, in, 2, "b", &error), CONSORT_EREADONLY);
	API_OK(consort_rollback(in, &error));
	consort_close(other);
	consort_close(c);
}

/* --- two at a time --- */

static void test_races(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, NULL), *other = open_on(SERVER, NULL), *in;

	/* both create it */
	in = begin(c);
	API_OK(put(consort_create, in, 1, "mine", &error));
	API_OK(put(consort_create, in, 2, "too", &error));
	API_OK(put(consort_create, other, 1, "theirs", &error));
	expect_conflict(in);
	TESTING_TEXT(all(c), "1,theirs");
	/* it was changed behind a read that something is decided by */
	in = begin(c);
	TESTING_TEXT(api_find(in, "note", "name", "id = 1", NULL), "theirs");
	API_OK(put(consort_update, other, 1, "changed", &error));
	API_OK(put(consort_create, in, 3, "by it", &error));
	expect_conflict(in);
	/* also where nothing was read */
	in = begin(c);
	TESTING_TEXT(api_find(in, "note", "name", "id = 4", NULL), "");
	API_OK(put(consort_create, other, 4, "there", &error));
	API_OK(put(consort_create, in, 3, "by it", &error));
	expect_conflict(in);
	/* a scan is about the records that it found, not about those that come */
	in = begin(c);
	TESTING_TEXT(all(in), "1,changed;4,there");
	API_OK(put(consort_create, other, 5, "new", &error));
	API_OK(put(consort_create, in, 3, "by it", &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(all(c), "1,changed;3,by it;4,there;5,new");
	/* what only reads decides nothing */
	in = begin(c);
	TESTING_TEXT(api_find(in, "note", "name", "id = 1", NULL), "changed");
	API_OK(put(consort_update, other, 1, "again", &error));
	API_OK(consort_commit(in, NULL, &error));
	/* the others' records are nobody's business */
	in = begin(c);
	API_OK(put(consort_update, in, 1, "mine", &error));
	API_OK(drop(other, 3, &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(all(c), "1,mine;4,there;5,new");
	consort_close(other);
	consort_close(c);
}

struct body {
	struct consort *other;
	int calls;
};

static enum consort_status add_one(struct consort *in, void *arg, struct consort_error *error)
{
	struct body *body = arg;
	struct consort_record *r = NULL;
	enum consort_status status = consort_get(in, "note", CONSORT_ARGS(consort_int64(1)), &r, error);
	char name[32];

	if (!status) {
		snprintf(name, sizeof(name), "%ld", strtol(consort_record_text(r, "name"), NULL, 10) + 1);
		status = put(consort_update, in, 1, name, error);
	}
	if (!status && body->calls++ < 2)
		status = put(consort_update, body->other, 1, "100", error);
	consort_record_free(r);
	return status;
}

/* One that lost is run again, and reads what the other one wrote. */
static void test_run_again(void)
{
	const struct consort_begin_options options = {.struct_size = sizeof(options), .attempts = 5};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, NULL);
	struct body body = {open_on(SERVER, NULL), 0};

	API_OK(put(consort_create, c, 1, "1", &error));
	API_OK(consort_transaction_with(c, "db", &options, add_one, &body, NULL, &error));
	CU_ASSERT_EQUAL(body.calls, 3);
	TESTING_TEXT(all(c), "1,101");
	consort_close(body.other);
	consort_close(c);
}

/* What was rolled back, or closed, watches nothing any more. */
static void test_nothing_watched(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, NULL), *other = open_on(SERVER, NULL), *in;

	API_OK(put(consort_create, c, 1, "a", &error));
	in = begin(c);
	API_OK(put(consort_update, in, 1, "b", &error));
	API_OK(consort_rollback(in, &error));
	API_OK(put(consort_update, other, 1, "c", &error));
	in = begin(c);
	API_OK(put(consort_create, in, 2, "d", &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(all(c), "1,c;2,d");
	consort_close(other);
	consort_close(c);
}

/* --- servers that fail --- */

/* Between the write and the commit: nothing has happened. */
static void test_lost_before(void)
{
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, proxy), *in = begin(c);
	uint32_t kind;

	API_OK(put(consort_create, in, 1, "a", &error));
	proxy_reset(proxy);
	CU_ASSERT_EQUAL(commit(in, &kind, &error), CONSORT_ECONNECTION);
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_ABORTED);
	TESTING_TEXT(all(c), "");
	consort_close(c);
	proxy_stop(proxy);
}

/* The answer to EXEC is lost: it may have been done, and was. */
static void test_lost_behind(void)
{
	const struct proxy_fault fault = {.kind = PROXY_CLOSE,
					  .ways = PROXY_TO_CLIENT,
					  .trigger = PROXY_TO_SERVER,
					  .after_text = "EXEC\r\n"};
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, proxy), *in = begin(c);
	uint32_t kind;

	API_OK(put(consort_create, in, 1, "a", &error));
	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(commit(in, &kind, &error), CONSORT_EINDOUBT);
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_UNKNOWN);
	CU_ASSERT_FALSE(error.flags & CONSORT_ERROR_RETRYABLE);
	proxy_pass(proxy);
	TESTING_TEXT(all(c), "1,a");
	consort_close(c);
	proxy_stop(proxy);
}

/* Nor is it known where a deadline ends the wait for the answer. */
static void test_late(void)
{
	const struct proxy_fault fault = {.kind = PROXY_SILENT, .ways = PROXY_TO_CLIENT};
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, proxy), *scope = redis_within(c, 300), *in = begin(scope);
	uint32_t kind;

	API_OK(put(consort_create, in, 1, "a", &error));
	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(commit(in, &kind, &error), CONSORT_EINDOUBT);
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_UNKNOWN);
	proxy_pass(proxy);
	consort_close(scope);
	TESTING_TEXT(all(c), "1,a");
	consort_close(c);
	proxy_stop(proxy);
}

/* A write that the deadline ends fails the transaction, and the connection is good for the next one. */
static void test_late_write(void)
{
	const struct proxy_fault fault = {.kind = PROXY_SILENT, .ways = PROXY_TO_CLIENT};
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, proxy), *scope = redis_within(c, 100), *in = begin(scope);

	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(put(consort_create, in, 1, "a", &error), CONSORT_ETIMEOUT);
	proxy_pass(proxy);
	consort_close(in);
	consort_close(scope);
	in = begin(c);
	API_OK(put(consort_create, in, 2, "b", &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(all(c), "2,b");
	consort_close(c);
	proxy_stop(proxy);
}

static void test_killed(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, NULL), *in = begin(c);
	uint32_t kind;

	API_OK(put(consort_create, in, 1, "a", &error));
	servers_kill(SERVER);
	CU_ASSERT_EQUAL(commit(in, &kind, &error), CONSORT_ECONNECTION);
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_ABORTED);
	servers_start(SERVER);
	in = begin(c);
	API_OK(put(consort_create, in, 1, "b", &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(all(c), "1,b");
	consort_close(c);
}

/* Memory is used up when it commits: nothing of it is there. */
static void test_full(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, NULL), *in;
	uint32_t kind;

	API_OK(put(consort_create, c, 1, "a", &error));
	in = begin(c);
	API_OK(put(consort_update, in, 1, "b", &error));
	API_OK(put(consort_create, in, 2, "c", &error));
	redis_ask(SERVER, "config set maxmemory-policy noeviction");
	redis_ask(SERVER, "config set maxmemory 1");
	CU_ASSERT_EQUAL(commit(in, &kind, &error), CONSORT_EFULL);
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_ABORTED);
	redis_ask(SERVER, "config set maxmemory 0");
	TESTING_TEXT(all(c), "1,a");
	consort_close(c);
}

/* What fails when it runs leaves what ran beside it, and the commit does not say that nothing happened: a
 * record is deleted although there is no memory to create another one. */
static void test_part(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, NULL), *in;
	bool whole;
	uint32_t kind;

	API_OK(put(consort_create, c, 1, "a", &error));
	in = begin(c);
	API_OK(drop(in, 1, &error));
	API_OK(put(consort_create, in, 2, "c", &error));
	redis_ask(SERVER, "config set maxmemory-policy noeviction");
	redis_ask(SERVER, "config set maxmemory 1");
	whole = commit(in, &kind, &error) == CONSORT_EFULL;
	redis_ask(SERVER, "config set maxmemory 0");
	if (whole) { /* it saw that before it ran anything */
		CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_ABORTED);
		TESTING_TEXT(all(c), "1,a");
	} else {
		CU_ASSERT_EQUAL(error.status, CONSORT_EINDOUBT);
		CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_UNKNOWN);
		TESTING_CONTAINS(error.message, "1 of the transaction's 2 commands failed when they ran");
		TESTING_TEXT(all(c), "");
	}
	consort_close(c);
}

/* The server has forgotten its scripts: the queue brings them. */
static void test_scripts_gone(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(SERVER, NULL), *in = begin(c);

	API_OK(put(consort_create, in, 1, "a", &error));
	API_OK(put(consort_upsert, in, 1, "b", &error));
	redis_ask(SERVER, "script flush");
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(all(c), "1,b");
	consort_close(c);
}

/* A user that may not watch has no transactions. */
static void test_rights(void)
{
	struct consort *c;
	const char *why = NULL;

	servers_start(SERVER);
	redis_ask(SERVER, "acl setuser watchless on '>x' '~*' +@all -watch");
	c = redis_open(SERVER, NULL, "user = watchless\npassword = x", resources());
	CU_ASSERT_FALSE(consort_supports(c, "db", CONSORT_FEATURE_TRANSACTIONS, &why));
	TESTING_TEXT(why, "this user may not run WATCH");
	CU_ASSERT_TRUE(consort_supports(c, "db", CONSORT_FEATURE_CREATE, NULL));
	consort_close(c);
}

/* --- clusters --- */

/* All of a transaction is in one slot; where hash_tag sees to that, it is as elsewhere. */
static void test_slots(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_on(CLUSTER, NULL), *in = begin(c);
	char first[100], second[100];
	uint32_t kind;

	API_OK(put(consort_create, in, 1, "a", &error));
	CU_ASSERT_EQUAL(put(consort_create, in, 2, "b", &error), CONSORT_EUNSUPPORTED);
	snprintf(first, sizeof(first), "'%s:1'", testing_name());
	snprintf(second, sizeof(second), "'%s:2'", testing_name());
	TESTING_CONTAINS(error.message, first);
	TESTING_CONTAINS(error.message, second);
	TESTING_CONTAINS(error.message, "hash_tag = source");
	API_OK(consort_rollback(in, &error));
	/* one record, and all of them together */
	in = begin(c);
	API_OK(put(consort_create, in, 1, "a", &error));
	API_OK(commit(in, &kind, &error));
	in = begin(c);
	API_OK(put_into(consort_create, in, "close", 1, "a", &error));
	API_OK(put_into(consort_create, in, "close", 2, "b", &error));
	TESTING_TEXT(api_find(in, "close", "id", NULL, NULL), "");
	API_OK(commit(in, &kind, &error));
	TESTING_TEXT(api_find(c, "close", "id, name", NULL, "id"), "1,a;2,b");
	TESTING_TEXT(all(c), "1,a");
	consort_close(c);
}

int main(int argc, char **argv)
{
#define BOTH(name, run)           \
	{"hash-" name, run},      \
	{                         \
		"json-" name, run \
	}
	static const struct testing_case cases[] = {
		{"features", test_features},
		{"isolation", test_isolation},
		{"rights", test_rights},
		{"refused", test_refused},
		BOTH("unseen", test_unseen),
		BOTH("decided", test_decided),
		BOTH("again", test_again),
		BOTH("many", test_many),
		BOTH("by-query", test_by_query),
		BOTH("time-to-live", test_time_to_live),
		BOTH("read-only", test_read_only),
		BOTH("races", test_races),
		BOTH("run-again", test_run_again),
		BOTH("nothing-watched", test_nothing_watched),
		BOTH("lost-before", test_lost_before),
		BOTH("lost-behind", test_lost_behind),
		BOTH("late", test_late),
		BOTH("late-write", test_late_write),
		BOTH("killed", test_killed),
		BOTH("full", test_full),
		BOTH("part", test_part),
		BOTH("scripts-gone", test_scripts_gone),
		BOTH("slots", test_slots),
		{NULL, NULL},
	};
	int code = testing_main("redis-transactions", cases, argc, argv);

	servers_remove(SERVER);
	servers_remove(CLUSTER);
	return code;
}
