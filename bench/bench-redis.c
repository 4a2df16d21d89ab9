/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis: what Consort costs over hiredis used well, on a million hashes of (id, name, value, ts). The server
 * runs on the same core as this program: else the figures are mostly about waking up. A create, of one record
 * and of many, is one that does not replace what is there, as Consort's: by a script, and beside it by HSET,
 * which would.
 *
 *     scripts/servers start redis@bench && eval "$(scripts/servers env redis@bench)"
 *     make bench-redis && CONSORT_PLUGIN_PATH=.libs ./bench-redis
 */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <hiredis.h>
#pragma GCC diagnostic pop

#define PIPELINE 100
#define PAGE 512

#define CREATE                                                  \
	"if redis.call('EXISTS',KEYS[1])==1 then return 0 end " \
	"redis.call('HSET',KEYS[1],unpack(ARGV)) return 1"

static redisContext *db;
static char digest[41];

static redisReply *must(redisReply *reply)
{
	if (!reply || reply->type == REDIS_REPLY_ERROR)
		bench_die("%s", reply ? reply->str : db->errstr);
	return reply;
}

static redisReply *next(void)
{
	void *reply = NULL;

	if (redisGetReply(db, &reply) != REDIS_OK)
		bench_die("%s", db->errstr);
	return must(reply);
}

/* --- by key --- */

static void ask(const char *key, size_t size)
{
	const char *words[] = {"HGETALL", key};
	const size_t sizes[] = {7, size};

	redisAppendCommandArgv(db, 2, words, sizes);
}

static void ask_id(int64_t id)
{
	char key[32];

	ask(key, (size_t)snprintf(key, sizeof(key), "t:%lld", (long long)id));
}

/* What a hash answered; its fields come in the order in which they were set. */
static uint64_t take(void)
{
	redisReply *reply = next();
	redisReply *const *fields = reply->element;
	uint64_t sum;

	if (reply->elements != 8)
		bench_die("a hash has %zu parts", reply->elements);
	sum = table_sum(strtoll(fields[1]->str, NULL, 10), fields[3]->str, (uint64_t)fields[3]->len,
			strtod(fields[5]->str, NULL), strtoll(fields[7]->str, NULL, 10));
	freeReplyObject(reply);
	return sum;
}

static uint64_t raw_get(int64_t operations)
{
	uint64_t sum = 0;

	bench_seed(TABLE_SEED);
	for (; operations; operations--) {
		ask_id(table_key());
		sum += take();
	}
	return sum;
}

static uint64_t raw_keys(int64_t operations)
{
	int64_t pipelines = operations * TABLE_KEYS / PIPELINE;
	uint64_t sum = 0;
	int i;

	bench_seed(TABLE_SEED);
	for (; pipelines; pipelines--) {
		for (i = 0; i < PIPELINE; i++)
			ask_id(table_key());
		for (i = 0; i < PIPELINE; i++)
			sum += take();
	}
	return sum;
}

/* --- all --- */

static uint64_t raw_scan(int64_t operations)
{
	unsigned long long cursor = 0;
	uint64_t sum = 0;
	size_t i;

	(void)operations;
	do {
		redisReply *page =
			must(redisCommand(db, "SCAN %llu MATCH t:* COUNT %d TYPE hash", cursor, PAGE));
		const redisReply *keys = page->element[1];

		cursor = strtoull(page->element[0]->str, NULL, 10);
		for (i = 0; i < keys->elements; i++)
			ask(keys->element[i]->str, (size_t)keys->element[i]->len);
		for (i = 0; i < keys->elements; i++)
			sum += take();
		freeReplyObject(page);
	} while (cursor);
	return sum;
}

/* --- writing --- */

static void empty(void)
{
	freeReplyObject(must(redisCommand(
		db, "EVAL %s 0",
		"local c='0' repeat local r=redis.call('SCAN',c,'MATCH','ins:*','COUNT',1000) c=r[1] "
		"if #r[2]>0 then redis.call('UNLINK',unpack(r[2])) end until c=='0' return 1")));
}

/* The arguments from the key on: HSET's, or a script's behind how many keys there are. */
static void write_row(const char *const *front, int nfront, const char *prefix, const struct table_row *row)
{
	char key[32], id[24], value[40], ts[24];
	const char *words[12];
	size_t sizes[12];
	int i, n = 0;

	snprintf(key, sizeof(key), "%s:%lld", prefix, (long long)row->id);
	snprintf(id, sizeof(id), "%lld", (long long)row->id);
	snprintf(value, sizeof(value), "%.17g", row->value);
	snprintf(ts, sizeof(ts), "%lld", (long long)row->ts);
	for (i = 0; i < nfront; i++)
		words[n++] = front[i];
	words[n++] = key;
	words[n++] = "id";
	words[n++] = id;
	words[n++] = "name";
	words[n++] = row->name;
	words[n++] = "value";
	words[n++] = value;
	words[n++] = "ts";
	words[n++] = ts;
	for (i = 0; i < n; i++)
		sizes[i] = strlen(words[i]);
	redisAppendCommandArgv(db, n, words, sizes);
}

