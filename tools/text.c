/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as people see it: its width, what is cut and wrapped, and the facts that lists for people are made of.
 * Data cannot steer the terminal: control characters and the like are shown as escapes.
 */
#include "tools.h"

#include <langinfo.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define FACT_COLUMN 14

bool text_locale(void)
{
	const char *own = setlocale(LC_CTYPE, "");

	if (own && !strcmp(nl_langinfo(CODESET), "UTF-8"))
		return true;
	/* Data is UTF-8 whatever the terminal is. */
	setlocale(LC_CTYPE, "C.UTF-8");
	return false;
}

/* Characters that steer a terminal, or reorder what stands around them. */
static bool is_control(wchar_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static size_t escape_control(struct consort_buffer *out, wchar_t c)
{
	size_t before = out->size;

	if (c == '\n')
		consort_buffer_text(out, "\\n");
	else if (c == '\t')
		consort_buffer_text(out, "\\t");
	else if (c == '\r')
		consort_buffer_text(out, "\\r");
	else if (c < 0x80)
		consort_buffer_printf(out, "\\x%02x", (unsigned)c);
	else
		consort_buffer_printf(out, "\\u%04x", (unsigned)c);
	return out->size - before;
}

size_t text_escape(struct consort_buffer *out, const char *text, size_t size, bool newlines)
{
	size_t width = 0, at = 0, run;

	while (at < size) {
		mbstate_t state = {0};
		wchar_t c;
		size_t length;

		for (run = at; run < size && text[run] >= 0x20 && text[run] < 0x7f; run++)
			;
		consort_buffer_append(out, text + at, run - at);
		width += run - at;
		at = run;
		if (at == size)
			break;
		if (newlines && text[at] == '\n') {
			consort_buffer_char(out, text[at++]);
			continue;
		}
		length = mbrtowc(&c, text + at, size - at, &state);
		if (!length || length > size - at) {
			consort_buffer_printf(out, "\\x%02x", (unsigned char)text[at]);
			width += 4;
			length = 1;
		} else if (is_control(c)) {
			width += escape_control(out, c);
		} else {
			int columns = wcwidth(c);

			consort_buffer_append(out, text + at, length);
			width += columns < 0 ? 1 : (size_t)columns;
		}
		at += length;
	}
	return width;
}

size_t text_fit(const char *text, size_t size, size_t width, size_t *out_width)
{
	size_t at = 0, used = 0;

	while (at < size) {
		mbstate_t state = {0};
		wchar_t c;
		size_t length = mbrtowc(&c, text + at, size - at, &state);
		int columns;

		if (!length || length > size - at)
			break;
		columns = wcwidth(c);
		if (used + (columns < 0 ? 1 : (size_t)columns) > width)
			break;
		used += columns < 0 ? 1 : (size_t)columns;
		at += length;
	}
	*out_width = used;
	return at;
}

void text_wrap(struct consort_buffer *out, const char *text, size_t size, size_t column, size_t width)
{
	/* Where hardly a word fits, nothing is gained by it. */
	size_t room = width > column + 10 ? width - column : SIZE_MAX, used, part, blank;

	for (;;) {
		part = text_fit(text, size, room, &used);
		if (part >= size || !part)
			break;
		for (blank = part; blank && text[blank] != ' '; blank--)
			;
		part = blank ? blank : part;
		consort_buffer_append(out, text, part);
		part += blank ? 1 : 0;
		text += part;
		size -= part;
		consort_buffer_printf(out, "\n%*s", (int)column, "");
	}
	consort_buffer_append(out, text, size);
}

void text_end_line(struct consort_buffer *out)
{
	while (out->size && out->data[out->size - 1] == ' ')
		out->size--;
	consort_buffer_char(out, '\n');
}

void text_paragraph(struct consort_buffer *out, const char *text, size_t column, size_t width)
{
	struct consort_buffer shown = CONSORT_BUFFER_INIT;

	text_escape(&shown, text, strlen(text), false);
	out->failed |= shown.failed;
	if (shown.size)
		text_wrap(out, shown.data, shown.size, column, width);
	text_end_line(out);
	consort_buffer_clear(&shown);
}

void text_fact(struct consort_buffer *out, size_t width, const char *label, const char *text)
{
	size_t column = strlen(label) + 3 > FACT_COLUMN ? strlen(label) + 3 : FACT_COLUMN;

	if (!text || !*text)
		return;
	consort_buffer_printf(out, "  %-*s", (int)column - 2, label);
	text_paragraph(out, text, column, width);
}

void text_detail(struct consort_buffer *out, size_t width, const char *text)
{
	consort_buffer_printf(out, "%*s", FACT_COLUMN + 2, "");
	text_paragraph(out, text, FACT_COLUMN + 2, width);
}

size_t text_terminal_width(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	long number;

	if (!isatty(fd))
		return 0;
	if (!ioctl(fd, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	number = columns ? strtol(columns, NULL, 10) : 0;
	return number > 0 ? (size_t)number : 80;
}

size_t text_width(void)
{
	size_t width = text_terminal_width(STDOUT_FILENO);

	return width ? width : 80;
}
