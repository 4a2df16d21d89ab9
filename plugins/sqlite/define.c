/* SPDX-License-Identifier: Apache-2.0 */
/* Making and dropping tables from a resource's declaration. */
#include "sqlite.h"

#include <stdio.h>
#include <string.h>

struct define {
	struct lite_connection *conn;
	const struct consort_resource *resource;
	uint32_t flags;
	const struct consort_text_sink *sink;
	struct consort_error *error;
};

#define KNOWN_FLAGS (CONSORT_SCHEMA_DRY_RUN | CONSORT_SCHEMA_IF_NEEDED)

/* Shows a statement, and runs it unless this is a dry run. Takes the buffer's text. */
static uint32_t run(const struct define *define, struct consort_buffer *sql)
{
	uint32_t status = CONSORT_OK;
	int code;

	if (sql->failed) {
		consort_buffer_clear(sql);
		return consort_error_no_memory(define->error);
	}
	if (!(define->flags & CONSORT_SCHEMA_DRY_RUN)) {
		code = sqlite3_exec(define->conn->db, sql->data, NULL, NULL, NULL);
		if (code)
			status = lite_fail(define->conn, code, define->resource, define->error);
	}
	consort_buffer_text(sql, ";\n");
	if (!status && define->sink && define->sink->write(define->sink->context, sql->data, sql->size))
		status = consort_error_set(define->error, CONSORT_EENGINE,
					   "the statements could not be shown");
	consort_buffer_clear(sql);
	return status;
}

static bool is_strict(const struct consort_resource *resource)
{
	uint32_t i;

	for (i = 0; i < resource->nsettings; i++)
		if (!strcmp(resource->settings[i].name, "strict"))
			return resource->settings[i].value.as.int64 != 0;
	return true;
}

/* --- what is there --- */

/* The kind of object of that name in sqlite_schema, or "" */
static uint32_t kind_of(const struct define *define, const char *type, const char *name, char *out,
			size_t size)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(
		define->conn->db,
		"SELECT type FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE AND (?2 IS NULL OR "
		"type = ?2) AND type <> 'trigger'",
		-1, &stmt, NULL);

	*out = '\0';
	if (!code)
		code = sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	if (!code && type)
		code = sqlite3_bind_text(stmt, 2, type, -1, SQLITE_STATIC);
	if (!code)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		consort_copy_text(out, size, (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return code == SQLITE_ROW || code == SQLITE_DONE
		       ? CONSORT_OK
		       : lite_fail(define->conn, code, define->resource, define->error);
}

static uint32_t has_column(const struct define *define, const char *column, bool *out)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(define->conn->db,
				      "SELECT 1 FROM pragma_table_xinfo(?1) WHERE name = ?2 COLLATE NOCASE",
				      -1, &stmt, NULL);

	if (!code)
		code = sqlite3_bind_text(stmt, 1, define->resource->source, -1, SQLITE_STATIC);
	if (!code)
		code = sqlite3_bind_text(stmt, 2, column, -1, SQLITE_STATIC);
	if (!code)
		code = sqlite3_step(stmt);
	*out = code == SQLITE_ROW;
	sqlite3_finalize(stmt);
	return code == SQLITE_ROW || code == SQLITE_DONE
		       ? CONSORT_OK
		       : lite_fail(define->conn, code, define->resource, define->error);
}

/* --- tables --- */

/* The column type that an attribute is stored in: one of STRICT's, or else a word that introspection reads
 * back. */
static const char *column_type(const struct consort_attribute *attribute, bool strict)
{
	const char *codec = attribute->codec ? attribute->codec : "";

	switch (attribute->type.id) {
	case CONSORT_TYPE_INT64:
		return "INTEGER";
	case CONSORT_TYPE_FLOAT64:
		return "REAL";
	case CONSORT_TYPE_BYTES:
		return "BLOB";
	case CONSORT_TYPE_BOOL:
		return strict ? "INTEGER" : "BOOLEAN";
	case CONSORT_TYPE_TIMESTAMP:
		if (!strict && (!*codec || !strcmp(codec, "iso")))
			return "DATETIME";
		return strcmp(codec, "iso") ? "INTEGER" : "TEXT";
	case CONSORT_TYPE_DATE:
		if (!strict && strcmp(codec, "days"))
			return "DATE";
		return strcmp(codec, "days") ? "TEXT" : "INTEGER";
	case CONSORT_TYPE_TIME:
		if (!strict && strcmp(codec, "us"))
			return "TIME";
		return strcmp(codec, "iso") ? "INTEGER" : "TEXT";
	case CONSORT_TYPE_UUID:
		if (!strict && strcmp(codec, "blob"))
			return "UUID";
		return strcmp(codec, "text") ? "BLOB" : "TEXT";
	case CONSORT_TYPE_OBJECTID:
		return strcmp(codec, "text") ? "BLOB" : "TEXT";
	case CONSORT_TYPE_JSON:
		return strict ? "TEXT" : "JSON";
	default:
		return "TEXT";
	}
}

