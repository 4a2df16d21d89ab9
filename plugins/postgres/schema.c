/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Introspection: tables, partitioned and foreign ones, views and materialized views of the schemas on the
 * search path, or one that is named. Each catalogue is read once, ordered by table, and what belongs together
 * is picked from the results.
 */
#include "postgres.h"

#include <stdlib.h>
#include <string.h>

#include "sql.h"

/* $1: the table's oid, or NULL for all; partitions are seen in their table. */
#define WHICH(oid)                                                                                       \
	"(" oid " = $1::oid OR ($1 IS NULL AND " oid " IN (SELECT c.oid FROM pg_class AS c"              \
	" JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')" \
	" AND NOT c.relispartition AND n.nspname = ANY (current_schemas(false))"                         \
	" AND has_any_column_privilege(c.oid, 'SELECT'))))"

static const char relations_sql[] =
	"SELECT c.oid, n.nspname, c.relname, pg_table_is_visible(c.oid), c.relkind,"
	" pg_relation_is_updatable(c.oid, false) & 28 FROM pg_class AS c"
	" JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE " WHICH("c.oid") " ORDER BY c.oid";

enum { RELATION_OID, RELATION_SCHEMA, RELATION_NAME, RELATION_VISIBLE, RELATION_KIND, RELATION_UPDATABLE };

/* A domain is what it is over, at the end. */
static const char columns_sql[] =
	"SELECT a.attrelid, a.attname, a.attnum, format_type(b.oid, b.typmod),"
	" t.typtype = 'e' OR coalesce(e.typtype = 'e', false),"
	" CASE WHEN d.typtype = 'd' THEN format_type(a.atttypid, NULL) END,"
	" CASE WHEN l.oid <> 100 THEN l.collname END, NOT coalesce(l.collisdeterministic, true),"
	" a.attnotnull OR d.typnotnull, a.atthasdef OR a.attidentity <> '' OR d.typdefault IS NOT NULL,"
	" a.attgenerated <> '' OR a.attidentity = 'a',"
	" has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS readable"
	" FROM pg_attribute AS a JOIN pg_type AS d ON d.oid = a.atttypid"
	" CROSS JOIN LATERAL (WITH RECURSIVE base(oid, typmod, typtype) AS (SELECT d.oid, a.atttypmod, "
	"d.typtype"
	" UNION ALL SELECT u.oid, o.typtypmod, u.typtype FROM base AS x JOIN pg_type AS o ON o.oid = x.oid"
	" JOIN pg_type AS u ON u.oid = o.typbasetype WHERE x.typtype = 'd')"
	" SELECT oid, typmod FROM base WHERE typtype <> 'd') AS b"
	" JOIN pg_type AS t ON t.oid = b.oid LEFT JOIN pg_type AS e ON e.oid = t.typelem AND t.typcategory = "
	"'A'"
	" LEFT JOIN pg_collation AS l ON l.oid = a.attcollation"
	" WHERE a.attnum > 0 AND NOT a.attisdropped AND " WHICH(
		"a.attrelid") " ORDER BY a.attrelid, readable DESC, a.attnum";

enum {
	COLUMN_OID,
	COLUMN_NAME,
	COLUMN_NUMBER,
	COLUMN_TYPE,
	COLUMN_ENUM,
	COLUMN_DOMAIN,
	COLUMN_COLLATION,
	COLUMN_LOOSE,
	COLUMN_NOT_NULL,
	COLUMN_GENERATED,
	COLUMN_READ_ONLY,
	COLUMN_READABLE
};

/* Over columns alone, for all rows, and of use for equality; the key first. */
static const char indexes_sql[] =
	"SELECT i.indrelid, c.relname, i.indisunique, i.indisprimary,"
	" (SELECT string_agg(k.number::text, ' ' ORDER BY k.at) FROM unnest(i.indkey::int2[]) WITH ORDINALITY"
	" AS k(number, at) WHERE k.at <= i.indnkeyatts) FROM pg_index AS i"
	" JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS m ON m.oid = c.relam"
	" WHERE i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND m.amname IN ('btree', 'hash') "
	"AND " WHICH("i.indrelid") " ORDER BY i.indrelid, i.indisprimary DESC, c.relname";

