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
 *     open.c      dlopen, and the adapters that are loaded     ELOAD
 *     negotiate.c entry, versions, tables against bits         EABI
 *     features.c  names of features, and slots that are missing
 *     check.c     loading in a child process
 *     plugins.c   the public functions of consort/plugins.h
 *     host.c      the services that adapters are given
 *
 * No lock is held while plugin code, its constructors included, runs.
 */

#include <consort/plugins.h>
#include <consort/slots.h>

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
/* The syntax of ids ([a-z][a-z0-9_-]*, under 32 bytes) and versions (printable ASCII, 1 to 15 bytes). */
bool consort_id_valid(const char *id);
bool consort_version_valid(const char *version);

/* The folders to search, in order. plugin_path: ':'-separated, or NULL. */
struct consort_search {
	struct consort_arena arena;
	uint32_t nfolders;
	const char **folders;
};
enum consort_status consort_search_init(struct consort_search *search, const char *plugin_path,
					struct consort_error *error);
void consort_search_clear(struct consort_search *search);

/* A file that a search came by, examined without running it; or a folder that cannot be searched. */
struct consort_candidate {
	char *path;                    /* as found: folder of the path and name */
	char *canonical;               /* what would be opened; NULL if there is no such file */
	struct consort_note_info note; /* empty if it could not be read */
	struct consort_error error;    /* why it is passed over; status OK: it can be taken */
};
void consort_candidate_clear(struct consort_candidate *candidate);

/* Gets each candidate, which it may not keep. False ends the walk. */
typedef bool consort_candidate_fn(void *context, const struct consort_candidate *candidate);
/* All candidates for a type, the preferred first: consort-TYPE.so in every folder, then every other consort-*.so,
 * and the folders that cannot be searched. type NULL: every consort-*.so in the path's order, no folders. ENOMEM. */
enum consort_status consort_search_walk(const struct consort_search *search, const char *type,
					consort_candidate_fn *fn, void *context, struct consort_error *error);

/* resolve: the file for a type, or for a library's name or path, with its note; clear *out_candidate. Examines
 * it too, so that one that is not to be trusted or of another ABI is passed over. A search that ends with nothing
 * lists every candidate and why it was passed over, with the status of the first that was meant (EUNTRUSTED, EABI),
 * or ENOPLUGIN if none was. A library given by path answers with what is wrong with it. */
enum consort_status consort_loader_find(const struct consort_search *search, const char *type, const char *library,
					struct consort_candidate *out_candidate, struct consort_error *error);
/* verify: the canonical file and every folder above it belong to root or the user and are not writable by
 * others (a sticky folder passes). */
enum consort_status consort_loader_verify(const char *path, struct consort_error *error);
/* Its two halves, for who looks at many files of a folder: the folders above, and the file itself. */
enum consort_status consort_loader_verify_above(const char *path, struct consort_error *error);
enum consort_status consort_loader_verify_file(const char *path, struct consort_error *error);

/* A loaded adapter: lives as long as the process. */
struct consort_adapter {
	const struct consort_plugin *plugin;
	const char *path;
};

/* All four steps, remembered by canonical path for the process: a second load of a file is a look-up.
 * type NULL: take whatever the library is. */
enum consort_status consort_loader_load(const struct consort_search *search, const char *type, const char *library,
					const struct consort_adapter **out_adapter, struct consort_error *error);
/* open and negotiate of a candidate that was found; remembers nothing and takes no lock. */
enum consort_status consort_loader_open(const struct consort_candidate *candidate,
					const struct consort_plugin **out_plugin, struct consort_error *error);
/* The same in a child process that has `limit` milliseconds: a crash, an exit and a hang are ELOAD. */
enum consort_status consort_loader_try(const struct consort_candidate *candidate, int limit,
				       struct consort_error *error);

/* negotiate alone, on a descriptor: what load checks after the entry returned it. note may be NULL. */
enum consort_status consort_loader_negotiate(const struct consort_plugin *plugin, const char *path,
					     const struct consort_note_info *note,
					     const struct consort_host *host, struct consort_error *error);

/* The first slot, "write.upsert", that this feature requires and that is empty; NULL if none is. */
const char *consort_feature_empty_slot(const struct consort_plugin *plugin, uint32_t feature);

/* The feature without which this one means nothing; -1: it stands by itself. */
int32_t consort_feature_basis(uint32_t feature);

/* The services, one table for the process. */
const struct consort_host *consort_host_services(void);
/* A place for the lines of host->log, up to a level. From any thread; fn may log, but neither begin nor end a sink. */
struct consort_log_sink {
	struct consort_log_sink *next; /* private */
	uint32_t level;
	void (*fn)(void *context, uint32_t level, const char *origin, const char *text);
	void *context;
};
/* From now on it gets each line of the process, without secrets: who logs does not tell for which open manifest. */
void consort_host_log_begin(struct consort_log_sink *sink);
/* When this returns, no thread is inside its fn, nor will be. */
void consort_host_log_end(const struct consort_log_sink *sink);

#endif
