/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite-adapter.h"

#ifndef SQLITE_TEST_LINKED
#include <dlfcn.h>
#endif
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MUST(condition)                                                                 \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

static struct sqlite_test *logging; /* the test that is running */

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void *host_alloc(uint64_t size)
{
	return malloc(size);
}

static void *host_realloc(void *memory, uint64_t size)
{
	return realloc(memory, size);
}

static void host_log(uint32_t level, const char *origin, const char *text)
{
	snprintf(logging->log, sizeof(logging->log), "%u %s: %s", (unsigned)level, origin, text);
}

static uint32_t host_once(const char *key, uint32_t (*fn)(void))
{
	(void)key;
	return fn();
}

static const void *host_extension(const char *name)
{
	(void)name;
	return NULL;
}

static const struct consort_host host = {
	.struct_size = sizeof(host),
	.version = "test",
	.alloc = host_alloc,
	.realloc = host_realloc,
	.free = free,
	.log = host_log,
	.clock = now,
	.clock_coarse = now,
	.once = host_once,
	.get_extension = host_extension,
};

/* --- opening --- */

#ifdef SQLITE_TEST_LINKED
static const struct consort_plugin *load(void)
{
	return consort_plugin_entry_v1();
}
#else
static const struct consort_plugin *load(void)
{
	const struct consort_plugin *(*entry)(void) = NULL;
	char library[4096];
	void *handle;

	snprintf(library, sizeof(library), "%s/consort-sqlite.so", testing_plugins());
	handle = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!handle)
		fprintf(stderr, "%s\n", dlerror());
	MUST(handle);
	*(void **)&entry = dlsym(handle, "consort_plugin_entry_v1");
	dlclose(handle);
	return entry();
}
#endif

static struct consort_value option_value(const struct consort_plugin *plugin, const char *name,
					 const char *text)
{
	uint32_t i;

	for (i = 0; plugin->options[i]; i++) {
		if (strcmp(plugin->options[i]->name, name))
			continue;
		switch (plugin->options[i]->type) {
		case CONSORT_OPTION_BOOL:
			return consort_bool(!strcmp(text, "yes"));
		case CONSORT_OPTION_DURATION:
		case CONSORT_OPTION_SIZE:
		case CONSORT_OPTION_INT:
			return consort_int64(strtoll(text, NULL, 10));
		default:
			return consort_text(text);
		}
	}
	fprintf(stderr, "the plugin has no option '%s'\n", name);
	abort();
}

static void missing(void *context, uint32_t feature, const char *why)
{
	struct sqlite_test *test = context;
	size_t used = strlen(test->missing);

	snprintf(test->missing + used, sizeof(test->missing) - used, "%u: %s\n", (unsigned)feature, why);
}

uint32_t sqlite_test_try(struct sqlite_test *test, const char *path, const char *const *options)
{
	struct consort_feature_sink sink = {test, missing};
	struct consort_setting settings[16] = {{"path", consort_text(path)}};
	struct consort_database_config config = {sizeof(config), 1, "local", settings};
	static char names[16][32];
	struct consort_features mask;

	memset(test, 0, sizeof(*test));
	logging = test;
	snprintf(test->path, sizeof(test->path), "%s", path);
	consort_arena_init(&test->arena, 0);
	test->plugin = load();
	test->call.struct_size = sizeof(test->call);
	for (; options && *options; options++) {
		const char *value = strchr(*options, '=') + 1;

		snprintf(names[config.noptions], sizeof(names[0]), "%.*s", (int)(value - 1 - *options),
			 *options);
		settings[config.noptions].name = names[config.noptions];
		settings[config.noptions].value = option_value(test->plugin, names[config.noptions], value);
		config.noptions++;
	}
	MUST(!test->plugin->init(&host, &test->context, &test->error));
	MUST(!test->plugin->database->open(test->context, &config, &test->database, &test->error));
	if (test->plugin->connection->open(test->database, &test->call, &test->connection, &test->error))
		return test->error.status;
	mask = test->plugin->features;
	test->plugin->connection->features(test->connection, &mask, &sink);
	return CONSORT_OK;
}

