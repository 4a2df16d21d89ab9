/* SPDX-License-Identifier: Apache-2.0 */
/* Introspection: tables and views of the main database, through SQLite's own table-valued PRAGMAs. */
#include "sqlite.h"

#include <string.h>
#include <strings.h>

#include <consort/adapter.h>

/* One table while it is read. Everything lives in the arena. */
struct table {
	struct lite_connection *conn;
	struct consort_arena *arena;
	struct consort_error *error;
	struct consort_resource resource;
	bool view, strict, without_rowid, autoindex;
	struct consort_attribute *attributes; /* [resource.nattributes] */
	const struct consort_attribute **list;
	uint32_t *keys;
	bool *indexed; /* is alone under a unique index */
};

static uint32_t no_memory(const struct table *table)
{
	return consort_error_no_memory(table->error);
}

/* A statement with the table's name as its only parameter. */
static uint32_t ask(const struct table *table, const char *sql, const char *name, sqlite3_stmt **out_stmt)
{
	int code = sqlite3_prepare_v2(table->conn->db, sql, -1, out_stmt, NULL);

	if (!code)
		code = sqlite3_bind_text(*out_stmt, 1, name, -1, SQLITE_STATIC);
	return code ? lite_fail(table->conn, code, NULL, table->error) : CONSORT_OK;
}

/* Ends what `ask` began; code is what the last step answered. */
static uint32_t asked(const struct table *table, sqlite3_stmt *stmt, int code, uint32_t status)
{
	if (!status && code != SQLITE_DONE && code != SQLITE_ROW)
		status = lite_fail(table->conn, code, NULL, table->error);
	sqlite3_finalize(stmt);
	return status;
}

static const char *column_text(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text ? text : "";
}

static uint32_t find_attribute(const struct table *table, const char *source)
{
	uint32_t i;

	for (i = 0; i < table->resource.nattributes; i++)
		if (!strcasecmp(table->attributes[i].source, source))
			return i;
	return UINT32_MAX;
}

/* --- columns --- */

/* SQLite fixes the type of such a column, in a STRICT table. */
static bool is_fixed(const char *declared)
{
	static const char *const types[] = {"INT", "INTEGER", "REAL", "TEXT", "BLOB"};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcasecmp(types[i], declared))
			return true;
	return false;
}

/* A place for one more column, with its name; NULL: no memory. */
static struct consort_attribute *add_column(struct table *table, uint32_t *capacity, const char *name)
{
	struct consort_attribute *grown, *attribute;
	uint32_t n = table->resource.nattributes;

	if (n == *capacity) {
		*capacity = n ? n * 2 : 16;
		grown = consort_arena_array(table->arena, *capacity, sizeof(*grown));
		if (!grown)
			return NULL;
		if (n)
			memcpy(grown, table->attributes, n * sizeof(*grown));
		table->attributes = grown;
	}
	attribute = &table->attributes[n];
	attribute->struct_size = sizeof(*attribute);
	attribute->source = attribute->name = consort_arena_text(table->arena, name);
	attribute->engine_type = attribute->codec = "";
	if (!attribute->name)
		return NULL;
	table->resource.nattributes++;
	return attribute;
}

/* The number of each row goes by these names, where no column has them. */
static uint32_t add_row_numbers(struct table *table, uint32_t *capacity)
{
	static const char *const names[] = {"rowid", "oid", "_rowid_"};
	struct consort_attribute *attribute;
	size_t i;

	for (i = 0; i < 3 && !table->view && !table->without_rowid; i++) {
		if (find_attribute(table, names[i]) != UINT32_MAX)
			continue;
		attribute = add_column(table, capacity, names[i]);
		if (!attribute)
			return no_memory(table);
		attribute->type = consort_type_of(CONSORT_TYPE_INT64);
		attribute->flags = CONSORT_ATTRIBUTE_NOT_NULL | CONSORT_ATTRIBUTE_GENERATED |
				   CONSORT_ATTRIBUTE_STRICT | CONSORT_ATTRIBUTE_HIDDEN;
	}
	return CONSORT_OK;
}

