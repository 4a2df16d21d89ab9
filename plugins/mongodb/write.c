/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records by key and in bulk. A batch is one command, or as many as its size asks for; outside of a
 * transaction they are one transaction where the server has any. What an update or removal did not find is
 * looked up, since the server only counts. What is to be returned goes record by record, by findAndModify.
 */
#include "write.h"

#include "plan.h"

#include <stdlib.h>
#include <string.h>

#define COMMAND_BYTES \
	((uint32_t)12 << 20) /* of documents; a command may have 16 MiB, and so may one document */
#define COMMAND_ROWS 100000

/* --- what became of a row --- */

static bool is_row_failure(const struct consort_error *error)
{
	switch (error->status) {
	case CONSORT_ECONSTRAINT:
	case CONSORT_ERANGE:
	case CONSORT_ETYPE:
	case CONSORT_EENGINE:
		return !(error->flags & CONSORT_ERROR_TX_ABORTED);
	default:
		return false;
	}
}

static void tell(const struct mongo_writing *writing, int64_t row, const struct consort_error *error)
{
	if (writing->result->row_failed)
		writing->result->row_failed(writing->result->context, row, error);
}

static void not_found(const struct mongo_writing *writing, int64_t row)
{
	const struct consort_resource *resource = writing->write->resource;
	struct consort_error error;

	consort_error_set(&error, CONSORT_ENOTFOUND, "resource '%s' has no record with this key",
			  resource->name);
	consort_copy_text(error.resource, sizeof(error.resource), resource->name);
	tell(writing, row, &error);
}

/* Of a failure in *error: is the call over? */
static uint32_t row_failed(struct mongo_writing *writing, int64_t row)
{
	struct consort_error *error = writing->error;
	bool own = is_row_failure(error);

	if (own)
		tell(writing, row, error);
	return own && (writing->write->flags & CONSORT_WRITE_CONTINUE) ? CONSORT_OK : error->status;
}

/* --- commands --- */

static const struct {
	const char *command, *list;
} words[] = {
	[MONGO_INSERT] = {"insert", "documents"},
	[MONGO_UPDATE] = {"update", "updates"},
	[MONGO_REMOVE] = {"delete", "deletes"},
	[MONGO_UPSERT] = {"update", "updates"},
};

/* What goes into one command. */
struct bulk {
	bson_t command, list;
	uint32_t count;
	int64_t *places; /* [nrows] the row of each of its records */
};

static void begin_bulk(const struct mongo_writing *writing, struct bulk *bulk)
{
	const struct consort_resource *resource = writing->write->resource;

	bulk->count = 0;
	bson_init(&bulk->command);
	bson_append_utf8(&bulk->command, words[writing->kind].command, -1, resource->source, -1);
	BSON_APPEND_BOOL(&bulk->command, "ordered", !(writing->write->flags & CONSORT_WRITE_CONTINUE));
	if (writing->conn->transaction == MONGO_TX_NONE)
		mongo_add_time(writing->conn, &bulk->command);
	bson_append_array_begin(&bulk->command, words[writing->kind].list, -1, &bulk->list);
}

/* The server's word on single records; those behind the first failure were not tried if they are ordered. */
static uint32_t take_failures(struct mongo_writing *writing, const struct bulk *bulk, const bson_t *reply)
{
	uint32_t status = CONSORT_OK;
	bson_iter_t errors, field;
	int64_t index;

	if (mongo_part(reply, "writeErrors", &errors)) {
		while (!status && bson_iter_next(&errors)) {
			index = bson_iter_recurse(&errors, &field) && bson_iter_find(&field, "index")
					? bson_iter_as_int64(&field)
					: -1;
			if (index < 0 || index >= bulk->count)
				return consort_error_set(
					writing->error, CONSORT_EPROTOCOL,
					"the server tells of a record that it was not given");
			mongo_fail_write(&errors, writing->write->resource, writing->error);
			writing->refused[bulk->places[index]] = true;
			status = row_failed(writing, bulk->places[index]);
		}
	}
	if (!status && bson_iter_init_find(&errors, reply, "writeConcernError"))
		status = mongo_fail_write(&errors, writing->write->resource, writing->error);
	return status;
}

static uint32_t find_missing(struct mongo_writing *writing, const int64_t *places, uint32_t count);

