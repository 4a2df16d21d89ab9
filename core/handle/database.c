/* SPDX-License-Identifier: Apache-2.0 */
/* What each database can do, and why not. */
#include "handle/handle.h"

/* Connects, if that has not been done; the effective mask is known afterwards. */
static enum consort_status connect_once(struct consort *c, struct consort_database *database,
					struct consort_error *error)
{
	struct consort_handle_session session;
	struct consort_connection *connection;
	enum consort_status status;

	if (__atomic_load_n(&database->known, __ATOMIC_ACQUIRE))
		return CONSORT_OK;
	consort_session_begin(&session, c);
	status = session.base.acquire(&session.base, database, &connection, error);
	consort_session_end(&session);
	return status;
}

/* A reason that lives as long as the database. */
static const char *keep_reason(struct consort_database *database, const char *text)
{
	const char *copy;

	pthread_mutex_lock(&database->lock);
	copy = consort_arena_text(&database->arena, text);
	pthread_mutex_unlock(&database->lock);
	return copy ? copy : "out of memory";
}

int consort_supports(struct consort *c, const char *name, uint32_t feature, const char **out_why)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_database *database = NULL;
	const char *why = "";
	int has = 0;

	if (!c)
		why = "there is no handle";
	else if (consort_handle_check(c, &error))
		why = "this handle cannot be used here (after a fork, or a transaction's end)";
	else if (!name || consort_catalog_database(&c->root->catalog, name, &database, &error))
		why = "there is no database of that name";
	else if (connect_once(c, database, &error))
		why = keep_reason(database, consort_error_text(&error));
	else if (feature < CONSORT_FEATURE_COUNT && consort_database_has(database, feature))
		has = 1;
	else
		why = consort_database_why(database, feature);
	if (out_why)
		*out_why = why;
	return has;
}

static enum consort_status tell(struct consort *c, struct consort_database *database, int connect,
				enum consort_status (*fn)(void *context,
							  const struct consort_database_info *info),
				void *context)
{
	struct consort_error failure = CONSORT_ERROR_INIT;
	struct consort_database_info info = {.struct_size = sizeof(info)};

	info.name = database->name;
	info.type = database->plugin->id;
	info.plugin_version = database->plugin->version;
	info.plugin_path = database->plugin_path;
	info.plugin = database->plugin->features;
	info.manifest = database->manifest_mask;
	info.options = database->options;
	info.noptions = database->noptions;
	if ((connect || database->absent) && connect_once(c, database, &failure))
		info.error = &failure;
	if (!info.error && __atomic_load_n(&database->known, __ATOMIC_ACQUIRE)) {
		pthread_mutex_lock(&database->lock);
		info.server = database->server;
		info.user = database->user;
		info.effective = database->effective;
		pthread_mutex_unlock(&database->lock);
	} else {
		info.effective = consort_features_and(info.plugin, info.manifest);
	}
	return fn(context, &info);
}

enum consort_status consort_databases(struct consort *c, const char *name, int connect,
				      enum consort_status (*fn)(void *context,
								const struct consort_database_info *info),
				      void *context, struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, c, fn);
	struct consort_catalog *catalog;
	struct consort_database *database;
	uint32_t i;

	if (!status)
		status = consort_handle_check(c, error);
	if (status)
		return status;
	catalog = &c->root->catalog;
	if (name) {
		status = consort_catalog_database(catalog, name, &database, error);
		return status ? status : tell(c, database, connect, fn, context);
	}
	for (i = 0; !status && i < catalog->ndatabases; i++)
		status = tell(c, catalog->databases[i], connect, fn, context);
	return status;
}

enum consort_status consort_pool_read(struct consort *c, const char *database,
				      struct consort_pool_stats *out_stats, struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, c, database, out_stats);
	struct consort_database *found;

	if (!status)
		status = consort_handle_check(c, error);
	if (!status && out_stats->struct_size < sizeof(*out_stats))
		status = consort_error_set(error, CONSORT_EINVAL,
					   "consort_pool_stats.struct_size is not set");
	if (!status)
		status = consort_catalog_database(&c->root->catalog, database, &found, error);
	if (!status)
		consort_pool_read_stats(found, out_stats);
	return status;
}
