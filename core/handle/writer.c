/* SPDX-License-Identifier: Apache-2.0 */
/* Writers: a batch that the program fills, and the shape it is written with. */
#include "handle/handle.h"

struct consort_writer {
	struct consort *handle;
	struct consort_access *access;
	const struct consort_shape *shape;
	struct consort_batch *batch;
	int64_t written;
	void (*row_failed)(void *context, int64_t row, const struct consort_error *error);
	void *context;
};

/* A name at `at`, in double quotes or up to a comma; returns what follows it, NULL if there is none or it is
 * too long. */
static const char *scan_name(const char *at, char *name, size_t room)
{
	bool quoted = *at == '"';
	size_t size = 0;

	for (at += quoted; *at && (quoted || *at != ','); at++) {
		if (quoted && *at == '"' && *++at != '"')
			break;
		if (size + 1 == room)
			return NULL;
		name[size++] = *at;
	}
	while (!quoted && size && strchr(" \t\n", name[size - 1]))
		size--;
	name[size] = '\0';
	return size ? at + strspn(at, " \t\n") : NULL;
}

/* Positions of "id, delay_min"; names may be in double quotes. */
static enum consort_status parse_names(const struct consort_access *access, const char *text,
				       uint32_t *positions, uint32_t *out_count, struct consort_error *error)
{
	const char *at = text;
	enum consort_status status;
	uint32_t count = 0, i;
	char name[160];

	for (;;) {
		at = scan_name(at + strspn(at, " \t\n"), name, sizeof(name));
		if (!at)
			return consort_error_set(error, CONSORT_ENAME,
						 "an attribute's name is missing, or too long, in \"%s\"",
						 text);
		if (count == access->resource->nattributes)
			return consort_error_set(error, CONSORT_ENAME, "too many attributes in \"%s\"", text);
		positions[count] = consort_access_attribute(access, name);
		if (positions[count] == CONSORT_NO_ATTRIBUTE)
			return consort_access_unknown(access, name, error);
		status = consort_access_settable(access, positions[count], error);
		if (status)
			return status;
		for (i = 0; i < count; i++)
			if (positions[i] == positions[count])
				return consort_error_set(error, CONSORT_ENAME,
							 "%s: attribute '%s' is given twice",
							 access->resource->name, name);
		count++;
		if (!*at)
			break;
		if (*at++ != ',')
			return consort_error_set(error, CONSORT_ENAME, "a comma is missing in \"%s\"", text);
	}
	*out_count = count;
	return CONSORT_OK;
}

static uint32_t find(const uint32_t *positions, uint32_t count, uint32_t position)
{
	uint32_t i;

	for (i = 0; i < count && positions[i] != position; i++)
		;
	return i;
}

/* An update's key goes last, as the contract has it; the program keeps its order, so it must be so given. */
static enum consort_status check_keys(const struct consort_access *access, uint32_t kind,
				      const uint32_t *positions, uint32_t count, struct consort_error *error)
{
	const struct consort_resource *resource = access->resource;
	enum consort_status status = consort_access_check_key(access, resource->nkeys, error);
	uint32_t i;

	for (i = 0; !status && i < resource->nkeys; i++) {
		if (find(positions, count, resource->keys[i]) == count)
			status = consort_error_set(
				error, CONSORT_EINVAL, "%s: the columns lack the key's attribute '%s'",
				resource->name, resource->attributes[resource->keys[i]]->name);
		else if (kind == CONSORT_WRITER_UPDATE &&
			 (count <= resource->nkeys ||
			  positions[count - resource->nkeys + i] != resource->keys[i]))
			status = consort_error_set(error, CONSORT_EINVAL,
						   "%s: an update's columns end with the key, in its order",
						   resource->name);
	}
	return status;
}