static uint32_t end_bulk(struct mongo_writing *writing, struct bulk *bulk)
{
	uint32_t status = CONSORT_OK, refused = 0, i;
	int64_t n;
	bson_t reply;

	bson_append_array_end(&bulk->command, &bulk->list);
	if (!bulk->count) {
		bson_destroy(&bulk->command);
		return CONSORT_OK;
	}
	status = mongo_run(writing->conn, MONGO_WRITE, &bulk->command, 0, writing->write->resource, &reply,
			   writing->error);
	bson_destroy(&bulk->command);
	if (!status) {
		n = mongo_number(&reply, "n", 0);
		writing->affected += n;
		status = take_failures(writing, bulk, &reply);
		for (i = 0; i < bulk->count; i++)
			refused += writing->refused[bulk->places[i]];
		if (!status && writing->kind == MONGO_UPDATE && n + refused < bulk->count)
			status = find_missing(writing, bulk->places, bulk->count);
		else if (!status && writing->kind == MONGO_REMOVE && bulk->count == 1 && !n && !refused)
			not_found(writing, bulk->places[0]);
	}
	bson_destroy(&reply);
	return status;
}

/* The element of a row: a document, an update or a removal. */
static uint32_t make_element(struct mongo_writing *writing, int64_t row, bson_t *out)
{
	bson_t part = BSON_INITIALIZER;
	uint32_t status;

	if (writing->kind == MONGO_INSERT) {
		status = mongo_make_document(writing, row, out);
		goto out;
	}
	status = mongo_make_query(writing, row, &part);
	BSON_APPEND_DOCUMENT(out, "q", &part);
	if (writing->texts)
		mongo_append_collation(out);
	if (writing->kind == MONGO_REMOVE) {
		BSON_APPEND_INT32(out, "limit", 1);
		goto out;
	}
	bson_reinit(&part);
	if (!status)
		status = mongo_make_sets(writing, row, &part);
	BSON_APPEND_DOCUMENT(out, "u", &part);
	if (writing->kind == MONGO_UPSERT)
		BSON_APPEND_BOOL(out, "upsert", true);
out:
	bson_destroy(&part);
	return status;
}

static uint32_t take_document(struct mongo_writing *writing, const bson_t *document)
{
	uint32_t status = mongo_read_row(&writing->reader, bson_get_data(document), document->len,
					 writing->result->returned, writing->error);

	if (!status)
		consort_batch_end_row(writing->result->returned);
	return status;
}

static void append_element(struct bulk *bulk, const bson_t *element, int64_t row)
{
	const char *key;
	char digits[16];
	size_t size = bson_uint32_to_string(bulk->count, &key, digits, sizeof(digits));

	bson_append_document(&bulk->list, key, (int)size, element);
	bulk->places[bulk->count++] = row;
}

/* --- many rows --- */

static uint32_t write_bulk(struct mongo_writing *writing, int64_t *places)
{
	struct bulk bulk = {.places = places};
	bson_t element = BSON_INITIALIZER;
	uint32_t status = CONSORT_OK, ended;
	int64_t row;

	begin_bulk(writing, &bulk);
	for (row = 0; !status && row < writing->rows->nrows; row++) {
		if (writing->refused[row])
			continue;
		bson_reinit(&element);
		status = make_element(writing, row, &element);
		if (status) {
			writing->refused[row] = true;
			status = row_failed(writing, row);
			continue;
		}
		if (bulk.count == COMMAND_ROWS ||
		    (bulk.count && bulk.list.len + element.len > COMMAND_BYTES)) {
			status = end_bulk(writing, &bulk);
			begin_bulk(writing, &bulk);
		}
		if (!status) /* else nothing more is sent */
			append_element(&bulk, &element, row);
	}
	/* without a transaction what stands before a row that cannot be sent is written, as it would be
	 * without that row */
	if (status && writing->conn->transaction != MONGO_TX_NONE) {
		bson_append_array_end(&bulk.command, &bulk.list);
		bson_destroy(&bulk.command);
	} else if (status) {
		struct consort_error first = *writing->error;

		ended = end_bulk(writing, &bulk);
		if (!ended)
			*writing->error = first;
		status = writing->error->status;
	} else {
		status = end_bulk(writing, &bulk);
	}
	bson_destroy(&element);
	return status;
}

