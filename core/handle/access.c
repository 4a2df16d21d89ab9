/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept for a resource's records: positions by name, the plan of a get, shapes of writes. Made on
 * first use and published without a lock, so that the paths of single records take none.
 */
#include "handle/handle.h"

void consort_access_free(struct consort_access *access)
{
	while (access) {
		struct consort_access *next = access->next;

		consort_plan_free(access->get);
		consort_map_clear(&access->attributes);
		consort_arena_clear(&access->arena);
		pthread_mutex_destroy(&access->lock);
		free(access);
		access = next;
	}
}

static enum consort_status make(struct consort_root *root, struct consort_entry *entry,
				const struct consort_resource *resource, uint32_t generation,
				struct consort_access **out_access, struct consort_error *error)
{
	struct consort_access *access = calloc(1, sizeof(*access));
	struct consort_type *types;
	uint32_t i;

	if (!access)
		return consort_error_no_memory(error);
	consort_arena_init(&access->arena, 0);
	pthread_mutex_init(&access->lock, NULL);
	access->resource = resource;
	access->database = entry->database;
	access->root = root;
	access->generation = generation;
	types = consort_arena_array(&access->arena, resource->nkeys, sizeof(*types));
	if (!types)
		goto fail;
	for (i = 0; i < resource->nkeys; i++)
		types[i] = resource->attributes[resource->keys[i]]->type;
	access->key_types = types;
	for (i = 0; i < resource->nattributes; i++)
		if (!consort_map_put(&access->attributes, resource->attributes[i]->name,
				     (void *)(uintptr_t)&resource->attributes[i]))
			goto fail;
	*out_access = access;
	return CONSORT_OK;
fail:
	consort_access_free(access);
	return consort_error_no_memory(error);
}

enum consort_status consort_access_open(struct consort_handle_session *session, const char *name,
					struct consort_access **out_access, struct consort_error *error)
{
	uint32_t generation = consort_catalog_generation(&session->handle->root->catalog);
	const struct consort_resource *resource;
	struct consort_access *access = NULL, *first;
	struct consort_entry *entry;
	enum consort_status status = consort_find_resource(session, name, &entry, &resource, error);

	if (status)
		return status;
	first = __atomic_load_n(&entry->access, __ATOMIC_ACQUIRE);
	for (;;) {
		struct consort_access *known;

		for (known = first; known; known = known->next) {
			if (known->resource == resource) {
				__atomic_store_n(&known->generation, generation, __ATOMIC_RELEASE);
				*out_access = known;
				return CONSORT_OK;
			}
		}
		status = make(session->handle->root, entry, resource, generation, &access, error);
		if (status)
			return status;
		access->next = first;
		if (__atomic_compare_exchange_n(&entry->access, &first, access, false, __ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE))
			break;
		access->next = NULL;
		consort_access_free(access);
	}
	*out_access = access;
	return CONSORT_OK;
}

uint32_t consort_access_attribute(const struct consort_access *access, const char *name)
{
	const struct consort_attribute *const *found = consort_map_get(&access->attributes, name);

	return found ? (uint32_t)(found - access->resource->attributes) : CONSORT_NO_ATTRIBUTE;
}

enum consort_status consort_access_unknown(const struct consort_access *access, const char *name,
					   struct consort_error *error)
{
	char hint[160];

	consort_hint(consort_nearest_key(name, &access->attributes), hint, sizeof(hint));
	return consort_error_set(error, CONSORT_ENAME, "%s: no attribute '%s'%s", access->resource->name,
				 name, hint);
}

enum consort_status consort_access_settable(const struct consort_access *access, uint32_t position,
					    struct consort_error *error)
{
	const struct consort_attribute *attribute = access->resource->attributes[position];

	if (CONSORT_LIKELY(!(attribute->flags & CONSORT_ATTRIBUTE_READ_ONLY)))
		return CONSORT_OK;
	consort_error_set(error, CONSORT_EREADONLY, "cannot be set: the database computes it");
	consort_error_blame(error, access->resource->name, attribute->name);
	return CONSORT_EREADONLY;
}

enum consort_status consort_access_check_key(const struct consort_access *access, uint64_t count,
					     struct consort_error *error)
{
	const struct consort_resource *resource = access->resource;

	if (!resource->nkeys)
		return consort_error_set(
			error, CONSORT_EINVAL,
			"%s: has no key; declare one in the manifest (key = …) to use records by key",
			resource->name);
	if (resource->nkeys != count)
		return consort_error_set(error, CONSORT_EINVAL,
					 "%s: the key has %u attribute%s, but %llu value%s given",
					 resource->name, resource->nkeys, resource->nkeys == 1 ? "" : "s",
					 (unsigned long long)count, count == 1 ? " was" : "s were");
	return CONSORT_OK;
}

enum consort_status consort_access_key_value(const struct consort_access *access, uint32_t key,
					     const struct consort_value *value, struct consort_arena *arena,
					     struct consort_value *out_value, struct consort_error *error)
{
	const struct consort_resource *resource = access->resource;
	const char *name = resource->attributes[resource->keys[key]]->name;
	enum consort_status status =
		consort_value_accept(value, access->key_types[key], arena, out_value, error);

	if (CONSORT_UNLIKELY(status))
		consort_error_blame(error, resource->name, name);
	return status;
}

/* --- shapes --- */

static bool same(const uint32_t *a, const uint32_t *b, uint32_t count)
{
	return !count || !memcmp(a, b, count * sizeof(*a));
}

