/* SPDX-License-Identifier: Apache-2.0 */
/*
 * [resource NAME]: key, attributes, relationships and indexes; what is none of these is the adapter's option.
 *
 *     key = a[, b]
 *     attribute.NAME = TYPE [not null] [generated] [from SOURCE] [codec NAME]
 *     relationship.NAME = TARGET, a -> b[, c -> d]
 *     index.NAME = a[, b] [unique]
 */
#include <strings.h>

#include "manifest/source.h"

/* What a resource's section is read with. */
struct scope {
	struct consort_arena *arena;
	struct consort_error *error;
};

#define FAIL(scope, entry, ...) consort_manifest_fail((scope)->error, CONSORT_EMANIFEST, entry, __VA_ARGS__)

/* What stands between blanks in text[0 … size). */
static char *trimmed(struct scope *scope, const char *text, size_t size)
{
	while (size && consort_is_blank(*text))
		text++, size--;
	while (size && consort_is_blank(text[size - 1]))
		size--;
	return consort_arena_copy(scope->arena, text, size);
}

static const char *first_of(const char *text, const char *end, char wanted)
{
	const char *found = memchr(text, wanted, (size_t)(end - text));

	return found ? found : end;
}

/* Names between commas in [text, end), none of them twice. */
static enum consort_status split_names(struct scope *scope, const struct consort_manifest_entry *entry,
				       const char *text, const char *end, const char *const **out_names,
				       uint32_t *out_count)
{
	struct consort_map seen = {0};
	enum consort_status status = CONSORT_OK;
	uint32_t count = 0;
	const char **names, *comma;
	size_t commas = 0;

	for (comma = text; comma < end; comma++)
		commas += *comma == ',';
	names = consort_arena_array(scope->arena, commas + 1, sizeof(*names));
	if (!names)
		return consort_error_no_memory(scope->error);
	for (;; text = comma + 1) {
		comma = first_of(text, end, ',');
		names[count] = trimmed(scope, text, (size_t)(comma - text));
		if (!names[count]) {
			status = consort_error_no_memory(scope->error);
			break;
		}
		status = consort_manifest_name(entry, "attribute", names[count], scope->error);
		if (status)
			break;
		if (commas && consort_map_get(&seen, names[count])) {
			status = FAIL(scope, entry, "%s: '%s' stands twice in the list", entry->key,
				      consort_manifest_quotable(entry, names[count]));
			break;
		}
		if (commas && !consort_map_put(&seen, names[count], (void *)names)) {
			status = consort_error_no_memory(scope->error);
			break;
		}
		count++;
		if (comma == end)
			break;
	}
	consort_map_clear(&seen);
	if (status)
		return status;
	*out_names = names;
	*out_count = count;
	return CONSORT_OK;
}

/* --- attribute.NAME --- */

/* The next word at *at, or one in double quotes; "" at the end. */
static enum consort_status next_word(struct scope *scope, const struct consort_manifest_entry *entry,
				     const char **at, const char **out_word)
{
	const char *start = consort_skip_blanks(*at), *end;
	char *word;

	if (!*start) {
		*out_word = start;
		return CONSORT_OK;
	}
	end = start + strcspn(start, " \t");
	if (*start == '"') {
		word = consort_arena_text(scope->arena, start);
		end = word ? consort_source_unquote(start, word) : start;
		if (!end)
			return FAIL(scope, entry, "%s: a double quote is not closed", entry->key);
	} else {
		word = consort_arena_copy(scope->arena, start, (size_t)(end - start));
	}
	if (!word)
		return consort_error_no_memory(scope->error);
	*at = end;
	*out_word = word;
	return CONSORT_OK;
}

/* The end of the type's name: a word, all of "decimal(12, 2)", or "list of" and one of these. */
static const char *type_end(const char *text)
{
	const char *at = consort_skip_blanks(text), *word = at, *close;

	at += strcspn(at, " \t(");
	if (at - word == 4 && !strncmp(word, "list", 4)) {
		word = consort_skip_blanks(at);
		if (!strncmp(word, "of", 2) && consort_is_blank(word[2]))
			return type_end(word + 2);
	}
	if (*consort_skip_blanks(at) == '(') {
		close = strchr(at, ')');
		return close ? close + 1 : at + strlen(at);
	}
	return at;
}

static enum consort_status read_type(struct scope *scope, const struct consort_manifest_entry *entry,
				     const char **at, struct consort_type *out_type)
{
	const char *start = consort_skip_blanks(*at), *end = type_end(start);
	size_t size = (size_t)(end - start);
	char usual[80], *name = usual;
	struct consort_error why;

	if (size >= sizeof(usual))
		name = consort_arena_alloc(scope->arena, size + 1);
	if (!name)
		return consort_error_no_memory(scope->error);
	memcpy(name, start, size);
	name[size] = '\0';
	if (!*name)
		return FAIL(scope, entry, "%s has no type", entry->key);
	if (consort_type_parse(name, out_type, &why))
		return FAIL(scope, entry, "%s: %s", entry->key,
			    entry->from_secret ? "not a type" : consort_error_text(&why));
	*at = end;
	return CONSORT_OK;
}

