/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Introspection: the beginning of each file is read to tell its columns and their types. What it told is kept
 * with the database, so that a source is read once as long as its files do not change.
 */
#include "file.h"

#include <search.h>
#include <stdlib.h>
#include <sys/stat.h>

/* --- what is kept --- */

struct sample {
	struct consort_buffer key;   /* the source, and how it is read */
	struct consort_buffer state; /* sizes and times of its files then; empty: it is to be read */
	struct consort_arena arena;
	uint32_t count;
	const struct consort_attribute **attributes;
};

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct sample *)a)->key.data, ((const struct sample *)b)->key.data);
}

static void free_sample(void *object)
{
	struct sample *sample = object;

	consort_buffer_clear(&sample->key);
	consort_buffer_clear(&sample->state);
	consort_arena_clear(&sample->arena);
	free(sample);
}

void file_samples_free(struct file_database *database)
{
	tdestroy(database->samples, free_sample);
}

/* The sample of a source, out of the database or new: nobody else has it until it is given back. */
static struct sample *take_sample(struct file_database *database, const char *name,
				  const struct file_source *source)
{
	struct sample *sample = calloc(1, sizeof(*sample)), **found;

	if (!sample)
		return NULL;
	consort_buffer_printf(&sample->key, "%s %d %d %d %llu ", source->reader ? source->reader->name : "",
			      source->delimiter, source->quote, source->header,
			      (unsigned long long)source->sample);
	consort_buffer_quoted(&sample->key, source->null.data, (size_t)source->null.size, '"');
	consort_buffer_text(&sample->key, name);
	if (sample->key.failed) {
		free_sample(sample);
		return NULL;
	}
	pthread_mutex_lock(&database->lock);
	found = tfind(sample, &database->samples, by_key);
	if (found) {
		struct sample *known = *found;

		tdelete(known, &database->samples, by_key);
		free_sample(sample);
		sample = known;
	}
	pthread_mutex_unlock(&database->lock);
	return sample;
}

static void give_sample(struct file_database *database, struct sample *sample)
{
	struct sample **place;

	pthread_mutex_lock(&database->lock);
	place = tsearch(sample, &database->samples, by_key);
	/* there is no memory for it, or somebody else has read the same source meanwhile */
	if (!place || *place != sample)
		free_sample(sample);
	pthread_mutex_unlock(&database->lock);
}

/* Names, sizes and times of the files. */
static bool read_state(const struct file_database *database, const struct file_source *source,
		       struct consort_buffer *out)
{
	struct consort_buffer path = CONSORT_BUFFER_INIT;
	struct stat info = {0};
	uint32_t i;

