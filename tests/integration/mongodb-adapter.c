/* SPDX-License-Identifier: Apache-2.0 */
#include "mongodb-adapter.h"

#include <mongoc/mongoc.h>
#include <unistd.h>

static mongoc_client_t *client;
static char where[512];

static const char *database(void)
{
	static char name[32];

	snprintf(name, sizeof(name), "case_%d", (int)getpid());
	return name;
}

static void failed(const char *what, const bson_error_t *error)
{
	fprintf(stderr, "%s: %s\n", what, error->message);
	abort();
}

static void connect_raw(const char *server)
{
	snprintf(where, sizeof(where), "%s", servers_get(server, "URI"));
	mongoc_init();
	client = mongoc_client_new(where);
	if (!client)
		abort();
}

const char *mongodb_test_raw(const char *command)
{
	static char answer[65536];
	bson_error_t error;
	bson_t *parsed = bson_new_from_json((const uint8_t *)command, -1, &error), reply,
	       plain = BSON_INITIALIZER;
	char *json;

	if (!parsed)
		failed(command, &error);
	if (!mongoc_client_write_command_with_opts(client, database(), parsed, NULL, &reply, &error))
		failed(command, &error);
	bson_copy_to_excluding_noinit(&reply, &plain, "ok", "$clusterTime", "operationTime", "opTime",
				      "electionId", NULL);
	json = bson_as_relaxed_extended_json(&plain, NULL);
	snprintf(answer, sizeof(answer), "%s", json);
	bson_free(json);
	bson_destroy(&plain);
	bson_destroy(&reply);
	bson_destroy(parsed);
	return answer;
}

const char *mongodb_test_documents(const char *collection)
{
	static char text[65536];
	mongoc_collection_t *from = mongoc_client_get_collection(client, database(), collection);
	bson_t filter = BSON_INITIALIZER, *options = BCON_NEW("sort", "{", "_id", BCON_INT32(1), "}");
	mongoc_cursor_t *rows = mongoc_collection_find_with_opts(from, &filter, options, NULL);
	const bson_t *document;
	bson_error_t error;
	size_t used = 0;

	text[0] = '\0';
	while (mongoc_cursor_next(rows, &document)) {
		char *json = bson_as_canonical_extended_json(document, NULL);

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\n", json);
		bson_free(json);
	}
	if (mongoc_cursor_error(rows, &error))
		failed(collection, &error);
	mongoc_cursor_destroy(rows);
	bson_destroy(options);
	mongoc_collection_destroy(from);
	return text;
}

uint32_t mongodb_test_try(struct adapter_test *test, const char *server, const char *const *options)
{
	const char *all[16];
	char uri[512], name[64];
	size_t count = 0;

	snprintf(uri, sizeof(uri), "uri=%s", servers_get(server, "URI"));
	snprintf(name, sizeof(name), "dbname=%s", database());
	all[count++] = uri;
	all[count++] = name;
	for (; options && *options; options++)
		all[count++] = *options;
	all[count] = NULL;
	return adapter_open(test, "mongodb", all);
}

void mongodb_test_open(struct adapter_test *test, const char *server, const char *const *options)
{
	connect_raw(server);
	mongodb_test_raw("{\"dropDatabase\": 1}");
	ADAPTER_MUST(test, !mongodb_test_try(test, server, options));
}

void mongodb_test_close(struct adapter_test *test)
{
	adapter_close(test);
	mongodb_test_raw("{\"dropDatabase\": 1}");
	mongoc_client_destroy(client);
}