static enum consort_status choose_shape(struct consort_access *access, const char *attributes, uint32_t kind,
					uint32_t flags, const struct consort_shape **out_shape,
					struct consort_error *error)
{
	static const uint32_t kinds[] = {0, CONSORT_WRITE_INSERT, CONSORT_WRITE_UPDATE, CONSORT_WRITE_UPSERT};
	const struct consort_resource *resource = access->resource;
	struct consort_shape_request request = {.kind = kinds[kind]};
	enum consort_status status = consort_write_check(access->database, resource, kinds[kind], error);
	uint32_t *positions, count = 0, i;

	if (status)
		return status;
	positions = calloc(resource->nattributes ? resource->nattributes : 1, sizeof(*positions));
	if (!positions)
		return consort_error_no_memory(error);
	if (attributes) {
		status = parse_names(access, attributes, positions, &count, error);
	} else {
		for (i = 0; i < resource->nattributes; i++)
			if (!(resource->attributes[i]->flags & CONSORT_ATTRIBUTE_READ_ONLY) &&
			    (kind != CONSORT_WRITER_UPDATE ||
			     find(resource->keys, resource->nkeys, i) == resource->nkeys))
				positions[count++] = i;
		for (i = 0; kind == CONSORT_WRITER_UPDATE && i < resource->nkeys; i++)
			positions[count++] = resource->keys[i];
	}
	if (!status && kind != CONSORT_WRITER_CREATE)
		status = check_keys(access, kind, positions, count, error);
	request.flags = flags & CONSORT_WRITER_CONTINUE ? CONSORT_WRITE_CONTINUE : 0;
	request.attributes = positions;
	request.nattributes = count;
	request.nkeys = kind == CONSORT_WRITER_UPDATE ? resource->nkeys : 0;
	if (!status)
		status = consort_access_shape(access, &request, out_shape, error);
	free(positions);
	return status;
}

enum consort_status consort_writer_open(struct consort *c, const char *resource, const char *attributes,
					uint32_t kind, uint32_t flags, struct consort_writer **out_writer,
					struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, c, resource, out_writer);
	struct consort_handle_session session;
	struct consort_writer *w;

	if (!status)
		status = consort_handle_check(c, error);
	if (!status && (kind < CONSORT_WRITER_CREATE || kind > CONSORT_WRITER_UPSERT ||
			flags & ~CONSORT_WRITER_CONTINUE))
		status = consort_error_set(error, CONSORT_EINVAL, "unknown kind %u or flags 0x%x of a writer",
					   kind, flags);
	if (status)
		return status;
	w = calloc(1, sizeof(*w));
	if (!w)
		return consort_error_no_memory(error);
	consort_session_begin(&session, c);
	status = consort_access_open(&session, resource, &w->access, error);
	consort_session_end(&session);
	if (!status)
		status = choose_shape(w->access, attributes, kind, flags, &w->shape, error);
	if (!status) {
		w->batch = consort_shape_batch(w->shape);
		if (!w->batch)
			status = consort_error_no_memory(error);
	}
	if (status) {
		free(w);
		return status;
	}
	w->handle = c;
	consort_handle_hold(c);
	*out_writer = w;
	return CONSORT_OK;
}

struct consort_batch *consort_writer_batch(struct consort_writer *w)
{
	return w ? w->batch : NULL;
}

void consort_writer_on_failure(struct consort_writer *w,
			       void (*row_failed)(void *context, int64_t row,
						  const struct consort_error *error),
			       void *context)
{
	if (!w)
		return;
	w->row_failed = row_failed;
	w->context = context;
}

int64_t consort_writer_written(const struct consort_writer *w)
{
	return w ? w->written : 0;
}

void consort_writer_close(struct consort_writer *w)
{
	if (!w)
		return;
	consort_batch_free(w->batch);
	consort_handle_drop(w->handle);
	free(w);
}

/* Is some row's text not well-formed? All texts at once, then each one's first byte: no character may reach
 * over two texts. */
static bool has_bad_text(const struct consort_column *column, int64_t nrows)
{
	const int32_t *offsets = (const int32_t *)column->values + column->offset;
	int64_t row;

	if (offsets[0] == offsets[nrows])
		return false;
	if (!consort_utf8_valid((const char *)column->data + offsets[0],
				(uint64_t)(offsets[nrows] - offsets[0]), NULL))
		return true;
	for (row = 0; row < nrows; row++)
		if (offsets[row] < offsets[nrows] && (column->data[offsets[row]] & 0xc0) == 0x80)
			return true;
	return false;
}

