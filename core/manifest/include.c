/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a manifest: the one that is opened and those that `include` in a file's [consort] names, which
 * come behind it in the order of their paths. A file that includes itself by any way is refused, and so is
 * more than anybody means: many files, deep chains, much text.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manifest/source.h"

#define MOST_BYTES ((size_t)64 << 20)
#define MOST_FILES 1000u
#define DEEPEST_INCLUDE 16u

/* A file being read; `from` is the one that includes it, by the entry `include`. */
struct file {
	const struct file *from;
	const struct consort_manifest_entry *include; /* NULL for the first */
	const char *path;
	uint32_t depth;
	dev_t device;
	ino_t inode;
};

struct walk {
	struct consort_manifest *manifest;
	struct consort_manifest_source *source;
	struct consort_error *error;
};

static enum consort_status read_file(struct walk *walk, struct file *file);

/* --- files --- */

int consort_source_open(const char *path, int *out_file, struct stat *out_found)
{
	/* a pipe that nobody writes to must not hang us */
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), failed;

	if (file >= 0 && !fstat(file, out_found) &&
	    (S_ISREG(out_found->st_mode) || !fcntl(file, F_SETFL, 0))) {
		*out_file = file;
		return 0;
	}
	failed = errno;
	if (file >= 0)
		close(file);
	return failed;
}

/* Twice as much room for the text. False: no memory. */
static bool grow(struct consort_arena *arena, char **text, size_t size, size_t *capacity)
{
	char *larger = consort_arena_alloc(arena, *capacity * 2 + 1);

	if (!larger)
		return false;
	memcpy(larger, *text, size);
	*text = larger;
	*capacity *= 2;
	return true;
}

int consort_source_load(int file, const struct stat *found, size_t limit, struct consort_arena *arena,
			char **out_text, size_t *out_size)
{
	bool known = S_ISREG(found->st_mode) && found->st_size > 0;
	size_t size = 0, capacity = known ? (size_t)found->st_size : 4096;
	char *text;
	ssize_t got;

	if (capacity > limit)
		return EFBIG;
	text = consort_arena_alloc(arena, capacity + 1);
	for (;;) {
		if (!text || (size == capacity && !grow(arena, &text, size, &capacity)))
			return ENOMEM;
		got = read(file, text + size, capacity - size);
		if (got < 0 && errno != EINTR)
			return errno;
		size += got > 0 ? (size_t)got : 0;
		if (size > limit)
			return EFBIG;
		if (!got || (known && size == capacity))
			break;
	}
	*out_text = text;
	*out_size = size;
	return 0;
}

/* --- includes --- */

/* "a.ini includes b.ini includes a.ini" */
static void print_chain(struct consort_buffer *out, const struct file *file)
{
	if (file->from) {
		print_chain(out, file->from);
		consort_buffer_text(out, " includes ");
	}
	consort_buffer_text(out, file->path);
}

static enum consort_status fail_chain(struct walk *walk, const struct file *file, const char *what)
{
	struct consort_buffer chain = CONSORT_BUFFER_INIT;
	enum consort_status status;

	print_chain(&chain, file);
	status = chain.failed ? consort_error_no_memory(walk->error)
			      : consort_manifest_fail(walk->error, CONSORT_EMANIFEST, file->include, "%s: %s",
						      what, chain.data);
	consort_buffer_clear(&chain);
	return status;
}

static enum consort_status fail_open(struct walk *walk, const struct file *file, int failed)
{
	const struct consort_manifest_entry *include = file->include;
	const char *path = include && include->from_secret ? include->shown : file->path;

	if (failed == ENOMEM)
		return consort_error_no_memory(walk->error);
	if (failed == EFBIG)
		return consort_manifest_fail(walk->error, CONSORT_EMANIFEST, include,
					     "cannot read '%s': a manifest has at most %zu bytes", path,
					     MOST_BYTES);
	errno = failed;
	return consort_manifest_fail(walk->error, CONSORT_EMANIFEST, include, "cannot open '%s': %m", path);
}

/* Refuses a file that is being read already, and too many of them. */
static enum consort_status check_chain(struct walk *walk, const struct file *file)
{
	const struct file *above;

	for (above = file->from; above; above = above->from)
		if (above->device == file->device && above->inode == file->inode)
			return fail_chain(walk, file, "a cycle of includes");
	if (file->depth > DEEPEST_INCLUDE)
		return fail_chain(walk, file, "includes are nested too deep, 16 files are allowed");
	if (walk->source->nfiles >= MOST_FILES)
		return fail_chain(walk, file, "too many files are included, 1000 are allowed");
	return CONSORT_OK;
}

