/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries by name. Those of the manifest are there from the start; a database exposed whole is listed when a
 * name of it is first looked up, and again when a name is not there. Describing an entry connects to its
 * database, so that the effective mask is known to whoever plans with the resource.
 *
 * No lock is held while an adapter introspects. What it told is taken only if nothing was defined or dropped
 * since it began (the generation is still the same), else it is asked again.
 */
#include "resources/resources.h"

/* --- opening --- */

static enum consort_status add_declared(struct consort_catalog *catalog,
					const struct consort_manifest_resource *declared,
					struct consort_entry *entry, struct consort_error *error)
{
	if (!consort_map_put(&catalog->declared, declared->name, entry))
		return consort_error_no_memory(error);
	entry->name = declared->name;
	entry->source = declared->source ? declared->source : declared->name;
	entry->declared = declared;
	entry->database = consort_map_get(&catalog->databases_by_name, declared->database);
	if (!entry->database)
		return consort_manifest_fail(error, CONSORT_EMANIFEST, declared->where_database,
					     "resource '%s' names the unknown database '%s'", declared->name,
					     declared->database);
	if (entry->database->absent)
		return CONSORT_OK; /* nobody knows its options */
	return consort_settings_check(catalog->manifest, entry->database->plugin, CONSORT_OPTION_RESOURCE,
				      declared->options, declared->noptions, declared->where,
				      &entry->settings, NULL, &entry->nsettings, error);
}

void consort_catalog_prepare(struct consort_catalog *catalog)
{
	consort_arena_init(&catalog->arena, 0);
	pthread_mutex_init(&catalog->lock, NULL);
}

enum consort_status consort_catalog_init(struct consort_catalog *catalog, struct consort_error *error)
{
	const struct consort_manifest *manifest = catalog->manifest;
	struct consort_entry *entries =
		consort_arena_array(&catalog->arena, manifest->nresources, sizeof(*entries));
	enum consort_status status = CONSORT_OK;
	uint32_t i;

	if (!entries || !consort_map_reserve(&catalog->declared, manifest->nresources))
		return consort_error_no_memory(error);

	for (i = 0; i < manifest->nresources && !status; i++)
		status = add_declared(catalog, &manifest->resources[i], &entries[i], error);
	/* nobody else knows the catalogue yet */
	for (i = 0; i < catalog->declared.count && !status; i++)
		status = consort_catalog_check(catalog, catalog->declared.slots[i].value, NULL, error);
	return status;
}

static void clear_entries(struct consort_catalog *catalog, struct consort_map *map)
{
	uint32_t i;

	for (i = 0; i < map->count; i++) {
		struct consort_entry *entry = map->slots[i].value;

		if (entry->access)
			catalog->access_free(entry->access);
	}
	consort_map_clear(map);
}

void consort_catalog_clear(struct consort_catalog *catalog)
{
	clear_entries(catalog, &catalog->declared);
	clear_entries(catalog, &catalog->exposed);
	consort_arena_clear(&catalog->arena);
	consort_map_clear(&catalog->databases_by_name);
	pthread_mutex_destroy(&catalog->lock);
}

/* --- introspection --- */

struct introspection {
	struct consort_arena *arena;
	struct consort_resource **found;
	uint32_t count, capacity;
	bool no_memory;
};

static uint32_t keep_found(void *context, const struct consort_resource *resource)
{
	struct introspection *introspection = context;
	struct consort_resource *copy = consort_resource_copy(introspection->arena, resource);

	if (introspection->count == introspection->capacity) {
		uint32_t capacity = introspection->capacity ? introspection->capacity * 2 : 16;
		struct consort_resource **found = realloc(introspection->found, capacity * sizeof(*found));

		if (found) {
			introspection->found = found;
			introspection->capacity = capacity;
		}
	}
	if (!copy || introspection->count == introspection->capacity) {
		introspection->no_memory = true;
		return CONSORT_ENOMEM;
	}
	introspection->found[introspection->count++] = copy;
	return CONSORT_OK;
}

/* Introspects one source (or all, NULL) into the arena; a database whose adapter does not introspect finds
 * nothing. Connects in every case. */
