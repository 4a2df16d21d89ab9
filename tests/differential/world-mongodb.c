/* SPDX-License-Identifier: Apache-2.0 */
/* The world in MongoDB, twice: documents as anybody would make them, and documents in which the same value is
 * now an int, now a long or a double, and NULL is missing or null, beside fields that nobody declares. Filled
 * by libmongoc from strict.db. */
#include "world.h"

#include <mongoc/mongoc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servers.h"

#define EXACT (INT64_C(1) << 53)

struct making {
	char home;
	int motley;
	unsigned skipped;
	uint64_t seed;
	const struct world_resource *of;
	sqlite3_stmt *rows;
};

static mongoc_client_t *client;

/* --- values --- */

static void append_whole(struct making *making, bson_t *to, const char *name, int64_t number)
{
	if (making->motley && number >= INT32_MIN && number <= INT32_MAX && world_below(&making->seed, 2))
		BSON_APPEND_INT32(to, name, (int32_t)number);
	else
		BSON_APPEND_INT64(to, name, number);
}

static void append_double(struct making *making, bson_t *to, const char *name, double number)
{
	int whole = number >= (double)-EXACT && number <= (double)EXACT &&
		    number == (double)(int64_t)number && !(number == 0 && signbit(number));

	if (making->motley && whole && world_below(&making->seed, 2))
		append_whole(making, to, name, (int64_t)number);
	else
		BSON_APPEND_DOUBLE(to, name, number);
}

/* "1.5000", or as 1.5 or 1.50000, or a whole one as 2. */
static void append_decimal(struct making *making, bson_t *to, const char *name, const char *text)
{
	unsigned how = making->motley ? world_below(&making->seed, 4) : 0;
	size_t size = strlen(text), digits = size;
	bson_decimal128_t decimal;
	char copy[64];

	snprintf(copy, sizeof(copy), "%s%s", text, how == 1 && size < 30 ? "0" : "");
	while (how >= 2 && digits && copy[digits - 1] == '0')
		copy[--digits] = '\0';
	if (how >= 2 && copy[digits - 1] == '.')
		copy[--digits] = '\0';
	if (how == 3 && !strchr(copy, '.') && digits <= 18) {
		append_whole(making, to, name, strtoll(copy, NULL, 10));
		return;
	}
	if (!bson_decimal128_from_string(copy, &decimal))
		abort();
	BSON_APPEND_DECIMAL128(to, name, &decimal);
}

static void append_document(bson_t *to, const char *name, const char *json)
{
	bson_error_t error;
	bson_t *document = bson_new_from_json((const uint8_t *)json, -1, &error);

	if (!document) {
		fprintf(stderr, "%s: %s\n", json, error.message);
		abort();
	}
	if (*json == '[')
		BSON_APPEND_ARRAY(to, name, document);
	else
		BSON_APPEND_DOCUMENT(to, name, document);
	bson_destroy(document);
}

static void append_binary(bson_t *to, const char *name, bson_subtype_t subtype, sqlite3_stmt *rows,
			  int column)
{
	static const uint8_t none;
	const void *data = sqlite3_column_blob(rows, column);

	bson_append_binary(to, name, -1, subtype, data ? data : &none,
			   (uint32_t)sqlite3_column_bytes(rows, column));
}

static void append_null(struct making *making, bson_t *to, const char *name)
{
	if (making->motley && world_below(&making->seed, 2))
		BSON_APPEND_NULL(to, name);
}

static void append_value(struct making *making, bson_t *to, const char *name, unsigned attribute)
{
	const char *type = making->of->attributes[attribute].type;
	const char *codec = world_codec(making->home, making->of, attribute);
	int column = (int)attribute;
	int64_t integer = sqlite3_column_int64(making->rows, column);
	const char *text;

	if (sqlite3_column_type(making->rows, column) == SQLITE_NULL) {
		append_null(making, to, name);
		return;
	}
	if (!strncmp(type, "int64", 5)) {
		append_whole(making, to, name, integer);
	} else if (!strcmp(type, "time") || codec) {
		BSON_APPEND_INT64(to, name, integer);
	} else if (!strcmp(type, "timestamp")) {
		BSON_APPEND_DATE_TIME(to, name, integer / 1000);
	} else if (!strcmp(type, "bool")) {
		BSON_APPEND_BOOL(to, name, integer != 0);
	} else if (!strcmp(type, "float64")) {
		append_double(making, to, name, sqlite3_column_double(making->rows, column));
	} else if (!strcmp(type, "uuid")) {
		append_binary(to, name, BSON_SUBTYPE_UUID, making->rows, column);
	} else if (!strcmp(type, "bytes")) {
		append_binary(to, name, BSON_SUBTYPE_BINARY, making->rows, column);
	} else {
		text = (const char *)sqlite3_column_text(making->rows, column);
		if (!strcmp(type, "date"))
			BSON_APPEND_DATE_TIME(to, name, world_days(text) * 86400000);
		else if (!strncmp(type, "decimal", 7))
			append_decimal(making, to, name, text);
		else if (!strcmp(type, "json"))
			append_document(to, name, text);
		else
			BSON_APPEND_UTF8(to, name, text);
	}
}

