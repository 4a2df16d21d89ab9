/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries: of a plan only the reading of a whole source is done here. The core filters, sorts, joins and
 * aggregates what comes out.
 */
#include "file.h"

#include <inttypes.h>
#include <stdlib.h>

#include <consort/nearest.h>

/* --- offer --- */

static uint32_t query_offer(void *database, const struct consort_node *tree, struct consort_offer *answer,
			    struct consort_error *error)
{
	(void)database;
	(void)error;
	consort_offer_scan(tree, answer, "files are only read; the core does the rest");
	return CONSORT_OK;
}

/* --- compile: the scan node says it all, and outlives what is compiled --- */

static uint32_t query_compile(void *database, const struct consort_statement *statement, void **out_compiled,
			      struct consort_error *error)
{
	if (statement->root->kind != CONSORT_NODE_SCAN)
		return consort_error_set(error, CONSORT_EUNSUPPORTED,
					 "files are only read: this plan is more than a scan");
	return consort_plain_compile(database, statement, out_compiled, error);
}

static const struct consort_attribute *attribute_of(const struct consort_node *scan, uint32_t column)
{
	return scan->resource->attributes[scan->attributes[column]];
}

static uint32_t query_explain(void *database, void *compiled, const struct consort_text_sink *sink,
			      struct consort_error *error)
{
	const struct consort_node *node = compiled;
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	uint32_t i, status;

	(void)database;
	consort_buffer_printf(&text, "read %s", node->resource->source);
	for (i = 0; i < node->nattributes; i++)
		consort_buffer_printf(&text, "%s %s", i ? "," : ": columns", attribute_of(node, i)->source);
	status = text.failed ? consort_error_no_memory(error)
			     : sink->write(sink->context, text.data, text.size);
	consort_buffer_clear(&text);
	return status;
}

/* --- cursor --- */

struct cursor {
	const struct consort_node *node;
	struct consort_arena arena; /* of source */
	struct file_source source;
	struct file_scan *scan;
	uint32_t columns[]; /* of the record, for each column of the node */
};

static uint32_t no_column(const struct cursor *cursor, const struct consort_attribute *attribute,
			  struct consort_error *error)
{
	const struct file_record *record = &cursor->scan->record;
	struct consort_nearest_search search;
	char hint[300];
	uint32_t i;

	consort_nearest_begin(&search, attribute->source);
	for (i = 0; i < record->count; i++)
		consort_nearest_consider(&search, record->columns[i].name);
	consort_error_set(error, CONSORT_ENAME, "%s has no column '%s'%s", cursor->scan->lines.name,
			  attribute->source, consort_hint(search.best, hint, sizeof(hint)));
	consort_copy_text(error->attribute, sizeof(error->attribute), attribute->name);
	return CONSORT_ENAME;
}

/* Finds the node's columns in the record; where files name none, these are what is looked for. */
static uint32_t bind_columns(struct cursor *cursor, struct consort_error *error)
{
	struct file_record *record = &cursor->scan->record;
	bool schemaless = cursor->scan->reader->schemaless;
	uint32_t i, status;

	for (i = 0; i < cursor->node->nattributes; i++) {
		const struct consort_attribute *attribute = attribute_of(cursor->node, i);
		size_t size = strlen(attribute->source);

		cursor->columns[i] = file_record_find(record, attribute->source, size, i);
		if (cursor->columns[i] != FILE_NO_COLUMN)
			continue;
		if (!schemaless)
			return no_column(cursor, attribute, error);
		cursor->columns[i] = record->count;
		status = file_record_add(record, attribute->source, size,
					 attribute->flags & CONSORT_ATTRIBUTE_DECLARED, error);
		if (status)
			return status;
	}
	record->fixed = true;
	return CONSORT_OK;
}

static void query_close(void *object)
{
	struct cursor *cursor = object;

	file_scan_close(cursor->scan);
	consort_arena_clear(&cursor->arena);
	free(cursor);
}

