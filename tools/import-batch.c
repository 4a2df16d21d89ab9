/* SPDX-License-Identifier: Apache-2.0 */
/* From records to the writer's batches, and to the rejects. */
#include "import.h"

#include <unistd.h>

int32_t import_attribute(void *context, const char *name, size_t size, struct consort_error *error)
{
	struct import *im = context;
	int32_t attribute;
	char text[256];
	size_t i;

	for (i = 0; i < im->nmap; i++)
		if (!strncmp(im->map[i], name, size) && im->map[i][size] == '=') {
			name = im->map[i] + size + 1;
			size = strlen(name);
			break;
		}
	for (i = 0; i < im->nignore; i++)
		if (!strncmp(im->ignore[i], name, size) && !im->ignore[i][size])
			return ROW_IGNORE;
	attribute = row_find(&im->row, name, size);
	if (attribute >= 0)
		return attribute;
	for (i = 0; i < im->nignore; i++)
		if (!strcmp(im->ignore[i], "*"))
			return ROW_IGNORE;
	snprintf(text, sizeof(text), "%.*s", (int)(size < sizeof(text) ? size : sizeof(text) - 1), name);
	row_unknown(&im->row, text, error);
	report_append(error, " (--map %s=ATTRIBUTE takes it for another one, --ignore %s leaves it out)",
		      text, text);
	return -1;
}

/* --- rejects --- */

static enum consort_status reject(struct import *im, uint64_t line, const struct consort_error *why,
				  const char *text, size_t size, struct consort_error *error)
{
	struct consort_buffer out = CONSORT_BUFFER_INIT;
	const char *message = consort_error_text(why);
	enum consort_status status;

	consort_buffer_printf(&out, "{\"line\":%llu", (unsigned long long)line);
	report_json_text(&out, ",", "error", message);
	/* What is JSON stays JSON. */
	if (im->in.kind == INPUT_JSONL && why->status != CONSORT_ESYNTAX) {
		consort_buffer_text(&out, ",\"record\":");
		consort_buffer_append(&out, text, size);
	} else {
		struct consort_view shown = {text, size};

		lines_trim_end(&shown);
		consort_buffer_text(&out, ",\"text\":");
		report_json_quote(&out, shown.data, (size_t)shown.size);
	}
	consort_buffer_text(&out, "}\n");
	if (out.failed)
		status = consort_error_no_memory(error);
	else
		status = report_write(im->tool, im->rejects, im->rejects_name, out.data, out.size, error);
	consort_buffer_clear(&out);
	im->rejected++;
	return status;
}

enum consort_status import_refuse(struct import *im, enum consort_status status, struct consort_error *error)
{
	struct consort_error why = *error;

	/* A lack of memory is not the record's fault. */
	if (im->rejects >= 0 && status != CONSORT_ENOMEM) {
		status = reject(im, im->in.line, &why, im->in.text.data, im->in.text.size, error);
		if (!status)
			im->end = im->in.next;
		return status;
	}
	im->at_fault = true;
	consort_error_prefix(error, "%s: line %llu", im->in.name, (unsigned long long)im->in.line);
	return status;
}

/* The writer tells of a row that was not written. */
static void row_failed(void *context, int64_t row, const struct consort_error *error)
{
	struct import *im = context;
	const struct origin *origin = &im->origins[row];
	size_t start = row ? origin[-1].text_end : 0;

	if (!im->failed_line)
		im->failed_line = origin->line;
	if (im->rejects >= 0 && !im->reject_status)
		im->reject_status = reject(im, origin->line, error, im->texts.data + start,
					   origin->text_end - start, &im->reject_error);
}

/* --- the writer --- */

/* Can a name stand in the writer's list as it is? */
static bool is_plain(const char *name)
{
	return *name && !strpbrk(name, ",\" \t\n");
}

void import_close(struct import *im)
{
	consort_writer_close(im->writer);
	im->writer = NULL;
	im->batch = NULL;
	im->writer_written = 0;
}

enum consort_status import_open_writer(struct import *im, struct consort_error *error)
{
	struct consort_buffer names = CONSORT_BUFFER_INIT;
	enum consort_status status;
	uint32_t i;

