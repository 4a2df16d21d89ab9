/* SPDX-License-Identifier: Apache-2.0 */
/* What a resource's section says: its options to a format, its source to the files that it names. */
#include "file.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <consort/nearest.h>

static const struct file_reader *const readers[] = {&file_csv, &file_jsonl};
#define NREADERS (sizeof(readers) / sizeof(readers[0]))

/* --- options --- */

struct options {
	const struct consort_setting *settings;
	uint32_t count;
	struct consort_error *error;
};

/* The option's value; NULL if it is not there. */
static const struct consort_value *find(const struct options *options, const char *name)
{
	const struct consort_value *value = consort_setting_find(options->settings, options->count, name);

	return value && !consort_value_is_null(value) ? value : NULL;
}

static bool is(const struct consort_value *value, const char *word)
{
	return value->as.view.size == strlen(word) && !memcmp(value->as.view.data, word, strlen(word));
}

static uint32_t read_character(const struct options *options, const char *name, const char *word,
			       char meaning, char *out)
{
	const struct consort_value *value = find(options, name);

	if (!value)
		return CONSORT_OK;
	if (is(value, word))
		*out = meaning;
	else if (value->as.view.size == 1 && (unsigned char)*value->as.view.data < 0x80 &&
		 !strchr("\r\n", *value->as.view.data))
		*out = *value->as.view.data;
	else
		return consort_error_set(options->error, CONSORT_EVALUE,
					 "%s = %.*s is not one ASCII character; %s can be written as a word",
					 name, (int)value->as.view.size, value->as.view.data, word);
	return CONSORT_OK;
}

static uint32_t read_format(const struct options *options, struct file_source *source)
{
	const struct consort_value *format = find(options, "format"), *null = find(options, "null");
	const struct consort_value *header = find(options, "header"), *sample = find(options, "sample");
	uint32_t status;
	size_t i;

	*source = (struct file_source){.sample = 20000, .delimiter = ',', .quote = '"', .header = true};
	for (i = 0; format && i < NREADERS; i++)
		if (is(format, readers[i]->name))
			source->reader = readers[i];
	if (null)
		source->null = null->as.view;
	if (header)
		source->header = header->as.int64 != 0;
	if (sample && sample->as.int64 < 0)
		return consort_error_set(options->error, CONSORT_EVALUE,
					 "sample = %" PRId64 " is negative; 0 reads every record",
					 sample->as.int64);
	if (sample)
		source->sample = (uint64_t)sample->as.int64;
	status = read_character(options, "delimiter", "tab", '\t', &source->delimiter);
	if (!status)
		status = read_character(options, "quote", "none", '\0', &source->quote);
	if (!status && source->delimiter == source->quote)
		status = consort_error_set(options->error, CONSORT_EVALUE,
					   "delimiter and quote are the same character");
	return status;
}

/* --- files --- */

const struct file_reader *file_reader_by_name(const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t i, j;

	for (i = 0; dot && i < NREADERS; i++)
		for (j = 0; readers[i]->extensions[j]; j++)
			if (!strcasecmp(dot + 1, readers[i]->extensions[j]))
				return readers[i];
	return NULL;
}

/* Where files are looked for, and where they go. */
struct search {
	const char *folder;
	bool listing; /* only those whose name a reader knows */
	struct consort_arena *arena;
	struct file_source *source;
	struct consort_error *error;
};

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, and without what is no regular file. */
static uint32_t keep_files(const struct search *search, char *const *paths, size_t count)
{
	const char **files = consort_arena_array(search->arena, count, sizeof(*files));
	size_t folder = strlen(search->folder) + 1, i;
	struct stat info;
	uint32_t kept = 0;

	if (!files)
		return consort_error_no_memory(search->error);
	for (i = 0; i < count && kept < UINT32_MAX; i++) {
		const char *name = paths[i] + folder;

		if (stat(paths[i], &info) || !S_ISREG(info.st_mode))
			continue;
		if (search->listing &&
		    !(file_reader_by_name(name) && consort_utf8_valid(name, strlen(name), NULL)))
			continue;
		files[kept] = consort_arena_text(search->arena, name);
		if (!files[kept++])
			return consort_error_no_memory(search->error);
	}
	qsort(files, kept, sizeof(*files), by_bytes);
	search->source->files = files;
	search->source->nfiles = kept;
	return CONSORT_OK;
}

