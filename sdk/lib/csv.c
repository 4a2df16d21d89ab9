/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcsv in strict mode, fed a line at a time. A line without a quote needs no state machine: it is cut at
 * its delimiters right here, which is several times as fast and means the same.
 */
#include <consort/buffer.h>
#include <consort/convert.h>
#include <consort/csv.h>

#include <csv.h>
#include <stdlib.h>
#include <string.h>

struct consort_csv {
	struct csv_parser parser;
	char delimiter, quote;
	struct consort_view *fields;
	uint32_t count, capacity;
	struct consort_buffer text; /* of libcsv's fields, one behind the other */
	int open;		    /* the record goes on */
	int ended;		    /* it has ended … */
	int extra;		    /* … and yet there was another field */
	int failed;		    /* no memory */
};

static int no_blank(unsigned char character)
{
	(void)character;
	return 0;
}

static int start_parser(struct consort_csv *csv)
{
	if (csv_init(&csv->parser, CSV_STRICT | CSV_EMPTY_IS_NULL))
		return 0;
	csv_set_space_func(&csv->parser, no_blank);	 /* blanks belong to fields (RFC 4180, 2.4) */
	csv_set_blk_size(&csv->parser, (size_t)1 << 20); /* big steps: it grows linearly */
	csv_set_delim(&csv->parser, (unsigned char)csv->delimiter);
	csv_set_quote(&csv->parser, (unsigned char)csv->quote);
	return 1;
}

struct consort_csv *consort_csv_new(char delimiter, char quote)
{
	struct consort_csv *csv = calloc(1, sizeof(*csv));

	if (!csv)
		return NULL;
	csv->delimiter = delimiter;
	csv->quote = quote;
	if (start_parser(csv))
		return csv;
	free(csv);
	return NULL;
}

void consort_csv_free(struct consort_csv *csv)
{
	if (!csv)
		return;
	csv_free(&csv->parser);
	consort_buffer_clear(&csv->text);
	free(csv->fields);
	free(csv);
}

static void add_field(struct consort_csv *csv, const char *data, size_t size)
{
	if (csv->count == csv->capacity) {
		uint32_t capacity = csv->capacity ? csv->capacity * 2 : 32;
		struct consort_view *fields = realloc(csv->fields, capacity * sizeof(*fields));

		if (!fields) {
			csv->failed = 1;
			return;
		}
		csv->fields = fields;
		csv->capacity = capacity;
	}
	csv->fields[csv->count].data = data;
	csv->fields[csv->count++].size = size;
}

/* The text may still move: where a field stands in it is told when the record has ended. */
static void take_field(void *data, size_t size, void *context)
{
	struct consort_csv *csv = context;

	csv->extra |= csv->ended;
	add_field(csv, data ? "" : NULL, data ? size : 0);
	consort_buffer_append(&csv->text, data ? data : "", data ? size : 0);
}

static void take_end(int terminator, void *context)
{
	(void)terminator;
	((struct consort_csv *)context)->ended = 1;
}

static void split(struct consort_csv *csv, const char *at, const char *end)
{
	const char *stop;

	for (;; at = stop + 1) {
		stop = memchr(at, csv->delimiter, (size_t)(end - at));
		if (!stop)
			stop = end;
		add_field(csv, stop > at ? at : NULL, (size_t)(stop - at));
		if (stop == end)
			break;
	}
}

void consort_csv_restart(struct consort_csv *csv)
{
	csv_fini(&csv->parser, NULL, NULL, NULL);
	csv->open = 0;
}

static int32_t character_at(struct consort_view line, uint64_t at)
{
	int32_t position = 1;
	uint64_t i;

	for (i = 0; i < at; i++)
		position += (line.data[i] & 0xc0) != 0x80;
	return position;
}

/* The last line of a text gets the line feed that it lacks. */
static uint32_t feed(struct consort_csv *csv, struct consort_view line, struct consort_error *error)
{
	size_t used = csv_parse(&csv->parser, line.data, (size_t)line.size, take_field, take_end, csv);

	if (used < line.size && csv_error(&csv->parser) == CSV_EPARSE) {
		int32_t position = character_at(line, used);

		consort_error_set(
			error, CONSORT_ESYNTAX,
			"quotes that do not match, at character %d; a field that holds a quote is quoted, "
			"and that quote doubled",
			(int)position);
		if (error)
			error->position = position;
		return CONSORT_ESYNTAX;
	}
	if (used == line.size && line.data[line.size - 1] != '\n')
		used += csv_parse(&csv->parser, "\n", 1, take_field, take_end, csv) - 1;
	if (used < line.size || csv->failed || csv->text.failed)
		return consort_error_no_memory(error);
	if (csv->extra)
		return consort_error_set(
			error, CONSORT_ESYNTAX,
			"a carriage return inside a field without quotes; lines end with LF or CRLF");
	return CONSORT_OK;
}

uint32_t consort_csv_line(struct consort_csv *csv, struct consort_view line, int *out_complete,
			  struct consort_error *error)
{
	uint64_t size = consort_csv_content(line);
	uint32_t status, i;
	const char *at;

	if (!csv->open) {
		csv->count = 0;
		csv->failed = 0;
		consort_buffer_reset(&csv->text);
		if (!memchr(line.data, csv->quote, size) && !memchr(line.data, '\r', size)) {
			split(csv, line.data, line.data + size);
			*out_complete = 1;
			return csv->failed ? consort_error_no_memory(error) : CONSORT_OK;
		}
	}
	csv->ended = csv->extra = 0;
	status = feed(csv, line, error);
	if (status) {
		consort_csv_restart(csv);
		return status;
	}
	csv->open = !csv->ended;
	*out_complete = csv->ended;
	for (i = 0, at = csv->text.data; csv->ended && i < csv->count; i++) {
		if (!csv->fields[i].data)
			continue;
		csv->fields[i].data = at;
		at += csv->fields[i].size;
	}
	return CONSORT_OK;
}

uint32_t consort_csv_fields(const struct consort_csv *csv, const struct consort_view **out_fields)
{
	*out_fields = csv->fields;
	return csv->count;
}