/* A row's value that its type cannot hold. Texts are looked at all at once, numbers of most types hold any.
 */
static enum consort_status check_column(const struct consort_column *column, int64_t nrows,
					struct consort_error *error)
{
	enum consort_status status = CONSORT_OK;
	uint16_t type = column->type.id;
	int64_t row;

	if (type == CONSORT_TYPE_TEXT
		    ? !has_bad_text(column, nrows)
		    : type != CONSORT_TYPE_JSON && type != CONSORT_TYPE_TIME && type != CONSORT_TYPE_DECIMAL)
		return CONSORT_OK;
	for (row = 0; row < nrows; row++) {
		const struct consort_value value = consort_column_value(column, row);

		status = consort_value_check(&value, error);
		if (status) {
			consort_error_prefix(error, "row %lld", (long long)row + 1);
			break;
		}
	}
	return status;
}

/* What a program may have got wrong: columns of different lengths, values that are none. */
static enum consort_status check_rows(const struct consort_writer *w, struct consort_error *error)
{
	const struct consort_batch *batch = w->batch;
	enum consort_status status = CONSORT_OK;
	uint32_t i;

	for (i = 0; !status && i < batch->ncolumns; i++) {
		const struct consort_column *column = &batch->columns[i];
		const struct consort_resource *resource = w->access->resource;

		if (column->length != batch->nrows)
			status = consort_error_set(error, CONSORT_EINVAL,
						   "the batch has %lld values for %lld rows",
						   (long long)column->length, (long long)batch->nrows);
		else
			status = check_column(column, batch->nrows, error);
		if (status)
			consort_error_blame(error, resource->name,
					    resource->attributes[w->shape->write.attributes[i]]->name);
	}
	return status;
}

static void ignore_failure(void *context, int64_t row, const struct consort_error *error)
{
	(void)context;
	(void)row;
	(void)error;
}

struct flush {
	struct consort_writer *writer;
	struct consort_write_result *result;
};

static enum consort_status flush_rows(struct consort *in, void *arg, struct consort_error *error)
{
	const struct flush *flush = arg;
	const struct consort_writer *w = flush->writer;
	struct consort_handle_session session;
	enum consort_status status;

	consort_session_begin(&session, in);
	status = consort_write_batch(&session, w->access->database, w->shape, w->batch, flush->result, error);
	consort_session_end(&session);
	return status;
}

enum consort_status consort_writer_flush(struct consort_writer *w, struct consort_error *error)
{
	struct consort_write_result result = {.struct_size = sizeof(result), .row_failed = ignore_failure};
	struct flush flush = {.writer = w, .result = &result};
	enum consort_status status = CONSORT_NEED(error, w);
	struct consort_error spare;
	bool each;

	consort_error_need(&error, &spare);
	if (!status)
		status = consort_handle_check(w->handle, error);
	if (status || !w->batch->nrows)
		return status;
	status = check_rows(w, error);
	if (status)
		return status;
	if (w->row_failed) {
		result.row_failed = w->row_failed;
		result.context = w->context;
	}
	/* a call a row is undone by a transaction; one call undoes itself, or tells what it could not undo */
	each = !(w->shape->write.flags & CONSORT_WRITE_CONTINUE) && w->batch->nrows > 1 &&
	       !consort_database_has(w->access->database, CONSORT_FEATURE_BULK_WRITE);
	if (each)
		status = consort_atomically(w->handle, w->access->database, flush_rows, &flush, error);
	else
		status = flush_rows(w->handle, &flush, error);
	if (!status || !each || !consort_database_has(w->access->database, CONSORT_FEATURE_ATOMIC_COMMIT))
		w->written += result.affected;
	if (!status && consort_batch_reset(w->batch))
		status = consort_error_no_memory(error);
	return status;
}
