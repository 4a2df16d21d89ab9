/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A declaration and what introspection found, into one resource. The engine's attributes come first, in its
 * order; a declared one of the same source changes name, type and codec; the other declared ones follow,
 * where the engine may have more than it told. An engine without a schema has no order of its own: there the
 * declared attributes come first.
 */
#include <strings.h>

#include "resources/resources.h"

#define NOT_FOUND UINT32_MAX

struct merge {
	struct consort_catalog *catalog;
	struct consort_arena *arena;
	const struct consort_entry *entry;
	const struct consort_manifest_resource *declared; /* may be NULL */
	const struct consort_resource *found;		  /* may be NULL */
	struct consort_resource *result;
	uint32_t *places; /* in the result, of each that was found; NOT_FOUND: it is left out */
	bool sketch;
	struct consort_error *error;
};

static const char *source_of(const struct consort_manifest_attribute *attribute)
{
	return attribute->source ? attribute->source : attribute->name;
}

static struct consort_attribute *make_attribute(struct merge *merge, const struct consort_attribute *found,
						const struct consort_manifest_attribute *declared)
{
	struct consort_attribute *attribute = consort_arena_alloc(merge->arena, sizeof(*attribute));

	if (!attribute)
		return NULL;
	if (found) {
		*attribute = *found;
	} else {
		attribute->struct_size = sizeof(*attribute);
		attribute->source = source_of(declared);
		attribute->engine_type = "";
		attribute->codec = "";
	}
	if (declared) {
		attribute->name = declared->name;
		attribute->type = declared->type;
		attribute->flags &= ~(CONSORT_ATTRIBUTE_UNKNOWN_TYPE | CONSORT_ATTRIBUTE_HIDDEN);
		attribute->flags |= declared->flags | CONSORT_ATTRIBUTE_DECLARED;
		if (declared->codec)
			attribute->codec = declared->codec;
	}
	return attribute;
}

/* The engine's attribute of that source, as written, else in another case. */
static uint32_t find_source(const struct consort_resource *found, const char *source)
{
	uint32_t i, folded = NOT_FOUND;

	for (i = 0; found && i < found->nattributes; i++) {
		if (!strcmp(found->attributes[i]->source, source))
			return i;
		if (folded == NOT_FOUND && !strcasecmp(found->attributes[i]->source, source))
			folded = i;
	}
	return folded;
}

static bool is_schemaless(const struct merge *merge)
{
	return consort_database_has(merge->entry->database, CONSORT_FEATURE_SCHEMALESS);
}

/* Does introspection tell all that can be read? */
static bool is_closed(const struct merge *merge)
{
	return merge->found && !(merge->found->flags & CONSORT_RESOURCE_OPEN) && !is_schemaless(merge);
}

/* A declared attribute that the engine did not tell: it must be a part of one, or there may be more. */
static enum consort_status check_source(const struct merge *merge,
					const struct consort_manifest_attribute *declared)
{
	const char *source = source_of(declared), *dot = strchr(source, '.');
	struct consort_nearest_search nearest;
	char hint[160];
	uint32_t i;

	if (!is_closed(merge))
		return CONSORT_OK;
	for (; dot && consort_database_has(merge->entry->database, CONSORT_FEATURE_NESTED_PATHS);
	     dot = strchr(dot + 1, '.'))
		for (i = 0; i < merge->found->nattributes; i++)
			if (!strncmp(merge->found->attributes[i]->source, source, (size_t)(dot - source)) &&
			    !merge->found->attributes[i]->source[dot - source])
				return CONSORT_OK;
	consort_nearest_begin(&nearest, source);
	for (i = 0; i < merge->found->nattributes; i++)
		consort_nearest_consider(&nearest, merge->found->attributes[i]->source);
	return consort_manifest_fail(merge->error, CONSORT_EMANIFEST, declared->where,
				     "%s.%s: '%s' has no column '%s'%s", merge->entry->name, declared->name,
				     merge->entry->source, source,
				     consort_hint(nearest.best, hint, sizeof(hint)));
}

static bool add_attribute(struct merge *merge, const struct consort_attribute **list, uint32_t found,
			  const struct consort_manifest_attribute *declared)
{
	const struct consort_attribute *there = found == NOT_FOUND ? NULL : merge->found->attributes[found];

	list[merge->result->nattributes] = make_attribute(merge, there, declared);
	return list[merge->result->nattributes++] != NULL;
}

