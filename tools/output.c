/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows to a file descriptor. CSV, JSON and JSON Lines go out as they come; a table waits for its widths
 * (screen.c). Nothing here goes through stdio, so that every failed write is seen with its reason.
 */
#include "tools.h"

#include <unistd.h>

#define WRITE_SIZE (64u * 1024)

/* --- csv: RFC 4180 with LF; NULL is an empty field, the empty text is "" --- */

static bool csv_needs_quotes(const char *text, size_t size)
{
	size_t i;

	if (!size || strchr(" \t", text[0]) || strchr(" \t", text[size - 1]))
		return true;
	for (i = 0; i < size; i++)
		if (text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r')
			return true;
	return false;
}

static void csv_field(struct consort_buffer *out, const char *text, size_t size)
{
	if (csv_needs_quotes(text, size))
		consort_buffer_quoted(out, text, size, '"');
	else
		consort_buffer_append(out, text, size);
}

static void csv_begin(struct output *o)
{
	uint32_t i;

	for (i = 0; i < o->ncolumns; i++) {
		if (i)
			consort_buffer_char(&o->text, ',');
		csv_field(&o->text, o->columns[i].name, strlen(o->columns[i].name));
	}
	consort_buffer_char(&o->text, '\n');
}

static enum consort_status csv_row(struct output *o, const struct consort_value *values)
{
	uint32_t i;

	for (i = 0; i < o->ncolumns; i++) {
		if (i)
			consort_buffer_char(&o->text, ',');
		if (consort_value_is_null(&values[i]))
			continue;
		if (values[i].type.id == CONSORT_TYPE_TEXT) {
			csv_field(&o->text, values[i].as.view.data, values[i].as.view.size);
			continue;
		}
		consort_buffer_reset(&o->cell);
		consort_value_print(&values[i], &o->cell);
		if (o->cell.failed)
			return CONSORT_ENOMEM;
		csv_field(&o->text, o->cell.data ? o->cell.data : "", o->cell.size);
	}
	consort_buffer_char(&o->text, '\n');
	return CONSORT_OK;
}

static enum consort_status end_nothing(struct output *o)
{
	(void)o;
	return CONSORT_OK;
}

static const struct output_ops output_csv = {.begin = csv_begin, .row = csv_row, .end = end_nothing};

/* --- json and jsonl --- */

/* Would a reader that takes numbers for doubles lose digits? */
static bool unsafe_number(const struct consort_value *value)
{
	const int64_t most = (int64_t)1 << 53;

	return value->type.id == CONSORT_TYPE_DECIMAL || value->as.int64 > most || value->as.int64 < -most;
}

void output_json_value(struct consort_buffer *out, const struct consort_value *value, bool safe)
{
	uint64_t i;

	switch (value->type.id) {
	case CONSORT_TYPE_INT64:
	case CONSORT_TYPE_DECIMAL:
		/* All digits, in quotes only if asked for. */
		safe = safe && unsafe_number(value);
		consort_buffer_text(out, safe ? "\"" : "");
		consort_value_print(value, out);
		consort_buffer_text(out, safe ? "\"" : "");
		break;
	case CONSORT_TYPE_LIST:
		consort_buffer_char(out, '[');
		for (i = 0; i < value->as.list.count; i++) {
			consort_buffer_text(out, i ? "," : "");
			output_json_value(out, &value->as.list.items[i], safe);
		}
		consort_buffer_char(out, ']');
		break;
	default:
		consort_value_print_json(value, out);
	}
}

static void json_object(struct output *o, const struct consort_value *values)
{
	uint32_t i;

	consort_buffer_char(&o->text, '{');
	for (i = 0; i < o->ncolumns; i++) {
		if (i)
			consort_buffer_char(&o->text, ',');
		consort_json_quote(&o->text, o->columns[i].name, strlen(o->columns[i].name));
		consort_buffer_char(&o->text, ':');
		output_json_value(&o->text, &values[i], o->tool->json_safe);
	}
	consort_buffer_char(&o->text, '}');
}

static void json_begin(struct output *o)
{
	consort_buffer_char(&o->text, '[');
}

static enum consort_status json_row(struct output *o, const struct consort_value *values)
{
	consort_buffer_text(&o->text, o->rows ? ",\n" : "\n");
	json_object(o, values);
	return CONSORT_OK;
}

static enum consort_status json_end(struct output *o)
{
	consort_buffer_text(&o->text, o->rows ? "\n]\n" : "]\n");
	return CONSORT_OK;
}

static const struct output_ops output_json = {.begin = json_begin, .row = json_row, .end = json_end};

static void begin_nothing(struct output *o)
{
	(void)o;
}

static enum consort_status jsonl_row(struct output *o, const struct consort_value *values)
{
	json_object(o, values);
	consort_buffer_char(&o->text, '\n');
	return CONSORT_OK;
}

static const struct output_ops output_jsonl = {.begin = begin_nothing, .row = jsonl_row, .end = end_nothing};

/* --- all formats --- */

static const struct {
	const char *name;
	const struct output_ops *ops;
} formats[] = {
	[OUTPUT_TABLE] = {"table", &output_table},
	[OUTPUT_CSV] = {"csv", &output_csv},
	[OUTPUT_JSON] = {"json", &output_json},
	[OUTPUT_JSONL] = {"jsonl", &output_jsonl},
	[OUTPUT_EXPANDED] = {"expanded", &output_expanded},
};

uint32_t output_format_find(const char *name)
{
	uint32_t i;

	for (i = OUTPUT_TABLE; i <= OUTPUT_EXPANDED; i++)
		if (!strcmp(formats[i].name, name))
			return i;
	return OUTPUT_DEFAULT;
}

uint32_t output_format_for(const struct tool *tool, int fd)
{
	if (tool->format != OUTPUT_DEFAULT)
		return tool->format;
	return isatty(fd) ? OUTPUT_TABLE : OUTPUT_CSV;
}

/* Writes what waits, if it is enough. */
static enum consort_status flush(struct output *o, size_t least, struct consort_error *error)
{
	enum consort_status status;

	if (o->text.failed)
		return consort_error_no_memory(error);
	if (o->text.size < least || !o->text.size)
		return CONSORT_OK;
	status = report_write(o->tool, o->fd, o->name, o->text.data, o->text.size, error);
	consort_buffer_reset(&o->text);
	return status;
}

enum consort_status output_open(struct output *o, struct tool *tool, int fd, const char *name,
				uint32_t format, const struct output_column *columns, uint32_t ncolumns,
				struct consort_error *error)
{
	const char *terminal = getenv("TERM");

	memset(o, 0, sizeof(*o));
	o->tool = tool;
	o->fd = fd;
	o->name = name;
	o->ops = formats[format].ops;
	o->ncolumns = ncolumns;
	o->width = text_terminal_width(fd);
	o->utf8 = text_locale();
	o->colour = o->width && !getenv("NO_COLOR") && terminal && strcmp(terminal, "dumb");
	consort_arena_init(&o->arena, 0);
	o->columns = consort_arena_array(&o->arena, ncolumns, sizeof(*columns));
	if (!o->columns)
		return consort_error_no_memory(error);
	if (ncolumns)
		memcpy(o->columns, columns, ncolumns * sizeof(*columns));
	o->ops->begin(o);
	return CONSORT_OK;
}

enum consort_status output_open_list(struct output *o, struct tool *tool, const struct output_column *columns,
				     uint32_t ncolumns, struct consort_error *error)
{
	uint32_t format = tool->format == OUTPUT_DEFAULT ? (uint32_t)OUTPUT_TABLE : tool->format;
	enum consort_status status =
		output_open(o, tool, STDOUT_FILENO, "standard output", format, columns, ncolumns, error);

	o->list = true;
	return status;
}

struct consort_value output_text_or_null(const char *text)
{
	return text && *text ? consort_text(text) : consort_null();
}

enum consort_status output_row(struct output *o, const struct consort_value *values,
			       struct consort_error *error)
{
	if (o->ops->row(o, values))
		return consort_error_no_memory(error);
	o->rows++;
	return flush(o, WRITE_SIZE, error);
}

enum consort_status output_close(struct output *o, struct consort_error *error)
{
	if (o->ops->end(o))
		return consort_error_no_memory(error);
	return flush(o, 0, error);
}

void output_clear(struct output *o)
{
	consort_buffer_clear(&o->text);
	consort_buffer_clear(&o->cell);
	consort_arena_clear(&o->arena);
	memset(o, 0, sizeof(*o));
}

enum consort_status output_cursor(struct tool *tool, int fd, const char *name, uint32_t format,
				  struct consort_cursor *rows, uint64_t *out_rows,
				  struct consort_error *error)
{
	uint32_t count = consort_cursor_columns(rows), i;
	struct output_column *columns = calloc(count + 1, sizeof(*columns));
	struct consort_value *values = calloc(count + 1, sizeof(*values));
	enum consort_status status = CONSORT_ENOMEM;
	struct output o = {0};

	if (!columns || !values) {
		consort_error_no_memory(error);
		goto out;
	}
	for (i = 0; i < count; i++) {
		columns[i].name = consort_cursor_name(rows, i);
		columns[i].type = consort_cursor_type(rows, i);
	}
	status = output_open(&o, tool, fd, name, format, columns, count, error);
	while (!status && consort_cursor_next(rows, error)) {
		for (i = 0; i < count; i++)
			values[i] = consort_cursor_value(rows, i);
		status = output_row(&o, values, error);
	}
	if (!status)
		status = consort_cursor_status(rows);
	if (!status)
		status = output_close(&o, error);
	if (!status && out_rows)
		*out_rows = o.rows;
out:
	output_clear(&o);
	free(columns);
	free(values);
	return status;
}

enum consort_status output_rows(struct tool *tool, struct consort_cursor *rows, uint64_t *out_rows,
				struct consort_error *error)
{
	return output_cursor(tool, STDOUT_FILENO, "standard output", output_format_for(tool, STDOUT_FILENO),
			     rows, out_rows, error);
}

enum consort_status output_records(struct tool *tool, const struct consort_resource *resource,
				   struct consort_record *const *records, size_t count,
				   struct consort_error *error)
{
	uint32_t ncolumns = resource->nattributes, i;
	struct output_column *columns = calloc(ncolumns + 1, sizeof(*columns));
	struct consort_value *values = calloc(ncolumns + 1, sizeof(*values));
	enum consort_status status = CONSORT_ENOMEM;
	struct output o = {0};
	size_t at;

	if (!columns || !values) {
		consort_error_no_memory(error);
		goto out;
	}
	for (i = 0; i < ncolumns; i++) {
		columns[i].name = resource->attributes[i]->name;
		columns[i].type = resource->attributes[i]->type;
	}
	status = output_open(&o, tool, STDOUT_FILENO, "standard output",
			     output_format_for(tool, STDOUT_FILENO), columns, ncolumns, error);
	for (at = 0; !status && at < count; at++) {
		for (i = 0; i < ncolumns; i++)
			values[i] = consort_record_value(records[at], i);
		status = output_row(&o, values, error);
	}
	if (!status)
		status = output_close(&o, error);
out:
	output_clear(&o);
	free(columns);
	free(values);
	return status;
}
