/* SPDX-License-Identifier: Apache-2.0 */
/* What there is, define and drop, and what define keeps: retention, aggregates. */
#include "meadow.h"

static uint32_t tell(const struct table *table, const struct consort_resource_sink *sink)
{
	static const uint32_t key = 0;
	struct consort_setting settings[3] = {{"retention", table->retention},
					      {"compression", table->compression}};
	struct consort_attribute attributes[COLUMNS];
	const struct consort_attribute *list[COLUMNS];
	struct consort_resource resource = {.struct_size = sizeof(resource),
					    .name = table->name,
					    .source = table->name,
					    .flags = CONSORT_RESOURCE_OPEN,
					    .nattributes = table->ncolumns,
					    .attributes = list,
					    .nkeys = 1,
					    .keys = &key,
					    .settings = settings};
	uint32_t i;

	settings[2] = (struct consort_setting){"continuous_aggregate", consort_text(table->aggregate)};
	resource.nsettings = 3;
	for (i = 0; i < table->ncolumns; i++) {
		attributes[i] = (struct consort_attribute){sizeof(attributes[i]),
							   i ? 0 : CONSORT_ATTRIBUTE_NOT_NULL,
							   table->types[i],
							   table->columns[i],
							   table->columns[i],
							   "",
							   ""};
		list[i] = &attributes[i];
	}
	return sink->resource(sink->context, &resource);
}

static uint32_t introspect(void *connection, const struct consort_call *call, const char *source,
			   const struct consort_setting *settings, uint32_t nsettings,
			   const struct consort_resource_sink *sink, struct consort_error *error)
{
	struct database *database = connection;
	uint32_t status = consort_call_check(call, error);
	struct table *table;
	size_t i;

	pthread_mutex_lock(&database->lock);
	for (i = 0; i < TABLES && !source && !status; i++)
		if (database->tables[i])
			status = tell(database->tables[i], sink);
	if (source && !status)
		status = need_table(database, source, &table, error);
	if (source && !status)
		status = tell(table, sink);
	pthread_mutex_unlock(&database->lock);
	return status;
}

int is_kept(uint16_t type)
{
	return type == CONSORT_TYPE_BOOL || type == CONSORT_TYPE_INT64 || type == CONSORT_TYPE_FLOAT64 ||
	       type == CONSORT_TYPE_TEXT || type == CONSORT_TYPE_TIMESTAMP;
}

static uint32_t add_column(struct table *table, const char *name, struct consort_type type,
			   struct consort_error *error)
{
	if (table->ncolumns == COLUMNS || strlen(name) >= NAME_BYTES)
		return consort_error_set(error, CONSORT_ERANGE,
					 "a table has up to %d columns with short names", COLUMNS);
	if (!is_kept(type.id))
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "'%s': %s is not kept here", name,
					 consort_type_noun(type));
	strcpy(table->columns[table->ncolumns], name);
	table->types[table->ncolumns++] = type;
	return CONSORT_OK;
}

static uint32_t describe(struct table *table, const struct consort_resource *resource,
			 struct consort_error *error)
{
	const struct consort_value *value;
	uint32_t status = CONSORT_OK, i;

	if (strlen(resource->source) >= NAME_BYTES)
		return consort_error_set(error, CONSORT_ERANGE, "a table's name has up to %d bytes",
					 NAME_BYTES - 1);
	strcpy(table->name, resource->source);
	value = consort_setting_find(resource->settings, resource->nsettings, "retention");
	table->retention = value ? *value : consort_null();
	value = consort_setting_find(resource->settings, resource->nsettings, "compression");
	table->compression = value ? *value : consort_null();
	value = consort_setting_find(resource->settings, resource->nsettings, "continuous_aggregate");
	if (value && !consort_value_is_null(value)) {
		snprintf(table->aggregate, sizeof(table->aggregate), "%.*s", (int)value->as.view.size,
			 value->as.view.data);
		status = add_column(table, "id", consort_type_of(CONSORT_TYPE_INT64), error);
		return status ? status
			      : add_column(table, "records", consort_type_of(CONSORT_TYPE_INT64), error);
	}
	if (resource->nkeys != 1 || resource->keys[0] ||
	    resource->attributes[0]->type.id != CONSORT_TYPE_INT64)
		return consort_error_set(error, CONSORT_EUNSUPPORTED,
					 "the key is one integer, which comes first");
	for (i = 0; i < resource->nattributes && !status; i++)
		status = add_column(table, resource->attributes[i]->source, resource->attributes[i]->type,
				    error);
	return status;
}

