/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue for programs: describe, list, define, drop. */
#include "handle/handle.h"

enum consort_status consort_describe(struct consort *c, const char *resource,
				     const struct consort_resource **out_resource,
				     struct consort_error *error)
{
	struct consort_handle_session session;
	struct consort_entry *entry;
	enum consort_status status = CONSORT_NEED(error, c, resource, out_resource);

	if (!status)
		status = consort_handle_check(c, error);
	if (status)
		return status;
	consort_session_begin(&session, c);
	status = consort_find_resource(&session, resource, &entry, out_resource, error);
	consort_session_end(&session);
	return status;
}

/* --- listing --- */

struct listing {
	struct consort *handle;
	uint32_t flags;
	enum consort_status (*fn)(void *context, const struct consort_resource *resource,
				  const struct consort_error *error);
	void *context;
};

static enum consort_status tell(const struct listing *listing, struct consort_entry *entry,
				struct consort_error *error)
{
	struct consort_catalog *catalog = &listing->handle->root->catalog;
	struct consort_error failure = CONSORT_ERROR_INIT;
	const struct consort_resource *resource = NULL;
	struct consort_handle_session session;
	enum consort_status status = CONSORT_OK;

	if (!(listing->flags & CONSORT_RESOURCES_DECLARED)) {
		consort_session_begin(&session, listing->handle);
		status = consort_catalog_describe(catalog, &session.base, entry, &resource, &failure);
		consort_session_end(&session);
		if (status == CONSORT_ENOMEM) {
			if (error)
				*error = failure;
			return status;
		}
	}
	if (!resource) {
		enum consort_status sketched = consort_catalog_sketch(catalog, entry, &resource, error);

		if (sketched)
			return sketched;
	}
	return listing->fn(listing->context, resource, status ? &failure : NULL);
}

/* Entries of a database exposed whole, that no declaration names. */
static enum consort_status tell_exposed(const struct listing *listing, struct consort_database *database,
					struct consort_error *error)
{
	struct consort_catalog *catalog = &listing->handle->root->catalog;
	struct consort_handle_session session;
	enum consort_status status;
	uint32_t i;

	consort_session_begin(&session, listing->handle);
	status = consort_catalog_list(catalog, &session.base, database, error);
	consort_session_end(&session);
	for (i = 0; !status; i++) {
		struct consort_entry *entry = NULL;
		bool told = false;

		pthread_mutex_lock(&catalog->lock);
		if (i < catalog->exposed.count)
			entry = catalog->exposed.slots[i].value;
		told = entry && entry->database == database && entry->listed;
		pthread_mutex_unlock(&catalog->lock);
		if (!entry)
			break;
		if (told)
			status = tell(listing, entry, error);
	}
	return status;
}

enum consort_status consort_resources(struct consort *c, uint32_t flags,
				      enum consort_status (*fn)(void *context,
								const struct consort_resource *resource,
								const struct consort_error *error),
				      void *context, struct consort_error *error)
{
	const struct listing listing = {c, flags, fn, context};
	enum consort_status status = CONSORT_NEED(error, c, fn);
	struct consort_catalog *catalog = status ? NULL : &c->root->catalog;
	uint32_t i;

	if (!status)
		status = consort_handle_check(c, error);
	if (!status && flags & ~CONSORT_RESOURCES_DECLARED)
		status = consort_error_set(error, CONSORT_EINVAL, "unknown flags 0x%x", flags);
	for (i = 0; !status && i < catalog->declared.count; i++)
		status = tell(&listing, catalog->declared.slots[i].value, error);
	for (i = 0; !status && !(flags & CONSORT_RESOURCES_DECLARED) && i < catalog->ndatabases; i++)
		if (catalog->databases[i]->expose_all)
			status = tell_exposed(&listing, catalog->databases[i], error);
	return status;
}

/* --- define and drop --- */

static uint32_t write_script(void *context, const char *text, uint64_t size)
{
	struct consort_buffer *buffer = context;

	consort_buffer_append(buffer, text, size);
	return buffer->failed ? CONSORT_ENOMEM : CONSORT_OK;
}

