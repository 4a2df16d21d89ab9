/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of a file. CSV is given a line at a time, so that the place and text of each record are known, and
 * a broken one can be passed over; JSON Lines are lines.
 */
#include "import.h"

#include <errno.h>
#include <unistd.h>

#define LONGEST_RECORD (64u * 1024 * 1024)

enum consort_status input_open(struct input *in, uint32_t kind, int fd, const char *name,
			       struct consort_error *error)
{
	memset(in, 0, sizeof(*in));
	in->kind = kind;
	in->fd = fd;
	in->name = name;
	lines_init(&in->lines, fd, name);
	if (kind == INPUT_CSV) {
		in->csv = consort_csv_new(',', '"');
		if (!in->csv)
			return consort_error_no_memory(error);
	}
	return CONSORT_OK;
}

void input_clear(struct input *in)
{
	consort_csv_free(in->csv);
	lines_clear(&in->lines);
	consort_buffer_clear(&in->text);
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

static enum consort_status unclosed(struct input *in, const char *what, bool *out_broken,
				    struct consort_error *error)
{
	consort_csv_restart(in->csv);
	*out_broken = true;
	return consort_error_set(error, CONSORT_ESYNTAX, "%s", what);
}

/* A blank line is a record of one NULL where the header has one field, else it is none. */
static enum consort_status next_csv(struct input *in, size_t header, bool *out_more, bool *out_broken,
				    struct consort_error *error)
{
	enum consort_status status;
	struct consort_view line;
	int complete = 0;

	do {
		status = lines_next(&in->lines, &line, error);
		if (status || !line.size)
			return status;
	} while (header != 1 && !consort_csv_content(line));
	in->line = in->lines.number;
	in->nfields = 0;
	*out_more = true;
	for (;;) {
		consort_buffer_append(&in->text, line.data, (size_t)line.size);
		if (in->text.failed)
			return consort_error_no_memory(error);
		status = consort_csv_line(in->csv, line, &complete, error);
		*out_broken = status == CONSORT_ESYNTAX;
		if (complete)
			in->nfields = consort_csv_fields(in->csv, &in->fields);
		if (status || complete)
			return status;
		if (in->text.size > LONGEST_RECORD)
			return unclosed(in, "a record is longer than 64 MiB: is a quoted field not closed?",
					out_broken, error);
		status = lines_next(&in->lines, &line, error);
		if (status)
			return status;
		if (!line.size)
			return unclosed(in, "a quoted field is not closed", out_broken, error);
	}
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