/* What was found, with what `first` declares of it; but what has its place already. */
static bool add_found(struct merge *merge, const struct consort_attribute **list,
		      const struct consort_manifest_attribute *const *first)
{
	uint32_t nfound = merge->found ? merge->found->nattributes : 0, i;

	for (i = 0; i < nfound; i++) {
		if (merge->places[i] != NOT_FOUND ||
		    (!first[i] && merge->found->attributes[i]->flags & CONSORT_ATTRIBUTE_HIDDEN))
			continue;
		merge->places[i] = merge->result->nattributes;
		if (!add_attribute(merge, list, i, first[i]))
			return false;
	}
	return true;
}

/* What is declared; but what was found already. */
static bool add_declared(struct merge *merge, const struct consort_attribute **list,
			 const struct consort_manifest_attribute *const *first)
{
	uint32_t ndeclared = merge->declared ? merge->declared->nattributes : 0, i;

	for (i = 0; i < ndeclared; i++) {
		const struct consort_manifest_attribute *declared = &merge->declared->attributes[i];
		uint32_t at = find_source(merge->found, source_of(declared));

		if (at != NOT_FOUND && first[at] == declared) {
			if (merge->places[at] != NOT_FOUND)
				continue;
			merge->places[at] = merge->result->nattributes;
		}
		if (!add_attribute(merge, list, at, declared))
			return false;
	}
	return true;
}

static enum consort_status merge_attributes(struct merge *merge)
{
	uint32_t nfound = merge->found ? merge->found->nattributes : 0,
		 ndeclared = merge->declared ? merge->declared->nattributes : 0, i, at;
	const struct consort_attribute **list =
		consort_arena_array(merge->arena, (size_t)nfound + ndeclared, sizeof(*list));
	const struct consort_manifest_attribute **first =
		consort_arena_array(merge->arena, nfound, sizeof(*first)); /* of each that was found */
	enum consort_status status;
	bool added;

	merge->places = consort_arena_array(merge->arena, nfound, sizeof(*merge->places));
	if (!list || !first || !merge->places)
		return consort_error_no_memory(merge->error);
	for (i = 0; i < nfound; i++)
		merge->places[i] = NOT_FOUND;
	for (i = 0; i < ndeclared; i++) {
		const struct consort_manifest_attribute *declared = &merge->declared->attributes[i];

		at = find_source(merge->found, source_of(declared));
		status = at == NOT_FOUND ? check_source(merge, declared) : CONSORT_OK;
		if (status)
			return status;
		if (at != NOT_FOUND && !first[at])
			first[at] = declared;
	}
	merge->result->attributes = list;
	added = is_schemaless(merge) ? add_declared(merge, list, first) && add_found(merge, list, first)
				     : add_found(merge, list, first) && add_declared(merge, list, first);
	return added ? CONSORT_OK : consort_error_no_memory(merge->error);
}

static uint32_t find_attribute(const struct consort_resource *resource, const char *name)
{
	uint32_t i;

	for (i = 0; i < resource->nattributes; i++)
		if (!strcmp(resource->attributes[i]->name, name))
			return i;
	return NOT_FOUND;
}

/* Positions of declared names. */
static enum consort_status find_attributes(struct merge *merge, const char *const *names, uint32_t count,
					   const struct consort_manifest_entry *where,
					   const uint32_t **out_positions)
{
	uint32_t *positions = consort_arena_array(merge->arena, count, sizeof(*positions)), i, j;
	const struct consort_resource *resource = merge->result;

	if (!positions)
		return consort_error_no_memory(merge->error);
	for (i = 0; i < count; i++) {
		char hint[160];
		const char **words;

		positions[i] = find_attribute(resource, names[i]);
		if (positions[i] != NOT_FOUND)
			continue;
		words = consort_arena_array(merge->arena, resource->nattributes, sizeof(*words));
		for (j = 0; words && j < resource->nattributes; j++)
			words[j] = resource->attributes[j]->name;
		consort_hint(words ? consort_nearest(names[i], words, resource->nattributes) : NULL, hint,
			     sizeof(hint));
		return consort_manifest_fail(merge->error, CONSORT_EMANIFEST, where,
					     "resource '%s' has no attribute '%s'%s", resource->name,
					     names[i], hint);
	}
	*out_positions = positions;
	return CONSORT_OK;
}

/* Must a sketch leave out what names these? */
static bool left_out(const struct merge *merge, const char *const *names, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count && find_attribute(merge->result, names[i]) != NOT_FOUND; i++)
		;
	return merge->sketch && i < count;
}

/* A declared name must not be that of another attribute. */
static enum consort_status check_names(struct merge *merge)
{
	const struct consort_resource *resource = merge->result;
	uint32_t i, first;

