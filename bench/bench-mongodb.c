/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MongoDB: what Consort costs over libmongoc used well, on a collection of a million documents of (long,
 * string, double, date), over TCP on this machine. The server runs on the same core as this process: else the
 * figures are mostly about waking up.
 *
 *     scripts/servers start mongodb && eval "$(scripts/servers env mongodb)"
 *     make bench-mongodb && CONSORT_PLUGIN_PATH=.libs ./bench-mongodb
 */
#include "table.h"

#include <mongoc/mongoc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DBNAME "consort_bench"
#define LOADED 10000 /* documents of one insert, while the collection is filled */

static mongoc_client_t *client;
static mongoc_collection_t *table, *inserted;
static bson_t *projection, *at_once;

static void ok(bool done, const bson_error_t *error)
{
	if (!done)
		bench_die("%s", error->message);
}

static void run(const char *json)
{
	bson_error_t error;
	bson_t *command = bson_new_from_json((const uint8_t *)json, -1, &error);

	ok(command != NULL, &error);
	ok(mongoc_client_command_simple(client, DBNAME, command, NULL, NULL, &error), &error);
	bson_destroy(command);
}

/* --- reading --- */

/* How often a record is wanted that comes once. */
static uint8_t wanted[TABLE_ROWS + 1];

static uint64_t take_document(const bson_t *document, bool by_key)
{
	int64_t id = 0, ts = 0;
	const char *name = "", *key;
	uint32_t size = 0;
	double value = 0;
	bson_iter_t at;

	bson_iter_init(&at, document);
	while (bson_iter_next(&at)) {
		key = bson_iter_key(&at);
		if (!strcmp(key, "id"))
			id = bson_iter_int64(&at);
		else if (!strcmp(key, "name"))
			name = bson_iter_utf8(&at, &size);
		else if (!strcmp(key, "value"))
			value = bson_iter_double(&at);
		else
			ts = bson_iter_date_time(&at) * 1000;
	}
	return table_sum(id, name, size, value, ts) * (by_key ? wanted[id] : 1u);
}

static uint64_t take_all(const bson_t *filter, bool by_key)
{
	mongoc_cursor_t *rows =
		mongoc_collection_find_with_opts(table, filter, by_key ? at_once : projection, NULL);
	const bson_t *document;
	bson_error_t error;
	uint64_t sum = 0;

	while (mongoc_cursor_next(rows, &document))
		sum += take_document(document, by_key);
	ok(!mongoc_cursor_error(rows, &error), &error);
	mongoc_cursor_destroy(rows);
	return sum;
}

static uint64_t raw_get(int64_t operations)
{
	bson_t filter = BSON_INITIALIZER;
	uint64_t sum = 0;

	bench_seed(TABLE_SEED);
	for (; operations; operations--) {
		bson_reinit(&filter);
		BSON_APPEND_INT64(&filter, "id", table_key());
		sum += take_all(&filter, false);
	}
	bson_destroy(&filter);
	return sum;
}

/* One $in for all the keys, and one answer with all the records. */
static uint64_t raw_keys(int64_t operations)
{
	static int64_t keys[TABLE_KEYS];
	bson_t filter = BSON_INITIALIZER, test, list;
	const char *number;
	char digits[16];
	uint64_t sum = 0;
	uint32_t i;

	bench_seed(TABLE_SEED);
	for (; operations; operations--) {
		bson_reinit(&filter);
		BSON_APPEND_DOCUMENT_BEGIN(&filter, "id", &test);
		BSON_APPEND_ARRAY_BEGIN(&test, "$in", &list);
		for (i = 0; i < TABLE_KEYS; i++) {
			size_t size = bson_uint32_to_string(i, &number, digits, sizeof(digits));
			int64_t key = table_key();

			keys[i] = key;
			wanted[key]++;
			bson_append_int64(&list, number, (int)size, key);
		}
		bson_append_array_end(&test, &list);
		bson_append_document_end(&filter, &test);
		sum += take_all(&filter, true);
		for (i = 0; i < TABLE_KEYS; i++)
			wanted[keys[i]] = 0;
	}
	bson_destroy(&filter);
	return sum;
}

static uint64_t raw_scan(int64_t operations)
{
	bson_t everything = BSON_INITIALIZER;

	(void)operations;
	return take_all(&everything, false);
}

/* --- writing --- */

static void empty(void)
{
	run("{\"delete\": \"ins\", \"deletes\": [{\"q\": {}, \"limit\": 0}]}");
}

static void make_document(const struct table_row *row, bson_t *out)
{
	bson_append_int64(out, "id", 2, row->id);
	bson_append_utf8(out, "name", 4, row->name, row->size);
	bson_append_double(out, "value", 5, row->value);
	bson_append_date_time(out, "ts", 2, row->ts / 1000);
}

static uint64_t raw_create_each(int64_t operations)
{
	const struct table_row *made = table_made();
	bson_t document = BSON_INITIALIZER;
	bson_error_t error;
	int64_t i;

	for (i = 0; i < operations; i++) {
		bson_reinit(&document);
		make_document(&made[i], &document);
		ok(mongoc_collection_insert_one(inserted, &document, NULL, NULL, &error), &error);
	}
	bson_destroy(&document);
	return (uint64_t)operations;
}

