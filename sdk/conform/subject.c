/* SPDX-License-Identifier: Apache-2.0 */
/* The adapter, driven through its tables as the core does: one thread, one call after the other. */
#include "drive.h"

#include <pthread.h>

#define BATCH_ROOM 256

/* --- what it tells --- */

bool conform_is_text(const char *text)
{
	return text && consort_utf8_valid(text, strlen(text), NULL);
}

void conform_ignore_missing(void *context, uint32_t feature, const char *why)
{
	(void)context;
	(void)feature;
	(void)why;
}

uint32_t conform_ignore_resource(void *context, const struct consort_resource *resource)
{
	(void)context;
	(void)resource;
	return CONSORT_OK;
}

/* --- what there is --- */

struct description {
	const char *source;
	struct consort_resource *copy;
};

static void *copy_of(const void *data, size_t size)
{
	void *copy = conform_frozen(size + 1);

	if (size)
		memcpy(copy, data, size);
	return copy;
}

static uint32_t describe(void *context, const struct consort_resource *resource)
{
	struct description *description = context;
	const struct consort_attribute **attributes;
	struct consort_setting *settings;
	struct consort_resource *copy;
	uint32_t i;

	if (strcmp(resource->source, description->source) != 0)
		return CONSORT_OK;
	copy = copy_of(resource, sizeof(*resource));
	attributes = copy_of(resource->attributes, resource->nattributes * sizeof(*attributes));
	settings = copy_of(resource->settings, resource->nsettings * sizeof(*settings));
	copy->source = copy->name = description->source;
	copy->keys = copy_of(resource->keys, resource->nkeys * sizeof(*resource->keys));
	copy->attributes = attributes;
	copy->settings = settings;
	copy->nrelationships = copy->nindexes = 0;
	for (i = 0; i < copy->nattributes; i++) {
		struct consort_attribute *attribute = copy_of(attributes[i], sizeof(*attribute));

		attribute->source = copy_of(attribute->source, strlen(attribute->source));
		attribute->name = attribute->source;
		attribute->engine_type = attribute->codec = "";
		attributes[i] = attribute;
	}
	for (i = 0; i < copy->nsettings; i++)
		settings[i].name = copy_of(settings[i].name, strlen(settings[i].name));
	description->copy = copy;
	return CONSORT_OK;
}

const struct consort_resource *subject_describe(struct subject *subject, const char *source)
{
	struct description description = {source, NULL};
	const struct consort_resource_sink sink = {&description, describe};
	uint32_t status = CALL(subject, schema, introspect, source, NULL, 0, &sink);

	return status ? NULL : description.copy;
}

uint32_t conform_append_text(void *buffer, const char *text, uint64_t size)
{
	if (buffer)
		consort_buffer_append(buffer, text, size);
	return CONSORT_OK;
}

/* --- opening and closing --- */

const struct consort_plugin *conform_load(struct conform *conform)
{
	const struct consort_plugin *plugin = NULL;
	struct consort_error error = CONSORT_ERROR_INIT;

	if (consort_plugins_load(NULL, conform->path, NULL, &plugin, &error))
		conform_fail("it cannot be loaded: %s", error.message);
	return plugin;
}

struct consort_error *subject_error(struct subject *subject)
{
	/* an older one stays as it was: whoever keeps a pointer to it harms nobody */
	subject->error = conform_frozen(sizeof(*subject->error));
	return subject->error;
}

void subject_need(const struct subject *subject, uint32_t status, const char *what)
{
	if (status)
		conform_fail("%s failed (status %u): %s", what, status,
			     status == CONSORT_ENOMEM ? "out of memory" : consort_error_text(subject->error));
}

bool subject_has(const struct subject *subject, int feature)
{
	return consort_features_has(&subject->conform->facts.features, (uint32_t)feature);
}

void *subject_database(struct subject *subject)
{
	void *database = NULL;

	subject_need(subject,
		     subject->plugin->database->open(subject->context,
						     conform_config(subject->conform, "subject"), &database,
						     subject_error(subject)),
		     "database.open");
	return database;
}

void subject_begin(struct subject *subject, struct conform *conform)
{
	memset(subject, 0, sizeof(*subject));
	subject->conform = conform;
	subject->plugin = conform_load(conform);
	subject->call = STRUCT(struct consort_call);
	subject_need(subject,
		     subject->plugin->init(conform_host(), &subject->context, subject_error(subject)),
		     "init");
	subject->begun = true;
	subject->database = subject_database(subject);
}

void *subject_connect(struct subject *subject)
{
	void *connection = NULL;

	subject_need(subject,
		     subject->plugin->connection->open(subject->database, subject->call, &connection,
						       subject_error(subject)),
		     "connection.open");
	return connection;
}

