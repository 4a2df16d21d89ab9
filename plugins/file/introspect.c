/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Introspection: the beginning of each file is read to tell its columns and their types.
 */
#include "file.h"

#include <stdlib.h>

/* Reads the sample of each file and keeps a guess for each column. */
static uint32_t sample(struct file_scan *scan, struct file_convert *convert, const struct consort_call *call,
		       struct file_guess *guesses, struct consort_error *error)
{
	uint32_t file = scan->current, i, status;
	uint64_t taken = 0;
	bool more = true;

	for (;;) {
		status = file_scan_next(scan, call, &more, error);
		if (status || !more)
			return status;
		for (i = 0; i < scan->record.count; i++) {
			struct file_cell cell = file_record_cell(&scan->record, i);

			file_guess_add(&guesses[i], convert, &cell);
		}
		taken = scan->current == file ? taken + 1 : 1;
		file = scan->current;
		if (taken == scan->format.sample)
			file_scan_skip(scan);
	}
}

/* Attributes from columns and guesses, in the scan's arena. */
static uint32_t make_attributes(struct file_scan *scan, const struct file_guess *guesses,
				const struct consort_attribute *const **out_attributes,
				struct consort_error *error)
{
	uint32_t count = scan->record.count, i;
	struct consort_attribute *attributes = consort_arena_array(&scan->arena, count, sizeof(*attributes));
	const struct consort_attribute **list = consort_arena_array(&scan->arena, count, sizeof(*list));

	if (!attributes || !list)
		return consort_error_no_memory(error);
	for (i = 0; i < count; i++) {
		attributes[i].struct_size = sizeof(attributes[i]);
		attributes[i].type = file_guess_type(&guesses[i]);
		attributes[i].name = attributes[i].source = scan->record.columns[i].name;
		attributes[i].engine_type = attributes[i].codec = "";
		list[i] = &attributes[i];
	}
	*out_attributes = list;
	return CONSORT_OK;
}

/* Is the file to blame, and not the call? */
static bool blames_file(uint32_t status)
{
	return status == CONSORT_EPROTOCOL || status == CONSORT_ECONNECTION || status == CONSORT_ERANGE;
}

/*
 * Tells sink of one source. In a listing, one broken file does not hide the others: it is listed with what
 * was understood so far, and the query that reads it meets the error.
 */
static uint32_t describe(struct file_connection *connection, const struct consort_call *call,
			 const char *source, const char *name, bool listing,
			 const struct consort_setting *settings, uint32_t nsettings,
			 const struct consort_resource_sink *sink, struct consort_error *error)
{
	struct consort_resource resource = {.struct_size = sizeof(resource),
					    .flags = CONSORT_RESOURCE_READ_ONLY};
	struct file_guess *guesses = calloc(FILE_COLUMNS_MAX, sizeof(*guesses));
	struct file_convert convert = {0};
	struct file_scan *scan = NULL;
	uint32_t status;

	if (!guesses)
		return consort_error_no_memory(error);
	resource.name = name;
	resource.source = source;
	status = file_scan_open(connection, call, source, settings, nsettings, &scan, error);
	if (!status)
		status = sample(scan, &convert, call, guesses, error);
	if (listing && blames_file(status)) {
		connection->database->host->log(CONSORT_LOG_WARNING, connection->database->name,
						error->message);
		status = CONSORT_OK;
	}
	if (!status && scan && scan->reader->schemaless)
		resource.flags |= CONSORT_RESOURCE_OPEN;
	if (!status && scan) {
		resource.nattributes = scan->record.count;
		status = make_attributes(scan, guesses, &resource.attributes, error);
	}
	if (!status)
		status = sink->resource(sink->context, &resource);
	file_scan_close(scan);
	file_convert_clear(&convert);
	free(guesses);
	return status;
}

/* "flights" for flights.csv, but the whole name where another file has the same in front of its dot. */
static const char *short_name(struct consort_arena *arena, const char *const *files, uint32_t count,
			      uint32_t at)
{
	size_t size = (size_t)(strrchr(files[at], '.') - files[at]);
	uint32_t i;

	for (i = 0; i < count; i++)
		if (i != at && (size_t)(strrchr(files[i], '.') - files[i]) == size &&
		    !memcmp(files[i], files[at], size))
			return files[at];
	return size ? consort_arena_copy(arena, files[at], size) : files[at];
}

static uint32_t introspect(void *object, const struct consort_call *call, const char *source,
			   const struct consort_setting *settings, uint32_t nsettings,
			   const struct consort_resource_sink *sink, struct consort_error *error)
{
	struct file_connection *connection = object;
	struct consort_arena arena;
	const char **files = NULL;
	uint32_t count = 0, i, status;

	if (source)
		return describe(connection, call, source, source, false, settings, nsettings, sink, error);
	consort_arena_init(&arena, 0);
	status = file_check(connection, call, error);
	if (!status)
		status = file_list(connection, &arena, &files, &count, error);
	for (i = 0; i < count && !status; i++) {
		const char *name = short_name(&arena, files, count, i);

		status = name ? describe(connection, call, files[i], name, true, settings, nsettings, sink,
					 error)
			      : consort_error_no_memory(error);
	}
	consort_arena_clear(&arena);
	return status;
}

const struct consort_schema_ops file_schema_ops = {
	.struct_size = sizeof(file_schema_ops),
	.introspect = introspect,
};