/* A key that is one int64 becomes the row's own number. */
static bool has_row_number(const struct consort_resource *resource)
{
	return resource->nkeys == 1 && resource->attributes[resource->keys[0]]->type.id == CONSORT_TYPE_INT64;
}

/* A table that is its key's tree serves small rows with one search; big ones would make the tree deep. */
static bool without_rowid(const struct consort_resource *resource)
{
	uint32_t i;

	if (!resource->nkeys || has_row_number(resource))
		return false;
	for (i = 0; i < resource->nattributes; i++) {
		switch (resource->attributes[i]->type.id) {
		case CONSORT_TYPE_BYTES:
		case CONSORT_TYPE_JSON:
		case CONSORT_TYPE_LIST:
			return false;
		default:
			break;
		}
	}
	return true;
}

static void render_column(const struct consort_resource *resource, uint32_t at, bool strict,
			  struct consort_buffer *sql)
{
	const struct consort_attribute *attribute = resource->attributes[at];

	consort_sql_quote(sql, attribute->source);
	consort_buffer_printf(sql, " %s", column_type(attribute, strict));
	if (consort_resource_is_key(resource, at) && has_row_number(resource))
		consort_buffer_text(sql, " PRIMARY KEY");
	else if (consort_resource_is_key(resource, at) || (attribute->flags & CONSORT_ATTRIBUTE_NOT_NULL))
		consort_buffer_text(sql, " NOT NULL");
}

static uint32_t create_table(const struct define *define)
{
	const struct consort_resource *resource = define->resource;
	struct consort_buffer sql = CONSORT_BUFFER_INIT;
	bool strict = is_strict(resource), bare = without_rowid(resource);
	uint32_t i;

	consort_buffer_text(&sql, "CREATE TABLE ");
	consort_sql_quote(&sql, resource->source);
	for (i = 0; i < resource->nattributes; i++) {
		consort_buffer_text(&sql, i ? ",\n  " : " (\n  ");
		render_column(resource, i, strict, &sql);
	}
	for (i = 0; resource->nkeys && !has_row_number(resource) && i < resource->nkeys; i++) {
		consort_buffer_text(&sql, i ? ", " : ",\n  PRIMARY KEY (");
		consort_sql_quote(&sql, resource->attributes[resource->keys[i]]->source);
		if (i + 1 == resource->nkeys)
			consort_buffer_char(&sql, ')');
	}
	consort_buffer_printf(&sql, "\n)%s%s%s", strict ? " STRICT" : "", strict && bare ? "," : "",
			      bare ? " WITHOUT ROWID" : "");
	return run(define, &sql);
}

/* Attributes that a table lacks. */
static uint32_t add_columns(const struct define *define)
{
	const struct consort_resource *resource = define->resource;
	uint32_t i, status = CONSORT_OK;

	for (i = 0; !status && i < resource->nattributes; i++) {
		const struct consort_attribute *attribute = resource->attributes[i];
		struct consort_buffer sql = CONSORT_BUFFER_INIT;
		bool there;

		status = has_column(define, attribute->source, &there);
		if (status || there)
			continue;
		if (consort_resource_is_key(resource, i) || (attribute->flags & CONSORT_ATTRIBUTE_NOT_NULL))
			return consort_error_set(
				define->error, CONSORT_ECONFLICT,
				"table '%s' lacks the column '%s', which cannot be added since it must "
				"not be NULL",
				resource->source, attribute->source);
		consort_buffer_text(&sql, "ALTER TABLE ");
		consort_sql_quote(&sql, resource->source);
		consort_buffer_text(&sql, " ADD COLUMN ");
		render_column(resource, i, is_strict(resource), &sql);
		status = run(define, &sql);
	}
	return status;
}

/* --- indexes --- */

/* Its own name, or one made of what it indexes. */
static void name_index(const struct consort_resource *resource, const struct consort_index *index,
		       struct consort_buffer *name)
{
	uint32_t i;

	if (index->name && *index->name) {
		consort_buffer_text(name, index->name);
		return;
	}
	consort_buffer_text(name, resource->source);
	for (i = 0; i < index->nattributes; i++)
		consort_buffer_printf(name, "_%s", resource->attributes[index->attributes[i]]->source);
	consort_buffer_text(name, index->flags & CONSORT_INDEX_UNIQUE ? "_key" : "_index");
}