/* --- what is not there --- */

/* Appends the keys of these rows as a condition; those of one field as a list. */
static uint32_t append_keys(struct mongo_writing *writing, const int64_t *places, uint32_t count, bson_t *out)
{
	bool one = writing->write->nkeys == 1;
	bson_t list, test, key = BSON_INITIALIZER;
	uint32_t status = mongo_make_query(writing, places[0], &key), at = 0, i;
	bson_iter_t value;
	bson_t *where = one ? &test : out;

	if (status)
		goto out;
	bson_iter_init(&value, &key);
	bson_iter_next(&value);
	if (one)
		bson_append_document_begin(out, bson_iter_key(&value), -1, &test);
	bson_append_array_begin(where, one ? "$in" : "$or", -1, &list);
	for (i = 0; !status && i < count; i++) {
		const char *number;
		char digits[16];
		size_t size = bson_uint32_to_string(at++, &number, digits, sizeof(digits));

		bson_reinit(&key);
		status = mongo_make_query(writing, places[i], &key);
		if (!one)
			bson_append_document(&list, number, (int)size, &key);
		else if (!status && bson_iter_init(&value, &key) && bson_iter_next(&value))
			bson_append_iter(&list, number, (int)size, &value);
	}
	bson_append_array_end(where, &list);
	if (one)
		bson_append_document_end(out, &test);
out:
	bson_destroy(&key);
	return status;
}

/* How many records there are with the keys of these rows. */
static uint32_t count_keys(struct mongo_writing *writing, const int64_t *places, uint32_t count, int64_t *out)
{
	bson_t command = BSON_INITIALIZER, reply = BSON_INITIALIZER, pipeline, step, query;
	uint32_t status, at = 0;
	bson_iter_t reader, n;

	BSON_APPEND_UTF8(&command, "aggregate", writing->write->resource->source);
	BSON_APPEND_ARRAY_BEGIN(&command, "pipeline", &pipeline);
	mongo_stage_begin(&pipeline, &at, &step);
	BSON_APPEND_DOCUMENT_BEGIN(&step, "$match", &query);
	status = append_keys(writing, places, count, &query);
	bson_append_document_end(&step, &query);
	mongo_stage_end(&pipeline, &step);
	mongo_stage_begin(&pipeline, &at, &step);
	BSON_APPEND_UTF8(&step, "$count", "n");
	mongo_stage_end(&pipeline, &step);
	bson_append_array_end(&command, &pipeline);
	BSON_APPEND_DOCUMENT_BEGIN(&command, "cursor", &query);
	bson_append_document_end(&command, &query);
	if (writing->texts)
		mongo_append_collation(&command);
	if (!status) {
		bson_destroy(&reply);
		status = mongo_run(writing->conn, MONGO_READ, &command, 0, writing->write->resource, &reply,
				   writing->error);
	}
	if (!status && bson_iter_init(&reader, &reply))
		*out = bson_iter_find_descendant(&reader, "cursor.firstBatch.0.n", &n)
			       ? bson_iter_as_int64(&n)
			       : 0;
	bson_destroy(&command);
	bson_destroy(&reply);
	return status;
}

/* Tells of the rows whose keys are not there; halves what has too few. */
static uint32_t find_missing(struct mongo_writing *writing, const int64_t *places, uint32_t count)
{
	uint32_t status, half = count / 2;
	int64_t there = 0;

	if (count == 1 && writing->refused[places[0]])
		return CONSORT_OK;
	status = count_keys(writing, places, count, &there);
	if (status || there >= count)
		return status;
	if (count == 1) {
		not_found(writing, places[0]);
		writing->refused[places[0]] = true;
		return CONSORT_OK;
	}
	status = find_missing(writing, places, half);
	return status ? status : find_missing(writing, places + half, count - half);
}

/* Of several removals those that find nothing are told before, as afterwards nothing is there. */
static uint32_t find_missing_first(struct mongo_writing *writing, int64_t *places)
{
	uint32_t count = 0;
	int64_t row;

	if (writing->kind != MONGO_REMOVE || writing->rows->nrows < 2)
		return CONSORT_OK;
	for (row = 0; row < writing->rows->nrows; row++)
		places[count++] = row;
	return find_missing(writing, places, count);
}

