/* SPDX-License-Identifier: Apache-2.0 */
/* Writing, a record a call, and the feed of what was written. */
#include "meadow.h"

/* The record as it will be: what is written, then what it was. NULL: no memory. */
static struct record *merged(const struct consort_write *write, const struct consort_batch *rows, int64_t id,
			     const struct record *was)
{
	struct field all[4 * COLUMNS];
	size_t size = sizeof(struct record);
	uint32_t count = 0, i, j;
	struct record *record;
	char *at;

	for (i = 0; i < write->nattributes && count < 4 * COLUMNS; i++)
		all[count++] = (struct field){write->resource->attributes[write->attributes[i]]->source,
					      consort_column_value(&rows->columns[i], 0)};
	for (i = 0; was && i < was->nfields; i++) {
		for (j = 0; j < count && strcmp(all[j].name, was->fields[i].name); j++)
			;
		if (j == count && count < 4 * COLUMNS)
			all[count++] = was->fields[i];
	}
	for (i = 0; i < count; i++)
		size += sizeof(all[i]) + strlen(all[i].name) + 1 +
			(all[i].value.type.id == CONSORT_TYPE_TEXT ? all[i].value.as.view.size : 0);
	record = malloc(size);
	if (!record)
		return NULL;
	record->id = id;
	record->nfields = count;
	at = (char *)&record->fields[count];
	for (i = 0; i < count; i++) {
		struct field *field = &record->fields[i];

		*field = all[i];
		field->name = strcpy(at, all[i].name);
		at += strlen(at) + 1;
		if (field->value.type.id == CONSORT_TYPE_TEXT && field->value.as.view.size) {
			field->value.as.view.data =
				memcpy(at, all[i].value.as.view.data, all[i].value.as.view.size);
			at += field->value.as.view.size;
		}
	}
	return record;
}

static uint32_t check_types(const struct table *table, const struct consort_write *write,
			    struct consort_error *error)
{
	uint32_t i, c;

	for (i = 0; i < write->nattributes; i++) {
		const struct consort_attribute *attribute = write->resource->attributes[write->attributes[i]];

		for (c = 0; c < table->ncolumns && strcmp(table->columns[c], attribute->source); c++)
			;
		if (!is_kept(attribute->type.id) ||
		    (c < table->ncolumns && !consort_type_equal(table->types[c], attribute->type)))
			return consort_error_set(error, CONSORT_ETYPE, "'%s' is not %s here",
						 attribute->source, consort_type_noun(attribute->type));
	}
	return CONSORT_OK;
}

static uint32_t change_record(struct database *database, struct table *table,
			      const struct consort_write *write, const struct consort_batch *rows,
			      struct change *change, struct consort_error *error)
{
	const int inserts = !write->nkeys, removes = write->nkeys == write->nattributes;
	struct record *record = NULL;
	uint32_t status = CONSORT_OK, i = 0;
	struct consort_value key;
	size_t at;

	while (i < write->nattributes && write->attributes[i] != write->resource->keys[0])
		i++;
	key = i < write->nattributes ? consort_column_value(&rows->columns[i], 0) : consort_null();
	if (consort_value_is_null(&key))
		return consort_error_set(error, CONSORT_ECONSTRAINT, "a key is not NULL");
	at = find_record(table, key.as.int64);
	if (inserts && is_there(table, at, key.as.int64))
		return consort_error_set(error, CONSORT_ECONSTRAINT, "the key is taken");
	if (!inserts && !is_there(table, at, key.as.int64))
		return consort_error_set(error, CONSORT_ENOTFOUND, "there is no such record");
	if (!removes) {
		record = merged(write, rows, key.as.int64, inserts ? NULL : table->records[at]);
		status = !record   ? consort_error_no_memory(error)
			 : inserts ? insert_at(table, at, record, error)
				   : CONSORT_OK;
		if (status) {
			free(record);
			return status;
		}
	}
	if (removes)
		remove_at(table, at);
	else if (!inserts) {
		free(table->records[at]);
		table->records[at] = record;
	}
	*change = (struct change){NULL,
				  inserts   ? CONSORT_CHANGE_INSERT
				  : removes ? CONSORT_CHANGE_DELETE
					    : CONSORT_CHANGE_UPDATE,
				  key.as.int64, database->last ? database->last->position + 1 : 1, ""};
	strcpy(change->table, table->name);
	*(database->last ? &database->last->next : &database->first) = change;
	database->last = change;
	pthread_cond_broadcast(&database->changed);
	return CONSORT_OK;
}

