/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets out of texts that leave the library: errors, log lines, plans, options as they are shown.
 *
 * Known secrets belong to the process: a log line does not tell which open manifest it is about. Each is
 * looked for as it is and in the spellings that URIs, JSON and SQL give it. One of fewer than SHORTEST bytes
 * would be found in half of all words, so it counts only where a text shows it as a whole value: in quotes,
 * or behind '='.
 *
 * Passwords that nobody listed are found by their place: behind a word like "password", and in
 * "scheme://user:password@host".
 */
#include <ctype.h>
#include <pthread.h>

#include "base/base.h"

#define SHORTEST ((size_t)4)
#define MASK "***"

struct secret {
	struct secret *next;
	const void *owner;
	size_t size;
	char text[];
};

static struct secret *secrets;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list */

static void take_lock(void)
{
	pthread_mutex_lock(&lock);
}

static void give_lock(void)
{
	pthread_mutex_unlock(&lock);
}

/* A forked child finds the lock free, whatever the parent's other threads did. */
static void watch_forks(void)
{
	pthread_atfork(take_lock, give_lock, give_lock);
}

/* A part of a text. */
struct span {
	const char *start, *end;
};

/* --- spellings --- */

/* How a text may write the bytes of a secret. */
enum spelling {
	AS_IS,
	PERCENT,   /* "%27", as URIs have it */
	FORM,	   /* the same with '+' for a space */
	BACKSLASH, /* "\'", "\n", "\u0027": JSON, connection strings */
	DOUBLED,   /* "''": SQL */
	SPELLINGS
};

/* A text without any of these is spelled as it is. */
static const char *const special[SPELLINGS] = {
	[PERCENT] = "%", [FORM] = "%+", [BACKSLASH] = "\\", [DOUBLED] = "'\"`"};

/* The value of `count` hexadecimal digits, or -1. */
static int32_t hexadecimal(const char *digits, const char *end, int count)
{
	int32_t value = 0;

	if (end - digits < count)
		return -1;
	for (; count; count--, digits++) {
		if (!isxdigit((unsigned char)*digits))
			return -1;
		value = value * 16 + (*digits <= '9' ? *digits - '0' : (*digits | 0x20) - 'a' + 10);
	}
	return value;
}

/* As UTF-8; returns its size. */
static size_t encode(int32_t character, char *out)
{
	size_t size = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4, i;

	for (i = size - 1; i; i--, character >>= 6)
		out[i] = (char)(0x80 | (character & 0x3f));
	out[0] = (char)(size == 1 ? character : ((0xf00 >> size) & 0xff) | character);
	return size;
}

/* A backslash and what stands behind it. */
static size_t take_escape(struct span *rest, char *out)
{
	static const char letters[] = "bfnrt", controls[] = "\b\f\n\r\t";
	const char *letter = rest->start + 1 < rest->end ? strchr(letters, rest->start[1]) : NULL;
	int32_t unit = -1, low;

	if (rest->end - rest->start < 2 || (rest->start[1] == 'u' && rest->end - rest->start < 6))
		return 0;
	if (rest->start[1] == 'u')
		unit = hexadecimal(rest->start + 2, rest->end, 4);
	if (unit >= 0xd800 && unit < 0xdc00 && rest->end - rest->start >= 12 && rest->start[6] == '\\' &&
	    rest->start[7] == 'u') {
		low = hexadecimal(rest->start + 8, rest->end, 4);
		if (low >= 0xdc00 && low < 0xe000) {
			rest->start += 6;
			unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
		}
	}
	if (unit > 0) {
		rest->start += 6;
		return encode(unit, out);
	}
	*out = letter ? controls[letter - letters] : rest->start[1];
	rest->start += 2;
	return 1;
}

/* Takes a character, or a byte of one, off a text: up to 4 bytes, or 0 at its end. */
static size_t take(enum spelling spelling, struct span *rest, char *out)
{
	char c;
	int32_t value;

	if (rest->start == rest->end)
		return 0;
	c = *rest->start;
	if (spelling == BACKSLASH && c == '\\')
		return take_escape(rest, out);
	if ((spelling == PERCENT || spelling == FORM) && c == '%') {
		value = hexadecimal(rest->start + 1, rest->end, 2);
		if (value >= 0) {
			rest->start += 2;
			c = (char)value;
		} else if (rest->end - rest->start < 3) {
			return 0;
		}
	} else if (spelling == FORM && c == '+') {
		c = ' ';
	} else if (spelling == DOUBLED && strchr(special[DOUBLED], c) && rest->start + 1 < rest->end &&
		   rest->start[1] == c) {
		rest->start++;
	}
	rest->start++;
	*out = c;
	return 1;
}

/* --- what is to be hidden in a text --- */

struct scan {
	struct span text;
	size_t least; /* bytes of a secret that make it one where the text ends within it */
	char *marks;  /* for each of the text's bytes: is it to be hidden? */
	bool found;
};

