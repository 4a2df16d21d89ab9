/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Lines: an object a line. Its members are the columns, in the order in which they first appear; a
 * column that is a path is looked for inside the member that the path begins with.
 */
#include "file.h"

#include <inttypes.h>

struct state {
	struct consort_json_reader *reader; /* of records; scan->json may be used while it is at a member */
	uint32_t expected;		    /* column that the next member probably is */
	struct consort_error *error;
};

/* The reader's texts do not outlive its next value. */
static uint32_t put(struct file_scan *scan, uint32_t at, const struct consort_json_value *value,
		    struct consort_error *error)
{
	struct file_column *column = &scan->record.columns[at];

	column->kind = value->kind;
	column->text = value->text;
	if (value->kind == CONSORT_JSON_BOOL) {
		column->text.data = value->boolean ? "true" : "false";
		column->text.size = strlen(column->text.data);
	} else if (value->kind > CONSORT_JSON_BOOL) {
		column->text.data =
			consort_arena_copy(&scan->values, value->text.data, (size_t)value->text.size);
		if (!column->text.data)
			return consort_error_no_memory(error);
	}
	return CONSORT_OK;
}

/* Columns that are paths into this object or array. A member that has the whole path as its name wins. */
static uint32_t put_paths(struct file_scan *scan, struct consort_view key,
			  const struct consort_json_value *value)
{
	struct file_record *record = &scan->record;
	struct state *state = scan->state;
	uint32_t i, status;

	for (i = 0; i < record->count; i++) {
		const struct file_column *column = &record->columns[i];
		struct consort_json_value inner = {CONSORT_JSON_NONE, 0, {NULL, 0}};

		if (!column->nsteps || column->kind || column->steps[0].key_size != key.size ||
		    memcmp(column->steps[0].key, key.data, key.size))
			continue;
		status = consort_json_at(scan->json, value->text, column->steps + 1, column->nsteps - 1,
					 &inner, state->error);
		if (!status && inner.kind)
			status = put(scan, i, &inner, state->error);
		if (status)
			return status;
	}
	return CONSORT_OK;
}

static uint32_t take_member(void *context, struct consort_view key, const struct consort_json_value *value)
{
	struct file_scan *scan = context;
	struct file_record *record = &scan->record;
	struct state *state = scan->state;
	uint32_t column = file_record_find(record, key.data, (size_t)key.size, state->expected), status;

	if (column == FILE_NO_COLUMN && !record->fixed) {
		column = record->count;
		status = file_record_add(record, key.data, (size_t)key.size, false, state->error);
		if (status)
			return status;
	}
	if (column != FILE_NO_COLUMN) {
		status = put(scan, column, value, state->error);
		if (status)
			return status;
		state->expected = column + 1;
	}
	return record->paths && value->kind >= CONSORT_JSON_OBJECT ? put_paths(scan, key, value) : CONSORT_OK;
}

static uint32_t jsonl_next(struct file_scan *scan, const struct consort_call *call, bool *out_more,
			   struct consort_error *error)
{
	struct state *state = scan->state;
	struct consort_view line;
	uint32_t status;

	do {
		status = file_lines_next(&scan->lines, call, &line, error);
		if (status)
			return status;
		if (!line.data) {
			*out_more = false;
			return CONSORT_OK;
		}
		while (line.size && strchr(" \t\r\n", line.data[line.size - 1]))
			line.size--;
	} while (!line.size);
	scan->line = scan->lines.number;
	state->expected = 0;
	state->error = error;
	status = consort_json_members(state->reader, line, take_member, scan, error);
	if (status == CONSORT_ETYPE)
		return file_scan_error(scan, scan->line, error, CONSORT_EPROTOCOL,
				       "a JSON value that is no object; each line holds one object");
	if (status == CONSORT_ESYNTAX)
		error->status = status = CONSORT_EPROTOCOL;
	if (status) {
		consort_error_prefix(error, "%s:%" PRIu64, scan->lines.name, scan->line);
		return status;
	}
	*out_more = true;
	return CONSORT_OK;
}

static void jsonl_end(struct file_scan *scan)
{
	consort_json_reader_free(((struct state *)scan->state)->reader);
}

static uint32_t jsonl_make(struct file_scan *scan, struct consort_error *error)
{
	struct state *state = consort_arena_alloc(&scan->arena, sizeof(*state));

	if (!state)
		return consort_error_no_memory(error);
	scan->state = state;
	state->reader = consort_json_reader_new();
	return state->reader ? CONSORT_OK : consort_error_no_memory(error);
}

static const char *const extensions[] = {"jsonl", "ndjson", NULL};

const struct file_reader file_jsonl = {
	.name = "jsonl",
	.extensions = extensions,
	.schemaless = true,
	.make = jsonl_make,
	.free = jsonl_end,
	.next = jsonl_next,
};
