/* SPDX-License-Identifier: Apache-2.0 */
/* Names for what foreign keys lead to. */
#include <consort/adapter.h>

#include <string.h>
#include <strings.h>

static int is_taken(const struct consort_resource *resource, const char *name)
{
	uint32_t i;

	for (i = 0; i < resource->nattributes; i++)
		if (!strcasecmp(resource->attributes[i]->name, name))
			return 1;
	for (i = 0; i < resource->nrelationships; i++)
		if (!strcasecmp(resource->relationships[i]->name, name))
			return 1;
	return 0;
}

const char *consort_relationship_name(struct consort_arena *arena, const struct consort_resource *resource,
				      const struct consort_relationship *link, const char *table)
{
	const char *column = link->from[0], *name;
	size_t size = strlen(column);
	uint32_t i;

	if (link->nattributes > 1)
		name = consort_arena_text(arena, table);
	else if (size > 3 && !strcasecmp(column + size - 3, "_id"))
		name = consort_arena_copy(arena, column, size - 3);
	else
		name = consort_arena_printf(arena, "%s_%s", column, table);
	for (i = 2; name && is_taken(resource, name); i++)
		name = consort_arena_printf(arena, "%s_%s_%u", column, table, i);
	return name;
}