static bool hide(void *context, struct span part)
{
	struct scan *scan = context;

	if (part.end > part.start) {
		memset(scan->marks + (part.start - scan->text.start), 1, (size_t)(part.end - part.start));
		scan->found = true;
	}
	return true;
}

/* The secret at the rest's start: takes it off. */
static bool take_secret(const struct scan *scan, const struct secret *secret, enum spelling spelling,
			struct span *rest)
{
	size_t matched = 0, size;
	char bytes[4];

	while (matched < secret->size) {
		size = take(spelling, rest, bytes);
		if (!size) {
			rest->start = rest->end;
			return matched >= scan->least;
		}
		if (size > secret->size - matched || memcmp(bytes, secret->text + matched, size) != 0)
			return false;
		matched += size;
	}
	return true;
}

/* Is this part of the text a value by itself? */
static bool is_value(const struct scan *scan, struct span part)
{
	char before = part.start > scan->text.start ? part.start[-1] : '\0';

	if (!before || !strchr("='\"`", before))
		return !before && part.end == scan->text.end;
	return part.end == scan->text.end || strchr("'\"` \t\n,;&)}", *part.end);
}

static void hide_secret(struct scan *scan, const struct secret *secret, enum spelling spelling)
{
	struct span rest;
	const char *at;

	for (at = scan->text.start; at < scan->text.end; at++) {
		rest = (struct span){at, scan->text.end};
		if ((spelling != AS_IS || *at == *secret->text) &&
		    take_secret(scan, secret, spelling, &rest) &&
		    (secret->size >= SHORTEST || is_value(scan, (struct span){at, rest.start})))
			hide(scan, (struct span){at, rest.start});
	}
}

static void hide_secrets(struct scan *scan)
{
	const struct secret *secret;
	enum spelling spelling;

	take_lock();
	for (spelling = AS_IS; spelling < SPELLINGS; spelling++) {
		if (spelling != AS_IS && !strpbrk(scan->text.start, special[spelling]))
			continue;
		for (secret = secrets; secret; secret = secret->next)
			hide_secret(scan, secret, spelling);
	}
	give_lock();
}

/* --- passwords by their place --- */

/* What gets each of them; false ends the search. */
typedef bool span_fn(void *context, struct span part);

static const char *last_at(const char *start, const char *end)
{
	return memrchr(start, '@', (size_t)(end - start));
}

/* "user:password@host", at `start`. What follows a '/' counts too if there is no '@' before it, since a
 * password may have one that should have been written "%2F"; unless the colon's number is a port. */
static bool find_in_uri(const char *start, bool cut, struct span *out)
{
	const char *end = start + strcspn(start, " \t\r\n\"<>"), *host = start + strcspn(start, "/?#");
	const char *authority = host < end ? host : end, *at = last_at(start, authority), *colon;

	colon = memchr(start, ':', (size_t)(authority - start));
	if (!colon || (at && colon > at))
		return false;
	if (!at && colon + 1 + strspn(colon + 1, "0123456789") < authority) {
		at = last_at(start, end);
		if (!at && cut && !*end)
			at = end;
	}
	*out = (struct span){colon + 1, at};
	return at;
}

/* Where a text in quotes ends whose opening quote has `escapes` backslashes before it (as in JSON within
 * JSON). */
static const char *quoted_end(const char *start, char quote, size_t escapes)
{
	size_t backslashes = 0;
	const char *at;

	for (at = start; *at; at++) {
		if (*at == '\\') {
			backslashes++;
			continue;
		}
		if (*at == quote && backslashes % (2 * (escapes + 1)) == escapes) {
			if (at[1] != quote || escapes)
				return at - escapes;
			at++;
		}
		backslashes = 0;
	}
	return at;
}

/* "$1" and "?" stand for a value that is elsewhere. */
static bool is_parameter(const char *start, const char *end)
{
	return (*start == '$' || *start == '?') && start + 1 + strspn(start + 1, "0123456789") == end &&
	       (*start == '?' || start + 1 < end);
}

/* The value behind a keyword: "= x", "='x y'", "\": \"x\"", " 'x'". */
static bool find_value(const char *behind, struct span *out)
{
	static const char blanks[] = " \t\r\n", quotes[] = "'\"`";
	const char *at = behind + strspn(behind, "\\"), *start;
	bool closed = *at && strchr(quotes, *at), separated;
	size_t escapes;

	at = closed ? at + 1 : behind;
	start = at + strspn(at, blanks);
	separated = *start == '=' || (*start == ':' && (closed || start[1] == '='));
	if (separated) {
		start += strspn(start, ":=>");
		start += strspn(start, blanks);
	}
	escapes = strspn(start, "\\");
	if (start[escapes] && strchr(quotes, start[escapes])) {
		if (!separated && (closed || start == at))
			return false;
		out->start = start + escapes + 1;
		out->end = quoted_end(out->start, start[escapes], escapes);
		return true;
	}
	*out = (struct span){start, start + strcspn(start, " \t\r\n&;,)}]'\"`")};
	return separated && !is_parameter(out->start, out->end);
}

