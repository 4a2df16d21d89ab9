/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Change feeds: a change stream over the database, whose events are changes and whose resume tokens are
 * positions. The server keeps nothing of a feed, so there is nothing to confirm or to forget. It is asked to
 * wait for less time than the call has, since an answer that comes too late costs the connection.
 */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

#define MILLISECOND INT64_C(1000000)
#define AWAIT_MOST (1000 * MILLISECOND) /* for an answer with nothing in it */
#define AWAIT_LEAST (250 * MILLISECOND) /* left of a call, for another question to be answered in time */
#define WIRE_IMAGES 17			/* MongoDB 6.0 */
#define HISTORY_LOST 286

struct source {
	const struct consort_resource *resource;
	struct mongo_column *columns; /* of its attributes */
};

struct feed {
	struct mongo_connection *conn;
	struct mongo_cursor *cursor;
	struct mongo_reader reader;
	struct source *sources;
	uint32_t nsources;
	bool images, all_images; /* some, all collections keep what documents were */
	/* the change that is told */
	uint32_t *attributes;
	struct consort_value *before, *after;
	struct consort_buffer position;
	int64_t time;
	struct consort_buffer transaction; /* whose changes were told, but not its end; empty: none */
	struct consort_arena own;
};

/* --- events --- */

/* The document of that name in an event; false: there is none, or null. */
static bool take_part(const bson_t *event, const char *name, bson_t *out)
{
	bson_iter_t at;
	const uint8_t *data;
	uint32_t size;

	if (!bson_iter_init_find(&at, event, name) || !BSON_ITER_HOLDS_DOCUMENT(&at))
		return false;
	bson_iter_document(&at, &size, &data);
	return bson_init_static(out, data, size);
}

static const char *text_of(const bson_t *event, const char *path)
{
	bson_iter_t from, at;

	return bson_iter_init(&from, event) && bson_iter_find_descendant(&from, path, &at) &&
			       BSON_ITER_HOLDS_UTF8(&at)
		       ? bson_iter_utf8(&at, NULL)
		       : "";
}

static const struct source *find_source(const struct feed *feed, const char *collection)
{
	uint32_t i;

	for (i = 0; i < feed->nsources; i++)
		if (!strcmp(feed->sources[i].resource->source, collection))
			return &feed->sources[i];
	return NULL;
}

static uint32_t take_position(struct feed *feed, const bson_t *event, struct consort_error *error)
{
	bson_t token;
	uint32_t status;

	if (!take_part(event, "_id", &token))
		return consort_error_set(error, CONSORT_EPROTOCOL, "the server's change has no resume token");
	consort_buffer_reset(&feed->position);
	status = mongo_print_rest(bson_get_data(&token), token.len, NULL, NULL, &feed->position, error);
	return status;
}

/* Servers before 6.0 tell whole seconds. */
static int64_t time_of(const bson_t *event)
{
	bson_iter_t at;
	uint32_t seconds, number;

	if (bson_iter_init_find(&at, event, "wallTime") && BSON_ITER_HOLDS_DATE_TIME(&at))
		return bson_iter_date_time(&at) * 1000;
	if (!bson_iter_init_find(&at, event, "clusterTime") || !BSON_ITER_HOLDS_TIMESTAMP(&at))
		return 0;
	bson_iter_timestamp(&at, &seconds, &number);
	return (int64_t)seconds * 1000000;
}

/* --- telling --- */

/* A transaction ends, which may be that of a lone write. */
static uint32_t tell_commit(struct feed *feed, const struct consort_change_sink *sink)
{
	const struct consort_change change = {.struct_size = sizeof(change),
					      .kind = CONSORT_CHANGE_COMMIT,
					      .position = feed->position.data,
					      .time = feed->time};

	consort_buffer_reset(&feed->transaction);
	return sink->change(sink->context, &change);
}

