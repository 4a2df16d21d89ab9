/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets out of texts that leave the core: errors, logs, explain. */
#include "pool/pool.h"

#include <ctype.h>

#define SHORTEST_SECRET 3

bool consort_secrets_add(struct consort_secrets *secrets, const char *text)
{
	size_t size = strlen(text);
	const char *copy;
	uint32_t at;

	if (size < SHORTEST_SECRET)
		return true;
	if (secrets->count == secrets->capacity) {
		uint32_t capacity = secrets->capacity ? secrets->capacity * 2 : 8;
		const char **texts = realloc(secrets->texts, capacity * sizeof(*texts));

		if (!texts)
			return false;
		secrets->texts = texts;
		secrets->capacity = capacity;
	}
	copy = consort_arena_text(&secrets->arena, text);
	if (!copy)
		return false;
	for (at = secrets->count; at > 0 && strlen(secrets->texts[at - 1]) < size; at--)
		secrets->texts[at] = secrets->texts[at - 1];
	secrets->texts[at] = copy;
	secrets->count++;
	return true;
}

void consort_secrets_clear(struct consort_secrets *secrets)
{
	consort_arena_clear(&secrets->arena);
	free(secrets->texts);
	memset(secrets, 0, sizeof(*secrets));
}

static void mask(char *text, size_t size)
{
	memset(text, '*', size);
}

/* The password of each "scheme://user:password@host". */
static void scrub_uris(char *text)
{
	char *at = text;

	while ((at = strstr(at, "://"))) {
		char *colon = NULL, *last = NULL, *end;

		at += 3;
		for (end = at; *end && !isspace((unsigned char)*end) && *end != '/' && *end != '?'; end++) {
			if (*end == ':' && !colon)
				colon = end;
			if (*end == '@')
				last = end;
		}
		if (colon && last && colon < last)
			mask(colon + 1, (size_t)(last - colon - 1));
	}
}

/* Where the value that starts at `at` ends: at its closing quote, or at what cannot stand in a bare value. */
static char *value_end(char *at, char quote)
{
	char *end;

	for (end = at; *end; end++) {
		if (quote ? *end == quote && (end == at || end[-1] != '\\')
			  : isspace((unsigned char)*end) || strchr("&;,)'\"", *end))
			break;
	}
	return end;
}

/* The value behind each "password=" or the like, quoted or not. */
static void scrub_keywords(char *text)
{
	static const char *const words[] = {"password=", "passwd=", "pwd=", "secret=", "token="};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char *at = text;

		while ((at = strcasestr(at, words[i]))) {
			char quote = 0, *end;

			at += strlen(words[i]);
			if (*at == '\'' || *at == '"')
				quote = *at++;
			end = value_end(at, quote);
			mask(at, (size_t)(end - at));
			at = end;
		}
	}
}

void consort_secrets_scrub(const struct consort_secrets *secrets, char *text)
{
	uint32_t i;

	for (i = 0; i < secrets->count; i++) {
		size_t size = strlen(secrets->texts[i]);
		char *at = text;

		while ((at = strstr(at, secrets->texts[i]))) {
			mask(at, size);
			at += size;
		}
	}
	scrub_uris(text);
	scrub_keywords(text);
}

void consort_secrets_scrub_error(const struct consort_secrets *secrets, struct consort_error *error)
{
	consort_secrets_scrub(secrets, error->message);
	consort_secrets_scrub(secrets, error->resource);
	consort_secrets_scrub(secrets, error->attribute);
	consort_secrets_scrub(secrets, error->constraint);
}