/* What define works from is the declaration; drop needs no more than the name. */
static enum consort_status find_declared(struct consort_handle_session *session, const char *name,
					 bool define, struct consort_entry **out_entry,
					 const struct consort_resource **out_resource,
					 struct consort_error *error)
{
	struct consort_catalog *catalog = &session->handle->root->catalog;
	enum consort_status status = consort_catalog_find(catalog, &session->base, name, out_entry, error);

	if (status)
		return status;
	status = consort_catalog_declared(catalog, *out_entry, out_resource, error);
	if (!status && define && (!(*out_entry)->declared || !(*out_resource)->nattributes))
		status = consort_error_set(
			error, CONSORT_EINVAL,
			"%s: cannot be defined, since the manifest declares no attributes for it", name);
	return status;
}

typedef uint32_t schema_fn(void *connection, const struct consort_call *call,
			   const struct consort_resource *resource, uint32_t flags,
			   const struct consort_text_sink *sink, struct consort_error *error);

static enum consort_status run_schema(struct consort_handle_session *session, struct consort_entry *entry,
				      const struct consort_resource *resource, bool define, uint32_t flags,
				      struct consort_buffer *script, struct consort_error *error)
{
	const struct consort_text_sink sink = {script, write_script};
	struct consort_connection *connection;
	enum consort_status status =
		session->base.acquire(&session->base, entry->database, &connection, error);
	uint32_t answer;
	schema_fn *fn;

	if (!status)
		status = consort_database_need(entry->database, CONSORT_FEATURE_DEFINE, error);
	if (!status && define && resource->nindexes)
		status = consort_database_need(entry->database, CONSORT_FEATURE_INDEXES, error);
	if (!status)
		status = consort_connection_ready(connection, error);
	if (status)
		return status;
	fn = define ? entry->database->plugin->schema->define : entry->database->plugin->schema->drop;
	answer = fn(connection->context, &session->call, resource,
		    (flags & CONSORT_DEFINE_DRY_RUN ? CONSORT_SCHEMA_DRY_RUN : 0) |
			    (flags & CONSORT_DEFINE_IF_NEEDED ? CONSORT_SCHEMA_IF_NEEDED : 0),
		    &sink, error);
	if (answer)
		return consort_connection_failed(connection, answer, error);
	return script->failed ? (enum consort_status)consort_error_no_memory(error) : CONSORT_OK;
}

static enum consort_status change_schema(struct consort *c, const char *name, bool define, uint32_t flags,
					 char **out_script, struct consort_error *error)
{
	struct consort_buffer script = CONSORT_BUFFER_INIT;
	const struct consort_resource *resource;
	struct consort_handle_session session;
	struct consort_entry *entry;
	struct consort_error spare;
	enum consort_status status = consort_handle_check(c, error);

	consort_error_need(&error, &spare);
	if (!status && flags & ~(CONSORT_DEFINE_DRY_RUN | CONSORT_DEFINE_IF_NEEDED))
		status = consort_error_set(error, CONSORT_EINVAL, "unknown flags 0x%x", flags);
	if (status)
		return status;
	consort_session_begin(&session, c);
	status = find_declared(&session, name, define, &entry, &resource, error);
	if (!status)
		status = run_schema(&session, entry, resource, define, flags, &script, error);
	consort_session_end(&session);
	if (!status && !(flags & CONSORT_DEFINE_DRY_RUN)) {
		consort_catalog_forget(&c->root->catalog, entry->database);
		if (c->tx)
			c->tx->defined = true;
	}
	if (!status && out_script) {
		*out_script = consort_buffer_steal(&script);
		if (!*out_script)
			status = consort_error_no_memory(error);
	}
	consort_buffer_clear(&script);
	return status;
}

enum consort_status consort_define(struct consort *c, const char *resource, uint32_t flags, char **out_script,
				   struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, c, resource);

	return status ? status : change_schema(c, resource, true, flags, out_script, error);
}

enum consort_status consort_drop(struct consort *c, const char *resource, uint32_t flags, char **out_script,
				 struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, c, resource);

	return status ? status : change_schema(c, resource, false, flags, out_script, error);
}