static bool each_password(const char *text, bool cut, span_fn *fn, void *context)
{
	static const char *const words[] = {"password",	  "passwd",    "pwd",	       "passphrase",
					    "secret",	  "token",     "api_key",      "apikey",
					    "access_key", "accesskey", "identified by"};
	struct span found;
	const char *at;
	size_t i;

	if (!strpbrk(text, ":='\"`"))
		return true; /* as most values */
	for (at = strstr(text, "://"); at; at = strstr(at + 3, "://"))
		if (find_in_uri(at + 3, cut, &found) && !fn(context, found))
			return false;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (at = strcasestr(text, words[i]); at; at = strcasestr(at, words[i])) {
			at += strlen(words[i]);
			if (isalpha((unsigned char)*at))
				continue; /* another word */
			at += strspn(at, "_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
			if (find_value(at, &found) && !fn(context, found))
				return false;
		}
	}
	return true;
}

/* --- what others call --- */

/* Without white space around it, which others may take off too. */
static bool add(const void *owner, const char *text, size_t size)
{
	struct secret *secret;

	while (size && isspace((unsigned char)*text))
		text++, size--;
	while (size && isspace((unsigned char)text[size - 1]))
		size--;
	if (!size)
		return true;
	secret = malloc(sizeof(*secret) + size);
	if (!secret)
		return false;
	secret->owner = owner;
	secret->size = size;
	memcpy(secret->text, text, size);
	take_lock();
	secret->next = secrets;
	secrets = secret;
	give_lock();
	return true;
}

bool consort_secret_add(const void *owner, const char *text)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_forks);
	return add(owner, text, strlen(text));
}

/* As it is, and what it says if it is spelled in one of the ways. */
static bool add_spelled(void *owner, struct span part)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	enum spelling spelling;
	bool added = true;

	for (spelling = AS_IS; spelling < SPELLINGS && added; spelling++) {
		struct span rest = part;
		char bytes[4];
		size_t size;

		consort_buffer_reset(&text);
		while ((size = take(spelling, &rest, bytes)))
			consort_buffer_append(&text, bytes, size);
		if (spelling == AS_IS || text.size < (size_t)(part.end - part.start))
			added = !text.failed && (!text.size || add(owner, text.data, text.size));
	}
	consort_buffer_clear(&text);
	return added;
}

bool consort_secret_add_within(const void *owner, const char *text)
{
	return each_password(text, false, add_spelled, (void *)(uintptr_t)owner);
}

void consort_secrets_forget(const void *owner)
{
	struct secret **at = &secrets, *secret;

	take_lock();
	while ((secret = *at)) {
		if (secret->owner == owner) {
			*at = secret->next;
			free(secret);
		} else {
			at = &secret->next;
		}
	}
	give_lock();
}

/* Appends the text with a mask for each part that is marked. */
static void print_masked(const struct scan *scan, struct consort_buffer *out)
{
	const char *at = scan->text.start, *marks = scan->marks, *start;

	while (at < scan->text.end) {
		bool hidden = marks[at - scan->text.start];

		for (start = at; at < scan->text.end && marks[at - scan->text.start] == hidden; at++)
			;
		if (hidden)
			consort_buffer_text(out, MASK);
		else
			consort_buffer_append(out, start, (size_t)(at - start));
	}
}

/* Appends the text as it may be shown. cut: it may have lost its end. False: nothing had to be hidden, and
 * nothing was appended. */
static bool scrub(const char *text, size_t size, bool cut, struct consort_buffer *out)
{
	char small[1024] = "", *marks = size < sizeof(small) ? small : calloc(size, 1);
	struct scan scan = {.text = {text, text + size}, .least = cut ? 1 : SHORTEST, .marks = marks};

	if (!marks) {
		out->failed = 1;
		return true;
	}
	hide_secrets(&scan);
	each_password(text, cut, hide, &scan);
	if (scan.found)
		print_masked(&scan, out);
	if (marks != small)
		free(marks);
	return scan.found;
}

void consort_scrub(const char *text, struct consort_buffer *out)
{
	size_t size = strlen(text);

	if (!scrub(text, size, false, out))
		consort_buffer_append(out, text, size);
}

/* A text in an array of `size` bytes. One that fills it was cut, perhaps at a character's start. */
static void scrub_field(char *text, size_t size)
{
	struct consort_buffer shown = CONSORT_BUFFER_INIT;
	size_t length = strlen(text);

	if (scrub(text, length, length + 4 >= size, &shown))
		consort_copy_text(text, size, shown.failed ? MASK : shown.data);
	consort_buffer_clear(&shown);
}

void consort_scrub_error(struct consort_error *error)
{
	scrub_field(error->resource, sizeof(error->resource));
	scrub_field(error->attribute, sizeof(error->attribute));
	scrub_field(error->constraint, sizeof(error->constraint));
	scrub_field(error->message, sizeof(error->message));
}