enum { INDEX_OID, INDEX_NAME, INDEX_UNIQUE, INDEX_PRIMARY, INDEX_COLUMNS };

static const char links_sql[] =
	"SELECT k.conrelid, n.nspname, c.relname, pg_table_is_visible(c.oid), array_to_string(k.conkey, ' '),"
	" (SELECT json_agg(a.attname ORDER BY x.at)::text FROM unnest(k.confkey) WITH ORDINALITY AS "
	"x(number, at)"
	" JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = x.number)"
	" FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.confrelid"
	" JOIN pg_namespace AS n ON n.oid = c.relnamespace"
	" WHERE k.contype = 'f' AND " WHICH("k.conrelid") " ORDER BY k.conrelid, k.conname";

enum { LINK_OID, LINK_SCHEMA, LINK_NAME, LINK_VISIBLE, LINK_FROM, LINK_TO };

/* A result that is read in the order of its tables' oids. */
struct listing {
	PGresult *rows;
	int at;
};

struct reading {
	struct pg_connection *conn;
	struct consort_arena arena; /* of one table */
	struct consort_error *error;
	struct listing relations, columns, indexes, links;
};

/* One table while it is read. */
struct table {
	struct reading *reading;
	const char *oid;
	struct consort_resource resource;
	uint32_t *numbers; /* [nattributes] of the columns */
};

static uint32_t no_memory(const struct reading *reading)
{
	return consort_error_no_memory(reading->error);
}

static const char *cell(const struct listing *listing, int row, int column)
{
	return PQgetvalue(listing->rows, row, column);
}

static bool is_true(const struct listing *listing, int row, int column)
{
	return *PQgetvalue(listing->rows, row, column) == 't';
}

static const char *keep(const struct table *table, const char *text)
{
	return consort_arena_text(&table->reading->arena, text);
}

/* The rows of the listing that belong to the table: from *out_first on. */
static uint32_t rows_of(struct listing *listing, const struct table *table, int *out_first)
{
	int first = listing->at;

	while (listing->at < PQntuples(listing->rows) && !strcmp(cell(listing, listing->at, 0), table->oid))
		listing->at++;
	*out_first = first;
	return (uint32_t)(listing->at - first);
}

/* --- names --- */

static void add_part(struct consort_buffer *out, const char *part)
{
	if (strpbrk(part, ".\""))
		consort_sql_quote(out, part);
	else
		consort_buffer_text(out, part);
}

/* As a source names it: without the schema if the search path finds it. */
static const char *source_of(struct consort_arena *arena, const char *schema, const char *name, bool visible)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	char *source;

	if (!visible) {
		add_part(&text, schema);
		consort_buffer_char(&text, '.');
	}
	add_part(&text, name);
	source = text.failed ? NULL : consort_arena_copy(arena, text.data, text.size);
	consort_buffer_clear(&text);
	return source;
}

/* --- columns --- */

/* What types.c reads. */
static const char *engine_type(const struct table *table, const struct listing *columns, int row)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const char *type;

	consort_buffer_text(&text, cell(columns, row, COLUMN_TYPE));
	if (is_true(columns, row, COLUMN_ENUM))
		consort_buffer_text(&text, " (enum)");
	if (!PQgetisnull(columns->rows, row, COLUMN_DOMAIN))
		consort_buffer_printf(&text, " (domain %s)", cell(columns, row, COLUMN_DOMAIN));
	if (!PQgetisnull(columns->rows, row, COLUMN_COLLATION)) {
		consort_buffer_text(&text, " COLLATE ");
		consort_sql_quote(&text, cell(columns, row, COLUMN_COLLATION));
		if (is_true(columns, row, COLUMN_LOOSE))
			consort_buffer_text(&text, " (nondeterministic)");
	}
	type = text.failed ? NULL : keep(table, text.data);
	consort_buffer_clear(&text);
	return type;
}

