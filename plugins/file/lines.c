/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of one file, read a buffer at a time. Everything that can be wrong with bytes is found here, once for
 * all formats: text that is not UTF-8, NUL bytes, a file that changes under the reader, lines without end.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

uint32_t file_system_error(struct consort_error *error, const char *verb, const char *path)
{
	int code = errno;
	char text[128];

	if (code == ENOMEM)
		return consort_error_no_memory(error);
	consort_error_set(error, CONSORT_ECONNECTION, "cannot %s '%s': %s", verb, path,
			  strerror_r(code, text, sizeof(text)));
	error->code = code;
	return CONSORT_ECONNECTION;
}

static int32_t characters(const char *text, size_t size)
{
	int32_t count = 0;
	size_t i;

	for (i = 0; i < size; i++)
		count += (text[i] & 0xc0) != 0x80;
	return count;
}

static int64_t modified(const struct stat *status)
{
	return (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

/* O_NONBLOCK: opening a FIFO must not wait for a writer before it can be refused. */
uint32_t file_lines_open(struct file_lines *lines, const char *folder, const char *name,
			 struct consort_error *error)
{
	struct stat status;
	char *path = NULL;

	if (!lines->buffer) {
		lines->buffer = malloc(FILE_BUFFER_SIZE);
		lines->capacity = FILE_BUFFER_SIZE;
	}
	if (!lines->buffer || asprintf(&path, "%s/%s", folder, name) < 0)
		return consort_error_no_memory(error);
	lines->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	free(path);
	if (lines->fd < 0 || fstat(lines->fd, &status))
		return file_system_error(error, "open", name);
	if (!S_ISREG(status.st_mode))
		return consort_error_set(error, CONSORT_ECONNECTION, "'%s' is not a regular file", name);
	lines->name = name;
	lines->size = (uint64_t)status.st_size;
	lines->modified = modified(&status);
	lines->done = lines->start = lines->end = lines->number = 0;
	return CONSORT_OK;
}

/* At the end: is it still the file that was opened? It may have grown. */
static uint32_t check_unchanged(const struct file_lines *lines, struct consort_error *error)
{
	struct stat status;

	if (fstat(lines->fd, &status))
		return file_system_error(error, "read", lines->name);
	if ((uint64_t)status.st_size > lines->size ||
	    ((uint64_t)status.st_size == lines->size && modified(&status) == lines->modified))
		return CONSORT_OK;
	return consort_error_set(error, CONSORT_EPROTOCOL, "'%s' was changed while it was read", lines->name);
}

/* Moves what is left to the front and reads more behind it; a line that fills the buffer makes it grow. */
static uint32_t fill(struct file_lines *lines, const struct consort_call *call, struct consort_error *error)
{
	size_t left = lines->end - lines->start, room;
	uint32_t status = consort_call_check(call, error);
	ssize_t got;

	if (status)
		return status;
	if (left == lines->capacity) {
		char *bigger;

		if (left >= FILE_RECORD_MAX)
			return consort_error_set(error, CONSORT_ERANGE,
						 "%s:%" PRIu64 ": a line of more than %zu MiB", lines->name,
						 lines->number + 1, FILE_RECORD_MAX >> 20);
		bigger = realloc(lines->buffer, lines->capacity * 2);
		if (!bigger)
			return consort_error_no_memory(error);
		lines->buffer = bigger;
		lines->capacity *= 2;
	}
	memmove(lines->buffer, lines->buffer + lines->start, left);
	lines->start = 0;
	lines->end = left;
	room = lines->capacity - left;
	if (room > lines->size - lines->done)
		room = (size_t)(lines->size - lines->done);
	do
		got = read(lines->fd, lines->buffer + left, room);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return file_system_error(error, "read", lines->name);
	if (!got)
		return consort_error_set(error, CONSORT_EPROTOCOL,
					 "'%s' was cut to %" PRIu64 " of %" PRIu64 " bytes while it was read",
					 lines->name, lines->done, lines->size);
	if (!lines->done && got >= 3 && !memcmp(lines->buffer, "\xef\xbb\xbf", 3))
		lines->start = 3; /* a byte order mark */
	lines->done += (uint64_t)got;
	lines->end += (size_t)got;
	return CONSORT_OK;
}

static uint32_t check_text(const struct file_lines *lines, struct consort_view line,
			   struct consort_error *error)
{
	uint64_t at = 0;
	int32_t position;

	if (consort_utf8_valid(line.data, line.size, &at))
		return CONSORT_OK;
	position = characters(line.data, (size_t)at) + 1;
	if (!line.data[at])
		consort_error_set(error, CONSORT_EPROTOCOL,
				  "%s:%" PRIu64 ": a NUL byte at character %" PRId32
				  "; this is no text, or no UTF-8",
				  lines->name, lines->number, position);
	else
		consort_error_set(error, CONSORT_EPROTOCOL,
				  "%s:%" PRIu64 ": byte 0x%02x at character %" PRId32
				  " is not UTF-8; convert the file to UTF-8 (iconv -t utf-8)",
				  lines->name, lines->number, (unsigned char)line.data[at], position);
	error->position = position;
	return error->status;
}

uint32_t file_lines_next(struct file_lines *lines, const struct consort_call *call,
			 struct consort_view *out_line, struct consort_error *error)
{
	struct consort_view line = {NULL, 0};
	const char *feed = NULL;
	size_t searched = 0;
	uint32_t status;

	while (!(feed = memchr(lines->buffer + lines->start + searched, '\n',
			       lines->end - lines->start - searched)) &&
	       lines->done < lines->size) {
		searched = lines->end - lines->start;
		status = fill(lines, call, error);
		if (status)
			return status;
	}
	if (!feed && lines->start == lines->end) {
		*out_line = line;
		return check_unchanged(lines, error);
	}
	line.data = lines->buffer + lines->start;
	line.size = (uint64_t)((feed ? feed + 1 : lines->buffer + lines->end) - line.data);
	lines->number++;
	status = check_text(lines, line, error);
	if (status)
		return status;
	lines->start += (size_t)line.size;
	*out_line = line;
	return CONSORT_OK;
}

uint32_t file_lines_rewind(struct file_lines *lines, struct consort_error *error)
{
	if (lseek(lines->fd, 0, SEEK_SET))
		return file_system_error(error, "read", lines->name);
	lines->done = lines->start = lines->end = lines->number = 0;
	return CONSORT_OK;
}

void file_lines_close(struct file_lines *lines)
{
	if (lines->fd >= 0)
		close(lines->fd);
	lines->fd = -1;
}

void file_lines_clear(struct file_lines *lines)
{
	file_lines_close(lines);
	free(lines->buffer);
	lines->buffer = NULL;
}