void sqlite_test_open(struct sqlite_test *test, const char *sql, const char *const *options)
{
	const char *path = testing_path("t.db");

	snprintf(test->path, sizeof(test->path), "%s", path);
	if (sql)
		sqlite_test_raw(test, sql);
	if (sqlite_test_try(test, path, options))
		fprintf(stderr, "%s\n", test->error.message);
	MUST(test->connection);
}

void sqlite_test_close(struct sqlite_test *test)
{
	if (test->connection)
		test->plugin->connection->close(test->connection, &test->call);
	test->plugin->database->close(test->database);
	consort_buffer_clear(&test->text);
	consort_arena_clear(&test->arena);
}

void *sqlite_test_connect(struct sqlite_test *test)
{
	void *connection = NULL;

	MUST(!test->plugin->connection->open(test->database, &test->call, &connection, &test->error));
	return connection;
}

static int keep_cell(void *context, int count, char **values, char **names)
{
	char *answer = context;

	(void)names;
	if (count)
		snprintf(answer, 1024, "%s", values[0] ? values[0] : "NULL");
	return 0;
}

const char *sqlite_test_raw(struct sqlite_test *test, const char *sql)
{
	static char answer[1024];
	char *message = NULL;
	sqlite3 *db;

	*answer = '\0';
	MUST(!sqlite3_open(test->path, &db));
	sqlite3_busy_timeout(db, 1000);
	sqlite3_exec(db, "PRAGMA synchronous=off", NULL, NULL, NULL);
	if (sqlite3_exec(db, sql, keep_cell, answer, &message))
		fprintf(stderr, "%s: %s\n", sql, message);
	MUST(!message);
	sqlite3_close(db);
	return answer;
}

/* --- resources --- */

struct taker {
	struct sqlite_test *test;
	struct consort_resource *resource;
};

static void *copy(struct sqlite_test *test, const void *data, size_t size)
{
	void *memory = consort_arena_alloc(&test->arena, size);

	if (size)
		memcpy(memory, data, size);
	return memory;
}

static struct consort_attribute *copy_attribute(struct sqlite_test *test,
						const struct consort_attribute *from)
{
	struct consort_attribute *attribute = copy(test, from, sizeof(*from));

	attribute->name = consort_arena_text(&test->arena, from->name);
	attribute->source = consort_arena_text(&test->arena, from->source);
	attribute->engine_type = consort_arena_text(&test->arena, from->engine_type);
	attribute->codec = consort_arena_text(&test->arena, from->codec);
	return attribute;
}

static const char *const *copy_texts(struct sqlite_test *test, const char *const *texts, uint32_t count)
{
	const char **list = consort_arena_array(&test->arena, count, sizeof(*list));
	uint32_t i;

	for (i = 0; i < count; i++)
		list[i] = consort_arena_text(&test->arena, texts[i]);
	return list;
}

static uint32_t take_resource(void *context, const struct consort_resource *from)
{
	struct taker *taker = context;
	struct sqlite_test *test = taker->test;
	struct consort_resource *resource = copy(test, from, sizeof(*from));
	const struct consort_attribute **attributes;
	const struct consort_relationship **links;
	const struct consort_index **indexes;
	uint32_t i;

	resource->id = consort_next_id();
	resource->database = "local";
	resource->name = resource->source = consort_arena_text(&test->arena, from->source);
	attributes = consort_arena_array(&test->arena, from->nattributes, sizeof(*attributes));
	links = consort_arena_array(&test->arena, from->nrelationships, sizeof(*links));
	indexes = consort_arena_array(&test->arena, from->nindexes, sizeof(*indexes));
	for (i = 0; i < from->nattributes; i++)
		attributes[i] = copy_attribute(test, from->attributes[i]);
	for (i = 0; i < from->nrelationships; i++) {
		struct consort_relationship *link = copy(test, from->relationships[i], sizeof(*link));

		link->name = consort_arena_text(&test->arena, link->name);
		link->target = consort_arena_text(&test->arena, link->target);
		link->from = copy_texts(test, link->from, link->nattributes);
		link->to = copy_texts(test, link->to, link->nattributes);
		links[i] = link;
	}
	for (i = 0; i < from->nindexes; i++) {
		struct consort_index *index = copy(test, from->indexes[i], sizeof(*index));

		index->name = consort_arena_text(&test->arena, index->name);
		index->attributes =
			copy(test, index->attributes, index->nattributes * sizeof(*index->attributes));
		indexes[i] = index;
	}
	resource->keys = copy(test, from->keys, from->nkeys * sizeof(*from->keys));
	resource->attributes = attributes;
	resource->relationships = links;
	resource->indexes = indexes;
	taker->resource = resource;
	return CONSORT_OK;
}

