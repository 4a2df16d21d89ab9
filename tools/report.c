/* SPDX-License-Identifier: Apache-2.0 */
/* What the command says of itself: exit statuses, errors as text or JSON, notes; and writing. */
#include "tools.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <unistd.h>

/*
 * What scripts see of each status: its name in JSON, and the exit status. consort(1) lists both. Broken data
 * is 2 whoever reads it, as is a value that does not fit: a script learns that the data is wrong, not which
 * command or adapter saw it.
 */
static const struct {
	const char *name;
	int exit_status;
} statuses[CONSORT_STATUS_COUNT] = {
	[CONSORT_OK] = {"ok", 0},
	[CONSORT_EINVAL] = {"invalid", 2},
	[CONSORT_ESYNTAX] = {"syntax", 2},
	[CONSORT_ENAME] = {"name", 2},
	[CONSORT_ETYPE] = {"type", 2},
	[CONSORT_ERANGE] = {"range", 2},
	[CONSORT_EUNSUPPORTED] = {"unsupported", 6},
	[CONSORT_ENOTFOUND] = {"not_found", 1},
	[CONSORT_ECONFLICT] = {"conflict", 6},
	[CONSORT_ECONSTRAINT] = {"constraint", 6},
	[CONSORT_EAUTH] = {"authentication", 5},
	[CONSORT_EPERMISSION] = {"permission", 6},
	[CONSORT_ECONNECTION] = {"connection", 5},
	[CONSORT_ETIMEOUT] = {"timeout", 7},
	[CONSORT_ECANCELLED] = {"cancelled", 7},
	[CONSORT_ENOMEM] = {"memory", 6},
	[CONSORT_EFULL] = {"full", 6},
	[CONSORT_EREADONLY] = {"read_only", 6},
	[CONSORT_EENGINE] = {"engine", 6},
	[CONSORT_EPROTOCOL] = {"protocol", 2},
	[CONSORT_EINDOUBT] = {"in_doubt", 8},
	[CONSORT_EINTERNAL] = {"internal", 6},
	[CONSORT_EAGAIN] = {"again", 6},
	[CONSORT_EFORKED] = {"forked", 6},
	[CONSORT_EMIX] = {"mix", 2},
	[CONSORT_EMANIFEST] = {"manifest", 3},
	[CONSORT_EOPTION] = {"option", 3},
	[CONSORT_EVALUE] = {"value", 3},
	[CONSORT_ENOPLUGIN] = {"no_plugin", 4},
	[CONSORT_EUNTRUSTED] = {"untrusted", 4},
	[CONSORT_ELOAD] = {"load", 4},
	[CONSORT_EABI] = {"abi", 4},
};

int report_exit_status(uint32_t status)
{
	return status < CONSORT_STATUS_COUNT ? statuses[status].exit_status : 6;
}

void report_json_quote(struct consort_buffer *out, const char *text, size_t size)
{
	struct consort_buffer whole = CONSORT_BUFFER_INIT;
	uint64_t valid;

	while (!consort_utf8_valid(text, size, &valid)) {
		consort_buffer_append(&whole, text, (size_t)valid);
		/* A NUL byte has a form in JSON. */
		consort_buffer_append(&whole, text[valid] ? "\xef\xbf\xbd" : "", text[valid] ? 3 : 1);
		text += valid + 1;
		size -= (size_t)valid + 1;
	}
	consort_buffer_append(&whole, text, size);
	out->failed |= whole.failed;
	if (!whole.failed)
		consort_json_quote(out, whole.data, whole.size);
	consort_buffer_clear(&whole);
}

void report_json_text(struct consort_buffer *out, const char *before, const char *name, const char *text)
{
	consort_buffer_printf(out, "%s\"%s\":", before, name);
	if (text)
		report_json_quote(out, text, strlen(text));
	else
		consort_buffer_text(out, "null");
}

void report_json_known(struct consort_buffer *out, const char *before, const char *name, const char *text)
{
	report_json_text(out, before, name, text && *text ? text : NULL);
}

static void json_member(struct consort_buffer *out, const char *name, const char *text)
{
	if (*text)
		report_json_text(out, ",", name, text);
}