	import_close(im);
	for (i = 0; i < im->ncolumns; i++) {
		const char *name = im->resource->attributes[im->columns[i]]->name;

		consort_buffer_text(&names, i ? ", " : "");
		if (is_plain(name))
			consort_buffer_text(&names, name);
		else
			consort_buffer_quoted(&names, name, strlen(name), '"');
	}
	if (names.failed || !names.data)
		status = names.failed ? consort_error_no_memory(error)
				      : consort_error_set(error, CONSORT_EINVAL,
							  "%s: no column is an attribute of %s", im->in.name,
							  im->resource->name);
	else
		status = consort_writer_open(im->tool->c, im->resource->name, names.data, im->kind,
					     im->rejects >= 0 ? CONSORT_WRITER_CONTINUE : 0, &im->writer,
					     error);
	consort_buffer_clear(&names);
	if (status)
		return status;
	im->batch = consort_writer_batch(im->writer);
	consort_writer_on_failure(im->writer, row_failed, im);
	free(im->origins);
	im->origins = calloc((size_t)im->batch->max_rows, sizeof(*im->origins));
	return im->origins ? CONSORT_OK : (enum consort_status)consort_error_no_memory(error);
}

void import_clear(struct import *im)
{
	import_close(im);
	input_clear(&im->in);
	row_clear(&im->row);
	state_clear(&im->state);
	consort_buffer_clear(&im->texts);
	free(im->origins);
	free(im->columns);
	free(im->header);
	free(im->map);
	free(im->ignore);
}

/* Where --rejects' file ends, so that a run that resumes can cut off what it will find again. */
static uint64_t rejects_size(const struct import *im)
{
	off_t size = im->rejects >= 0 ? lseek(im->rejects, 0, SEEK_CUR) : 0;

	return size > 0 ? (uint64_t)size : 0;
}

/* `pending` records behind `start` may have been written; so may those that a run before left behind as such.
 */
static void set_state(struct import *im, uint64_t pending)
{
	uint64_t left = im->pending_end > im->start.record ? im->pending_end - im->start.record : 0;

	im->state.done = im->start;
	im->state.rejects_size = im->start_rejects;
	im->state.pending = pending > left ? pending : left;
}

static enum consort_status flush_failed(struct import *im, enum consort_status status, int64_t written_now,
					uint64_t records, struct consort_error *error)
{
	bool whole =
		consort_supports(im->tool->c, im->resource->database, CONSORT_FEATURE_ATOMIC_COMMIT, NULL);

	im->stuck = true;
	im->at_fault = im->failed_line != 0;
	/* Is it known that nothing of the batch is there? */
	set_state(im, !written_now && (im->at_fault || (whole && status != CONSORT_EINDOUBT)) ? 0 : records);
	if (im->at_fault)
		consort_error_prefix(error, "%s: line %llu", im->in.name,
				     (unsigned long long)im->failed_line);
	return status;
}

enum consort_status import_flush(struct import *im, struct consort_error *error)
{
	uint64_t records = im->end.record - im->start.record;
	enum consort_status status = CONSORT_OK;
	int64_t written_now;

	im->failed_line = 0;
	im->reject_status = CONSORT_OK;
	if (im->batch->nrows) {
		set_state(im, records);
		status = state_save(&im->state, im->tool, error);
		if (status)
			return status;
		status = consort_writer_flush(im->writer, error);
	}
	written_now = consort_writer_written(im->writer) - im->writer_written;
	im->writer_written += written_now;
	im->written += (uint64_t)written_now;
	if (status)
		return flush_failed(im, status, written_now, records, error);
	if (im->reject_status) {
		im->failed_line = 0;
		*error = im->reject_error;
		return flush_failed(im, im->reject_status, written_now, records, error);
	}
	consort_buffer_reset(&im->texts);
	im->start = im->end;
	im->start_rejects = rejects_size(im);
	set_state(im, 0);
	return CONSORT_OK;
}

/* --- one record --- */

static enum consort_status take_fields(struct import *im, struct consort_error *error)
{
	enum consort_status status = CONSORT_OK;
	size_t i;

	if (im->in.nfields != im->nheader)
		return consort_error_set(error, CONSORT_ESYNTAX, "%u field%s where the header has %zu",
					 (unsigned)im->in.nfields, im->in.nfields == 1 ? "" : "s", im->nheader);
	for (i = 0; !status && i < im->nheader; i++) {
		const struct consort_view *field = &im->in.fields[i];

		if (im->header[i] == ROW_IGNORE)
			continue;
		if (!field->data)
			im->row.set[im->header[i]] = true;
		else
			status = row_set_text(&im->row, (uint32_t)im->header[i], field->data,
					      (size_t)field->size, error);
	}
	return status;
}