static uint32_t attribute_of(const struct consort_resource *resource, const char *name, size_t size)
{
	uint32_t i;

	for (i = 0; i < resource->nattributes; i++)
		if (strlen(resource->attributes[i]->name) == size &&
		    !memcmp(resource->attributes[i]->name, name, size))
			return i;
	fprintf(stderr, "no attribute %.*s\n", (int)size, name);
	abort();
}

struct consort_resource *sqlite_test_resource(struct sqlite_test *test, const char *name,
					      const char *const *declared)
{
	struct taker taker = {test, NULL};
	struct consort_resource_sink sink = {&taker, take_resource};
	uint32_t i;

	for (i = 0; !declared && i < test->nresources; i++)
		if (!strcmp(test->resources[i]->name, name))
			return test->resources[i];
	if (test->plugin->schema->introspect(test->connection, &test->call, name, NULL, 0, &sink,
					     &test->error))
		return NULL;
	for (; declared && *declared; declared++) {
		char attribute_name[64], type[64], codec[64] = "";
		struct consort_attribute *attribute;

		MUST(sscanf(*declared, "%63s %63s %63s", attribute_name, type, codec) >= 2);
		attribute = (struct consort_attribute *)taker.resource->attributes[attribute_of(
			taker.resource, attribute_name, strlen(attribute_name))];
		MUST(!consort_type_parse(type, &attribute->type, NULL));
		attribute->codec = consort_arena_text(&test->arena, codec);
		attribute->flags &= ~CONSORT_ATTRIBUTE_UNKNOWN_TYPE;
		attribute->flags |= CONSORT_ATTRIBUTE_DECLARED;
	}
	MUST(test->nresources < 16);
	test->resources[test->nresources++] = taker.resource;
	return taker.resource;
}

enum consort_status sqlite_test_find(void *context, const char *name,
				     const struct consort_resource **out_resource,
				     struct consort_error *error)
{
	*out_resource = sqlite_test_resource(context, name, NULL);
	return *out_resource ? CONSORT_OK : consort_error_set(error, CONSORT_ENAME, "no resource '%s'", name);
}

/* --- queries --- */

/* A copy with numbers for nodes and conjuncts. */
static struct consort_node *number_tree(struct sqlite_test *test, const struct consort_node *node,
					uint32_t *next)
{
	struct consort_node *numbered = copy(test, node, sizeof(*node));
	const struct consort_node **inputs =
		consort_arena_array(&test->arena, node->ninputs, sizeof(*inputs));
	uint32_t i;

	numbered->inputs = inputs;
	for (i = 0; i < node->ninputs; i++)
		inputs[i] = number_tree(test, node->inputs[i], next);
	numbered->number = (*next)++;
	numbered->first_conjunct = *next;
	if (node->kind == CONSORT_NODE_FILTER || node->kind == CONSORT_NODE_JOIN)
		*next += node->nexprs;
	return numbered;
}