static struct consort_attribute *read_column(const struct table *table, const struct listing *columns,
					     int row)
{
	struct consort_attribute *attribute = consort_arena_alloc(&table->reading->arena, sizeof(*attribute));

	if (!attribute)
		return NULL;
	attribute->struct_size = sizeof(*attribute);
	attribute->flags = CONSORT_ATTRIBUTE_STRICT;
	attribute->name = attribute->source = keep(table, cell(columns, row, COLUMN_NAME));
	attribute->engine_type = engine_type(table, columns, row);
	attribute->codec = "";
	if (!attribute->name || !attribute->engine_type)
		return NULL;
	attribute->type = pg_type_of(attribute->engine_type, &attribute->flags);
	if (is_true(columns, row, COLUMN_NOT_NULL))
		attribute->flags |= CONSORT_ATTRIBUTE_NOT_NULL;
	if (is_true(columns, row, COLUMN_GENERATED))
		attribute->flags |= CONSORT_ATTRIBUTE_GENERATED;
	if (is_true(columns, row, COLUMN_READ_ONLY))
		attribute->flags |= CONSORT_ATTRIBUTE_GENERATED | CONSORT_ATTRIBUTE_READ_ONLY;
	if (!is_true(columns, row, COLUMN_READABLE))
		attribute->flags |= CONSORT_ATTRIBUTE_HIDDEN;
	return attribute;
}

static uint32_t read_columns(struct table *table)
{
	struct reading *reading = table->reading;
	struct listing *columns = &reading->columns;
	int first;
	uint32_t n = rows_of(columns, table, &first), i;
	const struct consort_attribute **list = consort_arena_array(&reading->arena, n, sizeof(*list));

	table->numbers = consort_arena_array(&reading->arena, n, sizeof(*table->numbers));
	if (!list || !table->numbers)
		return no_memory(reading);
	for (i = 0; i < n; i++) {
		list[i] = read_column(table, columns, first + (int)i);
		if (!list[i])
			return no_memory(reading);
		if (list[i]->flags & CONSORT_ATTRIBUTE_HIDDEN) /* it makes no key, and no index */
			continue;
		table->numbers[i] = (uint32_t)strtoul(cell(columns, first + (int)i, COLUMN_NUMBER), NULL, 10);
	}
	table->resource.attributes = list;
	table->resource.nattributes = n;
	return CONSORT_OK;
}

/* "1 4" to positions; false if a column is not among the attributes. */
static bool find_columns(const struct table *table, const char *numbers, uint32_t *out_positions,
			 uint32_t *out_count)
{
	uint32_t count = 0, i;
	char *end;

	for (; *numbers; numbers = end + (*end == ' ')) {
		unsigned long number = strtoul(numbers, &end, 10);

		for (i = 0; i < table->resource.nattributes && table->numbers[i] != number; i++)
			;
		if (end == numbers || i == table->resource.nattributes ||
		    count == table->resource.nattributes)
			return false;
		out_positions[count++] = i;
	}
	*out_count = count;
	return count > 0;
}

/* --- indexes --- */

static uint32_t read_indexes(struct table *table)
{
	struct reading *reading = table->reading;
	struct listing *indexes = &reading->indexes;
	int first;
	uint32_t n = rows_of(indexes, table, &first), i;
	const struct consort_index **list = consort_arena_array(&reading->arena, n, sizeof(*list));

	if (!list)
		return no_memory(reading);
	for (i = 0; i < n; i++) {
		int row = first + (int)i;
		struct consort_index *index = consort_arena_alloc(&reading->arena, sizeof(*index));
		uint32_t *positions = consort_arena_array(&reading->arena, table->resource.nattributes,
							  sizeof(*positions)),
			 count;

		if (!index || !positions)
			return no_memory(reading);
		if (!find_columns(table, cell(indexes, row, INDEX_COLUMNS), positions, &count))
			continue;
		if (is_true(indexes, row, INDEX_PRIMARY)) {
			table->resource.keys = positions;
			table->resource.nkeys = count;
			continue;
		}
		index->struct_size = sizeof(*index);
		index->flags = is_true(indexes, row, INDEX_UNIQUE) ? CONSORT_INDEX_UNIQUE : 0;
		index->name = keep(table, cell(indexes, row, INDEX_NAME));
		index->attributes = positions;
		index->nattributes = count;
		if (!index->name)
			return no_memory(reading);
		list[table->resource.nindexes++] = index;
	}
	table->resource.indexes = list;
	return CONSORT_OK;
}