void report_error_json(struct consort_buffer *out, const struct consort_error *error)
{
	const char *message = consort_error_text(error);

	consort_buffer_printf(out, "\"error\":{\"status\":\"%s\",\"message\":",
			      error->status < CONSORT_STATUS_COUNT ? statuses[error->status].name
								   : "unknown");
	report_json_quote(out, message, strlen(message));
	if (error->position)
		consort_buffer_printf(out, ",\"position\":%ld", (long)error->position);
	json_member(out, "origin", error->origin);
	json_member(out, "resource", error->resource);
	json_member(out, "attribute", error->attribute);
	json_member(out, "constraint", error->constraint);
	json_member(out, "sqlstate", error->sqlstate);
	if (error->code)
		consort_buffer_printf(out, ",\"code\":%lld", (long long)error->code);
	if (error->flags & CONSORT_ERROR_RETRYABLE)
		consort_buffer_text(out, ",\"retryable\":true");
	consort_buffer_char(out, '}');
}

/* To standard error; there is nobody to tell if that fails. */
static void print_error(const char *text, size_t size)
{
	while (size) {
		ssize_t done = write(STDERR_FILENO, text, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		text += done;
		size -= (size_t)done;
	}
}

void report_error(const struct tool *tool, const struct consort_error *error)
{
	struct consort_buffer line = CONSORT_BUFFER_INIT;
	const char *message = consort_error_text(error);

	if (tool->json) {
		consort_buffer_char(&line, '{');
		report_error_json(&line, error);
		consort_buffer_char(&line, '}');
	} else {
		consort_buffer_text(&line, "consort: ");
		text_escape(&line, message, strlen(message), true);
	}
	consort_buffer_char(&line, '\n');
	if (!line.failed)
		print_error(line.data, line.size);
	else
		print_error("consort: out of memory\n", 23);
	consort_buffer_clear(&line);
}

void report_note(const struct tool *tool, const char *format, ...)
{
	struct consort_buffer line = CONSORT_BUFFER_INIT;
	char text[1024];
	va_list arguments;

	if (tool->quiet || tool->json)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	text_escape(&line, text, strlen(text), true);
	consort_buffer_char(&line, '\n');
	if (!line.failed)
		print_error(line.data, line.size);
	consort_buffer_clear(&line);
}

void report_append(struct consort_error *error, const char *format, ...)
{
	char text[sizeof(error->message)];
	size_t size = strlen(error->message);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	consort_copy_text(error->message + size, sizeof(error->message) - size, text);
}

void report_append_count(struct consort_error *error, uint64_t count, const char *done)
{
	char number[REPORT_NUMBER_SIZE];

	if (count)
		report_append(error, "; %s %s %s", report_records(count, number), count == 1 ? "was" : "were",
			      done);
	else
		report_append(error, "; nothing was %s", done);
}

enum consort_status report_file(struct consort_error *error, const char *name, const char *action)
{
	int number = errno;

	return consort_error_set(error, CONSORT_ECONNECTION, "%s: cannot %s: %s", name, action,
				 strerror(number));
}

enum consort_status report_write(struct tool *tool, int fd, const char *name, const char *text, size_t size,
				 struct consort_error *error)
{
	while (size) {
		ssize_t done = write(fd, text, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN) {
			struct pollfd wait = {.fd = fd, .events = POLLOUT};

			poll(&wait, 1, -1);
			continue;
		}
		if (done < 0 && errno == EPIPE) {
			tool->broken_pipe = true;
			return consort_error_set(error, CONSORT_ECANCELLED, "%s: nobody reads any more",
						 name);
		}
		if (done < 0)
			return report_file(error, name, "write");
		text += done;
		size -= (size_t)done;
	}
	return CONSORT_OK;
}

enum consort_status report_print(struct tool *tool, const struct consort_buffer *text,
				 struct consort_error *error)
{
	if (text->failed)
		return consort_error_no_memory(error);
	return report_write(tool, STDOUT_FILENO, "standard output", text->data, text->size, error);
}

const char *report_number(uint64_t number, char out[REPORT_NUMBER_SIZE])
{
	char digits[REPORT_NUMBER_SIZE];
	int size = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number), i;
	char *at = out;

	for (i = 0; i < size; i++) {
		if (i && (size - i) % 3 == 0)
			*at++ = ',';
		*at++ = digits[i];
	}
	*at = '\0';
	return out;
}

const char *report_records(uint64_t count, char out[REPORT_NUMBER_SIZE])
{
	size_t size = strlen(report_number(count, out));

	snprintf(out + size, REPORT_NUMBER_SIZE - size, count == 1 ? " record" : " records");
	return out;
}