struct consort_node *sqlite_test_tree(struct sqlite_test *test, struct sqlite_query query,
				      struct consort_logical *out_logical)
{
	struct consort_clauses clauses = {.resource = query.resource,
					  .select = query.select,
					  .where = &query.where,
					  .nwhere = query.where ? 1 : 0,
					  .group = query.group,
					  .having = query.having,
					  .order = query.order,
					  .offset = query.offset};
	struct consort_names names = {test, sqlite_test_find};
	uint32_t next = 0;

	clauses.limit = query.limit == 0 ? -1 : query.limit < 0 ? 0 : query.limit;
	memset(&test->error, 0, sizeof(test->error));
	if (consort_query_resolve(&clauses, &names, &test->arena, out_logical, &test->error))
		return NULL;
	return number_tree(test, out_logical->root, &next);
}

static struct consort_node *must_tree(struct sqlite_test *test, struct sqlite_query query,
				      struct consort_logical *out_logical)
{
	struct consort_node *root = sqlite_test_tree(test, query, out_logical);

	if (!root)
		fprintf(stderr, "%s\n", test->error.message);
	MUST(root);
	return root;
}

static uint32_t count_numbers(const struct consort_node *node)
{
	return node->first_conjunct +
	       (node->kind == CONSORT_NODE_FILTER || node->kind == CONSORT_NODE_JOIN ? node->nexprs : 0);
}

/* Offers; parts that are not exact go to text. */
static uint32_t offer(struct sqlite_test *test, const struct consort_node *root)
{
	uint32_t count = count_numbers(root), i, status;
	struct consort_offer answer = {.struct_size = sizeof(answer), .count = count};

	answer.fidelity = consort_arena_array(&test->arena, count, 1);
	answer.reason = consort_arena_array(&test->arena, count, sizeof(*answer.reason));
	consort_buffer_reset(&test->text);
	status = test->plugin->query->offer(test->database, root, &answer, &test->error);
	for (i = 0; !status && i < count; i++)
		if (answer.fidelity[i] != CONSORT_FIDELITY_EXACT)
			consort_buffer_printf(&test->text, "%u: %s%s\n", i,
					      answer.fidelity[i] == CONSORT_FIDELITY_SUPERSET ? "superset: "
											      : "",
					      answer.reason[i] ? answer.reason[i] : "?");
	if (answer.flags & CONSORT_OFFER_KEYS_INDEXED)
		consort_buffer_text(&test->text, "indexed\n");
	return status;
}

uint32_t sqlite_test_offer(struct sqlite_test *test, struct sqlite_query query)
{
	struct consort_logical logical;

	return offer(test, must_tree(test, query, &logical));
}

static struct consort_batch *batch_for(struct sqlite_test *test, const struct consort_node *root)
{
	struct consort_type *types = consort_arena_array(&test->arena, root->nfields, sizeof(*types));
	uint32_t i;

	for (i = 0; i < root->nfields; i++)
		types[i] = root->fields[i]->type;
	return consort_batch_new(types, root->nfields, test->max_rows ? test->max_rows : 100,
				 (uint64_t)1 << 20);
}

static struct consort_type *types_of(struct sqlite_test *test, struct consort_args args)
{
	struct consort_type *types = consort_arena_array(&test->arena, args.count, sizeof(*types));
	uint64_t i;

	for (i = 0; i < args.count; i++)
		types[i] = args.values[i].type;
	return types;
}

uint32_t sqlite_test_begin_tree(struct sqlite_test *test, const struct consort_node *root,
				struct consort_args args, const struct consort_batch *keys,
				struct sqlite_cursor *cursor)
{
	struct consort_statement statement = {.struct_size = sizeof(statement),
					      .id = consort_next_id(),
					      .root = root,
					      .nparameters = (uint32_t)args.count,
					      .parameters = types_of(test, args),
					      .nkeys = keys ? keys->ncolumns : 0};
	struct consort_run run = {.struct_size = sizeof(run),
				  .nparameters = (uint32_t)args.count,
				  .parameters = args.values,
				  .keys = keys};
	uint32_t status;