	for (i = 0; merge->declared && i < merge->declared->nattributes; i++) {
		const struct consort_manifest_attribute *declared = &merge->declared->attributes[i];

		first = find_attribute(resource, declared->name);
		for (first++; first < resource->nattributes; first++)
			if (!strcmp(resource->attributes[first]->name, declared->name))
				return consort_manifest_fail(
					merge->error, CONSORT_EMANIFEST, declared->where,
					"resource '%s' has two attributes '%s', from '%s' and from '%s'; "
					"name one differently",
					resource->name, declared->name,
					resource->attributes[find_attribute(resource, declared->name)]
						->source,
					resource->attributes[first]->source);
	}
	return CONSORT_OK;
}

/* Where these of what was found are now. *out_positions NULL: one is left out. */
static enum consort_status move_found(struct merge *merge, const uint32_t *found, uint32_t count,
				      const uint32_t **out_positions)
{
	uint32_t *positions = consort_arena_array(merge->arena, count, sizeof(*positions)), i;

	if (!positions)
		return consort_error_no_memory(merge->error);
	for (i = 0; i < count && merge->places[found[i]] != NOT_FOUND; i++)
		positions[i] = merge->places[found[i]];
	*out_positions = i < count ? NULL : positions;
	return CONSORT_OK;
}

static enum consort_status merge_keys(struct merge *merge)
{
	struct consort_resource *result = merge->result;
	enum consort_status status = CONSORT_OK;

	if (merge->declared && left_out(merge, merge->declared->keys, merge->declared->nkeys))
		return CONSORT_OK;
	if (merge->declared && merge->declared->nkeys) {
		result->nkeys = merge->declared->nkeys;
		return find_attributes(merge, merge->declared->keys, result->nkeys,
				       merge->declared->where_keys, &result->keys);
	}
	if (merge->found) {
		status = move_found(merge, merge->found->keys, merge->found->nkeys, &result->keys);
		result->nkeys = result->keys ? merge->found->nkeys : 0;
	}
	return status;
}

/* The name under which queries know what the engine calls `source` in the entry's database, or NULL. */
static const char *name_of_source(struct merge *merge, const char *source)
{
	const struct consort_map *declared = &merge->catalog->declared;
	uint32_t i;

	for (i = 0; i < declared->count; i++) {
		const struct consort_entry *entry = declared->slots[i].value;

		if (entry->database == merge->entry->database && !strcmp(entry->source, source))
			return entry->name;
	}
	if (!merge->entry->database->expose_all)
		return NULL;
	return consort_arena_printf(merge->arena, "%s.%s", merge->entry->database->name, source);
}

/* Names of the engine's attributes, as this resource or its declaration renames them. */
static const char *const *rename_own(struct merge *merge, const char *const *sources, uint32_t count)
{
	const char **names = consort_arena_array(merge->arena, count, sizeof(*names));
	uint32_t i, j;

	for (i = 0; names && i < count; i++) {
		names[i] = sources[i];
		for (j = 0; j < merge->result->nattributes; j++)
			if (!strcmp(merge->result->attributes[j]->source, sources[i]))
				names[i] = merge->result->attributes[j]->name;
	}
	return names;
}

/* Names of the target's attributes, as its declaration renames them. */
static const char *const *rename_target(struct merge *merge, const struct consort_relationship *found)
{
	const struct consort_map *declared = &merge->catalog->declared;
	const char **names = consort_arena_array(merge->arena, found->nattributes, sizeof(*names));
	uint32_t i, j, k;

	for (i = 0; names && i < found->nattributes; i++)
		names[i] = found->to[i];
	for (k = 0; names && k < declared->count; k++) {
		const struct consort_entry *entry = declared->slots[k].value;

		if (entry->database != merge->entry->database || strcmp(entry->source, found->target))
			continue;
		for (i = 0; i < found->nattributes; i++)
			for (j = 0; j < entry->declared->nattributes; j++)
				if (!strcmp(source_of(&entry->declared->attributes[j]), found->to[i]))
					names[i] = entry->declared->attributes[j].name;
		break;
	}
	return names;
}

static enum consort_status merge_relationships(struct merge *merge)
{
	uint32_t ndeclared = merge->declared ? merge->declared->nrelationships : 0;
	uint32_t nfound = merge->found ? merge->found->nrelationships : 0, count = 0, i, j;
	const struct consort_relationship **list =
		consort_arena_array(merge->arena, ndeclared + nfound, sizeof(*list));

