/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader that feeds inih. inih, as Debian builds it, silently cuts section names at 49 bytes and lines at
 * 199, cuts values at a ` ;` even between quotes, and calls its handler for a continuation just as for the
 * same key given twice. So it gets every line in a form that none of this can touch: "[7]" for a section's
 * header and "name = 42" for an entry, where the numbers are places in the source's arrays. Headers and
 * values themselves are taken apart here:
 *
 *   - `;` or `#` as a line's first character makes it a comment; behind a value, `;` after white space does.
 *   - A value in double quotes is as it stands there; a quote inside is written twice.
 *   - A line that is indented deeper than its entry's goes on with the value, after one space; two quoted
 *     pieces are joined without it. An empty line, or one that begins with '[', ends the value.
 *
 * A file's text is kept in the manifest's arena and edited in place: what comes of a line is never longer.
 */
#include <stdio.h>

#include <ini.h>

#include "manifest/source.h"

#define LONGEST_KEY 160u

static const char blanks[] = " \t";

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* One file being read. */
struct reader {
	struct consort_manifest *manifest;
	struct consort_manifest_source *source;
	struct consort_error *error;
	enum consort_status status;
	struct consort_manifest_entry here; /* file and line */
	char *at;			    /* the next line */
	size_t indent;			    /* of the entry being read */
	struct consort_map keys;	    /* of the section being read, to their places + 1 */
	uint32_t first_section;		    /* where this file's begin */
	uint32_t consort_line;		    /* of [consort]; 0: none yet */
};

/* Ends the reading: false, for the caller to return. */
static bool stop(struct reader *reader, enum consort_status status)
{
	reader->status = status;
	return false;
}

#define FAIL(reader, ...) \
	stop(reader, consort_manifest_fail((reader)->error, CONSORT_EMANIFEST, &(reader)->here, __VA_ARGS__))
#define FAIL_MEMORY(reader) stop(reader, consort_error_no_memory((reader)->error))

const char *consort_source_unquote(const char *text, char *out)
{
	for (text++; *text; text++) {
		if (*text == '"' && *++text != '"') {
			*out = '\0';
			return text;
		}
		*out++ = *text;
	}
	return NULL;
}

/* --- lines --- */

/* The next line without white space at its end, or NULL. */
static char *take_line(struct reader *reader)
{
	char *line = reader->at, *end;

	if (!*line)
		return NULL;
	end = strchrnul(line, '\n');
	reader->at = *end ? end + 1 : end;
	while (end > line && (is_blank(end[-1]) || end[-1] == '\r'))
		end--;
	*end = '\0';
	reader->here.line++;
	return line;
}

static bool is_comment(char first)
{
	return first == ';' || first == '#';
}

/* A line's part of a value. */
struct piece {
	char *text;
	size_t size;
	bool quoted;
	bool commented;
};

/* Takes quotes or a comment off, in place. */
static bool clean(struct reader *reader, char *text, struct piece *out)
{
	char *start = text + strspn(text, blanks), *end;
	const char *behind;

	*out = (struct piece){.text = start, .quoted = *start == '"'};
	if (out->quoted) {
		behind = consort_source_unquote(start, start);
		if (!behind)
			return FAIL(reader, "the double quote that begins the value is not closed here");
		if (*behind && !(strchr(blanks, *behind) && behind[strspn(behind, blanks)] == ';'))
			return FAIL(reader, "there is text behind the closing quote; enclose the whole value "
					    "in double quotes and write a quote inside twice");
		out->size = strlen(start);
		return true;
	}
	for (end = text; *end; end++)
		if (*end == ';' && end > text && is_blank(end[-1]))
			break;
	out->commented = *end;
	while (end > start && is_blank(end[-1]))
		end--;
	*end = '\0';
	out->size = (size_t)(end - start);
	return true;
}

/* Is it "word =", as a key that was indented by mistake would be? */
static bool looks_like_key(const char *text)
{
	size_t word = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
	size_t space = strspn(text + word, blanks);

	return word && space && text[word + space] == '=';
}

/* Appends the lines that go on with the value. It stays within the text already read: a line's end and the
 * next one's indentation are two characters at least. */
static bool join(struct reader *reader, struct piece *value)
{
	struct piece piece;
	const char *next;

	for (;;) {
		next = reader->at + strspn(reader->at, blanks);
		if (is_comment(*next)) {
			take_line(reader);
			continue;
		}
		if ((size_t)(next - reader->at) <= reader->indent || !*next || strchr("\r\n[", *next))
			return true;
		if (looks_like_key(next)) {
			reader->here.line++;
			return FAIL(reader, "this line is indented and so goes on with the value above; "
					    "indent it like the other keys, or enclose it in double quotes "
					    "if it belongs to the value");
		}
		if (!clean(reader, take_line(reader), &piece))
			return false;
		if (value->size && piece.size && !(value->quoted && piece.quoted))
			value->text[value->size++] = ' ';
		memmove(value->text + value->size, piece.text, piece.size + 1);
		value->size += piece.size;
		value->quoted = piece.quoted;
		value->commented |= piece.commented;
	}
}