static uint32_t create_index(const struct define *define, const struct consort_index *index)
{
	const struct consort_resource *resource = define->resource;
	struct consort_buffer sql = CONSORT_BUFFER_INIT, name = CONSORT_BUFFER_INIT;
	uint32_t status = CONSORT_OK, i;
	char kind[16] = "";

	name_index(resource, index, &name);
	if (name.failed)
		status = consort_error_no_memory(define->error);
	if (!status && (define->flags & CONSORT_SCHEMA_IF_NEEDED))
		status = kind_of(define, "index", name.data, kind, sizeof(kind));
	if (!status && !*kind) {
		consort_buffer_printf(&sql, "CREATE %sINDEX ",
				      index->flags & CONSORT_INDEX_UNIQUE ? "UNIQUE " : "");
		consort_sql_quote(&sql, name.data);
		consort_buffer_text(&sql, " ON ");
		consort_sql_quote(&sql, resource->source);
		for (i = 0; i < index->nattributes; i++) {
			consort_buffer_text(&sql, i ? ", " : " (");
			consort_sql_quote(&sql, resource->attributes[index->attributes[i]]->source);
		}
		consort_buffer_char(&sql, ')');
		status = run(define, &sql);
	}
	consort_buffer_clear(&name);
	return status;
}

static uint32_t define_all(const struct define *define)
{
	const struct consort_resource *resource = define->resource;
	struct lite_storage storage;
	uint32_t status, i;
	char kind[16];

	if (!resource->nattributes)
		return consort_error_set(define->error, CONSORT_EINVAL, "resource '%s' has no attributes",
					 resource->name);
	for (i = 0; i < resource->nattributes; i++) {
		status = lite_storage_of(resource, resource->attributes[i], &storage, define->error);
		if (status)
			return status;
	}
	status = kind_of(define, NULL, resource->source, kind, sizeof(kind));
	if (status)
		return status;
	if (*kind && (strcmp(kind, "table") || !(define->flags & CONSORT_SCHEMA_IF_NEEDED)))
		return consort_error_set(define->error, CONSORT_ECONFLICT, "'%s' has a %s '%s' already",
					 define->conn->database->path, kind, resource->source);
	status = *kind ? add_columns(define) : create_table(define);
	for (i = 0; !status && i < resource->nindexes; i++)
		status = create_index(define, resource->indexes[i]);
	return status;
}

static uint32_t drop_all(const struct define *define)
{
	struct consort_buffer sql = CONSORT_BUFFER_INIT;
	char kind[16];
	uint32_t status = kind_of(define, NULL, define->resource->source, kind, sizeof(kind));

	if (status)
		return status;
	if (!*kind) {
		if (define->flags & CONSORT_SCHEMA_IF_NEEDED)
			return CONSORT_OK;
		return consort_error_set(define->error, CONSORT_ENOTFOUND, "'%s' has no table '%s'",
					 define->conn->database->path, define->resource->source);
	}
	consort_buffer_text(&sql, strcmp(kind, "view") ? "DROP TABLE " : "DROP VIEW ");
	consort_sql_quote(&sql, define->resource->source);
	return run(define, &sql);
}

/* All of it or nothing. */
static uint32_t change_schema(void *connection, const struct consort_call *call,
			      const struct consort_resource *resource, uint32_t flags,
			      const struct consort_text_sink *sink,
			      uint32_t (*change)(const struct define *define), struct consort_error *error)
{
	struct lite_connection *conn = connection;
	struct define define = {conn, resource, flags, sink, error};
	bool dry = flags & CONSORT_SCHEMA_DRY_RUN, grouped = false;
	uint32_t status = lite_enter(conn, call, error);

	if (status)
		return status;
	if (flags & ~KNOWN_FLAGS)
		status = consort_error_set(error, CONSORT_EUNSUPPORTED, "unknown flags of define");
	if (!status && !dry) {
		status = lite_settle(conn, error);
		if (!status)
			status = lite_group_begin(conn, error);
		grouped = !status;
		conn->defined = true;
	}
	if (!status)
		status = change(&define);
	if (grouped)
		status = lite_group_end(conn, status, error);
	lite_leave(conn);
	return status;
}

uint32_t lite_define(void *connection, const struct consort_call *call,
		     const struct consort_resource *resource, uint32_t flags,
		     const struct consort_text_sink *sink, struct consort_error *error)
{
	return change_schema(connection, call, resource, flags, sink, define_all, error);
}

uint32_t lite_drop(void *connection, const struct consort_call *call, const struct consort_resource *resource,
		   uint32_t flags, const struct consort_text_sink *sink, struct consort_error *error)
{
	return change_schema(connection, call, resource, flags, sink, drop_all, error);
}