/* Is the event of the transaction that is being told? That one ends otherwise, and another may begin. */
static uint32_t enter_transaction(struct feed *feed, const bson_t *event,
				  const struct consort_change_sink *sink, struct consort_error *error)
{
	int64_t number = mongo_number(event, "txnNumber", -1);
	struct consort_buffer name = CONSORT_BUFFER_INIT;
	uint32_t status = CONSORT_OK;
	bson_t session;

	if (number >= 0 && take_part(event, "lsid", &session)) {
		consort_buffer_append(&name, bson_get_data(&session), session.len);
		consort_buffer_append(&name, &number, sizeof(number));
	}
	if (name.failed) {
		status = consort_error_no_memory(error);
	} else if (feed->transaction.size && (feed->transaction.size != name.size ||
					      memcmp(feed->transaction.data, name.data, name.size))) {
		status = tell_commit(feed, sink);
		if (status)
			consort_error_set(error, status, "a change was not taken");
	}
	if (!status) {
		consort_buffer_clear(&feed->transaction);
		feed->transaction = name;
	} else {
		consort_buffer_clear(&name);
	}
	return status;
}

/* What a document has of a resource's attributes: of a whole one all, NULL too. */
static uint32_t read_values(struct feed *feed, const struct source *source, const bson_t *document,
			    bool whole, struct consort_value *values, uint32_t *out_count,
			    struct consort_error *error)
{
	uint32_t status = CONSORT_OK, count = 0, i;

	feed->reader.resource = source->resource;
	for (i = 0; !status && i < source->resource->nattributes; i++) {
		const struct mongo_column *column = &source->columns[i];
		bool found;

		if (!whole && column->storage.codec == MONGO_REST)
			continue;
		status = mongo_read_field(&feed->reader, column, document, &found, &values[count], error);
		if (found || whole)
			feed->attributes[count++] = i;
	}
	*out_count = count;
	return status;
}

static uint32_t tell_change(struct feed *feed, uint32_t kind, const struct source *source,
			    const bson_t *event, const struct consort_change_sink *sink,
			    struct consort_error *error)
{
	struct consort_change change = {.struct_size = sizeof(change),
					.kind = kind,
					.resource = source->resource,
					.position = feed->position.data,
					.time = feed->time,
					.attributes = feed->attributes};
	bool deleted = kind == CONSORT_CHANGE_DELETE, was, is;
	bson_t before, after, key;
	uint32_t status = CONSORT_OK;

	consort_arena_reset(&feed->reader.scratch);
	was = take_part(event, "fullDocumentBeforeChange", &before);
	is = !deleted && take_part(event, "fullDocument", &after);
	if (was)
		status = read_values(feed, source, &before, true, feed->before, &change.nvalues, error);
	if (!status && is)
		status = read_values(feed, source, &after, true, feed->after, &change.nvalues, error);
	if (!was && !is && take_part(event, "documentKey", &key))
		status = read_values(feed, source, &key, false, deleted ? feed->before : feed->after,
				     &change.nvalues, error);
	if (status)
		return status;
	if (change.nvalues && (was || deleted))
		change.before = feed->before;
	if (change.nvalues && !deleted && (is || !was))
		change.after = feed->after;
	status = sink->change(sink->context, &change);
	if (!status && !feed->transaction.size)
		status = tell_commit(feed, sink);
	return status ? consort_error_set(error, status, "a change was not taken") : CONSORT_OK;
}

static uint32_t tell_event(struct feed *feed, const bson_t *event, const struct consort_change_sink *sink,
			   struct consort_error *error)
{
	static const struct {
		const char *name;
		uint32_t kind;
	} kinds[] = {{"insert", CONSORT_CHANGE_INSERT},
		     {"update", CONSORT_CHANGE_UPDATE},
		     {"replace", CONSORT_CHANGE_UPDATE},
		     {"delete", CONSORT_CHANGE_DELETE}};
	const char *name = text_of(event, "operationType");
	const struct source *source = find_source(feed, text_of(event, "ns.coll"));
	uint32_t status = enter_transaction(feed, event, sink, error);
	size_t i;