static void insert_rows(mongoc_collection_t *into, const struct table_row *rows, int64_t count)
{
	mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(into, NULL);
	bson_t document = BSON_INITIALIZER;
	bson_error_t error;
	int64_t i;

	for (i = 0; i < count; i++) {
		bson_reinit(&document);
		make_document(&rows[i], &document);
		mongoc_bulk_operation_insert(bulk, &document);
	}
	ok(mongoc_bulk_operation_execute(bulk, NULL, &error) != 0, &error);
	mongoc_bulk_operation_destroy(bulk);
	bson_destroy(&document);
}

static uint64_t raw_create_bulk(int64_t operations)
{
	insert_rows(inserted, table_made(), operations);
	return (uint64_t)operations;
}

/* --- the server --- */

static const char *variable(const char *name)
{
	char full[64];
	const char *value;

	snprintf(full, sizeof(full), "CONSORT_TEST_MONGODB_%s", name);
	value = getenv(full);
	if (!value)
		bench_die("%s is not set: scripts/servers start mongodb && eval \"$(scripts/servers env "
			  "mongodb)\"",
			  full);
	return value;
}

static void pin_server(void)
{
	bson_t command = BSON_INITIALIZER, reply;
	bson_error_t error;
	bson_iter_t pid;

	BSON_APPEND_INT32(&command, "serverStatus", 1);
	ok(mongoc_client_command_simple(client, "admin", &command, NULL, &reply, &error), &error);
	if (!bson_iter_init_find(&pid, &reply, "pid"))
		bench_die("the server does not tell its process");
	bench_pin((pid_t)bson_iter_as_int64(&pid), bench_core());
	bench_server((pid_t)bson_iter_as_int64(&pid));
	bson_destroy(&reply);
	bson_destroy(&command);
}

#define SCHEMA                                                                                 \
	"\"validator\": {\"$jsonSchema\": {\"bsonType\": \"object\", \"required\": [\"id\"], " \
	"\"properties\": {"                                                                    \
	"\"id\": {\"bsonType\": \"long\", \"description\": \"int64\"}, "                       \
	"\"name\": {\"bsonType\": \"string\", \"description\": \"text\"}, "                    \
	"\"value\": {\"bsonType\": \"double\", \"description\": \"float64\"}, "                \
	"\"ts\": {\"bsonType\": \"date\", \"description\": \"timestamp\"}}}}"
#define KEY "\"indexes\": [{\"key\": {\"id\": 1}, \"name\": \"consort_key\", \"unique\": true}]"

static void make_table(void)
{
	static struct table_row rows[LOADED];
	int64_t first, i;

	run("{\"dropDatabase\": 1}");
	run("{\"create\": \"t\", " SCHEMA "}");
	run("{\"create\": \"ins\", " SCHEMA "}");
	run("{\"createIndexes\": \"t\", " KEY "}");
	run("{\"createIndexes\": \"ins\", " KEY "}");
	for (first = 1; first <= TABLE_ROWS; first += LOADED) {
		for (i = 0; i < LOADED; i++) {
			struct table_row *row = &rows[i];

			row->id = first + i;
			row->size = snprintf(row->name, sizeof(row->name), "user-name-%08lld",
					     (long long)row->id);
			row->value = (double)row->id * 0.1234567;
			row->ts = 1704067200000000 + row->id * 1000000 + row->id % 1000 * 1000;
		}
		insert_rows(table, rows, LOADED);
	}
}

static void open_table(void)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "/tmp/consort-bench-%d.ini", (int)getpid());
	snprintf(text, sizeof(text),
		 "type = mongodb\nuri = ${env:CONSORT_TEST_MONGODB_URI}\ndbname = " DBNAME);
	table_open(path, text, TABLE_ATTRIBUTES);
}

int main(int argc, char **argv)
{
	static const struct bench_measure measures[] = {
		{"get", 5000, {{"find", raw_get}}, table_get, 1.05, NULL},
		{"1,000 keys", 20, {{"$in", raw_keys}}, table_keys, 1.10, NULL},
		{"scan", TABLE_ROWS, {{"find", raw_scan}}, table_scan, 1.10, NULL},
		{"create one by one", 2000, {{"insert_one", raw_create_each}}, table_create_each, 0, empty},
		{"bulk create", TABLE_INSERTED, {{"bulk", raw_create_bulk}}, table_create_bulk, 1.10, empty},
		{NULL, 0, {{NULL, NULL}}, NULL, 0, NULL},
	};

	if (table_is_scan(argc, argv))
		return 0;
	mongoc_init();
	client = mongoc_client_new(variable("URI"));
	if (!client)
		bench_die("CONSORT_TEST_MONGODB_URI is no URI of MongoDB's");
	table = mongoc_client_get_collection(client, DBNAME, "t");
	inserted = mongoc_client_get_collection(client, DBNAME, "ins");
	projection = BCON_NEW("projection", "{", "_id", BCON_INT32(0), "id", BCON_INT32(1), "name",
			      BCON_INT32(1), "value", BCON_INT32(1), "ts", BCON_INT32(1), "}");
	at_once = bson_copy(projection);
	BSON_APPEND_INT32(at_once, "batchSize", TABLE_KEYS + 1);
	if (mongoc_collection_estimated_document_count(table, NULL, NULL, NULL, NULL) != TABLE_ROWS)
		make_table();
	pin_server();
	open_table();
	if (bench_run("mongodb", measures, argc, argv))
		table_note_memory();
	table_close();
	bson_destroy(at_once);
	bson_destroy(projection);
	mongoc_collection_destroy(inserted);
	mongoc_collection_destroy(table);
	mongoc_client_destroy(client);
	return bench_end();
}