/* --- record by record --- */

static uint32_t modify(struct mongo_writing *writing, int64_t row)
{
	bson_t command = BSON_INITIALIZER, part = BSON_INITIALIZER, reply = BSON_INITIALIZER, found;
	bool removes = writing->kind == MONGO_REMOVE;
	uint32_t status, size;
	const uint8_t *data;
	bson_iter_t value;

	BSON_APPEND_UTF8(&command, "findAndModify", writing->write->resource->source);
	status = mongo_make_query(writing, row, &part);
	BSON_APPEND_DOCUMENT(&command, "query", &part);
	bson_reinit(&part);
	if (!status && !removes)
		status = mongo_make_sets(writing, row, &part);
	if (removes)
		BSON_APPEND_BOOL(&command, "remove", true);
	else
		BSON_APPEND_DOCUMENT(&command, "update", &part);
	if (!removes)
		BSON_APPEND_BOOL(&command, "new", true);
	if (writing->kind == MONGO_UPSERT)
		BSON_APPEND_BOOL(&command, "upsert", true);
	if (writing->texts)
		mongo_append_collation(&command);
	if (writing->conn->transaction == MONGO_TX_NONE)
		mongo_add_time(writing->conn, &command);
	if (!status)
		status = mongo_run(writing->conn, MONGO_WRITE, &command, 0, writing->write->resource, &reply,
				   writing->error);
	if (!status && bson_iter_init_find(&value, &reply, "value") && BSON_ITER_HOLDS_DOCUMENT(&value)) {
		bson_iter_document(&value, &size, &data);
		writing->affected++;
		if (bson_init_static(&found, data, size))
			status = take_document(writing, &found);
	} else if (!status) {
		not_found(writing, row);
	}
	bson_destroy(&command);
	bson_destroy(&part);
	bson_destroy(&reply);
	return status;
}

/* What is stored of a new record is what was sent. */
static uint32_t insert_one(struct mongo_writing *writing, int64_t row, int64_t *places)
{
	struct bulk bulk = {.places = places};
	bson_t document = BSON_INITIALIZER;
	int64_t before = writing->affected;
	uint32_t status = mongo_make_document(writing, row, &document);

	if (status) {
		status = row_failed(writing, row);
	} else {
		begin_bulk(writing, &bulk);
		append_element(&bulk, &document, row);
		status = end_bulk(writing, &bulk);
	}
	if (!status && writing->affected > before)
		status = take_document(writing, &document);
	bson_destroy(&document);
	return status;
}

static uint32_t write_each(struct mongo_writing *writing, int64_t *places)
{
	uint32_t status = CONSORT_OK;
	int64_t row;

	for (row = 0; !status && row < writing->rows->nrows; row++) {
		if (writing->kind == MONGO_INSERT) {
			status = insert_one(writing, row, places);
			continue;
		}
		status = modify(writing, row);
		if (status)
			status = row_failed(writing, row);
	}
	return status;
}

/* --- the operations --- */

static uint32_t prepare_fields(struct mongo_writing *writing)
{
	const struct consort_write *write = writing->write;
	uint32_t status = CONSORT_OK, i;

	writing->fields = calloc(write->nattributes ? write->nattributes : 1, sizeof(*writing->fields));
	writing->refused = calloc(writing->rows->nrows ? (size_t)writing->rows->nrows : 1, sizeof(bool));
	if (!writing->fields || !writing->refused)
		return consort_error_no_memory(writing->error);
	for (i = 0; !status && i < write->nattributes; i++) {
		struct mongo_field *field = &writing->fields[i];

		field->attribute = write->resource->attributes[write->attributes[i]];
		field->key = writing->kind == MONGO_UPSERT ? consort_write_is_key(write, i)
							   : i + write->nkeys >= write->nattributes;
		writing->texts |= field->key && field->attribute->type.id == CONSORT_TYPE_TEXT;
		status = mongo_storage_of(write->resource, field->attribute, &field->storage, writing->error);
	}
	return status;
}

