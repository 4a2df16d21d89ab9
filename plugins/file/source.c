/* SPDX-License-Identifier: Apache-2.0 */
/* What a resource's section says: its options to a format, its source to the files that it names. */
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
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
		return consort_error_set(
			options->error, CONSORT_EVALUE,
			"%s: '%.*s' is not one ASCII character; %s can be written as a word, and a "
			"manifest takes the character ; in double quotes only",
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

/* Where files are looked for, and those that were found. */
struct search {
	const char *folder;
	bool listing; /* only those whose name a reader knows */
	struct consort_arena *arena;
	struct file_source *source;
	uint32_t room; /* of source->files */
	struct consort_error *error;
};

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Keeps a name in the folder, unless it is no regular file's. */
static uint32_t keep_file(struct search *search, const char *path, const char *name)
{
	struct file_source *source = search->source;
	struct stat info;

	if (stat(path, &info) || !S_ISREG(info.st_mode))
		return CONSORT_OK;
	if (search->listing && !(file_reader_by_name(name) && consort_utf8_valid(name, strlen(name), NULL)))
		return CONSORT_OK;
	if (source->nfiles == search->room) {
		const uint32_t room = search->room ? search->room * 2 : 16;
		const char **files =
			room > search->room ? consort_arena_array(search->arena, room, sizeof(*files)) : NULL;

		if (!files)
			return consort_error_no_memory(search->error);
		if (source->nfiles)
			memcpy(files, source->files, source->nfiles * sizeof(*files));
		source->files = files;
		search->room = room;
	}
	source->files[source->nfiles] = consort_arena_text(search->arena, name);
	if (!source->files[source->nfiles])
		return consort_error_no_memory(search->error);
	source->nfiles++;
	return CONSORT_OK;
}

static uint32_t match(struct search *search, const char *below, const char *pattern);

/* A name that fits the first part of a pattern: a file if that is all of it, else a folder on the way. */
static uint32_t match_name(struct search *search, const char *name, const char *rest)
{
	const char *path = consort_arena_printf(search->arena, "%s/%s", search->folder, name);

	if (!path)
		return consort_error_no_memory(search->error);
	return *rest ? match(search, name, rest) : keep_file(search, path, name);
}

/* Files below a folder of the folder that match, by what readdir tells. (glob(3) frees twice when memory runs
 * out.) A folder that cannot be read is an error, not an empty one. */
static uint32_t match(struct search *search, const char *below, const char *pattern)
{
	const char *rest = pattern + strcspn(pattern, "/"), *separator = *below ? "/" : "";
	const char *path = consort_arena_printf(search->arena, "%s%s%s", search->folder, separator, below);
	const char *part = consort_arena_copy(search->arena, pattern, (size_t)(rest - pattern));
	uint32_t status = CONSORT_OK;
	struct dirent *entry;
	DIR *folder;

	if (!path || !part)
		return consort_error_no_memory(search->error);
	rest += strspn(rest, "/");
	folder = opendir(path);
	if (!folder)
		return errno == ENOENT || errno == ENOTDIR ? CONSORT_OK
							   : file_system_error(search->error, "read", path);
	while (!status && (errno = 0, entry = readdir(folder))) {
		const char *name;

		if (fnmatch(part, entry->d_name, FNM_PERIOD))
			continue;
		name = consort_arena_printf(search->arena, "%s%s%s", below, separator, entry->d_name);
		status = name ? match_name(search, name, rest) : consort_error_no_memory(search->error);
	}
	if (!status && errno)
		status = file_system_error(search->error, "read", path);
	closedir(folder);
	return status;
}

static uint32_t match_all(struct search *search, const char *pattern)
{
	uint32_t status = match(search, "", pattern);

	if (search->source->nfiles)
		qsort(search->source->files, search->source->nfiles, sizeof(*search->source->files),
		      by_bytes);
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
	match_all(search, "*");
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
		return keep_file(search, path, name);
	}
	if (errno != ENOENT && errno != ENOTDIR)
		return file_system_error(search->error, "open", name);
	status = match_all(search, name);
	return status || search->source->nfiles ? status : not_found(search, name);
}

uint32_t file_source_find(const struct file_database *database, struct consort_arena *arena, const char *name,
			  const struct consort_setting *settings, uint32_t nsettings, struct file_source *out,
			  struct consort_error *error)
{
	struct options options = {settings, nsettings, error};
	struct search search = {database->folder, !name, arena, out, 0, error};
	uint32_t status = read_format(&options, out);

	if (status)
		return status;
	return name ? find_files(&search, name) : match_all(&search, "*");
}
