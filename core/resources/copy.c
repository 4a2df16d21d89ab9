/* SPDX-License-Identifier: Apache-2.0 */
/* Deep copies of what an adapter tells in introspection, whose structs may be older or newer than ours. */
#include "resources/resources.h"

static const char *copy_text(struct consort_arena *arena, const char *text, bool *failed)
{
	const char *copy = consort_arena_text(arena, text ? text : "");

	if (!copy)
		*failed = true;
	return copy;
}

static const struct consort_attribute *const *copy_attributes(struct consort_arena *arena,
							      const struct consort_resource *from,
							      bool *failed)
{
	const struct consort_attribute **list = consort_arena_array(arena, from->nattributes, sizeof(*list));
	uint32_t i;

	for (i = 0; list && i < from->nattributes; i++) {
		const struct consort_attribute *source = from->attributes[i];
		struct consort_attribute *copy = consort_arena_alloc(arena, sizeof(*copy));

		if (!copy)
			break;
		copy->struct_size = sizeof(*copy);
		copy->flags = source->flags;
		copy->type = source->type;
		copy->name = copy_text(arena, source->name, failed);
		copy->source = copy_text(arena, source->source ? source->source : source->name, failed);
		copy->engine_type = copy_text(arena, source->engine_type, failed);
		copy->codec = copy_text(arena, source->codec, failed);
		list[i] = copy;
	}
	if (!list || i < from->nattributes)
		*failed = true;
	return list;
}

static const char *const *copy_names(struct consort_arena *arena, const char *const *names, uint32_t count,
				     bool *failed)
{
	const char **list = consort_arena_array(arena, count, sizeof(*list));
	uint32_t i;

	if (!list) {
		*failed = true;
		return NULL;
	}
	for (i = 0; i < count; i++)
		list[i] = copy_text(arena, names[i], failed);
	return list;
}

static const struct consort_relationship *const *copy_relationships(struct consort_arena *arena,
								    const struct consort_resource *from,
								    bool *failed)
{
	const struct consort_relationship **list =
		consort_arena_array(arena, from->nrelationships, sizeof(*list));
	uint32_t i;

	for (i = 0; list && i < from->nrelationships; i++) {
		const struct consort_relationship *source = from->relationships[i];
		struct consort_relationship *copy = consort_arena_alloc(arena, sizeof(*copy));

		if (!copy)
			break;
		copy->struct_size = sizeof(*copy);
		copy->name = copy_text(arena, source->name, failed);
		copy->target = copy_text(arena, source->target, failed);
		copy->nattributes = source->nattributes;
		copy->from = copy_names(arena, source->from, source->nattributes, failed);
		copy->to = copy_names(arena, source->to, source->nattributes, failed);
		list[i] = copy;
	}
	if (!list || i < from->nrelationships)
		*failed = true;
	return list;
}

static const uint32_t *copy_numbers(struct consort_arena *arena, const uint32_t *numbers, uint32_t count,
				    bool *failed)
{
	uint32_t *copy = consort_arena_array(arena, count, sizeof(*copy));

	if (!copy)
		*failed = true;
	else if (count)
		memcpy(copy, numbers, count * sizeof(*copy));
	return copy;
}

static const struct consort_index *const *copy_indexes(struct consort_arena *arena,
						       const struct consort_resource *from, bool *failed)
{
	const struct consort_index **list = consort_arena_array(arena, from->nindexes, sizeof(*list));
	uint32_t i;

	for (i = 0; list && i < from->nindexes; i++) {
		const struct consort_index *source = from->indexes[i];
		struct consort_index *copy = consort_arena_alloc(arena, sizeof(*copy));

		if (!copy)
			break;
		copy->struct_size = sizeof(*copy);
		copy->flags = source->flags;
		copy->name = copy_text(arena, source->name, failed);
		copy->nattributes = source->nattributes;
		copy->attributes = copy_numbers(arena, source->attributes, source->nattributes, failed);
		list[i] = copy;
	}
	if (!list || i < from->nindexes)
		*failed = true;
	return list;
}

struct consort_resource *consort_resource_copy(struct consort_arena *arena,
					       const struct consort_resource *from)
{
	struct consort_resource *copy = consort_arena_alloc(arena, sizeof(*copy));
	bool failed = false;

	if (!copy)
		return NULL;
	copy->struct_size = sizeof(*copy);
	copy->flags = from->flags;
	copy->name = copy_text(arena, from->name, &failed);
	copy->source = copy_text(arena, from->source ? from->source : from->name, &failed);
	copy->nattributes = from->nattributes;
	copy->attributes = copy_attributes(arena, from, &failed);
	copy->nkeys = from->nkeys;
	copy->keys = copy_numbers(arena, from->keys, from->nkeys, &failed);
	copy->nrelationships = from->nrelationships;
	copy->relationships = copy_relationships(arena, from, &failed);
	copy->nindexes = from->nindexes;
	copy->indexes = copy_indexes(arena, from, &failed);
	return failed ? NULL : copy;
}