/* Does a record hold all that the row gives? */
static bool same_record(const struct row *row, const struct consort_record *record)
{
	uint32_t i;

	for (i = 0; i < row->resource->nattributes; i++) {
		struct consort_value stored = consort_record_value(record, i);
		const struct consort_value *given = &row->values[i];

		if (!row->set[i])
			continue;
		if (consort_value_is_null(given) || consort_value_is_null(&stored)) {
			if (consort_value_is_null(given) != consort_value_is_null(&stored))
				return false;
		} else if (consort_value_compare(given, &stored)) {
			return false;
		}
	}
	return true;
}

static bool has_key(const struct row *row)
{
	const struct consort_resource *resource = row->resource;
	uint32_t i;

	for (i = 0; i < resource->nkeys; i++)
		if (consort_value_is_null(&row->values[resource->keys[i]]))
			return false;
	return resource->nkeys > 0;
}

/* Is this record there already? Asked after a run that was killed, for the batch that it was writing. */
static enum consort_status is_there(struct import *im, bool *out_there, struct consort_error *error)
{
	const struct consort_resource *resource = im->resource;
	struct consort_record *record = NULL;
	struct consort_args key = {NULL, resource->nkeys};
	struct consort_value *values;
	enum consort_status status;
	uint32_t i;

	if (im->keyless)
		return consort_error_set(error, CONSORT_EINVAL,
					 "%s: the run before was killed while it wrote", im->in.name);
	values = consort_arena_array(&im->row.arena, resource->nkeys, sizeof(*values));
	if (!values)
		return consort_error_no_memory(error);
	for (i = 0; i < resource->nkeys; i++)
		values[i] = im->row.values[resource->keys[i]];
	key.values = values;
	status = consort_get(im->tool->c, resource->name, key, &record, error);
	*out_there = !status && same_record(&im->row, record);
	consort_record_free(record);
	return status == CONSORT_ENOTFOUND ? CONSORT_OK : status;
}

/* Attributes that the record has and the writer has not: a wider writer. */
static enum consort_status widen(struct import *im, struct consort_error *error)
{
	enum consort_status status = CONSORT_OK;
	uint32_t before = im->ncolumns, i, j;

	for (i = 0; i < im->resource->nattributes; i++) {
		if (!im->row.set[i])
			continue;
		for (j = 0; j < im->ncolumns && im->columns[j] != i; j++)
			;
		if (j == im->ncolumns)
			im->columns[im->ncolumns++] = i;
	}
	if (im->ncolumns == before)
		return CONSORT_OK;
	if (im->batch)
		status = import_flush(im, error);
	return status ? status : import_open_writer(im, error);
}

static enum consort_status append(struct import *im, struct consort_error *error)
{
	struct consort_batch *batch = im->batch;
	struct origin *origin = &im->origins[batch->nrows];
	uint32_t i, status;

	for (i = 0; i < im->ncolumns; i++) {
		status = consort_append_value(batch, &batch->columns[i], &im->row.values[im->columns[i]]);
		if (status)
			return consort_error_set(error, status, "%s: line %llu: the record cannot be kept",
						 im->in.name, (unsigned long long)im->in.line);
	}
	origin->line = im->in.line;
	if (im->rejects >= 0)
		consort_buffer_append(&im->texts, im->in.text.data, im->in.text.size);
	if (im->texts.failed)
		return consort_error_no_memory(error);
	origin->text_end = im->texts.size;
	im->end = im->in.next;
	if (consort_batch_end_row(batch) || (im->batch_rows && batch->nrows >= im->batch_rows))
		return import_flush(im, error);
	return CONSORT_OK;
}

enum consort_status import_record(struct import *im, struct consort_error *error)
{
	enum consort_status status;
	bool there = false;

	row_reset(&im->row);
	if (im->in.kind == INPUT_CSV) {
		status = take_fields(im, error);
	} else {
		struct consort_view object = {im->in.text.data, im->in.text.size};

		status = row_set_object(&im->row, object, import_attribute, im, error);
	}
	if (status)
		return import_refuse(im, status, error);
	im->keyless |= !has_key(&im->row);
	if (im->in.next.record <= im->pending_end && im->kind == CONSORT_WRITER_CREATE)
		status = is_there(im, &there, error);
	if (status)
		return status;
	if (there) {
		im->earlier++;
		im->end = im->in.next;
		return CONSORT_OK;
	}
	if (im->in.kind == INPUT_JSONL)
		status = widen(im, error);
	return status ? status : append(im, error);
}