void subject_open(struct subject *subject, struct conform *conform)
{
	subject_begin(subject, conform);
	subject->connection = subject_connect(subject);
}

void subject_close(struct subject *subject)
{
	if (subject->connection)
		subject->plugin->connection->close(subject->connection, subject->call);
	if (subject->database)
		subject->plugin->database->close(subject->database);
	if (subject->begun && subject->plugin->shutdown)
		subject->plugin->shutdown(subject->context);
	subject->begun = false;
	subject->connection = subject->database = NULL;
}

/* --- threads --- */

struct thread {
	struct subject subject; /* with a call, error and perhaps connection of its own */
	uint32_t (*run)(struct subject *subject, void *context);
	void *context;
	uint32_t status;
};

static void *run_thread(void *object)
{
	struct thread *thread = object;

	thread->status = thread->run(&thread->subject, thread->context);
	return NULL;
}

void subject_threads(struct subject *subject, bool connects,
		     uint32_t (*run)(struct subject *subject, void *context), void *context)
{
	struct thread threads[CONFORM_THREADS];
	pthread_t ids[CONFORM_THREADS];
	int i;

	for (i = 0; i < CONFORM_THREADS; i++) {
		threads[i] = (struct thread){*subject, run, context, CONSORT_OK};
		threads[i].subject.call = STRUCT(struct consort_call);
		if (connects)
			threads[i].subject.connection = subject_connect(subject);
	}
	for (i = 0; i < CONFORM_THREADS; i++)
		NEED(!pthread_create(&ids[i], NULL, run_thread, &threads[i]));
	for (i = 0; i < CONFORM_THREADS; i++)
		pthread_join(ids[i], NULL);
	for (i = 0; i < CONFORM_THREADS; i++) {
		subject_need(&threads[i].subject, threads[i].status,
			     "what one of several threads does at once");
		if (connects)
			subject->plugin->connection->close(threads[i].subject.connection, subject->call);
	}
}

/* --- reading --- */

struct consort_statement *subject_statement(const struct consort_node *root, const struct consort_type *types,
					    uint32_t ntypes)
{
	static uint64_t id = (uint64_t)1 << 48; /* far from those that the library gives in this process */
	struct consort_statement *statement = STRUCT(struct consort_statement);

	statement->id = __atomic_add_fetch(&id, 1, __ATOMIC_RELAXED);
	statement->root = root;
	statement->parameters = types;
	statement->nparameters = ntypes;
	return statement;
}

/* The KEYED node of a plan, or NULL. */
static const struct consort_node *keyed_node(const struct consort_node *node)
{
	const struct consort_node *found = node->kind == CONSORT_NODE_KEYED ? node : NULL;
	uint32_t i;

	for (i = 0; i < node->ninputs && !found; i++)
		found = keyed_node(node->inputs[i]);
	return found;
}

static struct consort_type *types_of(const struct consort_value *values, uint32_t count)
{
	struct consort_type *types = conform_frozen((count + 1) * sizeof(*types));
	uint32_t i;

	for (i = 0; i < count; i++)
		types[i] = values[i].type;
	return types;
}

uint32_t subject_read(struct subject *subject, const struct consort_node *root,
		      const struct consort_value *parameters, uint32_t nparameters,
		      const struct consort_batch *keys, struct reading *out)
{
	const struct consort_query_ops *query = subject->plugin->query;
	const struct consort_node *keyed = keyed_node(root);
	struct consort_type *types = conform_frozen((root->nfields + 1) * sizeof(*types));
	struct consort_run *run = STRUCT(struct consort_run);
	struct consort_error *error = subject_error(subject);
	uint32_t i, status;

	memset(out, 0, sizeof(*out));
	out->statement = subject_statement(root, types_of(parameters, nparameters), nparameters);
	if (keyed) {
		struct consort_type *of_keys = conform_frozen((keyed->nexprs + 1) * sizeof(*of_keys));

		for (i = 0; i < keyed->nexprs; i++)
			of_keys[i] = keyed->exprs[i]->type;
		out->statement->keys = of_keys;
		out->statement->nkeys = keyed->nexprs;
	}
	run->parameters = parameters;
	run->nparameters = nparameters;
	run->keys = keys;
	status = query->compile(subject->database, out->statement, &out->compiled, error);
	if (!status)
		status = query->open(subject->connection, subject->call, out->compiled, run, &out->cursor,
				     error);
	if (status) {
		if (out->compiled)
			query->compiled_free(subject->database, out->compiled);
		out->compiled = NULL;
		return status;
	}
	for (i = 0; i < root->nfields; i++)
		types[i] = root->fields[i]->type;
	out->batch = conform_batch(types, root->nfields, BATCH_ROOM);
	return CONSORT_OK;
}