static enum consort_status introspect(struct consort_session *session, struct consort_database *database,
				      const char *source, const struct consort_entry *entry,
				      struct introspection *introspection, struct consort_error *error)
{
	const struct consort_resource_sink sink = {introspection, keep_found};
	struct consort_error local = CONSORT_ERROR_INIT;
	struct consort_connection *connection = NULL;
	enum consort_status status = session->acquire(session, database, &connection, error);

	if (status)
		return status;
	if (consort_database_has(database, CONSORT_FEATURE_INTROSPECT))
		status = consort_connection_ready(connection, error);
	if (!status && consort_database_has(database, CONSORT_FEATURE_INTROSPECT)) {
		status = database->plugin->schema->introspect(connection->context, session->call, source,
							      entry ? entry->settings : NULL,
							      entry ? entry->nsettings : 0, &sink, &local);
		if (introspection->no_memory)
			status = consort_error_no_memory(&local);
		if (status)
			status = consort_connection_failed(connection, status, &local);
		if (status && error)
			*error = local;
	}
	session->release(session, connection);
	return status;
}

/* Nothing of the database is listed. Caller holds the lock. */
static void unlist(struct consort_catalog *catalog, const struct consort_database *database)
{
	uint32_t i;

	for (i = 0; i < catalog->exposed.count; i++) {
		struct consort_entry *entry = catalog->exposed.slots[i].value;

		if (entry->database == database)
			entry->listed = false;
	}
}

