/* SPDX-License-Identifier: Apache-2.0 */
/* The check of UTF-8, eight bytes of ASCII at a time. */
#include <consort/convert.h>

#include <string.h>

/* The length of the well-formed sequence at p (Unicode 15, table 3-7), or 0. */
static uint64_t sequence_length(const unsigned char *p, uint64_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	uint64_t length, i;

	if (p[0] < 0x80)
		return p[0] ? 1 : 0;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		length = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		length = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (length > left)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (i = 2; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* Eight ASCII bytes, none of them NUL? */
static int is_plain(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, 8);
	return !consort_odd_bytes(word);
}

/* The same of 32. */
static int is_plain_long(const unsigned char *p)
{
	uint64_t words[4];

	memcpy(words, p, sizeof(words));
	return !(consort_odd_bytes(words[0]) | consort_odd_bytes(words[1]) | consort_odd_bytes(words[2]) |
		 consort_odd_bytes(words[3]));
}

int consort_utf8_valid(const char *text, uint64_t size, uint64_t *out_at)
{
	const unsigned char *p = (const unsigned char *)text;
	uint64_t at = 0, length;

	while (size - at >= 32 && is_plain_long(p + at))
		at += 32;
	while (at < size) {
		if (size - at >= 8) {
			if (is_plain(p + at)) {
				at += 8;
				continue;
			}
		} else if (size >= 8 && is_plain(p + size - 8)) {
			return 1; /* what it overlaps was checked already */
		}
		if (p[at] - 1u < 0x7f) {
			at++;
			continue;
		}
		length = sequence_length(p + at, size - at);
		if (!length) {
			if (out_at)
				*out_at = at;
			return 0;
		}
		at += length;
	}
	return 1;
}

uint32_t consort_append_checked(struct consort_batch *batch, struct consort_column *column, const char *text,
				uint64_t size)
{
	return consort_utf8_valid(text, size, NULL) ? consort_append_view(batch, column, text, size)
						    : (uint32_t)CONSORT_EVALUE;
}
