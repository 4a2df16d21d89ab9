/* SPDX-License-Identifier: Apache-2.0 */
/* JSON strings: only what must be escaped is. */
#include <consort/json.h>

static void quote_character(struct consort_buffer *out, unsigned char character)
{
	static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* a character and what it is escaped as */
	const char *p;

	for (p = letters; *p; p += 2) {
		if ((unsigned char)*p == character) {
			consort_buffer_char(out, '\\');
			consort_buffer_char(out, p[1]);
			return;
		}
	}
	consort_buffer_printf(out, "\\u%04x", character);
}

void consort_json_quote(struct consort_buffer *out, const char *text, uint64_t size)
{
	uint64_t at, start = 0;

	consort_buffer_char(out, '"');
	for (at = 0; at < size; at++) {
		unsigned char character = (unsigned char)text[at];

		if (character >= 0x20 && character != '"' && character != '\\')
			continue;
		consort_buffer_append(out, text + start, at - start);
		quote_character(out, character);
		start = at + 1;
	}
	consort_buffer_append(out, text + start, size - start);
	consort_buffer_char(out, '"');
}