uint32_t subject_next(struct subject *subject, struct reading *reading)
{
	conform_batch_reset(reading->batch);
	return subject->plugin->query->next(reading->cursor, subject->call, reading->batch,
					    subject_error(subject));
}

void subject_end(struct subject *subject, struct reading *reading)
{
	if (reading->cursor)
		subject->plugin->query->close(reading->cursor);
	if (reading->compiled)
		subject->plugin->query->compiled_free(subject->database, reading->compiled);
	reading->cursor = reading->compiled = NULL;
}

/* --- rows as text --- */

void conform_print_row(const struct consort_batch *batch, int64_t row, struct consort_buffer *out)
{
	uint32_t i;

	for (i = 0; i < batch->ncolumns; i++) {
		const struct consort_value value = conform_batch_value(batch, i, row);

		consort_buffer_text(out, i ? "|" : "");
		conform_value_print(&value, out);
	}
	consort_buffer_char(out, '\n');
}

uint32_t subject_collect(struct subject *subject, struct reading *reading, struct consort_buffer *out)
{
	uint32_t status;
	int64_t row;

	do {
		status = subject_next(subject, reading);
		for (row = 0; !status && row < reading->batch->nrows; row++)
			conform_print_row(reading->batch, row, out);
	} while (!status && reading->batch->nrows && !(reading->batch->flags & CONSORT_BATCH_LAST));
	return status;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *conform_sorted(struct consort_buffer *lines)
{
	struct consort_buffer out = CONSORT_BUFFER_INIT;
	size_t count = 0, i;
	char *at, **starts;

	conform_memory_hold();
	for (i = 0; i < lines->size; i++)
		count += lines->data[i] == '\n';
	starts = calloc(count + 1, sizeof(*starts));
	NEED(starts);
	for (at = lines->data, i = 0; i < count; i++) {
		starts[i] = at;
		at = strchr(at, '\n');
		*at++ = '\0';
	}
	qsort(starts, count, sizeof(*starts), compare_lines);
	for (i = 0; i < count; i++)
		consort_buffer_printf(&out, "%s\n", starts[i]);
	NEED(!out.failed);
	free(starts);
	consort_buffer_clear(lines);
	at = consort_buffer_steal(&out);
	conform_memory_release();
	return at;
}

char *subject_rows(struct subject *subject, const struct consort_node *root,
		   const struct consort_value *parameters, uint32_t nparameters)
{
	struct consort_buffer lines = CONSORT_BUFFER_INIT;
	struct reading reading;
	uint32_t status = subject_read(subject, root, parameters, nparameters, NULL, &reading);

	if (!status)
		status = subject_collect(subject, &reading, &lines);
	subject_end(subject, &reading);
	if (!status)
		return conform_sorted(&lines);
	consort_buffer_clear(&lines);
	return NULL;
}

/* --- writing --- */

static void row_failed(void *context, int64_t row, const struct consort_error *error)
{
	struct writing *writing = context;

	if (!writing->nfailed)
		writing->failure = *error;
	if (writing->nfailed < 16)
		writing->failed_rows[writing->nfailed] = row;
	writing->nfailed++;
}

uint32_t subject_write(struct subject *subject, write_slot *slot, const struct consort_resource *resource,
		       struct writing *writing, const struct consort_value *rows, int64_t nrows)
{
	static uint64_t id = (uint64_t)1 << 49;
	struct consort_write *write = STRUCT(struct consort_write);
	struct consort_write_result *result = STRUCT(struct consort_write_result);
	const uint32_t count = writing->attributes ? writing->nattributes : resource->nattributes;
	uint32_t *attributes = conform_frozen((count + 1) * sizeof(*attributes)), i, status;
	struct consort_type *types = conform_frozen((count + 1) * sizeof(*types));
	struct consort_batch *batch;
	int64_t row;

	for (i = 0; i < count; i++) {
		attributes[i] = writing->attributes ? writing->attributes[i] : i;
		types[i] = resource->attributes[attributes[i]]->type;
	}
	batch = conform_batch(types, count, nrows);
	for (row = 0; row < nrows; row++)
		conform_batch_add(batch, rows + row * count);
	write->id = __atomic_add_fetch(&id, 1, __ATOMIC_RELAXED);
	write->resource = resource;
	write->flags = writing->flags;
	write->attributes = attributes;
	write->nattributes = count;
	write->nkeys = writing->nkeys;
	write->returning = writing->returning;
	write->nreturning = writing->nreturning;
	result->returned = writing->returned;
	result->context = writing;
	result->row_failed = row_failed;
	writing->nfailed = 0;
	status = slot(subject->connection, subject->call, write, batch, result, subject_error(subject));
	writing->affected = result->affected;
	return status;
}