	memset(cursor, 0, sizeof(*cursor));
	cursor->batch = batch_for(test, root);
	consort_buffer_reset(&test->text);
	status = test->plugin->query->compile(test->database, copy(test, &statement, sizeof(statement)),
					      &cursor->compiled, &test->error);
	if (!status)
		status = test->plugin->query->open(test->connection, &test->call, cursor->compiled, &run,
						   &cursor->cursor, &test->error);
	return status;
}

uint32_t sqlite_test_begin(struct sqlite_test *test, struct sqlite_query query, struct sqlite_cursor *cursor)
{
	struct consort_logical logical;

	return sqlite_test_begin_tree(test, must_tree(test, query, &logical), query.args, NULL, cursor);
}

static void print_batch(struct sqlite_test *test, const struct consort_batch *batch)
{
	int64_t row;
	uint32_t i;

	for (row = 0; row < batch->nrows; row++) {
		for (i = 0; i < batch->ncolumns; i++) {
			struct consort_value value = consort_batch_value(batch, i, row, &test->arena);

			if (i)
				consort_buffer_char(&test->text, '|');
			if (consort_value_is_null(&value))
				consort_buffer_text(&test->text, "NULL");
			consort_value_print(&value, &test->text);
		}
		consort_buffer_char(&test->text, '\n');
	}
}

uint32_t sqlite_test_next(struct sqlite_test *test, struct sqlite_cursor *cursor, int64_t *out_rows)
{
	uint32_t status;

	consort_batch_reset(cursor->batch);
	status = test->plugin->query->next(cursor->cursor, &test->call, cursor->batch, &test->error);
	if (status)
		return status;
	CU_ASSERT_EQUAL(consort_batch_check(cursor->batch, &test->error), CONSORT_OK);
	print_batch(test, cursor->batch);
	*out_rows = cursor->batch->nrows;
	return CONSORT_OK;
}

void sqlite_test_end(struct sqlite_test *test, struct sqlite_cursor *cursor)
{
	if (cursor->cursor)
		test->plugin->query->close(cursor->cursor);
	if (cursor->compiled)
		test->plugin->query->compiled_free(test->database, cursor->compiled);
	consort_batch_free(cursor->batch);
}

/* Reads a cursor to its end. */
static uint32_t drain(struct sqlite_test *test, struct sqlite_cursor *cursor)
{
	uint32_t status;
	int64_t rows;

	do {
		status = sqlite_test_next(test, cursor, &rows);
	} while (!status && rows && !(cursor->batch->flags & CONSORT_BATCH_LAST));
	return status;
}

uint32_t sqlite_test_run(struct sqlite_test *test, struct sqlite_query query)
{
	struct consort_logical logical;
	struct consort_node *root = must_tree(test, query, &logical);
	struct sqlite_cursor cursor;
	uint32_t status = offer(test, root);

	if (status || test->text.size) {
		fprintf(stderr, "not taken: %s%s", test->text.data, status ? test->error.message : "");
		CU_FAIL("the query is not taken whole");
		return CONSORT_EUNSUPPORTED;
	}
	status = sqlite_test_begin_tree(test, root, query.args, NULL, &cursor);
	if (!status)
		status = drain(test, &cursor);
	sqlite_test_end(test, &cursor);
	return status;
}

static uint32_t take_text(void *context, const char *text, uint64_t size)
{
	consort_buffer_append(context, text, size);
	return CONSORT_OK;
}

uint32_t sqlite_test_explain(struct sqlite_test *test, struct sqlite_query query)
{
	struct consort_text_sink sink = {&test->text, take_text};
	struct sqlite_cursor cursor;
	uint32_t status = sqlite_test_begin(test, query, &cursor);

	if (!status)
		status = test->plugin->query->explain(test->database, cursor.compiled, &sink, &test->error);
	sqlite_test_end(test, &cursor);
	return status;
}