static uint32_t prepare_returning(struct mongo_writing *writing, struct mongo_column **out_columns)
{
	const struct consort_write *write = writing->write;
	struct mongo_column *columns = calloc(write->nreturning ? write->nreturning : 1, sizeof(*columns));
	uint32_t status = CONSORT_OK, i;

	*out_columns = columns;
	if (!columns)
		return consort_error_no_memory(writing->error);
	for (i = 0; !status && i < write->nreturning; i++) {
		const struct consort_attribute *attribute = write->resource->attributes[write->returning[i]];
		struct mongo_storage storage;

		status = mongo_storage_of(write->resource, attribute, &storage, writing->error);
		if (status)
			break;
		mongo_column_set(&columns[i], attribute->source, storage, attribute->type);
		if (storage.codec == MONGO_REST)
			columns[i].key_size = SIZE_MAX;
		columns[i].place = i;
		columns[i].resource = write->resource->name;
		columns[i].attribute = attribute->name;
	}
	mongo_columns_link(columns, write->nreturning);
	if (!status && !mongo_reader_init(&writing->reader, columns, write->nreturning))
		status = consort_error_no_memory(writing->error);
	writing->reader.resource = write->resource;
	return status;
}

/* One record, or many as one where they can be. */
static uint32_t run(struct mongo_writing *writing)
{
	bool returns = writing->write->nreturning && writing->result->returned, grouped = false;
	int64_t *places = malloc((writing->rows->nrows ? (size_t)writing->rows->nrows : 1) * sizeof(*places));
	uint32_t status = places ? CONSORT_OK : consort_error_no_memory(writing->error);

	if (!status && writing->rows->nrows > 1 && !(writing->write->flags & CONSORT_WRITE_CONTINUE))
		status = mongo_group_begin(writing->conn, &grouped, writing->error);
	if (!status)
		status = find_missing_first(writing, places);
	if (!status)
		status = returns ? write_each(writing, places) : write_bulk(writing, places);
	free(places);
	status = mongo_group_end(writing->conn, grouped, status, writing->error);
	/* without a transaction some may have been written */
	if (!status || (!grouped && writing->conn->transaction == MONGO_TX_NONE))
		writing->result->affected = writing->affected;
	return status;
}

static uint32_t do_write(void *connection, const struct consort_call *call, enum mongo_write_kind kind,
			 const struct consort_write *write, const struct consort_batch *rows,
			 struct consort_write_result *result, struct consort_error *error)
{
	struct mongo_connection *conn = connection;
	struct mongo_writing writing = {
		.conn = conn, .kind = kind, .write = write, .rows = rows, .result = result, .error = error};
	struct mongo_column *columns = NULL;
	uint32_t status = mongo_enter(conn, call, error);

	if (status)
		return status;
	status = consort_write_check_rows(write, rows, error);
	if (!status)
		status = mongo_may_write(conn, error);
	if (!status)
		status = prepare_fields(&writing);
	if (!status && write->nreturning && result->returned)
		status = prepare_returning(&writing, &columns);
	if (!status)
		status = run(&writing);
	if (columns)
		mongo_reader_clear(&writing.reader);
	free(columns);
	free(writing.fields);
	free(writing.refused);
	mongo_leave(conn);
	return status;
}

static uint32_t write_insert(void *connection, const struct consort_call *call,
			     const struct consort_write *write, const struct consort_batch *rows,
			     struct consort_write_result *result, struct consort_error *error)
{
	return do_write(connection, call, MONGO_INSERT, write, rows, result, error);
}

static uint32_t write_update(void *connection, const struct consort_call *call,
			     const struct consort_write *write, const struct consort_batch *rows,
			     struct consort_write_result *result, struct consort_error *error)
{
	return do_write(connection, call, MONGO_UPDATE, write, rows, result, error);
}

static uint32_t write_remove(void *connection, const struct consort_call *call,
			     const struct consort_write *write, const struct consort_batch *rows,
			     struct consort_write_result *result, struct consort_error *error)
{
	return do_write(connection, call, MONGO_REMOVE, write, rows, result, error);
}

static uint32_t write_upsert(void *connection, const struct consort_call *call,
			     const struct consort_write *write, const struct consort_batch *rows,
			     struct consort_write_result *result, struct consort_error *error)
{
	return do_write(connection, call, MONGO_UPSERT, write, rows, result, error);
}

const struct consort_write_ops mongo_write_ops = {
	.struct_size = sizeof(mongo_write_ops),
	.insert = write_insert,
	.update = write_update,
	.remove = write_remove,
	.upsert = write_upsert,
};
