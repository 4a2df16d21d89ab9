/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of a file: CSV by libcsv, which gets a line at a time, so that the place and text of each record
 * are known, and a broken one can be passed over; JSON Lines are lines.
 */
#include "import.h"

#include <csv.h>
#include <errno.h>
#include <unistd.h>

#define LONGEST_RECORD (64u * 1024 * 1024)
#define FIELD_BLOCK (64u * 1024)

/* Blanks belong to fields, as RFC 4180 says. */
static int no_space(unsigned char c)
{
	(void)c;
	return 0;
}

static bool start_parser(struct input *in)
{
	if (csv_init(in->csv, CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL))
		return false;
	csv_set_space_func(in->csv, no_space);
	csv_set_blk_size(in->csv, FIELD_BLOCK);
	return true;
}

enum consort_status input_open(struct input *in, uint32_t kind, int fd, const char *name,
			       struct consort_error *error)
{
	memset(in, 0, sizeof(*in));
	in->kind = kind;
	in->fd = fd;
	in->name = name;
	lines_init(&in->lines, fd, name);
	if (kind != INPUT_CSV)
		return CONSORT_OK;
	in->csv = malloc(sizeof(*in->csv));
	if (in->csv && start_parser(in))
		return CONSORT_OK;
	free(in->csv);
	in->csv = NULL;
	return consort_error_no_memory(error);
}

void input_clear(struct input *in)
{
	if (in->csv)
		csv_free(in->csv);
	free(in->csv);
	free(in->fields);
	lines_clear(&in->lines);
	consort_buffer_clear(&in->text);
	consort_buffer_clear(&in->values);
	memset(in, 0, sizeof(*in));
}

enum consort_status input_seek(struct input *in, const struct place *place, struct consort_error *error)
{
	if (lseek(in->fd, (off_t)place->offset, SEEK_SET) < 0)
		return report_file(error, in->name, "seek");
	lines_restart(&in->lines, place->offset, place->line);
	in->next = *place;
	return CONSORT_OK;
}

static void take_field(void *data, size_t size, void *context)
{
	struct input *in = context;

	if (in->nfields == in->capacity) {
		size_t capacity = in->capacity ? 2 * in->capacity : 32;
		struct field *fields = realloc(in->fields, capacity * sizeof(*fields));

		if (!fields) {
			in->failed = true;
			return;
		}
		in->fields = fields;
		in->capacity = capacity;
	}
	in->fields[in->nfields].at = in->values.size;
	in->fields[in->nfields].size = size;
	in->fields[in->nfields].null = !data;
	in->nfields++;
	consort_buffer_append(&in->values, data ? data : "", size);
	consort_buffer_append(&in->values, "", 1);
}

static void take_row(int end, void *context)
{
	struct input *in = context;

	(void)end;
	in->rows++;
}

static bool is_blank(struct consort_view line)
{
	lines_trim_end(&line);
	return !line.size;
}

/* A blank line is a record of one NULL where the header has one field, else it is none. */
static bool blank_record(struct input *in, size_t header)
{
	if (header != 1)
		return false;
	take_field(NULL, 0, in);
	return true;
}

static enum consort_status broken_csv(struct input *in, const char *what, struct consort_error *error)
{
	csv_free(in->csv);
	if (!start_parser(in))
		return consort_error_no_memory(error);
	return consort_error_set(error, CONSORT_ESYNTAX, "%s", what);
}

/* Feeds one line; the record may go on in the next one. */
static enum consort_status feed(struct input *in, struct consort_view line, bool *out_broken,
				struct consort_error *error)
{
	bool end = !line.size;

	in->rows = 0;
	*out_broken = true;
	if (end ? csv_fini(in->csv, take_field, take_row, in) :
		  csv_parse(in->csv, line.data, (size_t)line.size, take_field, take_row, in) != line.size) {
		if (csv_error(in->csv) != CSV_EPARSE) {
			*out_broken = false;
			return consort_error_no_memory(error);
		}
		return broken_csv(
			in,
			end ? "a quoted field is not closed"
			    : "a quote stands where none may: fields with quotes stand between quotes, "
			      "and have them doubled",
			error);
	}
	if (in->rows > 1)
		return broken_csv(in, "a carriage return stands alone: lines end in LF or CR LF", error);
	*out_broken = false;
	if (in->failed || in->values.failed)
		return consort_error_no_memory(error);
	return CONSORT_OK;
}

static enum consort_status next_csv(struct input *in, size_t header, bool *out_more, bool *out_broken,
				    struct consort_error *error)
{
	enum consort_status status;
	struct consort_view line;

	in->nfields = 0;
	consort_buffer_reset(&in->values);
	for (;;) {
		status = lines_next(&in->lines, &line, error);
		if (status)
			return status;
		if (!in->text.size)
			in->line = in->lines.number;
		if (!line.size && !in->text.size)
			return CONSORT_OK;
		if (!in->text.size && is_blank(line)) {
			if (blank_record(in, header))
				break;
			continue;
		}
		consort_buffer_append(&in->text, line.data, (size_t)line.size);
		*out_more = true;
		if (in->text.failed)
			return consort_error_no_memory(error);
		status = feed(in, line, out_broken, error);
		if (status || in->rows)
			return status;
		if (!line.size)
			break;
		if (in->text.size > LONGEST_RECORD) {
			*out_broken = true;
			return broken_csv(in, "a record is longer than 64 MiB: is a quoted field not closed?",
					  error);
		}
	}
	*out_more = true;
	return CONSORT_OK;
}

static enum consort_status next_line(struct input *in, bool *out_more, struct consort_error *error)
{
	enum consort_status status;
	struct consort_view line;

	do {
		status = lines_next(&in->lines, &line, error);
		if (status || !line.size)
			return status;
		lines_trim(&line);
	} while (!line.size);
	in->line = in->lines.number;
	consort_buffer_append(&in->text, line.data, (size_t)line.size);
	*out_more = true;
	return in->text.failed ? consort_error_no_memory(error) : CONSORT_OK;
}

enum consort_status input_next(struct input *in, size_t header, bool *out_more, bool *out_broken,
			       struct consort_error *error)
{
	enum consort_status status;

	*out_more = *out_broken = false;
	consort_buffer_reset(&in->text);
	if (in->kind == INPUT_CSV)
		status = next_csv(in, header, out_more, out_broken, error);
	else
		status = next_line(in, out_more, error);
	if (*out_more)
		in->next.record++;
	in->next.offset = in->lines.offset;
	in->next.line = in->lines.number;
	return status;
}