/* --- sections and entries --- */

/* Room for one more of `size` bytes in an array. */
static bool reserve(void **array, uint32_t count, uint32_t *capacity, size_t size)
{
	uint32_t more = *capacity ? *capacity * 2 : 64;
	void *bigger;

	if (count < *capacity)
		return true;
	if (more > UINT32_MAX / 4)
		return false;
	bigger = realloc(*array, more * size);
	if (!bigger)
		return false;
	*array = bigger;
	*capacity = more;
	return true;
}

static bool add_section(struct reader *reader, const char *word, const char *name)
{
	static const char *const words[] = {"consort", "plugin", "database", "resource"};
	struct consort_manifest_source *source = reader->source;
	void *sections = source->sections;
	uint32_t kind = 0;
	char hint[64];

	while (kind < CONSORT_MANIFEST_KINDS && strcmp(word, words[kind]))
		kind++;
	if (kind == CONSORT_MANIFEST_KINDS)
		return FAIL(reader, "unknown kind of section '%s'%s", word,
			    consort_hint(consort_nearest(word, words, kind), hint, sizeof(hint)));
	if (kind == CONSORT_MANIFEST_CONSORT) {
		if (reader->consort_line)
			return FAIL(reader, "[consort] stands twice in this file, first at line %u",
				    reader->consort_line);
		reader->consort_line = reader->here.line;
	}
	if (!reserve(&sections, source->nsections, &source->section_capacity, sizeof(*source->sections)))
		return FAIL_MEMORY(reader);
	source->sections = sections;
	source->sections[source->nsections++] = (struct consort_manifest_section){
		.kind = kind,
		.word = words[kind],
		.name = name,
		.first = source->nentries,
		.where = reader->here,
	};
	consort_map_clear(&reader->keys);
	return true;
}

/* "[kind name]" */
static bool read_header(struct reader *reader, char *line)
{
	char *kind = line + 1 + strspn(line + 1, blanks);
	char *kind_end = kind + strcspn(kind, " \t]");
	char *name = kind_end + strspn(kind_end, blanks), *name_end = NULL;
	const char *behind;

	if (*name == '"') {
		behind = consort_source_unquote(name, name);
		behind = behind ? behind + strspn(behind, blanks) : "";
	} else {
		behind = name_end = strchrnul(name, ']');
	}
	if (*behind != ']' || kind == kind_end)
		return FAIL(reader, "a section's line must read [KIND] or [KIND NAME]");
	behind += 1 + strspn(behind + 1, blanks);
	if (*behind && !is_comment(*behind))
		return FAIL(reader, "there is text behind the section's ']'; enclose a name that has one in "
				    "double quotes");
	if (name_end) {
		while (name_end > name && is_blank(name_end[-1]))
			name_end--;
		*name_end = '\0';
	}
	*kind_end = '\0';
	return add_section(reader, kind, name);
}

/* "name = value", and the lines that go on with it. Its name is left for inih to tell. */
static bool read_entry(struct reader *reader, char *line, char **out_name_end)
{
	struct consort_manifest_source *source = reader->source;
	struct consort_manifest_entry entry = reader->here;
	char *separator = line + strcspn(line, "=:"), *comment;
	struct piece value;
	void *entries = source->entries;

	for (comment = line; comment < separator; comment++)
		if (*comment == ';' && is_blank(comment[-1]))
			break;
	if (!*separator || comment < separator || separator == line)
		return FAIL(reader, "neither 'name = value', nor a [section], nor a comment");
	if (source->nsections == reader->first_section)
		return FAIL(reader, "there is no [section] above this line");
	*out_name_end = separator;
	while (is_blank((*out_name_end)[-1]))
		--*out_name_end;
	if (*out_name_end - line > (ptrdiff_t)LONGEST_KEY)
		return FAIL(reader, "a key of %td bytes; the longest has %u", *out_name_end - line,
			    LONGEST_KEY);
	if (!clean(reader, separator + 1, &value) || !join(reader, &value))
		return false;
	if (value.size > CONSORT_MANIFEST_VALUE)
		return FAIL(reader, "a value of %zu bytes; the longest has %u", value.size,
			    CONSORT_MANIFEST_VALUE);
	entry.value = entry.shown = value.text;
	entry.commented = value.commented;
	if (!reserve(&entries, source->nentries, &source->entry_capacity, sizeof(*source->entries)))
		return FAIL_MEMORY(reader);
	source->entries = entries;
	source->entries[source->nentries++] = entry;
	return true;
}