static uint32_t read_column(struct table *table, uint32_t *capacity, sqlite3_stmt *stmt)
{
	struct consort_attribute *attribute = add_column(table, capacity, column_text(stmt, 0));
	int hidden = sqlite3_column_int(stmt, 5);

	if (!attribute)
		return no_memory(table);
	attribute->engine_type = consort_arena_text(table->arena, column_text(stmt, 1));
	if (!attribute->engine_type)
		return no_memory(table);
	attribute->type = lite_type_of(attribute->engine_type, table->strict, &attribute->flags);
	if (sqlite3_column_int(stmt, 2))
		attribute->flags |= CONSORT_ATTRIBUTE_NOT_NULL;
	if (sqlite3_column_type(stmt, 3) != SQLITE_NULL)
		attribute->flags |= CONSORT_ATTRIBUTE_GENERATED;
	if (hidden == 1) /* of a virtual table; 2 and 3 are computed */
		attribute->flags |= CONSORT_ATTRIBUTE_HIDDEN;
	else if (hidden)
		attribute->flags |= CONSORT_ATTRIBUTE_GENERATED | CONSORT_ATTRIBUTE_READ_ONLY;
	if (table->strict && is_fixed(attribute->engine_type))
		attribute->flags |= CONSORT_ATTRIBUTE_STRICT;
	return CONSORT_OK;
}