/* Files in the folder that match. GLOB_ERR: a folder that cannot be read is an error, not an empty one. */
static uint32_t match(const struct search *search, const char *pattern)
{
	char *whole = consort_arena_alloc(search->arena, 2 * strlen(search->folder) + strlen(pattern) + 2),
	     *end;
	glob_t found = {0};
	uint32_t status;
	const char *at;
	int result;

	if (!whole)
		return consort_error_no_memory(search->error);
	for (at = search->folder, end = whole; *at; *end++ = *at++)
		if (strchr("*?[]\\", *at))
			*end++ = '\\';
	*end = '/';
	strcpy(end + 1, pattern);
	result = glob(whole, GLOB_ERR | GLOB_NOSORT, NULL, &found);
	if (result == GLOB_NOSPACE)
		status = consort_error_no_memory(search->error);
	else if (result == GLOB_ABORTED && errno != ENOENT)
		status = file_system_error(search->error, "read", search->folder);
	else
		status = keep_files(search, found.gl_pathv, found.gl_pathc);
	globfree(&found);
	return status;
}

/* Nothing outside the folder: no absolute path, no "..". Symbolic links are the folder owner's decision. */
static bool escapes(const char *source)
{
	const char *part = source;

	if (*source == '/')
		return true;
	for (; *part; part += strspn(part, "/")) {
		size_t size = strcspn(part, "/");

		if (size == 2 && !memcmp(part, "..", 2))
			return true;
		part += size;
	}
	return false;
}

static uint32_t not_found(struct search *search, const char *name)
{
	struct consort_error *error = search->error, ignored;
	char hint[300];

	if (strpbrk(name, "*?["))
		return consort_error_set(error, CONSORT_ENOTFOUND, "no file in '%s' matches '%s'",
					 search->folder, name);
	search->listing = true;
	search->error = &ignored;
	match(search, "*");
	return consort_error_set(
		error, CONSORT_ENOTFOUND, "no file '%s' in '%s'%s", name, search->folder,
		consort_hint(consort_nearest(name, search->source->files, search->source->nfiles), hint,
			     sizeof(hint)));
}

/* A name that is there is a file, whatever characters it has. */
static uint32_t find_files(struct search *search, const char *name)
{
	char *path = consort_arena_printf(search->arena, "%s/%s", search->folder, name);
	struct stat info;
	uint32_t status;

	if (!path)
		return consort_error_no_memory(search->error);
	if (escapes(name))
		return consort_error_set(
			search->error, CONSORT_EVALUE,
			"source '%s' leaves the folder '%s'; a source is a file or a glob in the "
			"folder",
			name, search->folder);
	if (!stat(path, &info)) {
		if (!S_ISREG(info.st_mode))
			return consort_error_set(search->error, CONSORT_ECONNECTION,
						 "'%s' is not a regular file", name);
		return keep_files(search, &path, 1);
	}
	if (errno != ENOENT && errno != ENOTDIR)
		return file_system_error(search->error, "open", name);
	status = match(search, name);
	return status || search->source->nfiles ? status : not_found(search, name);
}

uint32_t file_source_find(const struct file_database *database, struct consort_arena *arena, const char *name,
			  const struct consort_setting *settings, uint32_t nsettings, struct file_source *out,
			  struct consort_error *error)
{
	struct options options = {settings, nsettings, error};
	struct search search = {database->folder, !name, arena, out, error};
	uint32_t status = read_format(&options, out);

	if (status)
		return status;
	return name ? find_files(&search, name) : match(&search, "*");
}