/* inih's reader, in the place of fgets. */
/* The texts, with the number between the last two, as a line; false if it does not fit. By hand, since printf
 * would cost more than all else that is done for a line. */
static bool put_line(char *out, int size, const char *name, size_t name_size, const char *before,
		     uint32_t number, const char *behind)
{
	char digits[12], *digit = digits + sizeof(digits);

	*--digit = '\0';
	do
		*--digit = (char)('0' + number % 10);
	while (number /= 10);
	if (name_size + strlen(before) + strlen(digit) + strlen(behind) >= (size_t)size)
		return false;
	memcpy(out, name, name_size);
	stpcpy(stpcpy(stpcpy(out + name_size, before), digit), behind);
	return true;
}

static char *next_line(char *out, int size, void *context)
{
	struct reader *reader = context;
	char *line, *name_end = NULL;
	bool fits;

	do {
		line = reader->status ? NULL : take_line(reader);
		if (!line)
			return NULL;
		reader->indent = strspn(line, blanks);
		line += reader->indent;
	} while (!*line || is_comment(*line));
	if (*line == '[') {
		if (!read_header(reader, line))
			return NULL;
		fits = put_line(out, size, "", 0, "[", reader->source->nsections - 1, "]\n");
	} else {
		if (!read_entry(reader, line, &name_end))
			return NULL;
		fits = put_line(out, size, line, (size_t)(name_end - line), " = ",
				reader->source->nentries - 1, "\n");
	}
	if (fits)
		return out;
	FAIL(reader, "this build of inih takes only %d bytes a line", size);
	return NULL;
}

/* inih's handler: the entry with that place, in the section with that place, has this name. */
static int take_entry(void *context, const char *section, const char *name, const char *value)
{
	struct reader *reader = context;
	struct consort_manifest_source *source = reader->source;
	uint32_t place = (uint32_t)strtoul(value, NULL, 10);
	struct consort_manifest_entry *entry = &source->entries[place];
	struct consort_manifest_section *in = &source->sections[strtoul(section, NULL, 10)];
	uintptr_t first = (uintptr_t)consort_map_get(&reader->keys, name);

	if (first) {
		reader->status = consort_manifest_fail(reader->error, CONSORT_EMANIFEST, entry,
						       "'%s' stands twice in this section, first at line %u",
						       name, source->entries[first - 1].line);
		return 0;
	}
	entry->key = consort_arena_text(&reader->manifest->arena, name);
	if (!entry->key || !consort_map_put(&reader->keys, entry->key, (void *)((uintptr_t)place + 1)))
		return FAIL_MEMORY(reader);
	reader->status = consort_manifest_expand(reader->manifest, entry, reader->error);
	in->nentries++;
	return !reader->status;
}

/* UTF-8 without control characters but tabs and ends of lines; tells the line of the first that is wrong. */
static bool check_text(struct reader *reader, const char *text, size_t size)
{
	uint64_t wrong = size;
	size_t i, line = 1, start = 0;
	const char *what = "this is not UTF-8; save the file in that encoding";

	consort_utf8_valid(text, size, &wrong);
	for (i = 0; i < wrong; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\n')
			line++, start = i + 1;
		else if ((c < ' ' && c != '\t' && !(c == '\r' && text[i + 1] == '\n')) || c == 0x7f)
			break;
	}
	if (i == size)
		return true;
	if (i < wrong)
		what = "a control character cannot stand in a manifest";
	else if (!text[i])
		what = "a NUL byte cannot stand in a manifest";
	reader->here.line = (uint32_t)line;
	return FAIL(reader, "byte %zu of the line is 0x%02x: %s", i - start + 1, (unsigned char)text[i],
		    what);
}

enum consort_status consort_source_parse(struct consort_manifest_source *source,
					 struct consort_manifest *manifest, const char *file, char *text,
					 size_t size, struct consort_error *error)
{
	struct reader reader = {
		.manifest = manifest,
		.source = source,
		.error = error,
		.here = {.file = file},
		.at = text,
		.first_section = source->nsections,
	};
	int failed;

	if (!check_text(&reader, text, size))
		return reader.status;
	failed = ini_parse_stream(next_line, &reader, take_entry, &reader);
	if (failed == -2)
		FAIL_MEMORY(&reader);
	else if (failed && !reader.status)
		FAIL(&reader, "inih does not take this line");
	consort_map_clear(&reader.keys);
	return reader.status;
}

void consort_source_clear(struct consort_manifest_source *source)
{
	free(source->sections);
	free(source->entries);
	memset(source, 0, sizeof(*source));
}