/* --- documents --- */

static void append_undeclared(struct making *making, bson_t *to)
{
	switch (world_below(&making->seed, 4)) {
	case 0:
		BSON_APPEND_UTF8(to, "note", "nobody's");
		break;
	case 1:
		BSON_APPEND_INT32(to, "$odd", 1);
		break;
	case 2:
		append_document(to, "extra", "{\"a\": [1, {\"b\": null}]}");
		break;
	default:
		break;
	}
}

static void append_attributes(struct making *making, bson_t *to, int nested)
{
	const struct world_attribute *attributes = making->of->attributes;
	unsigned i;

	for (i = 0; attributes[i].name; i++)
		if (world_is_nested(making->home, i) == nested)
			append_value(making, to, !i && making->home == 'm' ? "_id" : attributes[i].name, i);
}

static void insert_rows(struct making *making, mongoc_collection_t *into)
{
	mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(into, NULL);
	bson_error_t error;

	while (sqlite3_step(making->rows) == SQLITE_ROW) {
		bson_t document = BSON_INITIALIZER, in = BSON_INITIALIZER;

		if (making->motley)
			append_undeclared(making, &document);
		append_attributes(making, &document, 0);
		append_attributes(making, &in, 1);
		if (making->motley && (!bson_empty(&in) || world_below(&making->seed, 2)))
			BSON_APPEND_DOCUMENT(&document, "in", &in);
		if (!mongoc_bulk_operation_insert_with_opts(bulk, &document, NULL, &error))
			abort();
		bson_destroy(&in);
		bson_destroy(&document);
	}
	if (!mongoc_bulk_operation_execute(bulk, NULL, &error)) {
		fprintf(stderr, "%s: %s\n", making->of->table, error.message);
		abort();
	}
	mongoc_bulk_operation_destroy(bulk);
}

static void make(const char *database, struct making *making)
{
	sqlite3 *from = world_oracle();
	size_t i;

	for (i = making->skipped; i < WORLD_RESOURCES; i++) {
		mongoc_collection_t *into =
			mongoc_client_get_collection(client, database, world_resources[i].table);

		making->of = &world_resources[i];
		making->rows = world_rows(from, making->of);
		insert_rows(making, into);
		sqlite3_finalize(making->rows);
		mongoc_collection_destroy(into);
	}
	sqlite3_close(from);
}

static const char *database_of(char home)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s_%c", getenv("WORLD"), home);
	return name;
}

static void index_keys(const char *database)
{
	bson_error_t error;
	bson_t *command = BCON_NEW("createIndexes", "other", "indexes", "[", "{", "key", "{", "id",
				   BCON_INT32(1), "}", "name", "ids", "unique", BCON_BOOL(true), "}", "{",
				   "key", "{", "s", BCON_INT32(1), "}", "name", "texts", "}", "]");

	if (!mongoc_client_write_command_with_opts(client, database, command, NULL, NULL, &error)) {
		fprintf(stderr, "createIndexes: %s\n", error.message);
		abort();
	}
	bson_destroy(command);
}

void world_make_mongodb(uint64_t seed, unsigned skipped)
{
	struct making plain = {'m', 0, skipped, seed, NULL, NULL},
		      motley = {'n', 1, skipped, seed, NULL, NULL};

	mongoc_init();
	client = mongoc_client_new(servers_get("mongodb", "URI"));
	if (!client)
		abort();
	make(database_of('m'), &plain);
	make(database_of('n'), &motley);
	index_keys(database_of('n'));
}

void world_drop_mongodb(void)
{
	static const char homes[] = "mn";
	size_t i;

	for (i = 0; homes[i]; i++) {
		mongoc_database_t *database = mongoc_client_get_database(client, database_of(homes[i]));
		bson_error_t error;

		if (!mongoc_database_drop(database, &error))
			fprintf(stderr, "%s: %s\n", database_of(homes[i]), error.message);
		mongoc_database_destroy(database);
	}
	mongoc_client_destroy(client);
}