/* The name or source behind "from" and "codec". */
static enum consort_status read_argument(struct scope *scope, const struct consort_manifest_entry *entry,
					 const char **at, const char *what, const char **out)
{
	const char *word = NULL;
	enum consort_status status;

	if (*out)
		return FAIL(scope, entry, "%s: '%s' is given twice", entry->key, what);
	status = next_word(scope, entry, at, &word);
	if (!status && !*word)
		status = FAIL(scope, entry, "%s: a name is missing behind '%s'", entry->key, what);
	if (!status)
		*out = word;
	return status;
}

static enum consort_status read_attribute(struct scope *scope, const struct consort_manifest_entry *entry,
					  struct consort_manifest_attribute *attribute)
{
	static const char *const words[] = {"not", "generated", "from", "codec"};
	const char *at = entry->value;
	enum consort_status status;
	const char *word = NULL;
	char hint[128];

	attribute->flags = CONSORT_ATTRIBUTE_DECLARED;
	status = read_type(scope, entry, &at, &attribute->type);
	while (!status) {
		status = next_word(scope, entry, &at, &word);
		if (status || !*word)
			break;
		if (!strcasecmp(word, "not")) {
			status = next_word(scope, entry, &at, &word);
			if (!status && strcasecmp(word, "null"))
				status = FAIL(scope, entry, "%s: 'not' must be followed by 'null'",
					      entry->key);
			attribute->flags |= CONSORT_ATTRIBUTE_NOT_NULL;
		} else if (!strcasecmp(word, "generated")) {
			attribute->flags |= CONSORT_ATTRIBUTE_GENERATED;
		} else if (!strcasecmp(word, "from")) {
			status = read_argument(scope, entry, &at, "from", &attribute->source);
		} else if (!strcasecmp(word, "codec")) {
			status = read_argument(scope, entry, &at, "codec", &attribute->codec);
		} else {
			consort_hint(consort_nearest(word, words, sizeof(words) / sizeof(words[0])), hint,
				     sizeof(hint));
			status = FAIL(scope, entry,
				      "%s: '%s' is not 'not null', 'generated', 'from …', 'codec …'%s",
				      entry->key, consort_manifest_quotable(entry, word), hint);
		}
	}
	return status;
}

/* --- relationship.NAME, index.NAME --- */

static enum consort_status read_relationship(struct scope *scope, const struct consort_manifest_entry *entry,
					     struct consort_manifest_relationship *relationship)
{
	static const char form[] = "must read TARGET, ATTRIBUTE -> ATTRIBUTE OF TARGET[, …]";
	const char *end = entry->value + strlen(entry->value), *at = first_of(entry->value, end, ',');
	const char *arrow, *comma;
	const char **from, **to;
	enum consort_status status;
	size_t pairs = 0;

	relationship->target = trimmed(scope, entry->value, (size_t)(at - entry->value));
	for (comma = at; comma < end; comma = first_of(comma + 1, end, ','))
		pairs++;
	from = consort_arena_array(scope->arena, pairs, sizeof(*from));
	to = consort_arena_array(scope->arena, pairs, sizeof(*to));
	if (!relationship->target || !from || !to)
		return consort_error_no_memory(scope->error);
	if (!pairs || !*relationship->target)
		return FAIL(scope, entry, "%s %s", entry->key, form);
	for (; at < end; at = comma) {
		comma = first_of(at + 1, end, ',');
		arrow = strstr(at, "->");
		if (!arrow || arrow > comma)
			return FAIL(scope, entry, "%s %s", entry->key, form);
		from[relationship->npairs] = trimmed(scope, at + 1, (size_t)(arrow - at - 1));
		to[relationship->npairs] = trimmed(scope, arrow + 2, (size_t)(comma - arrow - 2));
		if (!from[relationship->npairs] || !to[relationship->npairs])
			return consort_error_no_memory(scope->error);
		status = consort_manifest_name(entry, "attribute", from[relationship->npairs], scope->error);
		if (!status)
			status = consort_manifest_name(entry, "attribute", to[relationship->npairs],
						       scope->error);
		if (status)
			return status;
		relationship->npairs++;
	}
	relationship->from = from;
	relationship->to = to;
	return CONSORT_OK;
}

static enum consort_status read_index(struct scope *scope, const struct consort_manifest_entry *entry,
				      struct consort_manifest_index *index)
{
	static const char unique[] = "unique";
	const char *text = entry->value, *end = text + strlen(text), *before = end;
	size_t size = strlen(unique);

	if ((size_t)(end - text) > size && !strcasecmp(end - size, unique)) {
		before = end - size;
		while (before > text && consort_is_blank(before[-1]))
			before--;
	}
	/* "a, unique" names an attribute */
	if (before > text && before < end - size && before[-1] != ',') {
		index->unique = true;
		end = before;
	}
	return split_names(scope, entry, text, end, &index->attributes, &index->nattributes);
}

/* --- the section --- */

enum kind {
	KIND_OPTION,
	KIND_DATABASE,
	KIND_SOURCE,
	KIND_KEY,
	KIND_ATTRIBUTE,
	KIND_RELATIONSHIP,
	KIND_INDEX,
	KIND_COUNT
};

