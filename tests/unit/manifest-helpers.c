/* SPDX-License-Identifier: Apache-2.0 */
/* Reading manifests in tests, with what must come of it. */
#include "manifest-helpers.h"

#include <unistd.h>

void manifest_enter(void)
{
	CU_ASSERT_EQUAL_FATAL(chdir(testing_folder()), 0);
}

struct consort_manifest *manifest_file(const char *path)
{
	struct consort_manifest *manifest = NULL;
	struct consort_error error = CONSORT_ERROR_INIT;

	consort_manifest_read(path, &manifest, &error);
	TESTING_TEXT(error.message, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(manifest);
	return manifest;
}

struct consort_manifest *manifest_text(const char *text)
{
	manifest_enter();
	testing_write("consort.ini", text);
	return manifest_file("consort.ini");
}

void manifest_refuse_file(const char *path, enum consort_status status, const char *message)
{
	struct consort_manifest *manifest = NULL;
	struct consort_error error = CONSORT_ERROR_INIT;

	CU_ASSERT_EQUAL(consort_manifest_read(path, &manifest, &error), status);
	TESTING_TEXT(error.message, message);
	CU_ASSERT_EQUAL(error.status, status);
	CU_ASSERT_PTR_NULL(manifest);
	CU_ASSERT_EQUAL(consort_manifest_read(path, &manifest, NULL), status);
}

void manifest_refuse(const char *text, const char *message)
{
	manifest_enter();
	testing_write("consort.ini", text);
	manifest_refuse_file("consort.ini", CONSORT_EMANIFEST, message);
}