static uint32_t write_row(void *connection, const struct consort_call *call,
			  const struct consort_write *write, const struct consort_batch *rows,
			  struct consort_write_result *result, struct consort_error *error)
{
	struct database *database = connection;
	struct change *change = NULL;
	struct table *table;
	uint32_t status = consort_call_check_write(call, write, error);

	if (status)
		return status;
	change = malloc(sizeof(*change));
	pthread_mutex_lock(&database->lock);
	status = change ? need_table(database, write->resource->source, &table, error)
			: consort_error_no_memory(error);
	if (!status)
		status = check_types(table, write, error);
	if (!status)
		status = change_record(database, table, write, rows, change, error);
	pthread_mutex_unlock(&database->lock);
	if (!status) {
		result->affected = 1;
		return CONSORT_OK;
	}
	free(change);
	result->row_failed(result->context, 0, error);
	return status == CONSORT_ENOTFOUND || write->flags & CONSORT_WRITE_CONTINUE ? CONSORT_OK : status;
}

const struct consort_write_ops write_ops =
	OPS(write, .insert = write_row, .update = write_row, .remove = write_row);

/* --- changes --- */

struct feed {
	struct database *database;
	const struct consort_resource *resource; /* lives as long as the feed */
	int64_t position;
};

static uint32_t feed_open(void *connection, const struct consort_call *call, const char *name,
			  const struct consort_resource *const *resources, uint32_t nresources,
			  const char *position, void **out_feed, struct consort_error *error)
{
	struct database *database = connection;
	uint32_t status = consort_call_check(call, error);
	struct feed *feed;

	if (!status && nresources != 1)
		status = consort_error_set(error, CONSORT_EUNSUPPORTED, "a feed is about one table");
	if (status)
		return status;
	feed = malloc(sizeof(*feed));
	if (!feed)
		return consort_error_no_memory(error);
	pthread_mutex_lock(&database->lock);
	*feed = (struct feed){database, resources[0], database->last ? database->last->position : 0};
	pthread_mutex_unlock(&database->lock);
	if (position)
		feed->position = strtoll(position, NULL, 10);
	*out_feed = feed;
	return CONSORT_OK;
}

/* The next change that the feed has not told, or NULL. */
static const struct change *next_change(const struct feed *feed)
{
	const struct change *change = feed->database->first;

	while (change &&
	       (change->position <= feed->position || strcmp(change->table, feed->resource->source) != 0))
		change = change->next;
	return change;
}

static uint32_t tell_change(struct feed *feed, const struct change *change,
			    const struct consort_change_sink *sink)
{
	const struct consort_value key = consort_int64(change->id);
	struct consort_change told = {.struct_size = sizeof(told),
				      .kind = change->kind,
				      .resource = feed->resource,
				      .nvalues = 1,
				      .attributes = feed->resource->keys,
				      .after = &key};
	char position[32];

	snprintf(position, sizeof(position), "%lld", (long long)change->position);
	told.position = position;
	feed->position = change->position;
	if (change->kind == CONSORT_CHANGE_DELETE) {
		told.before = &key;
		told.after = NULL;
	}
	return sink->change(sink->context, &told);
}

/* Waits until the deadline, or for a tenth of a second, to look at the token. */
static void await_change(struct database *database, int64_t deadline)
{
	int64_t until = (clock_of(CLOCK_MONOTONIC) + 100000) * 1000;
	struct timespec time;

	if (deadline && deadline < until)
		until = deadline;
	time = (struct timespec){until / 1000000000, until % 1000000000};
	pthread_cond_timedwait(&database->changed, &database->lock, &time);
}

static uint32_t feed_next(void *object, const struct consort_call *call,
			  const struct consort_change_sink *sink, struct consort_error *error)
{
	struct feed *feed = object;
	const struct change *change = NULL;
	uint32_t status = CONSORT_OK;

	pthread_mutex_lock(&feed->database->lock);
	while (!status && !(change = next_change(feed))) {
		status = consort_call_check(call, error);
		if (!status)
			await_change(feed->database, call->deadline);
	}
	if (!status)
		status = tell_change(feed, change, sink);
	pthread_mutex_unlock(&feed->database->lock);
	return status;
}

/* Positions are not kept: all changes are. */
static uint32_t feed_confirm(void *feed, const struct consort_call *call, const char *position,
			     struct consort_error *error)
{
	return consort_call_check(call, error);
}

static uint32_t feed_forget(void *connection, const struct consort_call *call, const char *name,
			    struct consort_error *error)
{
	return consort_call_check(call, error);
}

const struct consort_changes_ops changes_ops =
	OPS(changes, .open = feed_open, .next = feed_next, .confirm = feed_confirm, .close = free,
	    .forget = feed_forget);