/* Lets go what is older than the retention, by the first column of times. */
static void let_go(struct table *table)
{
	const int64_t oldest = clock_of(CLOCK_REALTIME) - table->retention.as.int64 / 1000;
	uint32_t column = 0;
	size_t i;

	while (column < table->ncolumns && table->types[column].id != CONSORT_TYPE_TIMESTAMP)
		column++;
	for (i = table->count; i-- && column < table->ncolumns;) {
		const struct consort_value *time = value_of(table->records[i], table->columns[column]);

		if (!consort_value_is_null(time) && time->as.int64 < oldest)
			remove_at(table, i);
	}
}

/* One record, with how many there are. */
static uint32_t count_again(struct database *database, struct table *table, struct consort_error *error)
{
	struct record *record = malloc(sizeof(*record) + 2 * sizeof(record->fields[0]));
	struct table *of;
	uint32_t status = record ? need_table(database, table->aggregate + strlen("count of "), &of, error)
				 : consort_error_no_memory(error);

	if (!status) {
		*record = (struct record){.id = 1, .nfields = 2};
		record->fields[0] = (struct field){table->columns[0], consort_int64(1)};
		record->fields[1] = (struct field){table->columns[1], consort_int64((int64_t)of->count)};
		if (table->count)
			remove_at(table, 0);
		status = insert_at(table, 0, record, error);
	}
	if (status)
		free(record);
	return status;
}

/* What defining again sees to. */
static uint32_t keep_up(struct database *database, struct table *table, struct consort_error *error)
{
	if (!consort_value_is_null(&table->retention))
		let_go(table);
	return table->aggregate[0] ? count_again(database, table, error) : CONSORT_OK;
}

static uint32_t add_table(struct database *database, const struct consort_resource *resource,
			  struct consort_error *error)
{
	struct table *table = calloc(1, sizeof(*table));
	uint32_t status = table ? describe(table, resource, error) : consort_error_no_memory(error);
	size_t i = 0;

	while (i < TABLES && database->tables[i])
		i++;
	if (!status && i == TABLES)
		status = consort_error_set(error, CONSORT_EFULL, "there are %d tables already", TABLES);
	if (!status)
		status = keep_up(database, table, error);
	if (status)
		table_free(table);
	else
		database->tables[i] = table;
	return status;
}

static uint32_t check_schema(const struct consort_call *call, uint32_t flags, struct consort_error *error)
{
	if (flags & ~(CONSORT_SCHEMA_DRY_RUN | CONSORT_SCHEMA_IF_NEEDED))
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "unknown flags %#x of define or drop",
					 flags);
	return consort_call_check(call, error);
}

static uint32_t script(const struct consort_text_sink *sink, const char *what, const char *name)
{
	char text[NAME_BYTES + 32];
	int n = snprintf(text, sizeof(text), "%s %.*s\n", what, NAME_BYTES, name);

	return sink ? sink->write(sink->context, text, (uint64_t)n) : CONSORT_OK;
}

static uint32_t define(void *connection, const struct consort_call *call,
		       const struct consort_resource *resource, uint32_t flags,
		       const struct consort_text_sink *sink, struct consort_error *error)
{
	struct database *database = connection;
	uint32_t status = check_schema(call, flags, error);
	struct table **found;

	pthread_mutex_lock(&database->lock);
	found = find_table(database, resource->source);
	if (!status)
		status = script(sink, "define", resource->source);
	if (!status && found && !(flags & CONSORT_SCHEMA_IF_NEEDED))
		status = consort_error_set(error, CONSORT_ECONFLICT, "there is a table '%s'",
					   resource->source);
	if (!status && !(flags & CONSORT_SCHEMA_DRY_RUN))
		status = found ? keep_up(database, *found, error) : add_table(database, resource, error);
	pthread_mutex_unlock(&database->lock);
	return status;
}

static uint32_t drop(void *connection, const struct consort_call *call,
		     const struct consort_resource *resource, uint32_t flags,
		     const struct consort_text_sink *sink, struct consort_error *error)
{
	struct database *database = connection;
	uint32_t status = check_schema(call, flags, error);
	struct table **found;

	pthread_mutex_lock(&database->lock);
	found = find_table(database, resource->source);
	if (!status)
		status = script(sink, "drop", resource->source);
	if (!status && !found && !(flags & CONSORT_SCHEMA_IF_NEEDED))
		status = consort_error_set(error, CONSORT_ENOTFOUND, "there is no table '%s'",
					   resource->source);
	if (!status && found && !(flags & CONSORT_SCHEMA_DRY_RUN)) {
		table_free(*found);
		*found = NULL;
	}
	pthread_mutex_unlock(&database->lock);
	return status;
}

const struct consort_schema_ops schema_ops =
	OPS(schema, .introspect = introspect, .define = define, .drop = drop);
