/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a resource's section says: its options to a format, its source to the files that it names.
 */
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

static uint32_t character_option(const struct consort_setting *setting, char *out,
				 struct consort_error *error)
{
	struct consort_view text = setting->value.as.view;

	if (text.size == 3 && !memcmp(text.data, "tab", 3))
		*out = '\t';
	else if (text.size == 4 && !memcmp(text.data, "none", 4) && !strcmp(setting->name, "quote"))
		*out = '\0';
	else if (text.size == 1 && (unsigned char)text.data[0] < 0x80 && !strchr("\r\n", text.data[0]))
		*out = text.data[0];
	else
		return consort_error_set(error, CONSORT_EVALUE,
					 "%s = %.*s is not one ASCII character; tab can be written"
					 " as a word",
					 setting->name, (int)text.size, text.data);
	return CONSORT_OK;
}

uint32_t file_format_read(const struct consort_setting *settings, uint32_t count, struct file_format *out,
			  struct consort_error *error)
{
	struct file_format format = {.sample = 20000, .delimiter = ',', .quote = '"', .header = true};
	uint32_t i, j, status = CONSORT_OK;

	for (i = 0; i < count && !status; i++) {
		const struct consort_setting *setting = &settings[i];
		const struct consort_value *value = &setting->value;

		if (consort_value_is_null(value))
			continue;
		if (!strcmp(setting->name, "format")) {
			for (j = 0; j < NREADERS; j++)
				if (value->as.view.size == strlen(readers[j]->name) &&
				    !memcmp(value->as.view.data, readers[j]->name, value->as.view.size))
					format.reader = readers[j];
		} else if (!strcmp(setting->name, "delimiter")) {
			status = character_option(setting, &format.delimiter, error);
		} else if (!strcmp(setting->name, "quote")) {
			status = character_option(setting, &format.quote, error);
		} else if (!strcmp(setting->name, "header")) {
			format.header = value->as.int64 != 0;
		} else if (!strcmp(setting->name, "null")) {
			format.null = value->as.view;
		} else if (!strcmp(setting->name, "sample")) {
			if (value->as.int64 < 0)
				return consort_error_set(error, CONSORT_EVALUE,
							 "sample = %" PRId64 " is negative; 0 reads"
							 " every record",
							 value->as.int64);
			format.sample = (uint64_t)value->as.int64;
		}
	}
	if (!status && format.delimiter == format.quote)
		status = consort_error_set(error, CONSORT_EVALUE,
					   "delimiter and quote are the same character");
	if (!status)
		*out = format;
	return status;
}

/* --- from a source to files --- */

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

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, and without what is no regular file. `skip`: bytes in front of the part of a path that is kept. */
static uint32_t keep_files(struct consort_arena *arena, char *const *paths, size_t count, size_t skip,
			   const char ***out_files, uint32_t *out_count, struct consort_error *error)
{
	const char **files = consort_arena_array(arena, count, sizeof(*files));
	struct stat status;
	uint32_t kept = 0;
	size_t i;

	if (!files)
		return consort_error_no_memory(error);
	for (i = 0; i < count && kept < UINT32_MAX; i++) {
		if (stat(paths[i], &status) || !S_ISREG(status.st_mode))
			continue;
		files[kept] = consort_arena_text(arena, paths[i] + skip);
		if (!files[kept++])
			return consort_error_no_memory(error);
	}
	qsort(files, kept, sizeof(*files), by_bytes);
	*out_files = files;
	*out_count = kept;
	return CONSORT_OK;
}

/* Files in the folder that match. GLOB_ERR: a folder that cannot be read is an error, not an empty one. */
static uint32_t match(const char *folder, const char *pattern, struct consort_arena *arena,
		      const char ***out_files, uint32_t *out_count, struct consort_error *error)
{
	char *whole = consort_arena_alloc(arena, 2 * strlen(folder) + strlen(pattern) + 2), *end = whole;
	glob_t found = {0};
	uint32_t status;
	const char *at;
	int result;

	if (!whole)
		return consort_error_no_memory(error);
	for (at = folder; *at; *end++ = *at++)
		if (strchr("*?[]\\", *at))
			*end++ = '\\';
	*end = '/';
	strcpy(end + 1, pattern);
	result = glob(whole, GLOB_ERR | GLOB_NOSORT, NULL, &found);
	if (result == GLOB_NOSPACE)
		status = consort_error_no_memory(error);
	else if (result == GLOB_ABORTED && errno != ENOENT)
		status = file_system_error(error, "read", folder);
	else
		status = keep_files(arena, found.gl_pathv, found.gl_pathc, strlen(folder) + 1, out_files,
				    out_count, error);
	globfree(&found);
	return status;
}

uint32_t file_list(const struct file_connection *connection, struct consort_arena *arena,
		   const char ***out_files, uint32_t *out_count, struct consort_error *error)
{
	const char **files = NULL;
	uint32_t count = 0, kept = 0, i;
	uint32_t status = match(connection->database->folder, "*", arena, &files, &count, error);

	if (status)
		return status;
	for (i = 0; i < count; i++)
		if (file_reader_by_name(files[i]) && consort_utf8_valid(files[i], strlen(files[i]), NULL))
			files[kept++] = files[i];
	*out_files = files;
	*out_count = kept;
	return CONSORT_OK;
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

static uint32_t not_found(const struct file_connection *connection, struct consort_arena *arena,
			  const char *source, struct consort_error *error)
{
	const char **files = NULL, *folder = connection->database->folder;
	struct consort_error ignored;
	uint32_t count = 0;
	char hint[300];

	if (strpbrk(source, "*?["))
		return consort_error_set(error, CONSORT_ENOTFOUND, "no file in '%s' matches '%s'", folder,
					 source);
	if (file_list(connection, arena, &files, &count, &ignored))
		count = 0;
	return consort_error_set(error, CONSORT_ENOTFOUND, "no file '%s' in '%s'%s", source, folder,
				 consort_hint(consort_nearest(source, files, count), hint, sizeof(hint)));
}

uint32_t file_find(struct file_scan *scan, const char *source, struct consort_error *error)
{
	const char *folder = scan->connection->database->folder;
	char *path = consort_arena_printf(&scan->arena, "%s/%s", folder, source);
	struct stat info;
	uint32_t status;

	if (!path)
		return consort_error_no_memory(error);
	if (escapes(source))
		return consort_error_set(error, CONSORT_EVALUE,
					 "source '%s' leaves the folder '%s'; a source is a file or a"
					 " glob in the folder",
					 source, folder);
	/* a name that is there is a file, whatever characters it has */
	if (!stat(path, &info)) {
		if (!S_ISREG(info.st_mode))
			return consort_error_set(error, CONSORT_ECONNECTION, "'%s' is not a regular file",
						 source);
		status = keep_files(&scan->arena, &path, 1, strlen(folder) + 1, &scan->files, &scan->nfiles,
				    error);
	} else if (errno != ENOENT && errno != ENOTDIR) {
		return file_system_error(error, "open", source);
	} else {
		status = match(folder, source, &scan->arena, &scan->files, &scan->nfiles, error);
	}
	if (!status && !scan->nfiles)
		status = not_found(scan->connection, &scan->arena, source, error);
	return status;
}
