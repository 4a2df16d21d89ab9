/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far an import has come, in a small file next to what is imported (FILE.consort-resume), or in the
 * user's state folder if that folder cannot be written to. It is written before each batch, whole or not at
 * all, and removed at the end; so a run that was killed leaves the place before its last batch, and how many
 * records behind it may have been written.
 */
#include "import.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define END_SIZE (64u * 1024)
#define LARGEST_STATE (64u * 1024)

/* FNV-1a, 64 bits (G. Fowler, L. C. Noll, K.-P. Vo). */
static uint64_t hash_of(uint64_t hash, const void *data, size_t size)
{
	const unsigned char *byte = data;

	while (size--)
		hash = (hash ^ *byte++) * 1099511628211u;
	return hash;
}

#define HASH_START 14695981039346656037u

/* Goes on with the bytes from `at`. */
static enum consort_status hash_part(struct state *state, int fd, uint64_t at, char *data,
				     struct consort_error *error)
{
	ssize_t size = pread(fd, data, END_SIZE, (off_t)at);

	if (size < 0)
		return report_file(error, state->file, "read");
	state->fingerprint = hash_of(state->fingerprint, data, (size_t)size);
	return CONSORT_OK;
}

/* Of both ends of the file. */
static enum consort_status take_fingerprint(struct state *state, int fd, struct consort_error *error)
{
	char *data = malloc(END_SIZE);
	enum consort_status status;

	if (!data)
		return consort_error_no_memory(error);
	state->fingerprint = HASH_START;
	status = hash_part(state, fd, 0, data, error);
	if (!status && state->size > END_SIZE)
		status = hash_part(state, fd, state->size - END_SIZE, data, error);
	free(data);
	return status;
}

/* Makes a folder and those above it. */
static bool make_folders(char *path)
{
	char *slash;

	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return false;
		*slash = '/';
	}
	return true;
}

/* FILE.consort-resume, or a name made of the file's in $XDG_STATE_HOME; NULL if there is no place. */
static char *choose_path(const char *file)
{
	const char *state_home = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *real = realpath(file, NULL), *path = NULL, *slash;
	bool writable;

	if (!real)
		return NULL;
	slash = strrchr(real, '/');
	*slash = '\0';
	writable = !access(*real ? real : "/", W_OK);
	*slash = '/';
	if (writable) {
		if (asprintf(&path, "%s.consort-resume", real) < 0)
			path = NULL;
	} else if (state_home && *state_home == '/') {
		if (asprintf(&path, "%s/consort/import-%016llx.consort-resume", state_home,
			     (unsigned long long)hash_of(HASH_START, real, strlen(real))) < 0)
			path = NULL;
	} else if (home && *home == '/') {
		if (asprintf(&path, "%s/.local/state/consort/import-%016llx.consort-resume", home,
			     (unsigned long long)hash_of(HASH_START, real, strlen(real))) < 0)
			path = NULL;
	}
	free(real);
	if (path && !writable && !make_folders(path)) {
		free(path);
		path = NULL;
	}
	return path;
}

enum consort_status state_init(struct state *state, int fd, const char *file, const char *resource,
			       struct consort_error *error)
{
	struct stat status;

	memset(state, 0, sizeof(*state));
	state->file = file;
	state->resource = resource;
	if (fstat(fd, &status))
		return report_file(error, file, "read");
	if (!S_ISREG(status.st_mode))
		return CONSORT_OK;
	state->size = (uint64_t)status.st_size;
	state->inode = (uint64_t)status.st_ino;
	state->device = (uint64_t)status.st_dev;
	state->modified = (uint64_t)status.st_mtim.tv_sec * 1000000000u + (uint64_t)status.st_mtim.tv_nsec;
	state->path = choose_path(file);
	return take_fingerprint(state, fd, error);
}

void state_clear(struct state *state)
{
	free(state->path);
	memset(state, 0, sizeof(*state));
}

/* The members of the file that are numbers. */
static const struct {
	const char *name;
	size_t offset;
} numbers[] = {
	{"size", offsetof(struct state, size)},
	{"inode", offsetof(struct state, inode)},
	{"device", offsetof(struct state, device)},
	{"modified", offsetof(struct state, modified)},
	{"fingerprint", offsetof(struct state, fingerprint)},
	{"offset", offsetof(struct state, done.offset)},
	{"line", offsetof(struct state, done.line)},
	{"record", offsetof(struct state, done.record)},
	{"pending", offsetof(struct state, pending)},
	{"rejects_size", offsetof(struct state, rejects_size)},
};

#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static void print_state(const struct state *state, struct consort_buffer *out)
{
	size_t i;

	report_json_text(out, "{", "consort", "import");
	report_json_text(out, ",", "resource", state->resource);
	for (i = 0; i < NUMBERS; i++) {
		uint64_t number;

		memcpy(&number, (const char *)state + numbers[i].offset, sizeof(number));
		consort_buffer_printf(out, ",\"%s\":%llu", numbers[i].name, (unsigned long long)number);
	}
	consort_buffer_text(out, "}\n");
}

/* Under this name it is written, before it takes its own; NULL: no memory. */
static char *new_path(const struct state *state)
{
	char *path;

	return asprintf(&path, "%s.new", state->path) < 0 ? NULL : path;
}