static uint64_t write_rows(const char *const *front, int nfront, int64_t operations, int64_t pipeline)
{
	const struct table_row *made = table_made();
	int64_t i, j;

	for (i = 0; i < operations; i += pipeline) {
		for (j = i; j < i + pipeline && j < operations; j++)
			write_row(front, nfront, "ins", &made[j]);
		for (j = i; j < i + pipeline && j < operations; j++)
			freeReplyObject(next());
	}
	return (uint64_t)operations;
}

static uint64_t create_each(int64_t operations)
{
	const char *front[] = {"EVALSHA", digest, "1"};

	return write_rows(front, 3, operations, 1);
}

static uint64_t create_bulk(int64_t operations)
{
	const char *front[] = {"EVALSHA", digest, "1"};

	return write_rows(front, 3, operations, PIPELINE);
}

static uint64_t set_bulk(int64_t operations)
{
	static const char *const front[] = {"HSET"};

	return write_rows(front, 1, operations, PIPELINE);
}

/* --- the server --- */

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	if (!value)
		bench_die("%s is not set: scripts/servers start redis@bench && eval \"$(scripts/servers env "
			  "redis@bench)\"",
			  name);
	return value;
}

/* The rows of t, as table_sum sees them in every engine's benchmark. */
static void load(void)
{
	static const char *const front[] = {"HSET"};
	struct table_row row;
	int64_t i, sent = 0;

	freeReplyObject(must(redisCommand(db, "FLUSHALL")));
	for (i = 1; i <= TABLE_ROWS; i++) {
		row.id = i;
		row.size = snprintf(row.name, sizeof(row.name), "user-name-%08lld", (long long)i);
		row.value = (double)i * 0.1234567;
		row.ts = INT64_C(1704067200000000) + i * 1000000;
		write_row(front, 1, "t", &row);
		if (++sent < 1000 && i < TABLE_ROWS)
			continue;
		for (; sent; sent--)
			freeReplyObject(next());
	}
}

static void connect_all(char *text, size_t size)
{
	const char *port = variable("CONSORT_TEST_REDIS_BENCH_PORT");
	redisReply *reply;
	const char *at;

	db = redisConnect("127.0.0.1", atoi(port));
	if (!db || db->err)
		bench_die("%s", db ? db->errstr : "no memory");
	reply = must(redisCommand(db, "INFO server"));
	at = strstr(reply->str, "process_id:");
	if (at)
		bench_pin(atoi(at + 11), bench_core());
	freeReplyObject(reply);
	reply = must(redisCommand(db, "SCRIPT LOAD %s", CREATE));
	snprintf(digest, sizeof(digest), "%s", reply->str);
	freeReplyObject(reply);
	snprintf(text, size, "type = redis\nport = %s", port);
}

int main(int argc, char **argv)
{
	static const struct bench_measure measures[] = {
		{"get", 20000, {{"hgetall", raw_get}}, table_get, 1.05, NULL},
		{"1,000 keys", 20, {{"pipelines", raw_keys}}, table_keys, 1.15, NULL},
		{"scan", TABLE_ROWS, {{"pipelines", raw_scan}}, table_scan, 1.10, NULL},
		{"create one by one", 10000, {{"script", create_each}}, table_create_each, 1.05, empty},
		{"create in bulk", TABLE_INSERTED, {{"script", create_bulk}}, table_create_bulk, 1.10, empty},
		{"create in bulk, beside HSET",
		 TABLE_INSERTED,
		 {{"hset", set_bulk}},
		 table_create_bulk,
		 0,
		 empty},
		{NULL, 0, {{NULL, NULL}}, NULL, 0, NULL},
	};
	char text[128];

	if (table_is_scan(argc, argv))
		return 0;
	connect_all(text, sizeof(text));
	load();
	table_open("/tmp/bench-redis.ini", text,
		   "attribute.id = int64\nattribute.name = text\nattribute.value = float64\n"
		   "attribute.ts = timestamp codec us\n");
	if (bench_run("redis", measures, argc, argv))
		table_note_memory();
	table_close();
	redisFree(db);
	return bench_end();
}