	if (!list)
		return consort_error_no_memory(merge->error);
	for (i = 0; i < ndeclared + nfound; i++) {
		struct consort_relationship *copy = consort_arena_alloc(merge->arena, sizeof(*copy));

		if (!copy)
			return consort_error_no_memory(merge->error);
		if (i < ndeclared) {
			const struct consort_manifest_relationship *declared =
				&merge->declared->relationships[i];

			copy->name = declared->name;
			copy->target = declared->target;
			copy->nattributes = declared->npairs;
			copy->from = declared->from;
			copy->to = declared->to;
		} else {
			*copy = *merge->found->relationships[i - ndeclared];
			copy->target = name_of_source(merge, copy->target);
			copy->from = rename_own(merge, copy->from, copy->nattributes);
			copy->to = rename_target(merge, merge->found->relationships[i - ndeclared]);
			for (j = 0; j < count && strcmp(list[j]->name, copy->name); j++)
				;
			if (!copy->target || !copy->from || !copy->to || j < count ||
			    find_attribute(merge->result, copy->name) != NOT_FOUND)
				continue; /* leads nowhere that has a name, or its own name is taken */
		}
		copy->struct_size = sizeof(*copy);
		list[count++] = copy;
	}
	merge->result->relationships = list;
	merge->result->nrelationships = count;
	return CONSORT_OK;
}

static enum consort_status merge_found_indexes(struct merge *merge)
{
	uint32_t count = merge->found ? merge->found->nindexes : 0, i;
	const struct consort_index **list = consort_arena_array(merge->arena, count, sizeof(*list));

	if (!list)
		return consort_error_no_memory(merge->error);
	merge->result->indexes = list;
	for (i = 0; i < count; i++) {
		struct consort_index *index = consort_arena_alloc(merge->arena, sizeof(*index));
		enum consort_status status;

		if (!index)
			return consort_error_no_memory(merge->error);
		*index = *merge->found->indexes[i];
		status = move_found(merge, index->attributes, index->nattributes, &index->attributes);
		if (status)
			return status;
		if (index->attributes)
			list[merge->result->nindexes++] = index;
	}
	return CONSORT_OK;
}

static enum consort_status merge_indexes(struct merge *merge)
{
	const struct consort_manifest_resource *declared = merge->declared;
	const struct consort_index **list;
	uint32_t count = 0, i;

	if (!declared || !declared->nindexes)
		return merge_found_indexes(merge);
	list = consort_arena_array(merge->arena, declared->nindexes, sizeof(*list));
	if (!list)
		return consort_error_no_memory(merge->error);
	for (i = 0; i < declared->nindexes; i++) {
		struct consort_index *index;
		enum consort_status status;

		if (left_out(merge, declared->indexes[i].attributes, declared->indexes[i].nattributes))
			continue;
		index = consort_arena_alloc(merge->arena, sizeof(*index));
		if (!index)
			return consort_error_no_memory(merge->error);
		index->struct_size = sizeof(*index);
		index->flags = declared->indexes[i].unique ? CONSORT_INDEX_UNIQUE : 0;
		index->name = declared->indexes[i].name;
		index->nattributes = declared->indexes[i].nattributes;
		status = find_attributes(merge, declared->indexes[i].attributes, index->nattributes,
					 declared->indexes[i].where, &index->attributes);
		if (status)
			return status;
		list[count++] = index;
	}
	merge->result->nindexes = count;
	merge->result->indexes = list;
	return CONSORT_OK;
}

enum consort_status consort_resource_merge(struct consort_catalog *catalog, const struct consort_entry *entry,
					   const struct consort_resource *found, bool sketch,
					   const struct consort_resource **out_resource,
					   struct consort_error *error)
{
	struct merge merge = {.catalog = catalog,
			      .arena = &catalog->arena,
			      .entry = entry,
			      .declared = entry->declared,
			      .found = found,
			      .sketch = sketch,
			      .error = error};
	struct consort_resource *result = consort_arena_alloc(merge.arena, sizeof(*result));
	enum consort_status status;

	if (!result)
		return consort_error_no_memory(error);
	merge.result = result;
	result->struct_size = sizeof(*result);
	result->flags = found ? found->flags : 0;
	result->id = consort_next_id();
	result->name = entry->name;
	result->database = entry->database->name;
	result->source = entry->source;
	result->settings = entry->settings;
	result->nsettings = entry->nsettings;
	status = merge_attributes(&merge);
	if (!status)
		status = check_names(&merge);
	if (!status)
		status = merge_keys(&merge);
	if (!status)
		status = merge_relationships(&merge);
	if (!status)
		status = merge_indexes(&merge);
	if (!status)
		*out_resource = result;
	return status;
}