enum consort_status state_save(const struct state *state, struct tool *tool, struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	enum consort_status status;
	char *path;
	int fd;

	if (!state->path)
		return CONSORT_OK;
	path = new_path(state);
	if (!path)
		return consort_error_no_memory(error);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0) {
		status = report_file(error, path, "write");
		free(path);
		return status;
	}
	print_state(state, &text);
	status = text.failed ? (enum consort_status)consort_error_no_memory(error) :
			       report_write(tool, fd, path, text.data, text.size, error);
	if (close(fd) && !status)
		status = report_file(error, path, "write");
	if (!status && rename(path, state->path))
		status = report_file(error, state->path, "write");
	if (status)
		unlink(path);
	consort_buffer_clear(&text);
	free(path);
	return status;
}

void state_remove(const struct state *state)
{
	char *path = state->path ? new_path(state) : NULL;

	if (state->path)
		unlink(state->path);
	if (path)
		unlink(path);
	free(path);
}

/* What a state's file says, beside what it is compared with. */
struct saved {
	struct state state;
	char resource[256];
	size_t members;
};

static uint32_t read_member(void *context, struct consort_view key, const struct consort_json_value *value)
{
	struct saved *saved = context;
	size_t i, size = value->text.size < 255 ? (size_t)value->text.size : 255;
	char digits[256];

	if (value->kind == CONSORT_JSON_STRING && key.size == 8 && !memcmp(key.data, "resource", 8)) {
		memcpy(saved->resource, value->text.data, size);
		saved->resource[size] = '\0';
		saved->members++;
	}
	for (i = 0; value->kind == CONSORT_JSON_NUMBER && i < NUMBERS; i++)
		if (strlen(numbers[i].name) == key.size && !memcmp(numbers[i].name, key.data, key.size)) {
			uint64_t number;

			memcpy(digits, value->text.data, size);
			digits[size] = '\0';
			number = strtoull(digits, NULL, 10);
			memcpy((char *)&saved->state + numbers[i].offset, &number, sizeof(number));
			saved->members++;
		}
	return CONSORT_OK;
}

/* *out_found: there is one. It is whole, or an error. */
static enum consort_status read_state(const struct state *state, struct saved *saved, bool *out_found,
				      struct consort_error *error)
{
	struct consort_json_reader *reader = NULL;
	enum consort_status status = CONSORT_OK;
	struct consort_view document;
	char *data = NULL;
	ssize_t size;
	int fd;

	*out_found = false;
	fd = open(state->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? (uint32_t)CONSORT_OK : report_file(error, state->path, "read");
	data = malloc(LARGEST_STATE);
	reader = consort_json_reader_new();
	if (!data || !reader) {
		status = consort_error_no_memory(error);
		goto out;
	}
	size = read(fd, data, LARGEST_STATE);
	if (size < 0) {
		status = report_file(error, state->path, "read");
		goto out;
	}
	document.data = data;
	document.size = (uint64_t)size;
	if (consort_json_members(reader, document, read_member, saved, NULL) || saved->members != NUMBERS + 1)
		status = consort_error_set(
			error, CONSORT_EINVAL,
			"%s should tell how far an import of %s came, and cannot be read; look, "
			"then go on with --skip N, 0 to start over",
			state->path, state->file);
	*out_found = !status;
out:
	consort_json_reader_free(reader);
	free(data);
	close(fd);
	return status;
}

static bool same_file(const struct state *a, const struct state *b)
{
	return a->size == b->size && a->inode == b->inode && a->device == b->device &&
	       a->modified == b->modified && a->fingerprint == b->fingerprint;
}

enum consort_status state_load(struct state *state, bool resume, bool *out_found, struct consort_error *error)
{
	struct saved saved = {.members = 0};
	enum consort_status status;
	bool found, same;

	*out_found = false;
	if (!state->path)
		return resume ? consort_error_set(error, CONSORT_EINVAL,
						  "%s: cannot be resumed: it is no file, or there is "
						  "no place to keep how far it came",
						  state->file)
			      : (uint32_t)CONSORT_OK;
	status = read_state(state, &saved, &found, error);
	if (status || !found)
		return status;
	same = same_file(state, &saved.state);
	if (!same && !resume)
		return CONSORT_OK;
	if (!same)
		return consort_error_set(
			error, CONSORT_EINVAL,
			"%s has changed since its import stopped behind record %llu; go on there with "
			"--skip %llu, or start over with --skip 0",
			state->file, (unsigned long long)saved.state.done.record,
			(unsigned long long)saved.state.done.record);
	if (strcmp(saved.resource, state->resource))
		return consort_error_set(
			error, CONSORT_EINVAL,
			"an import of %s into %s is not finished; finish it with --resume, or start this one "
			"with --skip 0",
			state->file, saved.resource);
	if (!resume)
		return consort_error_set(
			error, CONSORT_EINVAL,
			"an earlier import of %s into %s stopped behind record %llu; go on with --resume, "
			"or start over with --skip 0",
			state->file, state->resource, (unsigned long long)saved.state.done.record);
	state->done = saved.state.done;
	state->pending = saved.state.pending;
	state->rejects_size = saved.state.rejects_size;
	*out_found = true;
	return CONSORT_OK;
}
