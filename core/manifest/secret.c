/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ${env:NAME} and ${file:PATH} in values. They are replaced once, after quotes and comments were taken off,
 * so that what comes in may hold anything; $${ stands for ${ itself. Every text that came in is a secret, and
 * no message shows it, nor anything of the value around it.
 */
#include <errno.h>
#include <unistd.h>

#include "manifest/source.h"

#define LARGEST_FILE ((size_t)64 << 10)

struct expansion {
	struct consort_manifest *manifest;
	const struct consort_manifest_entry *entry;
	struct consort_buffer value;
	struct consort_error *error;
};

static enum consort_status add_variable(struct expansion *expansion, const char *name)
{
	const char *text = getenv(name);

	if (!text)
		return consort_manifest_fail(expansion->error, CONSORT_EMANIFEST, expansion->entry,
					     "%s: the environment variable '%s' is not set; set it before "
					     "the program starts",
					     expansion->entry->key, name);
	consort_buffer_text(&expansion->value, text);
	return CONSORT_OK;
}

/* A pipe is refused: there may be nobody to write what is waited for. */
static int load_file(struct expansion *expansion, const char *path, char **out_text, size_t *out_size)
{
	struct stat found;
	int file = -1, failed = consort_source_open(path, &file, &found);

	if (failed)
		return failed;
	if (S_ISFIFO(found.st_mode) || S_ISSOCK(found.st_mode))
		failed = ESPIPE;
	else
		failed = consort_source_load(file, &found, LARGEST_FILE, &expansion->manifest->arena,
					     out_text, out_size);
	close(file);
	return failed;
}

static enum consort_status add_file(struct expansion *expansion, const char *name)
{
	const struct consort_manifest_entry *entry = expansion->entry;
	const char *path = consort_manifest_path(expansion->manifest, entry, name);
	char *text = NULL;
	size_t size = 0;
	int failed = path ? load_file(expansion, path, &text, &size) : ENOMEM;

	errno = failed;
	if (failed == ENOMEM)
		return consort_error_no_memory(expansion->error);
	if (failed == EFBIG)
		return consort_manifest_fail(expansion->error, CONSORT_EMANIFEST, entry,
					     "%s: the file '%s' has more than %zu KiB; name the file that "
					     "has only this value",
					     entry->key, path, LARGEST_FILE >> 10);
	if (failed == ESPIPE)
		return consort_manifest_fail(expansion->error, CONSORT_EMANIFEST, entry,
					     "%s: '%s' is a pipe, not a file; write the value to a file",
					     entry->key, path);
	if (failed)
		return consort_manifest_fail(expansion->error, CONSORT_EMANIFEST, entry,
					     "%s: cannot read '%s': %m; make that file, or correct the path",
					     entry->key, path);
	if (size && text[size - 1] == '\n')
		size--;
	if (size && text[size] == '\n' && text[size - 1] == '\r')
		size--;
	consort_buffer_append(&expansion->value, text, size);
	return CONSORT_OK;
}

/* Appends what "env:NAME" or "file:PATH" stands for. */
static enum consort_status add_reference(struct expansion *expansion, const char *reference, size_t size)
{
	const struct consort_manifest_entry *entry = expansion->entry;
	struct consort_buffer *value = &expansion->value;
	char *text = consort_arena_copy(&expansion->manifest->arena, reference, size);
	size_t before = value->size;
	enum consort_status status;

	if (!text)
		return consort_error_no_memory(expansion->error);
	if (size > 4 && !strncmp(text, "env:", 4))
		status = add_variable(expansion, text + 4);
	else if (size > 5 && !strncmp(text, "file:", 5))
		status = add_file(expansion, text + 5);
	else
		status = consort_manifest_fail(expansion->error, CONSORT_EMANIFEST, entry,
					       "%s: '${' begins neither ${env:NAME} nor ${file:PATH}; write "
					       "$${ for the characters themselves",
					       entry->key);
	if (status)
		return status;
	if (value->failed || !consort_secret_add(expansion->manifest, value->data + before))
		return consort_error_no_memory(expansion->error);
	if (!consort_utf8_valid(value->data + before, value->size - before, NULL))
		return consort_manifest_fail(expansion->error, CONSORT_EMANIFEST, entry,
					     "%s: what ${%s} stands for is not UTF-8, or holds a NUL byte",
					     entry->key, text);
	if (value->size > CONSORT_MANIFEST_VALUE)
		return consort_manifest_fail(expansion->error, CONSORT_EMANIFEST, entry,
					     "%s: a value of more than %u bytes", entry->key,
					     CONSORT_MANIFEST_VALUE);
	return CONSORT_OK;
}

enum consort_status consort_manifest_expand(struct consort_manifest *manifest,
					    struct consort_manifest_entry *entry, struct consort_error *error)
{
	struct expansion expansion = {manifest, entry, CONSORT_BUFFER_INIT, error};
	const char *at = entry->value, *open, *close;
	enum consort_status status = CONSORT_OK;
	bool replaced = false;
	char *value;

	entry->shown = at;
	if (!strchr(at, '$') || !strstr(at, "${"))
		return CONSORT_OK;
	for (; (open = strstr(at, "${")); at = close + 1) {
		if (open > at && open[-1] == '$') {
			consort_buffer_append(&expansion.value, at, (size_t)(open - 1 - at));
			consort_buffer_text(&expansion.value, "${");
			close = open + 1;
			continue;
		}
		consort_buffer_append(&expansion.value, at, (size_t)(open - at));
		close = strchr(open, '}');
		if (!close) {
			status = consort_manifest_fail(error, CONSORT_EMANIFEST, entry,
						       "%s: the '}' of a '${' is missing; write $${ for the "
						       "characters themselves",
						       entry->key);
			goto out;
		}
		status = add_reference(&expansion, open + 2, (size_t)(close - open - 2));
		if (status)
			goto out;
		replaced = true;
	}
	consort_buffer_text(&expansion.value, at);
	value = expansion.value.failed
			? NULL
			: consort_arena_copy(&manifest->arena, expansion.value.data, expansion.value.size);
	if (!value) {
		status = consort_error_no_memory(error);
		goto out;
	}
	entry->value = value;
	entry->from_secret = replaced;
out:
	consort_buffer_clear(&expansion.value);
	return status;
}
