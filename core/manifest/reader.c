/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader that feeds inih. inih, as Debian builds it, silently cuts section names at 49 bytes and lines at
 * 199, cuts values at a ` ;` even between quotes, and calls its handler for a continuation just as for the
 * same key given twice. So it gets of every section what none of this can touch, its kind: "resource=1".
 * Headers, keys and values are taken apart here:
 *
 *   - `;` or `#` as a line's first character makes it a comment; behind a value, `;` after white space does.
 *   - A value in double quotes is as it stands there; a quote inside is written twice.
 *   - A line that is indented deeper than its entry's goes on with the value, after one space; two quoted
 *     pieces are joined without it. An empty line, or one that begins with '[', ends the value.
 *
 * A file's text is kept in the manifest's arena and edited in place: what comes of a line is never longer.
 */
#include <ini.h>

#include "manifest/source.h"

#define LONGEST_KEY 160u

/* One file being read. */
struct reader {
	struct consort_manifest *manifest;
	struct consort_manifest_source *source;
	struct consort_error *error;
	enum consort_status status;
	struct consort_manifest_entry here; /* file and line */
	char *at;			    /* the next line */
	bool expands;			    /* there is a '$' somewhere */
	ptrdiff_t indent;		    /* of the entry being read */
	uint32_t consort_line;		    /* of [consort]; 0: none yet */
	/* the section being read: its line, if there is one, and its entries behind that */
	enum consort_manifest_kind kind;
	struct consort_manifest_entry *lines;
	uint32_t nlines, capacity;
	struct consort_map keys; /* of its entries, to their places */
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

/* The next line without white space at its end, up to *out_end; NULL behind the last. */
static char *take_line(struct reader *reader, char **out_end)
{
	char *line = reader->at, *end;

	if (!*line)
		return NULL;
	end = strchrnul(line, '\n');
	reader->at = *end ? end + 1 : end;
	while (end > line && (consort_is_blank(end[-1]) || end[-1] == '\r'))
		end--;
	*end = '\0';
	reader->here.line++;
	*out_end = end;
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

static bool clean_quoted(struct reader *reader, char *start, struct piece *out)
{
	const char *behind = consort_source_unquote(start, start), *next;

	if (!behind)
		return FAIL(reader, "the double quote that begins the value is not closed here");
	next = consort_skip_blanks(behind);
	if (*next && !(next > behind && *next == ';'))
		return FAIL(reader, "there is text behind the closing quote; enclose the whole value "
				    "in double quotes and write a quote inside twice");
	*out = (struct piece){.text = start, .size = strlen(start), .quoted = true};
	return true;
}

/* Takes quotes or a comment off text[0 … end), in place. */
static bool clean(struct reader *reader, char *text, char *end, struct piece *out)
{
	char *start = consort_skip_blanks(text), *comment = text;

	if (*start == '"')
		return clean_quoted(reader, start, out);
	while ((comment = memchr(comment, ';', (size_t)(end - comment))) &&
	       !(comment > text && consort_is_blank(comment[-1])))
		comment++;
	if (comment) {
		for (end = comment; end > start && consort_is_blank(end[-1]); end--)
			;
		*end = '\0';
	}
	*out = (struct piece){.text = start, .size = (size_t)(end - start), .commented = comment};
	return true;
}

/* Is it "word =", as a key that was indented by mistake would be? */
static bool looks_like_key(const char *text)
{
	size_t word = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");

	return word && consort_is_blank(text[word]) && *consort_skip_blanks(text + word) == '=';
}

/* Appends the lines that go on with the value. It stays within the text already read: a line's end and the
 * next one's indentation are two characters at least. */
static bool join(struct reader *reader, struct piece *value)
{
	struct piece piece;
	char *next, *line, *end;

	for (;;) {
		next = consort_skip_blanks(reader->at);
		if (is_comment(*next)) {
			take_line(reader, &end);
			continue;
		}
		if (next - reader->at <= reader->indent || !*next || strchr("\r\n[", *next))
			return true;
		if (looks_like_key(next)) {
			reader->here.line++;
			return FAIL(reader, "this line is indented and so goes on with the value above; "
					    "indent it like the other keys, or enclose it in double quotes "
					    "if it belongs to the value");
		}
		line = take_line(reader, &end);
		if (!clean(reader, line, end, &piece))
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

/* Room for `count` of `size` bytes in an array. */
static bool reserve(void **array, uint32_t count, uint32_t *capacity, size_t size)
{
	uint32_t more = *capacity > count / 2 ? *capacity * 2 : count;
	void *bigger;

	if (count <= *capacity)
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

static bool add_line(struct reader *reader, const struct consort_manifest_entry *line)
{
	void *lines = reader->lines;

	if (!reserve(&lines, reader->nlines + 1, &reader->capacity, sizeof(*line)))
		return FAIL_MEMORY(reader);
	reader->lines = lines;
	reader->lines[reader->nlines++] = *line;
	return true;
}

/* The lines of a section go where they stay. */
static bool end_section(struct reader *reader)
{
	struct consort_manifest_source *source = reader->source;
	size_t size = reader->nlines * sizeof(*reader->lines);
	const struct consort_manifest_entry *lines;
	void *sections = source->sections;

	lines = (void *)consort_arena_copy(&reader->manifest->arena, reader->lines, size);
	if (!lines ||
	    !reserve(&sections, source->nsections + 1, &source->capacity, sizeof(*source->sections)))
		return FAIL_MEMORY(reader);
	source->sections = sections;
	source->sections[source->nsections++] = (struct consort_manifest_section){
		.kind = reader->kind,
		.nentries = reader->nlines - 1,
		.where = lines,
		.entries = lines + 1,
	};
	reader->nlines = 0;
	consort_map_reset(&reader->keys);
	return true;
}

static bool begin_section(struct reader *reader, const char *word, const char *name)
{
	static const char *const words[] = {"consort", "plugin", "database", "resource"};
	struct consort_manifest_entry line = reader->here;
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
	line.key = word;
	line.value = line.shown = name;
	reader->kind = kind;
	return add_line(reader, &line);
}

/* "[kind name]" */
static bool read_header(struct reader *reader, char *line)
{
	char *kind = consort_skip_blanks(line + 1);
	char *kind_end = kind + strcspn(kind, " \t]");
	char *name = consort_skip_blanks(kind_end), *name_end = NULL;
	const char *behind;

	if (*name == '"') {
		behind = consort_source_unquote(name, name);
		behind = behind ? consort_skip_blanks(behind) : "";
	} else {
		behind = name_end = strchrnul(name, ']');
	}
	if (*behind != ']' || kind == kind_end)
		return FAIL(reader, "a section's line must read [KIND] or [KIND NAME]");
	behind = consort_skip_blanks(behind + 1);
	if (*behind && !is_comment(*behind))
		return FAIL(reader, "there is text behind the section's ']'; enclose a name that has one in "
				    "double quotes");
	if (name_end) {
		while (name_end > name && consort_is_blank(name_end[-1]))
			name_end--;
		*name_end = '\0';
	}
	*kind_end = '\0';
	return begin_section(reader, kind, name);
}

/* One whose key is new to its section. */
static bool add_entry(struct reader *reader, struct consort_manifest_entry *entry)
{
	uint32_t first = (uint32_t)(uintptr_t)consort_map_get(&reader->keys, entry->key);

	if (first)
		return stop(reader,
			    consort_manifest_fail(reader->error, CONSORT_EMANIFEST, entry,
						  "'%s' stands twice in this section, first at line %u",
						  entry->key, reader->lines[first].line));
	if (!consort_map_put(&reader->keys, entry->key, (void *)(uintptr_t)reader->nlines))
		return FAIL_MEMORY(reader);
	if (reader->expands)
		reader->status = consort_manifest_expand(reader->manifest, entry, reader->error);
	return !reader->status && add_line(reader, entry);
}

/* "key = value", and the lines that go on with it. */
static bool read_entry(struct reader *reader, char *line, char *end)
{
	struct consort_manifest_entry entry = reader->here;
	char *separator = line + strcspn(line, "=:;"), *key_end;
	struct piece value;

	while (*separator == ';' && !consort_is_blank(separator[-1]))
		separator += 1 + strcspn(separator + 1, "=:;");
	if (separator == line || (*separator != '=' && *separator != ':'))
		return FAIL(reader, "neither 'name = value', nor a [section], nor a comment");
	if (!reader->nlines)
		return FAIL(reader, "there is no [section] above this line");
	for (key_end = separator; consort_is_blank(key_end[-1]); key_end--)
		;
	if (key_end - line > (ptrdiff_t)LONGEST_KEY)
		return FAIL(reader, "a key of %td bytes; the longest has %u", key_end - line, LONGEST_KEY);
	if (!clean(reader, separator + 1, end, &value) || !join(reader, &value))
		return false;
	if (value.size > CONSORT_MANIFEST_VALUE)
		return FAIL(reader, "a value of %zu bytes; the longest has %u", value.size,
			    CONSORT_MANIFEST_VALUE);
	*key_end = '\0';
	entry.key = line;
	entry.value = entry.shown = value.text;
	entry.commented = value.commented;
	return add_entry(reader, &entry);
}

/* inih's reader, in the place of fgets: reads the next section, and gives its kind as "resource=1". */
static char *next_section(char *out, int size, void *context)
{
	struct reader *reader = context;
	char *start, *line, *end;

	while (!reader->status && !(reader->nlines && *consort_skip_blanks(reader->at) == '[')) {
		start = take_line(reader, &end);
		if (!start)
			break;
		line = consort_skip_blanks(start);
		reader->indent = line - start;
		if (*line == '[')
			read_header(reader, line);
		else if (*line && !is_comment(*line))
			read_entry(reader, line, end);
	}
	if (reader->status || !reader->nlines)
		return NULL;
	if (strlen(reader->lines->key) + sizeof("=1") <= (size_t)size) {
		strcpy(stpcpy(out, reader->lines->key), "=1");
		return out;
	}
	FAIL(reader, "this build of inih takes only %d bytes a line", size);
	return NULL;
}

/* inih's handler. */
static int take_section(void *context, const char *section, const char *key, const char *value)
{
	struct reader *reader = context;

	(void)section;
	(void)value;
	if (strcmp(key, reader->lines->key) != 0)
		return FAIL(reader, "inih does not take this section");
	return end_section(reader);
}

/* What may stand in a manifest besides characters beyond ASCII: no control but tabs and ends of lines. */
static bool is_usual(const char *at)
{
	static const bool usual[256] = {['\t'] = true, ['\n'] = true, [' ' ... '~'] = true};

	return usual[(unsigned char)*at] || (*at == '\r' && at[1] == '\n');
}

/* Tells the line of the first that is wrong. */
static bool check_text(struct reader *reader, const char *text, size_t size)
{
	const char *at = text, *line, *what;
	uint64_t wrong = size;

	while (is_usual(at))
		at++;
	if (at == text + size)
		return true;
	consort_utf8_valid(text, size, &wrong);
	while (at < text + wrong && (is_usual(at) || (unsigned char)*at >= 0x80))
		at++;
	if (at == text + size)
		return true;
	if (at < text + wrong)
		what = "a control character cannot stand in a manifest";
	else
		what = *at ? "this is not UTF-8; save the file in that encoding"
			   : "a NUL byte cannot stand in a manifest";
	reader->here.line = 1;
	for (line = text; (text = memchr(line, '\n', (size_t)(at - line))); line = text + 1)
		reader->here.line++;
	return FAIL(reader, "byte %td of the line is 0x%02x: %s", at - line + 1, (unsigned char)*at, what);
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
		.expands = memchr(text, '$', size),
	};
	int failed;

	if (!check_text(&reader, text, size))
		return reader.status;
	failed = ini_parse_stream(next_section, &reader, take_section, &reader);
	if (failed == -2)
		FAIL_MEMORY(&reader);
	else if (failed && !reader.status)
		FAIL(&reader, "inih does not take this section");
	free(reader.lines);
	consort_map_clear(&reader.keys);
	return reader.status;
}

void consort_source_clear(struct consort_manifest_source *source)
{
	free(source->sections);
	memset(source, 0, sizeof(*source));
}