static const struct consort_shape *find_shape(struct consort_shape *shape,
					      const struct consort_shape_request *request)
{
	for (; shape; shape = shape->next) {
		const struct consort_write *write = &shape->write;

		if (shape->kind == request->kind && write->flags == request->flags &&
		    write->nkeys == request->nkeys && write->nattributes == request->nattributes &&
		    write->nreturning == request->nreturning &&
		    same(write->attributes, request->attributes, write->nattributes) &&
		    same(write->returning, request->returning, write->nreturning))
			return shape;
	}
	return NULL;
}

static const uint32_t *copy_positions(struct consort_arena *arena, const uint32_t *positions, uint32_t count)
{
	uint32_t *copy = consort_arena_array(arena, count, sizeof(*copy));

	if (copy && count)
		memcpy(copy, positions, count * sizeof(*copy));
	return copy;
}

static const struct consort_type *types_of(struct consort_access *access, const uint32_t *positions,
					   uint32_t count)
{
	struct consort_type *types = consort_arena_array(&access->arena, count, sizeof(*types));
	uint32_t i;

	for (i = 0; types && i < count; i++)
		types[i] = access->resource->attributes[positions[i]]->type;
	return types;
}

static struct consort_shape *make_shape(struct consort_access *access,
					const struct consort_shape_request *request)
{
	struct consort_shape *shape = consort_arena_alloc(&access->arena, sizeof(*shape));

	if (!shape)
		return NULL;
	shape->kind = request->kind;
	shape->write.struct_size = sizeof(shape->write);
	shape->write.flags = request->flags;
	shape->write.id = consort_next_id();
	shape->write.resource = access->resource;
	shape->write.nattributes = request->nattributes;
	shape->write.nkeys = request->nkeys;
	shape->write.nreturning = request->nreturning;
	shape->write.attributes = copy_positions(&access->arena, request->attributes, request->nattributes);
	shape->write.returning = copy_positions(&access->arena, request->returning, request->nreturning);
	shape->types = types_of(access, request->attributes, request->nattributes);
	shape->returned = types_of(access, request->returning, request->nreturning);
	if (!shape->write.attributes || !shape->write.returning || !shape->types || !shape->returned)
		return NULL;
	return shape;
}

enum consort_status consort_access_shape(struct consort_access *access,
					 const struct consort_shape_request *request,
					 const struct consort_shape **out_shape, struct consort_error *error)
{
	const struct consort_shape *found =
		find_shape(__atomic_load_n(&access->shapes, __ATOMIC_ACQUIRE), request);
	struct consort_shape *shape;

	if (!found) {
		pthread_mutex_lock(&access->lock);
		found = find_shape(access->shapes, request);
		if (!found) {
			shape = make_shape(access, request);
			if (shape) {
				shape->next = access->shapes;
				__atomic_store_n(&access->shapes, shape, __ATOMIC_RELEASE);
			}
			found = shape;
		}
		pthread_mutex_unlock(&access->lock);
	}
	if (!found)
		return consort_error_no_memory(error);
	*out_shape = found;
	return CONSORT_OK;
}

/* --- the plan of a get --- */

/* Filter (key = $1 and …) over Scan (all attributes). */
static struct consort_node *get_tree(struct consort_arena *arena, const struct consort_access *access)
{
	const struct consort_resource *resource = access->resource;
	struct consort_node *scan = consort_make_scan(arena, resource);
	struct consort_node *filter = scan ? consort_make_node(arena, CONSORT_NODE_FILTER, scan, NULL) : NULL;
	const struct consort_expr **conjuncts =
		consort_arena_array(arena, resource->nkeys, sizeof(*conjuncts));
	uint32_t i;

	if (!filter || !conjuncts)
		return NULL;
	for (i = 0; i < resource->nkeys; i++) {
		struct consort_type type = access->key_types[i];

		conjuncts[i] = consort_make_equal(arena, consort_make_column(arena, resource->keys[i], type),
						  consort_make_parameter(arena, i, type));
		if (!conjuncts[i])
			return NULL;
	}
	filter->exprs = conjuncts;
	filter->nexprs = resource->nkeys;
	return filter;
}

static enum consort_status plan_get(struct consort_access *access, struct consort_plan **out_plan,
				    struct consort_error *error)
{
	struct consort_plan *plan = consort_plan_new(access->root);
	struct consort_planner planner;
	enum consort_status status = CONSORT_OK;

	if (!plan)
		return consort_error_no_memory(error);
	plan->logical.root = get_tree(&plan->arena, access);
	plan->logical.nparameters = plan->logical.nuser = access->resource->nkeys;
	plan->logical.parameters = access->key_types;
	planner = consort_plan_planner(access->root, &plan->arena, &plan->logical);
	if (!plan->logical.root)
		status = consort_error_no_memory(error);
	if (!status)
		status = consort_plan_make(&planner, plan->logical.root, &plan->step, error);
	if (!status)
		status = consort_plan_collect(plan, error);
	if (status)
		consort_plan_free(plan);
	else
		*out_plan = plan;
	return status;
}

enum consort_status consort_access_get_plan(struct consort_access *access, struct consort_plan **out_plan,
					    struct consort_error *error)
{
	struct consort_plan *plan = __atomic_load_n(&access->get, __ATOMIC_ACQUIRE), *first = NULL;
	enum consort_status status;

	if (CONSORT_UNLIKELY(!plan)) {
		status = plan_get(access, &plan, error);
		if (status)
			return status;
		if (!__atomic_compare_exchange_n(&access->get, &first, plan, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE)) {
			consort_plan_free(plan);
			plan = first;
		}
	}
	*out_plan = plan;
	return CONSORT_OK;
}