/* The entry of what a database has, made when it is first seen. Caller holds the lock. NULL: no memory. */
static struct consort_entry *exposed_entry(struct consort_catalog *catalog, struct consort_database *database,
					   const struct consort_resource *found)
{
	const char *name = consort_arena_printf(&catalog->arena, "%s.%s", database->name, found->name);
	struct consort_entry *entry = name ? consort_map_get(&catalog->exposed, name) : NULL;

	if (entry || !name)
		return entry;
	entry = consort_arena_alloc(&catalog->arena, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->name = name;
	entry->source = consort_arena_text(&catalog->arena, found->source);
	entry->database = database;
	return entry->source && consort_map_put(&catalog->exposed, name, entry) ? entry : NULL;
}

/* Takes what a database has, unless something was forgotten meanwhile. */
static enum consort_status take_list(struct consort_catalog *catalog, struct consort_database *database,
				     const struct introspection *introspection, uint32_t generation,
				     bool *out_stale, struct consort_error *error)
{
	enum consort_status status = CONSORT_OK;
	uint32_t i;

	pthread_mutex_lock(&catalog->lock);
	*out_stale = consort_catalog_generation(catalog) != generation;
	if (!*out_stale)
		unlist(catalog, database);
	for (i = 0; !status && !*out_stale && i < introspection->count; i++) {
		struct consort_entry *entry = exposed_entry(catalog, database, introspection->found[i]);

		if (entry)
			entry->listed = true;
		else
			status = consort_error_no_memory(error);
	}
	pthread_mutex_unlock(&catalog->lock);
	return status;
}

enum consort_status consort_catalog_list(struct consort_catalog *catalog, struct consort_session *session,
					 struct consort_database *database, struct consort_error *error)
{
	enum consort_status status;
	bool stale;

	do {
		uint32_t generation = consort_catalog_generation(catalog);
		struct introspection introspection = {0};
		struct consort_arena scratch;

		stale = false;
		consort_arena_init(&scratch, 0);
		introspection.arena = &scratch;
		status = introspect(session, database, NULL, NULL, &introspection, error);
		if (!status)
			status = take_list(catalog, database, &introspection, generation, &stale, error);
		free(introspection.found);
		consort_arena_clear(&scratch);
	} while (!status && stale);
	return status;
}

/* --- looking up --- */

enum consort_status consort_catalog_database(const struct consort_catalog *catalog, const char *name,
					     struct consort_database **out_database,
					     struct consort_error *error)
{
	struct consort_database *database = consort_map_get(&catalog->databases_by_name, name);
	char hint[160];

	if (database) {
		*out_database = database;
		return CONSORT_OK;
	}
	consort_hint(consort_nearest_key(name, &catalog->databases_by_name), hint, sizeof(hint));
	return consort_error_set(error, CONSORT_ENAME, "unknown database '%s'%s", name, hint);
}

/* The nearest name of what is listed, or NULL. Caller holds the lock. */
static const char *nearest_exposed(struct consort_catalog *catalog, const char *name)
{
	struct consort_map listed = {0};
	const char *nearest;
	uint32_t i;

	for (i = 0; i < catalog->exposed.count; i++) {
		struct consort_entry *entry = catalog->exposed.slots[i].value;

		if (entry->listed && !consort_map_put(&listed, entry->name, entry))
			break; /* a hint less */
	}
	nearest = consort_nearest_key(name, &listed);
	consort_map_clear(&listed);
	return nearest;
}

static enum consort_status unknown_resource(struct consort_catalog *catalog, const char *name,
					    struct consort_error *error)
{
	const char *nearest = consort_nearest_key(name, &catalog->declared);
	char hint[300];

	pthread_mutex_lock(&catalog->lock);
	consort_hint(nearest ? nearest : nearest_exposed(catalog, name), hint, sizeof(hint));
	pthread_mutex_unlock(&catalog->lock);
	return consort_error_set(error, CONSORT_ENAME, "unknown resource '%s'%s", name, hint);
}

/* The entry, if it is listed. */
static struct consort_entry *find_exposed(struct consort_catalog *catalog, const char *name)
{
	struct consort_entry *entry;

	pthread_mutex_lock(&catalog->lock);
	entry = consort_map_get(&catalog->exposed, name);
	if (entry && !entry->listed)
		entry = NULL;
	pthread_mutex_unlock(&catalog->lock);
	return entry;
}

enum consort_status consort_catalog_find(struct consort_catalog *catalog, struct consort_session *session,
					 const char *name, struct consort_entry **out_entry,
					 struct consort_error *error)
{
	struct consort_entry *entry = consort_map_get(&catalog->declared, name);
	struct consort_database *database = NULL;
	const char *dot = strchr(name, '.');
	enum consort_status status;

	if (!entry && dot)
		database = consort_map_get_n(&catalog->databases_by_name, name, (size_t)(dot - name));
	if (!entry && database && database->expose_all) {
		entry = find_exposed(catalog, name);
		if (!entry) {
			/* never listed, or made since */
			status = consort_catalog_list(catalog, session, database, error);
			if (status)
				return status;
			entry = find_exposed(catalog, name);
		}
	}
	if (!entry)
		return unknown_resource(catalog, name, error);
	*out_entry = entry;
	return CONSORT_OK;
}

/* --- describing --- */

/* Publishes a resource, unless another thread was faster; gives the one that counts. */
static const struct consort_resource *publish(const struct consort_resource **place,
					      const struct consort_resource *resource)
{
	const struct consort_resource *first = NULL;

	if (__atomic_compare_exchange_n(place, &first, resource, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return resource;
	return first;
}

/* What is declared alone, kept at `place`. */
static enum consort_status without_introspection(struct consort_catalog *catalog, struct consort_entry *entry,
						 bool sketch, const struct consort_resource **place,
						 const struct consort_resource **out_resource,
						 struct consort_error *error)
{
	const struct consort_resource *resource = __atomic_load_n(place, __ATOMIC_ACQUIRE);
	enum consort_status status = CONSORT_OK;

	if (!resource) {
		pthread_mutex_lock(&catalog->lock);
		status = consort_resource_merge(catalog, entry, NULL, sketch, &resource, error);
		pthread_mutex_unlock(&catalog->lock);
		if (status)
			return status;
		resource = publish(place, resource);
	}
	*out_resource = resource;
	return CONSORT_OK;
}

enum consort_status consort_catalog_declared(struct consort_catalog *catalog, struct consort_entry *entry,
					     const struct consort_resource **out_resource,
					     struct consort_error *error)
{
	return without_introspection(catalog, entry, false, &entry->as_declared, out_resource, error);
}

enum consort_status consort_catalog_sketch(struct consort_catalog *catalog, struct consort_entry *entry,
					   const struct consort_resource **out_resource,
					   struct consort_error *error)
{
	return without_introspection(catalog, entry, true, &entry->sketch, out_resource, error);
}

/* What was found and what is declared, in the catalogue's arena. Caller holds the lock. */
static enum consort_status merge_found(struct consort_catalog *catalog, struct consort_entry *entry,
				       const struct consort_resource *found,
				       const struct consort_resource **out_resource,
				       struct consort_error *error)
{
	const struct consort_resource *kept = NULL;
	enum consort_status status;

	if (found)
		kept = consort_resource_copy(&catalog->arena, found);
	if (found && !kept)
		return consort_error_no_memory(error);
	status = consort_resource_merge(catalog, entry, kept, false, out_resource, error);
	if (!status && !(*out_resource)->nattributes)
		status = consort_error_set(
			error, CONSORT_ENAME,
			"resource '%s' has no attributes: declare them, since database '%s' cannot tell them",
			entry->name, entry->database->name);
	return status ? status : consort_catalog_check(catalog, entry, *out_resource, error);
}

/* Asks the adapter, and publishes what it told unless something was forgotten meanwhile: *out_stale then. */
static enum consort_status describe(struct consort_catalog *catalog, struct consort_session *session,
				    struct consort_entry *entry, const struct consort_resource **out_resource,
				    bool *out_stale, struct consort_error *error)
{
	uint32_t generation = consort_catalog_generation(catalog);
	const struct consort_resource *resource = NULL;
	struct introspection introspection = {0};
	struct consort_arena scratch;
	enum consort_status status;

	consort_arena_init(&scratch, 0);
	introspection.arena = &scratch;
	status = introspect(session, entry->database, entry->source, entry, &introspection, error);
	if (status == CONSORT_ENOTFOUND && entry->declared && entry->declared->nattributes) {
		/* not made yet: what its declaration says, to be asked for again next time */
		status = consort_catalog_declared(catalog, entry, out_resource, error);
		*out_stale = consort_catalog_generation(catalog) != generation;
	} else if (!status) {
		pthread_mutex_lock(&catalog->lock);
		*out_stale = consort_catalog_generation(catalog) != generation;
		if (!*out_stale)
			status = merge_found(catalog, entry,
					     introspection.count ? introspection.found[0] : NULL, &resource,
					     error);
		if (!*out_stale && !status)
			*out_resource = publish(&entry->resource, resource);
		pthread_mutex_unlock(&catalog->lock);
	}
	free(introspection.found);
	consort_arena_clear(&scratch);
	return status;
}

enum consort_status consort_catalog_describe(struct consort_catalog *catalog, struct consort_session *session,
					     struct consort_entry *entry,
					     const struct consort_resource **out_resource,
					     struct consort_error *error)
{
	const struct consort_resource *resource = __atomic_load_n(&entry->resource, __ATOMIC_ACQUIRE);
	struct consort_error local = CONSORT_ERROR_INIT;
	enum consort_status status;
	bool stale;

	if (CONSORT_LIKELY(resource != NULL)) {
		*out_resource = resource;
		return CONSORT_OK;
	}
	do {
		stale = false;
		status = describe(catalog, session, entry, &resource, &stale, &local);
	} while (!status && stale);
	if (!status)
		*out_resource = resource;
	else if (error)
		*error = local;
	return status;
}

static void forget(const struct consort_map *map, const struct consort_database *database)
{
	uint32_t i;

	for (i = 0; i < map->count; i++) {
		struct consort_entry *entry = map->slots[i].value;

		if (entry->database == database)
			__atomic_store_n(&entry->resource, NULL, __ATOMIC_RELEASE);
	}
}

void consort_catalog_forget(struct consort_catalog *catalog, const struct consort_database *database)
{
	pthread_mutex_lock(&catalog->lock);
	forget(&catalog->declared, database);
	forget(&catalog->exposed, database);
	unlist(catalog, database);
	__atomic_add_fetch(&catalog->generation, 1, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&catalog->lock);
}