/* --- foreign keys --- */

struct names {
	const struct table *table;
	const char **names;
	uint32_t count, most;
};

static uint32_t take_name(void *context, const struct consort_json_value *value)
{
	struct names *names = context;
	const char *name =
		consort_arena_copy(&names->table->reading->arena, value->text.data, value->text.size);

	if (!name || names->count == names->most)
		return CONSORT_ENOMEM;
	names->names[names->count++] = name;
	return CONSORT_OK;
}

/* The columns on both sides. */
static uint32_t read_ends(const struct table *table, const struct listing *links, int row,
			  struct consort_relationship *link)
{
	struct reading *reading = table->reading;
	uint32_t most = table->resource.nattributes, i;
	uint32_t *positions = consort_arena_array(&reading->arena, most, sizeof(*positions));
	const char **from = consort_arena_array(&reading->arena, most, sizeof(*from));
	struct names to = {table, consort_arena_array(&reading->arena, most, sizeof(*to.names)), 0, most};
	const char *text = cell(links, row, LINK_TO);
	const struct consort_view document = {text, strlen(text)};
	struct consort_json_reader *json = consort_json_reader_new();
	uint32_t status = CONSORT_ENOMEM;

	if (positions && from && to.names && json)
		status = consort_json_elements(json, document, take_name, &to, reading->error);
	consort_json_reader_free(json);
	if (status)
		return no_memory(reading);
	if (!find_columns(table, cell(links, row, LINK_FROM), positions, &link->nattributes) ||
	    to.count != link->nattributes) {
		link->nattributes = 0;
		return CONSORT_OK;
	}
	for (i = 0; i < link->nattributes; i++)
		from[i] = table->resource.attributes[positions[i]]->source;
	link->from = from;
	link->to = to.names;
	return CONSORT_OK;
}

static uint32_t read_links(struct table *table)
{
	struct reading *reading = table->reading;
	struct listing *links = &reading->links;
	int first;
	uint32_t n = rows_of(links, table, &first), i, status;
	const struct consort_relationship **list = consort_arena_array(&reading->arena, n, sizeof(*list));

	if (!list)
		return no_memory(reading);
	table->resource.relationships = list;
	for (i = 0; i < n; i++) {
		int row = first + (int)i;
		struct consort_relationship *link = consort_arena_alloc(&reading->arena, sizeof(*link));
		const char *name = cell(links, row, LINK_NAME);

		if (!link)
			return no_memory(reading);
		link->struct_size = sizeof(*link);
		link->target = source_of(&reading->arena, cell(links, row, LINK_SCHEMA), name,
					 is_true(links, row, LINK_VISIBLE));
		status = link->target ? read_ends(table, links, row, link) : no_memory(reading);
		if (status)
			return status;
		if (!link->nattributes)
			continue;
		link->name = consort_relationship_name(&reading->arena, &table->resource, link, name);
		if (!link->name)
			return no_memory(reading);
		list[table->resource.nrelationships++] = link;
	}
	return CONSORT_OK;
}

/* --- all of it --- */

static uint32_t read_table(struct reading *reading, int row, const char *source, struct table *table)
{
	const struct listing *relations = &reading->relations;
	bool writable =
		strtol(cell(relations, row, RELATION_UPDATABLE), NULL, 10) == 28; /* insert, update, delete */
	uint32_t status;

	memset(table, 0, sizeof(*table));
	table->reading = reading;
	table->oid = cell(relations, row, RELATION_OID);
	table->resource.struct_size = sizeof(table->resource);
	table->resource.flags = writable ? 0 : CONSORT_RESOURCE_READ_ONLY;
	table->resource.source = source ? source
					: source_of(&reading->arena, cell(relations, row, RELATION_SCHEMA),
						    cell(relations, row, RELATION_NAME),
						    is_true(relations, row, RELATION_VISIBLE));
	table->resource.name = table->resource.source;
	if (!table->resource.source)
		return no_memory(reading);
	status = read_columns(table);
	if (!status)
		status = read_indexes(table);
	return status ? status : read_links(table);
}