	for (i = 0; i < source->nfiles; i++) {
		consort_buffer_reset(&path);
		consort_buffer_printf(&path, "%s/%s", database->folder, source->files[i]);
		if (path.failed)
			break;
		if (stat(path.data, &info))
			memset(&info, 0, sizeof(info));
		consort_buffer_printf(out, "%s %lld %lld %ld\n", source->files[i], (long long)info.st_size,
				      (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
	}
	consort_buffer_clear(&path);
	return i == source->nfiles && !out->failed;
}

/* --- reading --- */

/* Reads the sample of each file into the columns' guesses. */
static uint32_t read_files(struct file_scan *scan, const struct consort_call *call,
			   struct consort_error *error)
{
	uint32_t file = scan->current, i, status;
	uint64_t taken = 0;
	bool more = true;

	for (;;) {
		status = file_scan_next(scan, call, &more, error);
		if (status || !more)
			return status;
		for (i = 0; i < scan->record.count; i++)
			file_guess_add(scan, i);
		taken = scan->current == file ? taken + 1 : 1;
		file = scan->current;
		if (taken == scan->source->sample)
			file_lines_close(&scan->lines);
	}
}

static uint32_t make_attributes(struct sample *sample, const struct file_record *record,
				struct consort_error *error)
{
	struct consort_attribute *attributes =
		consort_arena_array(&sample->arena, record->count, sizeof(*attributes));
	uint32_t i;

	sample->attributes = consort_arena_array(&sample->arena, record->count, sizeof(*sample->attributes));
	if (!attributes || !sample->attributes)
		return consort_error_no_memory(error);
	for (i = 0; i < record->count; i++) {
		attributes[i].struct_size = sizeof(attributes[i]);
		attributes[i].type = file_guess_type(&record->columns[i].guess);
		attributes[i].name = attributes[i].source =
			consort_arena_text(&sample->arena, record->columns[i].name);
		attributes[i].engine_type = attributes[i].codec = "";
		if (!attributes[i].name)
			return consort_error_no_memory(error);
		sample->attributes[i] = &attributes[i];
	}
	sample->count = record->count;
	return CONSORT_OK;
}

/* Has the sample tell of the files as they are now. Of one that is broken it tells what came before. */
static uint32_t update(struct file_database *database, const struct file_source *source,
		       const struct consort_call *call, struct sample *sample, struct consort_error *error)
{
	struct consort_buffer state = CONSORT_BUFFER_INIT;
	struct file_scan *scan = NULL;
	uint32_t status = CONSORT_OK;

	if (!read_state(database, source, &state)) {
		status = consort_error_no_memory(error);
	} else if (!sample->state.data || strcmp(state.data, sample->state.data)) {
		consort_arena_reset(&sample->arena);
		consort_buffer_clear(&sample->state);
		sample->count = 0;
		status = file_scan_open(database, source, call, &scan, error);
		if (!status)
			status = read_files(scan, call, error);
		if (scan && make_attributes(sample, &scan->record, error))
			status = CONSORT_ENOMEM;
		file_scan_close(scan);
		if (!status) {
			sample->state = state;
			return CONSORT_OK;
		}
	}
	consort_buffer_clear(&state);
	return status;
}

/* --- telling --- */

/* Tells of one source. In a listing a broken file does not hide the others: it is listed with what was
 * understood so far, and the query that reads it meets the error. */
static uint32_t describe(struct file_database *database, const struct file_source *found,
			 const struct consort_call *call, struct consort_resource resource, bool listing,
			 const struct consort_resource_sink *sink, struct consort_error *error)
{
	const struct file_reader *reader =
		found->reader ? found->reader : file_reader_by_name(found->files[0]);
	struct sample *sample = take_sample(database, resource.source, found);
	uint32_t status;

	if (!sample)
		return consort_error_no_memory(error);
	status = update(database, found, call, sample, error);
	if (listing &&
	    (status == CONSORT_EPROTOCOL || status == CONSORT_ECONNECTION || status == CONSORT_ERANGE)) {
		database->host->log(CONSORT_LOG_WARNING, database->name, error->message);
		status = CONSORT_OK;
	}
	resource.flags = CONSORT_RESOURCE_READ_ONLY;
	if (reader && reader->schemaless)
		resource.flags |= CONSORT_RESOURCE_OPEN;
	resource.attributes = sample->attributes;
	resource.nattributes = sample->count;
	if (!status)
		status = sink->resource(sink->context, &resource);
	give_sample(database, sample);
	return status;
}

/* "flights" for flights.csv, but the whole name where another file has the same in front of its dot. */
static const char *short_name(struct consort_arena *arena, const struct file_source *source, uint32_t at)
{
	const char *file = source->files[at];
	size_t size = (size_t)(strrchr(file, '.') - file);
	uint32_t i;

	for (i = 0; i < source->nfiles; i++)
		if (i != at && !strncmp(source->files[i], file, size + 1) &&
		    !strchr(source->files[i] + size + 1, '.'))
			return file;
	return size ? consort_arena_copy(arena, file, size) : file;
}

static uint32_t introspect(void *connection, const struct consort_call *call, const char *source,
			   const struct consort_setting *settings, uint32_t nsettings,
			   const struct consort_resource_sink *sink, struct consort_error *error)
{
	struct consort_resource resource = {
		.struct_size = sizeof(resource), .name = source, .source = source};
	struct consort_arena arena;
	struct file_source found;
	uint32_t i, status;

	consort_arena_init(&arena, 0);
	status = consort_call_check(call, error);
	if (!status)
		status = file_source_find(connection, &arena, source, settings, nsettings, &found, error);
	if (!status && source)
		status = describe(connection, &found, call, resource, false, sink, error);
	for (i = 0; !status && !source && i < found.nfiles; i++) {
		struct file_source one = found;

		one.files += i;
		one.nfiles = 1;
		resource.source = one.files[0];
		resource.name = short_name(&arena, &found, i);
		status = resource.name ? describe(connection, &one, call, resource, true, sink, error)
				       : consort_error_no_memory(error);
	}
	consort_arena_clear(&arena);
	return status;
}

const struct consort_schema_ops file_schema_ops = {
	.struct_size = sizeof(file_schema_ops),
	.introspect = introspect,
};
