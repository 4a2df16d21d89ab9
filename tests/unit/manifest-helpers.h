/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_MANIFEST_HELPERS_H
#define CONSORT_MANIFEST_HELPERS_H

/* What the tests of the manifest share. */

#include "manifest/manifest.h"
#include "testing.h"

/* Works in the case's folder, so that messages show short paths. */
void manifest_enter(void);
/* Reads it; a failure ends the case and shows the message. */
struct consort_manifest *manifest_file(const char *path);
/* The same for a consort.ini with this text, in the case's folder. */
struct consort_manifest *manifest_text(const char *text);
/* It must be refused with this status and message. */
void manifest_refuse_file(const char *path, enum consort_status status, const char *message);
/* The same for a consort.ini with this text, and EMANIFEST. */
void manifest_refuse(const char *text, const char *message);

#endif