	if (!status)
		status = take_position(feed, event, error);
	if (status)
		return status;
	feed->time = time_of(event);
	for (i = 0; source && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return tell_change(feed, kinds[i].kind, source, event, sink, error);
	if (!source)
		source = find_source(feed, text_of(event, "to.coll"));
	consort_error_set(error, CONSORT_ENAME,
			  "the database was changed by '%s', which does not tell what became of each record: "
			  "read the records again, and open the feed without a position",
			  name);
	if (source)
		consort_error_prefix(error, "resource '%s'", source->resource->name);
	return error->status;
}

/* All that has come. */
static uint32_t tell_events(struct feed *feed, const struct consort_change_sink *sink, bool *out_told,
			    struct consort_error *error)
{
	struct mongo_cursor *cursor = feed->cursor;
	const uint8_t *data;
	uint32_t status = CONSORT_OK, size;
	bson_t event;

	while (!status && bson_iter_next(&cursor->rows)) {
		if (!BSON_ITER_HOLDS_DOCUMENT(&cursor->rows))
			return consort_error_set(error, CONSORT_EPROTOCOL,
						 "the server sent a change that is none");
		bson_iter_document(&cursor->rows, &size, &data);
		bson_init_static(&event, data, size);
		cursor->count++;
		*out_told = true;
		status = tell_event(feed, &event, sink, error);
	}
	return status;
}

/* --- waiting --- */

static uint32_t explain(uint32_t status, struct consort_error *error)
{
	if (status && error->code == HISTORY_LOST)
		consort_error_prefix(error,
				     "the server no longer has all changes since that position: read the "
				     "records again, and open the feed without one");
	return status;
}

/* Asks for more; ETIMEOUT: there is no time to. */
static uint32_t await(struct feed *feed, bool again, struct consort_error *error)
{
	int64_t left = mongo_remaining(feed->conn, INT64_MAX);
	int64_t wait = left / 2 < AWAIT_MOST ? left / 2 : AWAIT_MOST;

	if (left < 0 || (again && left < AWAIT_LEAST)) {
		if (mongo_pause(feed->conn, left < 0 ? 0 : left) == CONSORT_ECANCELLED)
			return consort_error_set(error, CONSORT_ECANCELLED, "the call was cancelled");
		return consort_error_set(error, CONSORT_ETIMEOUT, "nothing has changed");
	}
	if (feed->transaction.size || wait < MILLISECOND)
		wait = MILLISECOND;
	return explain(mongo_cursor_await(feed->cursor, wait / MILLISECOND, error), error);
}

static uint32_t feed_next(void *context, const struct consort_call *call,
			  const struct consort_change_sink *sink, struct consort_error *error)
{
	struct feed *feed = context;
	bool told = false, asked = false;
	uint32_t status = mongo_enter(feed->conn, call, error);

	if (status)
		return status;
	while (!(status = tell_events(feed, sink, &told, error)) && !told) {
		if (asked && feed->transaction.size) { /* it would have come at once */
			status = tell_commit(feed, sink);
			if (status)
				consort_error_set(error, status, "a change was not taken");
			break;
		}
		status = await(feed, asked, error);
		if (status)
			break;
		asked = true;
	}
	mongo_leave(feed->conn);
	return status;
}

/* --- open and close --- */

static uint32_t set_source(struct feed *feed, const struct consort_resource *resource,
			   struct consort_error *error)
{
	struct source *source = &feed->sources[feed->nsources];
	const struct source *other = find_source(feed, resource->source);
	uint32_t status = CONSORT_OK, i;