static uint32_t give_tables(struct reading *reading, const char *source,
			    const struct consort_resource_sink *sink)
{
	uint32_t status = CONSORT_OK;
	struct table table;
	int row;

	for (row = 0; !status && row < PQntuples(reading->relations.rows); row++) {
		consort_arena_reset(&reading->arena);
		status = read_table(reading, row, source, &table);
		if (status)
			break;
		if (!source && !table.resource.nattributes) /* there is nothing to read, or to write */
			continue;
		status = sink->resource(sink->context, &table.resource);
		if (status)
			consort_error_set(reading->error, status, "what was found could not be taken");
	}
	return status;
}

/* The oid of what a source names, in *out_found; a table, or the like. */
static uint32_t find_source(struct reading *reading, const char *source, PGresult **out_found)
{
	static const char sql[] = "SELECT oid, has_any_column_privilege(oid, 'SELECT, INSERT, UPDATE')"
				  " FROM pg_class WHERE oid = to_regclass($1)"
				  " AND relkind IN ('r', 'p', 'v', 'm', 'f')";
	struct consort_buffer name = CONSORT_BUFFER_INIT;
	const char *parameter;
	uint32_t status;

	pg_quote_source(source, &name);
	parameter = name.data;
	status = name.failed ? no_memory(reading)
			     : pg_query(reading->conn, sql, 1, &parameter, out_found, reading->error);
	consort_buffer_clear(&name);
	if (status)
		return status;
	if (!PQntuples(*out_found))
		status =
			consort_error_set(reading->error, CONSORT_ENOTFOUND,
					  "database '%s' has no table '%s'", PQdb(reading->conn->pq), source);
	else if (*PQgetvalue(*out_found, 0, 1) != 't')
		status = consort_error_set(reading->error, CONSORT_EPERMISSION,
					   "role '%s' may neither read nor write table '%s'",
					   reading->conn->user, source);
	if (status)
		consort_copy_text(reading->error->origin, sizeof(reading->error->origin),
				  reading->conn->database->name);
	return status;
}

static uint32_t read_catalogues(struct reading *reading, const char *oid)
{
	struct {
		const char *sql;
		struct listing *listing;
	} const catalogues[] = {
		{relations_sql, &reading->relations},
		{columns_sql, &reading->columns},
		{indexes_sql, &reading->indexes},
		{links_sql, &reading->links},
	};
	uint32_t status = CONSORT_OK;
	size_t i;

	for (i = 0; !status && i < sizeof(catalogues) / sizeof(*catalogues); i++)
		status = pg_query(reading->conn, catalogues[i].sql, 1, &oid, &catalogues[i].listing->rows,
				  reading->error);
	return status;
}

static uint32_t schema_introspect(void *connection, const struct consort_call *call, const char *source,
				  const struct consort_setting *settings, uint32_t nsettings,
				  const struct consort_resource_sink *sink, struct consort_error *error)
{
	struct pg_connection *conn = connection;
	struct reading reading = {.conn = conn, .error = error};
	PGresult *found = NULL;
	uint32_t status = pg_enter(conn, call, error);

	(void)settings;
	(void)nsettings;
	if (status)
		return status;
	consort_arena_init(&reading.arena, 0);
	status = pg_claim(conn, error);
	if (!status && source)
		status = find_source(&reading, source, &found);
	if (!status)
		status = read_catalogues(&reading, source ? PQgetvalue(found, 0, 0) : NULL);
	if (!status)
		status = give_tables(&reading, source, sink);
	PQclear(found);
	PQclear(reading.relations.rows);
	PQclear(reading.columns.rows);
	PQclear(reading.indexes.rows);
	PQclear(reading.links.rows);
	consort_arena_clear(&reading.arena);
	pg_leave(conn);
	return status;
}

const struct consort_schema_ops pg_schema_ops = {
	.struct_size = sizeof(pg_schema_ops),
	.introspect = schema_introspect,
	.define = pg_define,
	.drop = pg_drop,
};
