/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_LOADER_H
#define CONSORT_LOADER_H

/*
 * The loader: resolve, verify, open, negotiate; an error class each. Knows the contract, nothing of
 * databases or plans.
 *
 *     search.c    the plugin path, and candidates for a type   ENOPLUGIN
 *     verify.c    owner and mode of the file and its folders   EUNTRUSTED
 *     note.c      the ELF note, with bounds checks             EUNTRUSTED
 *     open.c      dlopen                                       ELOAD
 *     negotiate.c entry, versions, tables against bits         EABI
 *     features.c  names of features, and the slots that each bit requires
 *     plugins.c   the public functions of consort/plugins.h
 */

#include <consort/plugins.h>

#include "base/base.h"

/* What a file's note says; texts are NUL-terminated. */
struct consort_note_info {
	uint16_t abi_major, abi_minor;
	struct consort_features features;
	char id[33];
	char version[17];
};

/* Reads the note from a file without running it. EUNTRUSTED: no regular file, no ELF of this machine, broken, or
 * no note; the message says which and where. */
enum consort_status consort_note_read(const char *path, struct consort_note_info *out_note,
				      struct consort_error *error);

/* The folders to search, in order. plugin_path: ':'-separated, or NULL. */
struct consort_search {
	struct consort_arena arena;
	uint32_t nfolders;
	const char **folders;
};
enum consort_status consort_search_init(struct consort_search *search, const char *plugin_path,
					struct consort_error *error);
void consort_search_clear(struct consort_search *search);

/* resolve: the file for a type, or for a library's name or path. ENOPLUGIN lists every candidate and why it was
 * passed over. *out_path: canonical, freed by the caller. */
enum consort_status consort_loader_resolve(const struct consort_search *search, const char *type,
					   const char *library, char **out_path, struct consort_error *error);
/* verify: the canonical file and every folder above it belong to root or the user and are not writable by
 * others (a sticky folder passes). */
enum consort_status consort_loader_verify(const char *path, struct consort_error *error);

/* A loaded adapter: lives as long as the process. */
struct consort_adapter {
	const struct consort_plugin *plugin;
	const char *path;
};

/* All four steps, remembered by canonical path for the process: a second load of a file is a look-up.
 * type NULL: take whatever the library is. */
enum consort_status consort_loader_load(const struct consort_search *search, const char *type, const char *library,
					const struct consort_adapter **out_adapter, struct consort_error *error);

/* negotiate alone, on a descriptor: what load checks after the entry returned it. note may be NULL. */
enum consort_status consort_loader_negotiate(const struct consort_plugin *plugin, const char *path,
					     const struct consort_note_info *note,
					     const struct consort_host *host, struct consort_error *error);

#endif