	if (other)
		return consort_error_set(error, CONSORT_EINVAL,
					 "resources '%s' and '%s' are one collection: open a feed for each",
					 other->resource->name, resource->name);
	source->resource = resource;
	source->columns = consort_arena_array(&feed->own, resource->nattributes, sizeof(*source->columns));
	if (!source->columns)
		return consort_error_no_memory(error);
	for (i = 0; !status && i < resource->nattributes; i++) {
		const struct consort_attribute *attribute = resource->attributes[i];
		struct mongo_storage storage;

		status = mongo_storage_of(resource, attribute, &storage, error);
		if (status)
			break;
		mongo_column_set(&source->columns[i], attribute->source, storage, attribute->type);
		source->columns[i].resource = resource->name;
		source->columns[i].attribute = attribute->name;
	}
	feed->nsources++;
	return status;
}

static uint32_t set_sources(struct feed *feed, const struct consort_resource *const *resources,
			    uint32_t nresources, struct consort_error *error)
{
	uint32_t status = CONSORT_OK, most = 0, i;

	for (i = 0; i < nresources; i++)
		most = resources[i]->nattributes > most ? resources[i]->nattributes : most;
	feed->sources = consort_arena_array(&feed->own, nresources, sizeof(*feed->sources));
	feed->attributes = consort_arena_array(&feed->own, most, sizeof(*feed->attributes));
	feed->before = consort_arena_array(&feed->own, most, sizeof(*feed->before));
	feed->after = consort_arena_array(&feed->own, most, sizeof(*feed->after));
	if (!feed->sources || !feed->attributes || !feed->before || !feed->after ||
	    !mongo_reader_init(&feed->reader, NULL, 0))
		return consort_error_no_memory(error);
	for (i = 0; !status && i < nresources; i++)
		status = set_source(feed, resources[i], error);
	return status;
}

static void append_names(const struct feed *feed, const char *key, bson_t *out)
{
	bson_t test, list;
	uint32_t i;

	bson_append_document_begin(out, key, -1, &test);
	BSON_APPEND_ARRAY_BEGIN(&test, "$in", &list);
	for (i = 0; i < feed->nsources; i++) {
		const char *number;
		char digits[16];

		bson_uint32_to_string(i, &number, digits, sizeof(digits));
		bson_append_utf8(&list, number, -1, feed->sources[i].resource->source, -1);
	}
	bson_append_array_end(&test, &list);
	bson_append_document_end(out, &test);
}

/* Views have no changes; collections may keep images of their documents. */
static uint32_t look_at_sources(struct feed *feed, struct consort_error *error)
{
	struct mongo_cursor *cursor = mongo_cursor_new(feed->conn);
	bson_t command = BSON_INITIALIZER, filter, found;
	uint32_t status, size, kept = 0;
	const uint8_t *data = NULL;
	bson_iter_t from, at;

	if (!cursor)
		return consort_error_no_memory(error);
	BSON_APPEND_INT32(&command, "listCollections", 1);
	BSON_APPEND_DOCUMENT_BEGIN(&command, "filter", &filter);
	append_names(feed, "name", &filter);
	bson_append_document_end(&command, &filter);
	status = mongo_cursor_run(cursor, MONGO_PLAIN, &command, NULL, error);
	while (!status && !(status = mongo_cursor_document(cursor, &data, &size, error)) && data) {
		bson_init_static(&found, data, size);
		if (!strcmp(text_of(&found, "type"), "view"))
			status = consort_error_set(
				error, CONSORT_EUNSUPPORTED,
				"'%s' is a view, and MongoDB tells changes of collections alone",
				text_of(&found, "name"));
		kept += bson_iter_init(&from, &found) &&
			bson_iter_find_descendant(&from, "options.changeStreamPreAndPostImages.enabled",
						  &at) &&
			bson_iter_as_bool(&at);
	}
	feed->images = kept > 0 && feed->conn->wire >= WIRE_IMAGES;
	feed->all_images = feed->images && kept == feed->nsources;
	mongo_cursor_close(cursor);
	bson_destroy(&command);
	return status;
}

/* {$changeStream: {…}} */
static uint32_t append_stream(const struct feed *feed, const char *position, bson_t *out,
			      struct consort_error *error)
{
	uint32_t status = CONSORT_OK;
	bson_t stream, token;