static enum consort_status include_file(struct walk *walk, const struct file *from, const char *path,
					const struct consort_manifest_entry *include)
{
	struct file file = {.from = from, .include = include, .path = path, .depth = from->depth + 1};

	return read_file(walk, &file);
}

/* A folder that is not there has no files; any other reason not to look into it ends the search. */
static int stop_search(const char *folder, int failed)
{
	(void)folder;
	return failed != ENOENT && failed != ENOTDIR;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum consort_status include_matches(struct walk *walk, const struct file *from, const char *pattern,
					   const struct consort_manifest_entry *include)
{
	enum consort_status status = CONSORT_OK;
	glob_t found = {0};
	/* its own order depends on the locale */
	int failed = glob(pattern, GLOB_NOSORT, stop_search, &found);
	size_t i;

	if (failed == GLOB_NOSPACE)
		status = consort_error_no_memory(walk->error);
	else if (failed == GLOB_ABORTED)
		status = consort_manifest_fail(walk->error, CONSORT_EMANIFEST, include,
					       "cannot search '%s': %m", include->shown);
	if (!failed)
		qsort(found.gl_pathv, found.gl_pathc, sizeof(*found.gl_pathv), compare_paths);
	for (i = 0; !failed && !status && i < found.gl_pathc; i++)
		status = include_file(walk, from, found.gl_pathv[i], include);
	globfree(&found);
	return status;
}

/* What `include` names, seen from the folder of the file it stands in. */
static enum consort_status include_all(struct walk *walk, const struct file *from,
				       const struct consort_manifest_entry *include)
{
	const char *slash = strrchr(from->path, '/'), *p;
	bool wild = strpbrk(include->value, "*?[");
	struct consort_buffer path = CONSORT_BUFFER_INIT;
	enum consort_status status;

	if (!*include->value)
		return consort_manifest_fail(walk->error, CONSORT_EMANIFEST, include,
					     "'include' names no file");
	for (p = from->path; slash && *include->value != '/' && p <= slash; p++) {
		if (wild && strchr("*?[]\\", *p))
			consort_buffer_char(&path, '\\');
		consort_buffer_char(&path, *p);
	}
	consort_buffer_text(&path, include->value);
	if (path.failed)
		status = consort_error_no_memory(walk->error);
	else if (wild)
		status = include_matches(walk, from, path.data, include);
	else
		status = include_file(walk, from, path.data, include);
	consort_buffer_clear(&path);
	return status;
}

/* The file's text in the arena, without a byte order mark. */
static enum consort_status load(struct walk *walk, struct file *file, char **out_text, size_t *out_size)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct consort_manifest_source *source = walk->source;
	enum consort_status status;
	struct stat found;
	int opened = -1, failed = consort_source_open(file->path, &opened, &found);

	if (failed)
		return fail_open(walk, file, failed);
	file->device = found.st_dev;
	file->inode = found.st_ino;
	status = check_chain(walk, file);
	if (!status) {
		failed = consort_source_load(opened, &found, MOST_BYTES - source->size,
					     &walk->manifest->arena, out_text, out_size);
		if (failed)
			status = fail_open(walk, file, failed);
	}
	close(opened);
	if (status)
		return status;
	source->nfiles++;
	source->size += *out_size;
	if (!strncmp(*out_text, mark, strlen(mark))) {
		*out_text += strlen(mark);
		*out_size -= strlen(mark);
	}
	return CONSORT_OK;
}

static enum consort_status read_file(struct walk *walk, struct file *file)
{
	struct consort_manifest_source *source = walk->source;
	const struct consort_manifest_section *section;
	uint32_t first = source->nsections, i;
	enum consort_status status;
	char *text = NULL;
	size_t size = 0;

	status = load(walk, file, &text, &size);
	if (status)
		return status;
	file->path = consort_arena_text(&walk->manifest->arena, file->path);
	if (!file->path)
		return consort_error_no_memory(walk->error);
	status = consort_source_parse(source, walk->manifest, file->path, text, size, walk->error);
	while (!status && first < source->nsections &&
	       source->sections[first].kind != CONSORT_MANIFEST_CONSORT)
		first++;
	if (status || first == source->nsections)
		return status;
	section = &source->sections[first];
	for (i = 0; i < section->nentries; i++)
		if (!strcmp(section->entries[i].key, "include"))
			return include_all(walk, file, &section->entries[i]);
	return CONSORT_OK;
}

enum consort_status consort_source_read(struct consort_manifest_source *source,
					struct consort_manifest *manifest, const char *path,
					struct consort_error *error)
{
	struct walk walk = {manifest, source, error};
	struct file file = {.path = path};

	return read_file(&walk, &file);
}
