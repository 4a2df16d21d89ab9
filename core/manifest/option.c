/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options' values by their listed types: texts to numbers, durations, sizes, paths, choices. The manifest's
 * own keys go through it as adapters' options do.
 */
#include <strings.h>

#include <consort/plugin.h>

#include "manifest/source.h"

static bool parse_bool(const char *text, int64_t *out)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcasecmp(text, words[i])) {
			*out = (int64_t)(i & 1);
			return true;
		}
	}
	return false;
}

static bool parse_int(const char *text, int64_t *out)
{
	struct consort_value value;

	if (consort_value_parse(consort_type_of(CONSORT_TYPE_INT64), text, strlen(text), NULL, &value, NULL))
		return false;
	*out = value.as.int64;
	return true;
}

const char *consort_manifest_path(struct consort_manifest *manifest,
				  const struct consort_manifest_entry *where, const char *path)
{
	const char *folder = where->line ? manifest->folder : manifest->working;

	if (*path == '/')
		return path;
	return consort_arena_join(&manifest->arena, folder, folder[1] ? "/" : "", path, NULL);
}

/* The reason why a value is refused. `wanted` follows "must be". */
static enum consort_status refuse(const struct consort_manifest_entry *entry,
				  const struct consort_option *option, const char *wanted, const char *hint,
				  struct consort_error *error)
{
	if (option->secret)
		return consort_manifest_fail(error, CONSORT_EVALUE, entry, "%s: the value must be %s",
					     entry->key, wanted);
	return consort_manifest_fail(error, CONSORT_EVALUE, entry, "%s: '%s' must be %s%s", entry->key,
				     entry->shown, wanted, hint);
}

/* One of "wal,delete,memory". */
static enum consort_status choose(struct consort_manifest *manifest,
				  const struct consort_manifest_entry *entry,
				  const struct consort_option *option, const char **out,
				  struct consort_error *error)
{
	struct consort_map choices = {0};
	enum consort_status status = CONSORT_OK;
	const char *at = option->choices ? option->choices : "";
	char hint[160], *choice;

	for (; *at; at += strcspn(at, ","), at += *at == ',') {
		choice = consort_arena_copy(&manifest->arena, at, strcspn(at, ","));
		if (!choice || !consort_map_put(&choices, choice, choice)) {
			status = consort_error_no_memory(error);
			goto out;
		}
	}
	*out = consort_map_get(&choices, entry->value);
	if (*out)
		goto out;
	consort_hint(entry->from_secret ? NULL : consort_nearest_key(entry->value, &choices), hint,
		     sizeof(hint));
	choice = consort_arena_printf(&manifest->arena, "one of %s",
				      option->choices ? option->choices : "(none)");
	status = choice ? refuse(entry, option, choice, hint, error) : consort_error_no_memory(error);
out:
	consort_map_clear(&choices);
	return status;
}

/* Is the value, as written, one ${…}? */
static bool is_reference(const struct consort_manifest_entry *entry)
{
	const char *close = strchr(entry->shown, '}');

	return entry->from_secret && !strncmp(entry->shown, "${", 2) && close && !close[1];
}

enum consort_status consort_manifest_option(struct consort_manifest *manifest,
					    const struct consort_manifest_entry *entry,
					    const struct consort_option *option,
					    struct consort_value *out_value, struct consort_error *error)
{
	const char *text = entry->value;
	enum consort_status status;
	int64_t number = 0;

	if (option->secret && entry->commented && !is_reference(entry))
		return consort_manifest_fail(error, CONSORT_EVALUE, entry,
					     "%s: ' ;' begins a comment, but may be meant as a part of the "
					     "secret; enclose the value in double quotes",
					     entry->key);
	switch (option->type) {
	case CONSORT_OPTION_TEXT:
		*out_value = consort_text(text);
		return CONSORT_OK;
	case CONSORT_OPTION_INT:
		if (!parse_int(text, &number))
			return refuse(entry, option, "an integer", "", error);
		break;
	case CONSORT_OPTION_BOOL:
		if (!parse_bool(text, &number))
			return refuse(entry, option, "yes or no", "", error);
		*out_value = consort_bool(number != 0);
		return CONSORT_OK;
	case CONSORT_OPTION_DURATION:
		if (!consort_duration_parse(text, &number))
			return refuse(entry, option, "a duration as 250ms, 5s, 2m, 1h, 7d or 0", "", error);
		break;
	case CONSORT_OPTION_SIZE:
		if (!consort_size_parse(text, &number))
			return refuse(entry, option, "a size as 4096, 64KiB, 16MiB or 1GiB", "", error);
		break;
	case CONSORT_OPTION_PATH:
		if (!*text)
			return refuse(entry, option, "a path", "", error);
		if (strcmp(text, ":memory:"))
			text = consort_manifest_path(manifest, entry, text);
		if (!text)
			return consort_error_no_memory(error);
		*out_value = consort_text(text);
		return CONSORT_OK;
	case CONSORT_OPTION_CHOICE:
		status = choose(manifest, entry, option, &text, error);
		if (!status)
			*out_value = consort_text(text);
		return status;
	default:
		return consort_manifest_fail(error, CONSORT_EABI, entry,
					     "%s: the adapter lists this option with type %u, which this "
					     "version does not know",
					     entry->key, option->type);
	}
	*out_value = consort_int64(number);
	return CONSORT_OK;
}