static uint32_t query_open(void *connection, const struct consort_call *call, void *compiled,
			   const struct consort_run *run, void **out_cursor, struct consort_error *error)
{
	const struct consort_node *node = compiled;
	const struct consort_resource *resource = node->resource;
	struct cursor *cursor = calloc(1, sizeof(*cursor) + node->nattributes * sizeof(cursor->columns[0]));
	uint32_t status;

	(void)run;
	if (!cursor)
		return consort_error_no_memory(error);
	cursor->node = node;
	consort_arena_init(&cursor->arena, 0);
	status = consort_call_check(call, error);
	if (!status)
		status = file_source_find(connection, &cursor->arena, resource->source, resource->settings,
					  resource->nsettings, &cursor->source, error);
	if (!status)
		status = file_scan_open(connection, &cursor->source, call, &cursor->scan, error);
	if (!status)
		status = bind_columns(cursor, error);
	if (status) {
		query_close(cursor);
		return status;
	}
	*out_cursor = cursor;
	return CONSORT_OK;
}

/* Says where a value stands, and what to write into the manifest so that it can be read. */
static uint32_t bad_value(const struct cursor *cursor, const struct consort_attribute *attribute,
			  bool inferred, struct consort_error *error)
{
	char text[512];
	uint32_t status = error->status;
	bool renamed = strcmp(attribute->name, attribute->source) != 0;

	if (status != CONSORT_ETYPE && status != CONSORT_ERANGE && status != CONSORT_ESYNTAX)
		return status;
	consort_copy_text(text, sizeof(text), error->message);
	file_scan_error(cursor->scan, cursor->scan->line, error, status,
			"column '%s': %s; %sattribute.%s = text%s%s%s", attribute->source, text,
			inferred ? "its type was inferred from the file's beginning, "
				 : "to read it as it is, declare ",
			attribute->name, renamed ? " from " : "", renamed ? attribute->source : "",
			inferred ? " declares another" : "");
	consort_copy_text(error->attribute, sizeof(error->attribute), attribute->name);
	consort_copy_text(error->resource, sizeof(error->resource), cursor->node->resource->name);
	return status;
}

static uint32_t append_row(struct cursor *cursor, struct consort_batch *batch, struct consort_error *error)
{
	struct file_scan *scan = cursor->scan;
	uint32_t i;

	for (i = 0; i < batch->ncolumns; i++) {
		const struct consort_attribute *attribute = attribute_of(cursor->node, i);
		bool inferred = !(attribute->flags & CONSORT_ATTRIBUTE_DECLARED);
		struct consort_value value;

		if (scan->record.columns[cursor->columns[i]].kind <= CONSORT_JSON_NULL) {
			consort_append_null(&batch->columns[i]);
			continue;
		}
		if (file_value(scan, cursor->columns[i], attribute->type, inferred, &value, error))
			return bad_value(cursor, attribute, inferred, error);
		if (consort_append_value(batch, &batch->columns[i], &value))
			return consort_error_no_memory(error);
	}
	return CONSORT_OK;
}

static uint32_t query_next(void *object, const struct consort_call *call, struct consort_batch *batch,
			   struct consort_error *error)
{
	struct cursor *cursor = object;
	uint32_t status = consort_call_check(call, error);
	bool more = true;

	while (!status) {
		status = file_scan_next(cursor->scan, call, &more, error);
		if (status)
			break;
		if (!more) {
			batch->flags |= CONSORT_BATCH_LAST;
			break;
		}
		status = append_row(cursor, batch, error);
		if (!status && consort_batch_end_row(batch))
			break;
	}
	return status;
}

const struct consort_query_ops file_query_ops = {
	.struct_size = sizeof(file_query_ops),
	.offer = query_offer,
	.compile = query_compile,
	.compiled_free = consort_plain_compiled_free,
	.open = query_open,
	.next = query_next,
	.close = query_close,
	.explain = query_explain,
};