static uint32_t read_columns(struct table *table, const char *name)
{
	static const char sql[] =
		"SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1)"
		" ORDER BY hidden = 1, cid";
	uint32_t capacity = 0, n, i;
	sqlite3_stmt *stmt = NULL;
	uint32_t status = ask(table, sql, name, &stmt);
	int code = SQLITE_DONE, pk;

	while (!status && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		status = read_column(table, &capacity, stmt);
	status = asked(table, stmt, code, status);
	if (!status)
		status = add_row_numbers(table, &capacity);
	if (status)
		return status;
	n = table->resource.nattributes;
	table->list = consort_arena_array(table->arena, n, sizeof(*table->list));
	table->keys = consort_arena_array(table->arena, n, sizeof(*table->keys));
	table->indexed = consort_arena_array(table->arena, n, sizeof(*table->indexed));
	if (!table->list || !table->keys || !table->indexed)
		return no_memory(table);
	for (i = 0; i < n; i++)
		table->list[i] = &table->attributes[i];
	table->resource.attributes = table->list;
	/* the key's columns in its order, which pk counts from 1 */
	status = ask(table, "SELECT name, pk FROM pragma_table_xinfo(?1) WHERE pk > 0", name, &stmt);
	while (!status && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		i = find_attribute(table, column_text(stmt, 0));
		pk = sqlite3_column_int(stmt, 1);
		if (i == UINT32_MAX || pk < 1 || (uint32_t)pk > n)
			continue;
		table->keys[pk - 1] = i;
		table->resource.nkeys++;
	}
	return asked(table, stmt, code, status);
}

/* --- indexes --- */

/* The attributes of an index over columns alone; 0 if it has expressions. */
static uint32_t read_index_columns(struct table *table, const char *index, uint32_t *attributes,
				   uint32_t *out_count)
{
	static const char sql[] = "SELECT cid, name FROM pragma_index_xinfo(?1) WHERE key ORDER BY seqno";
	sqlite3_stmt *stmt = NULL;
	uint32_t status = ask(table, sql, index, &stmt), n = 0, at;
	bool plain = true;
	int code = SQLITE_DONE;

	while (!status && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		at = sqlite3_column_int(stmt, 0) < 0 ? UINT32_MAX
						     : find_attribute(table, column_text(stmt, 1));
		if (at == UINT32_MAX || n == table->resource.nattributes)
			plain = false;
		else
			attributes[n++] = at;
	}
	*out_count = plain ? n : 0;
	return asked(table, stmt, code, status);
}

static uint32_t add_index(struct table *table, const char *name, bool unique, const char *origin,
			  struct consort_index **list)
{
	uint32_t *attributes =
		consort_arena_array(table->arena, table->resource.nattributes, sizeof(*attributes));
	struct consort_index *index = consort_arena_alloc(table->arena, sizeof(*index));
	uint32_t status;

	if (!attributes || !index)
		return no_memory(table);
	status = read_index_columns(table, name, attributes, &index->nattributes);
	if (status || !index->nattributes)
		return status;
	if (unique && index->nattributes == 1)
		table->indexed[attributes[0]] = true;
	if (!strcmp(origin, "pk")) {
		table->autoindex = true;
		return CONSORT_OK; /* the key itself */
	}
	index->struct_size = sizeof(*index);
	index->flags = unique ? CONSORT_INDEX_UNIQUE : 0;
	index->name = !strcmp(origin, "c") ? consort_arena_text(table->arena, name) : "";
	index->attributes = attributes;
	list[table->resource.nindexes++] = index;
	return index->name ? CONSORT_OK : no_memory(table);
}

static uint32_t read_indexes(struct table *table, const char *name)
{
	static const char sql[] =
		"SELECT name, \"unique\", origin FROM pragma_index_list(?1) WHERE NOT partial"
		" ORDER BY seq DESC";
	static const char count_sql[] = "SELECT count(*) FROM pragma_index_list(?1)";
	struct consort_index **list = NULL;
	sqlite3_stmt *stmt = NULL;
	uint32_t status = ask(table, count_sql, name, &stmt);
	int code = SQLITE_DONE;

	if (!status && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		list = consort_arena_array(table->arena, (size_t)sqlite3_column_int(stmt, 0), sizeof(*list));
		if (!list)
			status = no_memory(table);
	}
	status = asked(table, stmt, code, status);
	if (status)
		return status;
	status = ask(table, sql, name, &stmt);
	while (!status && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		status = add_index(table, column_text(stmt, 0), sqlite3_column_int(stmt, 1) != 0,
				   column_text(stmt, 2), list);
	table->resource.indexes = (const struct consort_index *const *)list;
	return asked(table, stmt, code, status);
}

/* --- what the type's text says beside the type --- */

static uint32_t describe_column(struct table *table, uint32_t at)
{
	struct consort_attribute *attribute = &table->attributes[at];
	const char *declared = attribute->engine_type, *collation = "BINARY", *extra = "";
	bool key = table->resource.nkeys == 1 && table->keys[0] == at;

	if (table->view || attribute->flags & CONSORT_ATTRIBUTE_HIDDEN)
		return CONSORT_OK;
	if (key && !table->without_rowid && !table->autoindex && !strcasecmp(declared, "INTEGER")) {
		/* the row's own number */
		attribute->engine_type = "INTEGER PRIMARY KEY";
		attribute->flags |=
			CONSORT_ATTRIBUTE_NOT_NULL | CONSORT_ATTRIBUTE_GENERATED | CONSORT_ATTRIBUTE_STRICT;
		return CONSORT_OK;
	}
	if (key || table->indexed[at])
		extra = " UNIQUE";
	sqlite3_table_column_metadata(table->conn->db, "main", table->resource.source, attribute->source,
				      NULL, &collation, NULL, NULL, NULL);
	if (!collation || !strcasecmp(collation, "BINARY"))
		attribute->engine_type = consort_arena_printf(table->arena, "%s%s", declared, extra);
	else
		attribute->engine_type =
			consort_arena_printf(table->arena, "%s%s COLLATE %s", declared, extra, collation);
	return attribute->engine_type ? CONSORT_OK : no_memory(table);
}

/* --- foreign keys --- */

/* The columns of one foreign key; `to` without a name means the target's key. */
static uint32_t read_link(struct table *table, const char *name, int id, struct consort_relationship *link)
{
	static const char sql[] = "SELECT f.\"from\", coalesce(f.\"to\", (SELECT x.name FROM "
				  "pragma_table_xinfo(f.\"table\") AS x"
				  " WHERE x.pk = f.seq + 1)), count(*) OVER () FROM "
				  "pragma_foreign_key_list(?1) AS f WHERE f.id = ?2"
				  " ORDER BY f.seq";
	const char **from = NULL, **to = NULL;
	sqlite3_stmt *stmt = NULL;
	uint32_t status = ask(table, sql, name, &stmt);
	int code = SQLITE_DONE;

	if (!status)
		sqlite3_bind_int(stmt, 2, id);
	while (!status && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!from) {
			from = consort_arena_array(table->arena, (size_t)sqlite3_column_int(stmt, 2),
						   sizeof(*from));
			to = consort_arena_array(table->arena, (size_t)sqlite3_column_int(stmt, 2),
						 sizeof(*to));
		}
		if (!from || !to) {
			status = no_memory(table);
			break;
		}
		from[link->nattributes] = consort_arena_text(table->arena, column_text(stmt, 0));
		to[link->nattributes] = consort_arena_text(table->arena, column_text(stmt, 1));
		if (!from[link->nattributes] || !to[link->nattributes])
			status = no_memory(table);
		link->nattributes++;
	}
	link->from = from;
	link->to = to;
	return asked(table, stmt, code, status);
}

static uint32_t read_relationships(struct table *table, const char *name)
{
	static const char sql[] = "SELECT id, \"table\", count(*) OVER () FROM pragma_foreign_key_list(?1)"
				  " WHERE seq = 0 ORDER BY id DESC";
	const struct consort_relationship **list = NULL;
	sqlite3_stmt *stmt = NULL;
	uint32_t status = ask(table, sql, name, &stmt);
	int code = SQLITE_DONE;

	while (!status && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct consort_relationship *link = consort_arena_alloc(table->arena, sizeof(*link));

		if (!list)
			list = consort_arena_array(table->arena, (size_t)sqlite3_column_int(stmt, 2),
						   sizeof(*list));
		table->resource.relationships = list;
		if (!list || !link) {
			status = no_memory(table);
			break;
		}
		link->struct_size = sizeof(*link);
		link->target = consort_arena_text(table->arena, column_text(stmt, 1));
		status = link->target ? read_link(table, name, sqlite3_column_int(stmt, 0), link)
				      : no_memory(table);
		/* a key that the target does not have leads nowhere */
		if (status || !link->nattributes || !*link->to[0])
			continue;
		link->name =
			consort_relationship_name(table->arena, &table->resource, link, link->target);
		if (!link->name)
			status = no_memory(table);
		else
			list[table->resource.nrelationships++] = link;
	}
	return asked(table, stmt, code, status);
}

/* --- all of it --- */

static uint32_t read_table(struct table *table, const char *name)
{
	uint32_t status, i;

	table->resource.struct_size = sizeof(table->resource);
	table->resource.flags = table->view ? CONSORT_RESOURCE_READ_ONLY : 0;
	table->resource.name = table->resource.source = name;
	status = read_columns(table, name);
	if (!status)
		status = read_indexes(table, name);
	if (!status)
		status = read_relationships(table, name);
	for (i = 0; !status && i < table->resource.nattributes; i++)
		status = describe_column(table, i);
	table->resource.keys = table->keys;
	return status;
}

/* Reads every table that `list` names and hands it to the sink. A view that no longer fits its tables is
 * passed over when all are asked for. */
static uint32_t read_tables(struct lite_connection *conn, sqlite3_stmt *list, bool all,
			    const struct consort_resource_sink *sink, uint32_t *out_count,
			    struct consort_error *error)
{
	struct consort_arena arena;
	uint32_t status = CONSORT_OK;
	int code = SQLITE_DONE;

	consort_arena_init(&arena, 0);
	while (!status && (code = sqlite3_step(list)) == SQLITE_ROW) {
		struct table table = {.conn = conn, .arena = &arena, .error = error};
		const char *name = consort_arena_text(&arena, column_text(list, 0));

		table.view = !strcmp(column_text(list, 1), "view");
		table.without_rowid = sqlite3_column_int(list, 2) != 0;
		table.strict = sqlite3_column_int(list, 3) != 0;
		status = name ? read_table(&table, name) : consort_error_no_memory(error);
		if (status && all && table.view && (status == CONSORT_ENAME || status == CONSORT_EENGINE)) {
			conn->host->log(CONSORT_LOG_WARNING, conn->database->name, error->message);
			status = CONSORT_OK;
		} else if (!status) {
			++*out_count;
			status = sink->resource(sink->context, &table.resource);
			if (status)
				consort_error_set(error, status, "what was found could not be taken");
		}
		consort_arena_reset(&arena);
	}
	if (!status && code != SQLITE_DONE)
		status = lite_fail(conn, code, NULL, error);
	consort_arena_clear(&arena);
	return status;
}

static uint32_t schema_introspect(void *connection, const struct consort_call *call, const char *source,
				  const struct consort_setting *settings, uint32_t nsettings,
				  const struct consort_resource_sink *sink, struct consort_error *error)
{
	static const char sql[] =
		"SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'"
		" AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
		" AND (?1 IS NULL OR name = ?1) ORDER BY name";
	struct lite_connection *conn = connection;
	sqlite3_stmt *list = NULL;
	uint32_t count = 0, status = lite_enter(conn, call, error);
	int code;

	(void)settings;
	(void)nsettings;
	if (status)
		return status;
	code = sqlite3_prepare_v2(conn->db, sql, -1, &list, NULL);
	if (!code && source)
		code = sqlite3_bind_text(list, 1, source, -1, SQLITE_STATIC);
	status = code ? lite_fail(conn, code, NULL, error)
		      : read_tables(conn, list, !source, sink, &count, error);
	sqlite3_finalize(list);
	lite_leave(conn);
	if (!status && source && !count)
		status = consort_error_set(error, CONSORT_ENOTFOUND, "'%s' has no table '%s'",
					   conn->database->path, source);
	return status;
}

const struct consort_schema_ops lite_schema_ops = {
	.struct_size = sizeof(lite_schema_ops),
	.introspect = schema_introspect,
	.define = lite_define,
	.drop = lite_drop,
};
