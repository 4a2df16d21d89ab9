/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a manifest, and as a database's text: they are read or refused with a message, and what was
 * read holds what manifest.h promises. The file lies alone in a folder, so that includes find only itself.
 */
#include "fuzz.h"
#include "manifest/manifest.h"

#include <fcntl.h>
#include <unistd.h>

static char folder[] = "/tmp/fuzz-manifest-XXXXXX";
static int file; /* kept open: closing a file that was cut waits for the disk on some file systems */

static void leave(void)
{
	unlink("consort.ini");
	rmdir(folder);
}

static void enter(void)
{
	static bool entered;

	if (entered)
		return;
	FUZZ_CHECK(mkdtemp(folder) && !chdir(folder));
	file = open("consort.ini", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	FUZZ_CHECK(file >= 0);
	atexit(leave);
	entered = true;
}

static void check_name(const char *name)
{
	FUZZ_CHECK(*name && strlen(name) <= 127 && consort_utf8_valid(name, strlen(name), NULL));
}

static void check_entries(const struct consort_manifest_entry *entries, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		FUZZ_CHECK(consort_utf8_valid(entries[i].key, strlen(entries[i].key), NULL));
		FUZZ_CHECK(consort_utf8_valid(entries[i].value, strlen(entries[i].value), NULL));
		FUZZ_CHECK(entries[i].from_secret || strlen(entries[i].value) <= strlen(entries[i].shown));
		FUZZ_CHECK(*entries[i].file);
	}
}

static void check_resource(const struct consort_manifest *manifest,
			   const struct consort_manifest_resource *resource)
{
	uint32_t i, j, found = 0;

	check_name(resource->name);
	for (i = 0; i < manifest->ndatabases; i++)
		found += !strcmp(manifest->databases[i].name, resource->database);
	FUZZ_CHECK(found == 1);
	FUZZ_CHECK(!resource->source || *resource->source);
	for (i = 0; i < resource->nkeys; i++)
		check_name(resource->keys[i]);
	for (i = 0; i < resource->nattributes; i++) {
		check_name(resource->attributes[i].name);
		FUZZ_CHECK(resource->attributes[i].type.id < CONSORT_TYPE_COUNT);
	}
	for (i = 0; i < resource->nrelationships; i++) {
		FUZZ_CHECK(*resource->relationships[i].target && resource->relationships[i].npairs);
		for (j = 0; j < resource->relationships[i].npairs; j++) {
			check_name(resource->relationships[i].from[j]);
			check_name(resource->relationships[i].to[j]);
		}
	}
	for (i = 0; i < resource->nindexes; i++)
		FUZZ_CHECK(resource->indexes[i].nattributes);
	check_entries(resource->options, resource->noptions);
}

static void check_manifest(const struct consort_manifest *manifest)
{
	uint32_t i;

	for (i = 0; i < manifest->nplugins; i++)
		check_name(manifest->plugins[i].name);
	for (i = 0; i < manifest->ndatabases; i++) {
		check_name(manifest->databases[i].name);
		FUZZ_CHECK(*manifest->databases[i].type && !strpbrk(manifest->databases[i].name, ".,"));
		check_entries(manifest->databases[i].options, manifest->databases[i].noptions);
	}
	for (i = 0; i < manifest->nresources; i++)
		check_resource(manifest, &manifest->resources[i]);
}

static void check_error(enum consort_status status, const struct consort_error *error)
{
	FUZZ_CHECK(status == CONSORT_EMANIFEST || status == CONSORT_EVALUE);
	FUZZ_CHECK(error->status == status && *error->message);
	FUZZ_CHECK(consort_utf8_valid(error->message, strlen(error->message), NULL));
}

static void add(const uint8_t *data, size_t size)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_manifest *manifest = NULL;
	enum consort_status status;
	char *text = malloc(size + 1);

	FUZZ_CHECK(text && !consort_manifest_read(NULL, &manifest, NULL));
	memcpy(text, data, size);
	text[size] = '\0';
	status = consort_manifest_add(manifest, text, &error);
	if (status)
		check_error(status, &error);
	FUZZ_CHECK(manifest->ndatabases == (status ? 0 : 1));
	check_manifest(manifest);
	consort_manifest_free(manifest);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_manifest *manifest = NULL;
	enum consort_status status;

	enter();
	FUZZ_CHECK(pwrite(file, data, size, 0) == (ssize_t)size && !ftruncate(file, (off_t)size));
	status = consort_manifest_read("consort.ini", &manifest, &error);
	FUZZ_CHECK(!status == (manifest != NULL));
	if (status)
		check_error(status, &error);
	else
		check_manifest(manifest);
	consort_manifest_free(manifest);
	if (size)
		add(data, size);
	return 0;
}
