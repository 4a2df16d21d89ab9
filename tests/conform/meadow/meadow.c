/* SPDX-License-Identifier: Apache-2.0 */
/* The adapter: its features and options, databases, and tables as they lie in memory. */
#include "meadow.h"

#define BIT(feature) CONSORT_FEATURE_BIT(CONSORT_FEATURE_##feature)
#define FEATURES                                                                               \
	(BIT(READ) | BIT(CREATE) | BIT(UPDATE) | BIT(DELETE) | BIT(FILTER) | BIT(SCHEMALESS) | \
	 BIT(FULL_TEXT) | BIT(TIME_BUCKET) | BIT(INTROSPECT) | BIT(DEFINE) | BIT(RETENTION) |  \
	 BIT(COMPRESSION) | BIT(CONTINUOUS_AGGREGATES) | BIT(CHANGE_FEED))

int64_t clock_of(clockid_t id)
{
	struct timespec now = {0, 0};

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* --- tables --- */

struct table **find_table(struct database *database, const char *name)
{
	size_t i;

	for (i = 0; i < TABLES; i++)
		if (database->tables[i] && !strcmp(database->tables[i]->name, name))
			return &database->tables[i];
	return NULL;
}

uint32_t need_table(struct database *database, const char *name, struct table **out,
		    struct consort_error *error)
{
	struct table **found = find_table(database, name);

	if (!found)
		return consort_error_set(error, CONSORT_ENOTFOUND, "there is no table '%s'", name);
	*out = *found;
	return CONSORT_OK;
}

/* Where the record with that id is, or would be. */
size_t find_record(const struct table *table, int64_t id)
{
	size_t i = 0;

	while (i < table->count && table->records[i]->id < id)
		i++;
	return i;
}

int is_there(const struct table *table, size_t at, int64_t id)
{
	return at < table->count && table->records[at]->id == id;
}

const struct consort_value *value_of(const struct record *record, const char *name)
{
	static const struct consort_value null = {0};
	uint32_t i;

	for (i = 0; i < record->nfields; i++)
		if (!strcmp(record->fields[i].name, name))
			return &record->fields[i].value;
	return &null;
}

void remove_at(struct table *table, size_t at)
{
	free(table->records[at]);
	memmove(&table->records[at], &table->records[at + 1],
		(--table->count - at) * sizeof(*table->records));
}

/* Takes the record over where it succeeds. */
uint32_t insert_at(struct table *table, size_t at, struct record *record, struct consort_error *error)
{
	struct record **grown = realloc(table->records, (table->count + 1) * sizeof(*grown));

	if (!grown)
		return consort_error_no_memory(error);
	table->records = grown;
	memmove(&grown[at + 1], &grown[at], (table->count++ - at) * sizeof(*grown));
	grown[at] = record;
	return CONSORT_OK;
}

/* --- database and connection --- */

static uint32_t database_open(void *plugin, const struct consort_database_config *config, void **out_database,
			      struct consort_error *error)
{
	struct database *database = calloc(1, sizeof(*database));
	pthread_condattr_t monotonic;

	if (!database)
		return consort_error_no_memory(error);
	snprintf(database->identity, sizeof(database->identity), "meadow at %p", (void *)database);
	pthread_mutex_init(&database->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&database->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	*out_database = database;
	return CONSORT_OK;
}

void table_free(struct table *table)
{
	size_t i;

	for (i = 0; table && i < table->count; i++)
		free(table->records[i]);
	if (table)
		free(table->records);
	free(table);
}

static void database_close(void *object)
{
	struct database *database = object;
	struct change *change;
	size_t i;

	for (i = 0; i < TABLES; i++)
		table_free(database->tables[i]);
	while ((change = database->first)) {
		database->first = change->next;
		free(change);
	}
	pthread_cond_destroy(&database->changed);
	pthread_mutex_destroy(&database->lock);
	free(database);
}

static void connection_info(void *connection, struct consort_connection_info *info)
{
	info->server = "a meadow";
	info->identity = ((struct database *)connection)->identity;
	info->user = "";
}

/* --- what it all amounts to --- */

#define OPTION(option, of, says)                                                       \
	static const struct consort_option option = {.struct_size = sizeof(option),    \
						     .type = CONSORT_OPTION_##of,      \
						     .scope = CONSORT_OPTION_RESOURCE, \
						     .name = #option,                  \
						     .help = says}
OPTION(retention, DURATION, "records that are older, by the first column of times, go");
OPTION(compression, DURATION, "records that are older are compressed");
OPTION(continuous_aggregate, TEXT, "count of TABLE");
static const struct consort_option *const options[] = {&retention, &compression, &continuous_aggregate, NULL};

static const struct consort_database_ops database_ops =
	OPS(database, .open = database_open, .close = database_close);
static const struct consort_connection_ops connection_ops =
	OPS(connection, .open = consort_plain_open, .close = consort_plain_close, .ping = consort_plain_check,
	    .reset = consort_plain_check, .abandon = consort_plain_abandon,
	    .features = consort_plain_features, .info = connection_info);
static const struct consort_plugin plugin = {.struct_size = sizeof(plugin),
					     .abi_minor = CONSORT_ABI_MINOR,
					     .id = "meadow",
					     .version = "0.1",
					     .licence = "",
					     .vendor = "",
					     .homepage = "",
					     .description = "tables in memory",
					     .features = {{FEATURES, 0}},
					     .options = options,
					     .init = consort_plain_init,
					     .database = &database_ops,
					     .connection = &connection_ops,
					     .query = &query_ops,
					     .write = &write_ops,
					     .schema = &schema_ops,
					     .changes = &changes_ops};

CONSORT_PLUGIN_EXPORT(&plugin, "meadow", "0.1", FEATURES, 0);
