/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a file or pipe with their numbers and places; a byte order mark is left out. */
#include "tools.h"

#define READ_SIZE (256u * 1024)
#define LONGEST_LINE (64u * 1024 * 1024)

void lines_init(struct lines *lines, int fd, const char *name)
{
	memset(lines, 0, sizeof(*lines));
	lines->fd = fd;
	lines->name = name;
}

void lines_clear(struct lines *lines)
{
	free(lines->data);
	lines->data = NULL;
}

void lines_restart(struct lines *lines, uint64_t offset, uint64_t number)
{
	lines->start = lines->end = lines->scanned = 0;
	lines->offset = offset;
	lines->number = number;
	lines->ended = false;
}

/* Makes room for READ_SIZE bytes more behind what is kept, and reads. */
static enum consort_status fill(struct lines *lines, struct consort_error *error)
{
	size_t kept = lines->end - lines->start, size = 0;
	enum consort_status status;

	if (kept > LONGEST_LINE)
		return consort_error_set(error, CONSORT_ERANGE, "%s: line %llu is longer than 64 MiB",
					 lines->name, (unsigned long long)lines->number + 1);
	if (lines->start) {
		memmove(lines->data, lines->data + lines->start, kept);
		lines->scanned -= lines->start;
		lines->start = 0;
		lines->end = kept;
	}
	if (lines->capacity - kept < READ_SIZE) {
		size_t capacity =
			kept + READ_SIZE > 2 * lines->capacity ? kept + READ_SIZE : 2 * lines->capacity;
		char *data = realloc(lines->data, capacity);

		if (!data)
			return consort_error_no_memory(error);
		lines->data = data;
		lines->capacity = capacity;
	}
	status = session_read(lines->fd, lines->name, lines->data + lines->end, lines->capacity - lines->end,
			      &size, error);
	if (status)
		return status;
	lines->end += size;
	lines->ended = !size;
	if (!lines->offset && lines->end >= 3 && !memcmp(lines->data, "\xef\xbb\xbf", 3)) {
		lines->start = lines->offset = 3;
		if (lines->scanned < 3)
			lines->scanned = 3;
	}
	return CONSORT_OK;
}

enum consort_status lines_next(struct lines *lines, struct consort_view *out_line,
			       struct consort_error *error)
{
	for (;;) {
		char *end = NULL;
		enum consort_status status;

		if (lines->end > lines->scanned)
			end = memchr(lines->data + lines->scanned, '\n', lines->end - lines->scanned);
		if (!end && !lines->ended) {
			lines->scanned = lines->end;
			status = fill(lines, error);
			if (status)
				return status;
			continue;
		}
		out_line->data = lines->data ? lines->data + lines->start : "";
		out_line->size = end ? (uint64_t)(end + 1 - out_line->data) : lines->end - lines->start;
		lines->start += (size_t)out_line->size;
		lines->scanned = lines->start;
		lines->offset += out_line->size;
		if (out_line->size)
			lines->number++;
		return CONSORT_OK;
	}
}

void lines_trim_end(struct consort_view *line)
{
	if (line->size && line->data[line->size - 1] == '\n')
		line->size--;
	if (line->size && line->data[line->size - 1] == '\r')
		line->size--;
}

void lines_trim(struct consort_view *line)
{
	lines_trim_end(line);
	while (line->size && (line->data[line->size - 1] == ' ' || line->data[line->size - 1] == '\t'))
		line->size--;
}