static enum kind kind_of(const char *key, const char **out_name)
{
#define WORD(text, kind)                     \
	{                                    \
		text, sizeof(text) - 1, kind \
	}
	static const struct {
		const char *word;
		size_t size;
		enum kind kind;
	} words[] = {
		WORD("attribute.", KIND_ATTRIBUTE), WORD("database", KIND_DATABASE),
		WORD("source", KIND_SOURCE),	    WORD("key", KIND_KEY),
		WORD("index.", KIND_INDEX),	    WORD("relationship.", KIND_RELATIONSHIP),
	};
#undef WORD
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (*key != *words[i].word || strncmp(key, words[i].word, words[i].size) != 0)
			continue;
		*out_name = key + words[i].size;
		if (words[i].kind >= KIND_ATTRIBUTE || !**out_name)
			return words[i].kind;
	}
	return KIND_OPTION;
}

/* Arrays of the lengths that are needed. */
struct arrays {
	struct consort_manifest_attribute *attributes;
	struct consort_manifest_relationship *relationships;
	struct consort_manifest_index *indexes;
	struct consort_manifest_entry *options;
};

/* *out_array, a pointer to what the array is of, is left alone if there is none. False: no memory. */
static bool make_array(struct scope *scope, uint32_t count, size_t size, void *out_array)
{
	void *array = count ? consort_arena_array(scope->arena, count, size) : NULL;

	if (array)
		memcpy(out_array, &array, sizeof(array));
	return array || !count;
}

static bool make_arrays(struct scope *scope, const struct consort_manifest_section *section,
			struct arrays *arrays)
{
	uint32_t counts[KIND_COUNT] = {0}, i;
	const char *name;

	for (i = 0; i < section->nentries; i++)
		counts[kind_of(section->entries[i].key, &name)]++;
	return make_array(scope, counts[KIND_ATTRIBUTE], sizeof(*arrays->attributes), &arrays->attributes) &&
	       make_array(scope, counts[KIND_RELATIONSHIP], sizeof(*arrays->relationships),
			  &arrays->relationships) &&
	       make_array(scope, counts[KIND_INDEX], sizeof(*arrays->indexes), &arrays->indexes) &&
	       make_array(scope, counts[KIND_OPTION], sizeof(*arrays->options), &arrays->options);
}

static enum consort_status read_entry(struct scope *scope, const struct consort_manifest_entry *entry,
				      struct consort_manifest_resource *resource, struct arrays *arrays)
{
	static const char *const nouns[] = {"attribute", "relationship", "index"};
	const char *name = NULL, *value = entry->value;
	enum kind kind = kind_of(entry->key, &name);
	enum consort_status status = CONSORT_OK;

	if (kind >= KIND_ATTRIBUTE)
		status = consort_manifest_name(entry, nouns[kind - KIND_ATTRIBUTE], name, scope->error);
	if (status)
		return status;
	switch (kind) {
	case KIND_DATABASE:
		resource->database = value;
		resource->where_database = entry;
		return CONSORT_OK;
	case KIND_SOURCE:
		resource->source = value;
		return *value ? CONSORT_OK : FAIL(scope, entry, "source: a name is missing");
	case KIND_KEY:
		resource->where_keys = entry;
		return split_names(scope, entry, value, value + strlen(value), &resource->keys,
				   &resource->nkeys);
	case KIND_ATTRIBUTE:
		arrays->attributes[resource->nattributes].name = name;
		arrays->attributes[resource->nattributes].where = entry;
		return read_attribute(scope, entry, &arrays->attributes[resource->nattributes++]);
	case KIND_RELATIONSHIP:
		arrays->relationships[resource->nrelationships].name = name;
		arrays->relationships[resource->nrelationships].where = entry;
		return read_relationship(scope, entry, &arrays->relationships[resource->nrelationships++]);
	case KIND_INDEX:
		arrays->indexes[resource->nindexes].name = name;
		arrays->indexes[resource->nindexes].where = entry;
		return read_index(scope, entry, &arrays->indexes[resource->nindexes++]);
	default:
		arrays->options[resource->noptions++] = *entry;
		return CONSORT_OK;
	}
}

enum consort_status consort_manifest_resource(struct consort_manifest *manifest,
					      const struct consort_manifest_section *section,
					      struct consort_manifest_resource *out_resource,
					      struct consort_error *error)
{
	struct scope scope = {&manifest->arena, error};
	struct consort_manifest_resource resource = {.name = section->where->value, .where = section->where};
	struct arrays arrays = {0};
	enum consort_status status = CONSORT_OK;
	uint32_t i;

	if (!make_arrays(&scope, section, &arrays))
		return consort_error_no_memory(error);
	for (i = 0; i < section->nentries && !status; i++)
		status = read_entry(&scope, &section->entries[i], &resource, &arrays);
	if (status)
		return status;
	resource.attributes = arrays.attributes;
	resource.relationships = arrays.relationships;
	resource.indexes = arrays.indexes;
	resource.options = arrays.options;
	*out_resource = resource;
	return CONSORT_OK;
}