	BSON_APPEND_DOCUMENT_BEGIN(out, "$changeStream", &stream);
	BSON_APPEND_UTF8(&stream, "fullDocument", feed->all_images ? "whenAvailable" : "updateLookup");
	if (feed->images)
		BSON_APPEND_UTF8(&stream, "fullDocumentBeforeChange", "whenAvailable");
	if (position) {
		BSON_APPEND_DOCUMENT_BEGIN(&stream, "startAfter", &token);
		status = mongo_parse_members((struct consort_view){position, strlen(position)}, NULL, &token,
					     error);
		if (status)
			consort_error_prefix(error, "'%.64s' is no position of a change feed", position);
		bson_append_document_end(&stream, &token);
	}
	bson_append_document_end(out, &stream);
	return status;
}

/* Changes of the collections, and what ends them. */
static void append_match(const struct feed *feed, bson_t *out)
{
	static const char *const fields[] = {"ns.coll", "to.coll"};
	bson_t match, either, one;
	uint32_t at = 0, i;

	BSON_APPEND_DOCUMENT_BEGIN(out, "$match", &match);
	BSON_APPEND_ARRAY_BEGIN(&match, "$or", &either);
	for (i = 0; i < 2; i++) {
		mongo_stage_begin(&either, &at, &one);
		append_names(feed, fields[i], &one);
		mongo_stage_end(&either, &one);
	}
	mongo_stage_begin(&either, &at, &one);
	BSON_APPEND_UTF8(&one, "operationType", "invalidate");
	mongo_stage_end(&either, &one);
	bson_append_array_end(&match, &either);
	bson_append_document_end(out, &match);
}

static uint32_t start(struct feed *feed, const char *position, struct consort_error *error)
{
	bson_t command = BSON_INITIALIZER, pipeline, stage;
	uint32_t at = 0, status;

	BSON_APPEND_INT32(&command, "aggregate", 1);
	BSON_APPEND_ARRAY_BEGIN(&command, "pipeline", &pipeline);
	mongo_stage_begin(&pipeline, &at, &stage);
	status = append_stream(feed, position, &stage, error);
	mongo_stage_end(&pipeline, &stage);
	mongo_stage_begin(&pipeline, &at, &stage);
	append_match(feed, &stage);
	mongo_stage_end(&pipeline, &stage);
	bson_append_array_end(&command, &pipeline);
	BSON_APPEND_DOCUMENT_BEGIN(&command, "cursor", &stage);
	bson_append_document_end(&command, &stage);
	if (!status)
		feed->cursor = mongo_cursor_new(feed->conn);
	if (!status && !feed->cursor)
		status = consort_error_no_memory(error);
	if (!status)
		status = explain(mongo_cursor_run(feed->cursor, MONGO_READ, &command, NULL, error), error);
	bson_destroy(&command);
	return status;
}

static void feed_close(void *context)
{
	struct feed *feed = context;

	if (feed->cursor)
		mongo_cursor_close(feed->cursor);
	mongo_reader_clear(&feed->reader);
	consort_buffer_clear(&feed->position);
	consort_buffer_clear(&feed->transaction);
	consort_arena_clear(&feed->own);
	free(feed);
}

static uint32_t feed_open(void *connection, const struct consort_call *call, const char *name,
			  const struct consort_resource *const *resources, uint32_t nresources,
			  const char *position, void **out_feed, struct consort_error *error)
{
	struct mongo_connection *conn = connection;
	struct feed *feed;
	uint32_t status = mongo_enter(conn, call, error);

	(void)name;
	if (status)
		return status;
	feed = calloc(1, sizeof(*feed));
	if (!feed) {
		mongo_leave(conn);
		return consort_error_no_memory(error);
	}
	feed->conn = conn;
	consort_arena_init(&feed->own, 0);
	if (conn->transaction != MONGO_TX_NONE)
		status = consort_error_set(error, CONSORT_EINVAL, "a transaction has no change feed");
	if (!status)
		status = set_sources(feed, resources, nresources, error);
	if (!status)
		status = look_at_sources(feed, error);
	if (!status)
		status = start(feed, position, error);
	mongo_leave(conn);
	if (status) {
		feed_close(feed);
		return status;
	}
	*out_feed = feed;
	return CONSORT_OK;
}

static uint32_t feed_confirm(void *feed, const struct consort_call *call, const char *position,
			     struct consort_error *error)
{
	(void)feed;
	(void)position;
	return consort_call_check(call, error);
}

static uint32_t feed_forget(void *connection, const struct consort_call *call, const char *name,
			    struct consort_error *error)
{
	(void)connection;
	(void)name;
	return consort_call_check(call, error);
}

const struct consort_changes_ops mongo_changes_ops = {
	.struct_size = sizeof(mongo_changes_ops),
	.open = feed_open,
	.next = feed_next,
	.confirm = feed_confirm,
	.close = feed_close,
	.forget = feed_forget,
};