uint32_t sqlite_test_native(struct sqlite_test *test, const char *sql, struct consort_args args,
			    int64_t *out_affected)
{
	struct consort_run run = {
		.struct_size = sizeof(run), .nparameters = (uint32_t)args.count, .parameters = args.values};
	const struct consort_field *const *fields;
	struct consort_node shape = {.struct_size = sizeof(shape)};
	struct sqlite_cursor cursor = {0};
	uint32_t status;

	memset(&test->error, 0, sizeof(test->error));
	consort_buffer_reset(&test->text);
	status = test->plugin->native->open(test->connection, &test->call, sql, &run, &cursor.cursor, &fields,
					    &shape.nfields, out_affected, &test->error);
	if (status)
		return status;
	shape.fields = fields;
	cursor.batch = batch_for(test, &shape);
	if (shape.nfields)
		status = drain(test, &cursor);
	sqlite_test_end(test, &cursor);
	return status;
}

/* --- writes --- */

/* "a, b" to positions. */
static const uint32_t *positions(struct sqlite_test *test, const struct consort_resource *resource,
				 const char *names, uint32_t *out_count)
{
	uint32_t *list = consort_arena_array(&test->arena, resource->nattributes, sizeof(*list));

	*out_count = 0;
	while (names && *names) {
		size_t size = strcspn(names, ",");

		list[(*out_count)++] = attribute_of(resource, names, size);
		names += size;
		names += strspn(names, ", ");
	}
	return list;
}

static struct consort_batch *make_batch(struct sqlite_test *test, const struct consort_resource *resource,
					const uint32_t *attributes, uint32_t count,
					struct consort_args values)
{
	struct consort_type *types = consort_arena_array(&test->arena, count, sizeof(*types));
	struct consort_batch *batch;
	uint64_t i;

	for (i = 0; i < count; i++)
		types[i] = resource->attributes[attributes[i]]->type;
	batch = consort_batch_new(types, count, count && values.count ? (int64_t)(values.count / count) : 10,
				  (uint64_t)1 << 20);
	for (i = 0; i < values.count; i += count)
		MUST(!consort_batch_append_row(batch, values.values + i));
	if (!count)
		batch->nrows = 1;
	return batch;
}

static void row_failed(void *context, int64_t row, const struct consort_error *error)
{
	struct sqlite_test *test = context;

	consort_buffer_printf(&test->text, "failed %lld: %s\n", (long long)row, error->message);
}

uint32_t sqlite_test_write(struct sqlite_test *test, enum sqlite_write_kind kind, struct sqlite_write what)
{
	const struct consort_resource *resource = sqlite_test_resource(test, what.resource, NULL);
	struct consort_write write = {.struct_size = sizeof(write),
				      .flags = what.flags,
				      .id = consort_next_id(),
				      .resource = resource,
				      .nkeys = what.nkeys};
	struct consort_write_result result = {
		.struct_size = sizeof(result), .context = test, .row_failed = row_failed};
	const struct consort_write_ops *ops = test->plugin->write;
	struct consort_batch *rows;
	uint32_t status;

	write.attributes = positions(test, resource, what.attributes, &write.nattributes);
	write.returning = positions(test, resource, what.returning, &write.nreturning);
	rows = make_batch(test, resource, write.attributes, write.nattributes, what.values);
	if (write.nreturning)
		result.returned = make_batch(test, resource, write.returning, write.nreturning,
					     (struct consort_args){NULL, 0});
	memset(&test->error, 0, sizeof(test->error));
	consort_buffer_reset(&test->text);
	status = (kind == SQLITE_TEST_INSERT   ? ops->insert
		  : kind == SQLITE_TEST_UPDATE ? ops->update
		  : kind == SQLITE_TEST_REMOVE
			  ? ops->remove
			  : ops->upsert)(test->connection, &test->call, &write, rows, &result, &test->error);
	if (!status)
		consort_buffer_printf(&test->text, "affected %lld\n", (long long)result.affected);
	if (!status && result.returned)
		print_batch(test, result.returned);
	consort_batch_free(rows);
	consort_batch_free(result.returned);
	return status;
}
