/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_MANIFEST_H
#define CONSORT_MANIFEST_H

/*
 * The manifest: an INI file as sections of entries, checked as far as it can be without adapters.
 *
 *     include.c  the files: the one opened, and those it includes
 *     reader.c   a file's lines for inih's parser: continuations, quotes, comments, lengths
 *     secret.c   ${env:NAME} and ${file:PATH}
 *     manifest.c sections to what is below; what they have to agree on
 *     section.c  each section's keys; every mistake with file, line and the nearest known word
 *     resource.c the same for [resource NAME]
 *     option.c   values by their listed types
 *     add.c      databases from the command line
 *     source.h   what these files share
 */

#include <consort/resource.h>

#include "base/base.h"

/* A key with its value, and where it stands. Those of a manifest stay where they are until it is freed. */
struct consort_manifest_entry {
	const char *key;
	const char *value;     /* with ${…} replaced */
	const char *shown;     /* the same for messages: with ${…} as written */
	const char *file;
	uint32_t line;
	bool from_secret;      /* a ${…} was replaced */
	bool commented;        /* not quoted, and a comment was cut off behind it */
};

struct consort_manifest_plugin {
	const char *name;
	const char *library;   /* absolute, or a name for the plugin path; NULL: by type */
	const struct consort_manifest_entry *features; /* "-prepare_commit -join", unchecked; NULL: none */
	const struct consort_manifest_entry *where, *where_library;
};

/* pool.*; times in nanoseconds, 0: none. */
struct consort_pool_options {
	uint32_t max, min;
	int64_t acquire_timeout, idle_timeout, max_lifetime, keepalive, leak_warn;
};

/* What is not said in a [database]. */
extern const struct consort_pool_options consort_pool_defaults;

struct consort_manifest_database {
	const char *name;
	const char *type;
	bool expose_all;       /* resources = * */
	bool optional;
	int64_t timeout;       /* nanoseconds, 0: none */
	struct consort_pool_options pool;
	uint32_t noptions;
	const struct consort_manifest_entry *options; /* the adapter's, unchecked */
	const struct consort_manifest_entry *features; /* as a plugin's, for this database only */
	const struct consort_manifest_entry *where, *where_type;
};

struct consort_manifest_attribute {
	const char *name;
	const char *source;    /* NULL: the name */
	const char *codec;     /* NULL: default */
	struct consort_type type;
	uint32_t flags;        /* CONSORT_ATTRIBUTE_NOT_NULL, GENERATED, always DECLARED */
	const struct consort_manifest_entry *where;
};

struct consort_manifest_relationship {
	const char *name;
	const char *target;
	uint32_t npairs;
	const char *const *from;
	const char *const *to;
	const struct consort_manifest_entry *where;
};

struct consort_manifest_index {
	const char *name;
	uint32_t nattributes;
	const char *const *attributes;
	bool unique;
	const struct consort_manifest_entry *where;
};

struct consort_manifest_resource {
	const char *name;
	const char *database;
	const char *source;    /* NULL: the name */
	uint32_t nkeys, nattributes, nrelationships, nindexes, noptions;
	const char *const *keys;
	const struct consort_manifest_attribute *attributes;
	const struct consort_manifest_relationship *relationships;
	const struct consort_manifest_index *indexes;
	const struct consort_manifest_entry *options; /* the adapter's, unchecked */
	const struct consort_manifest_entry *where, *where_database, *where_keys;
};

struct consort_manifest {
	struct consort_arena arena;    /* holds all of it */
	const char *path;              /* as opened; "" for none */
	const char *folder;            /* absolute; relative paths in values start here, */
	const char *working;           /* absolute; but those of consort_manifest_add here */
	const char *plugin_path;       /* absolute folders, ':'-separated, or NULL */
	uint32_t log_level;            /* enum consort_log_level, 0: not set */
	const char *log_file;          /* absolute; NULL: standard error */
	const struct consort_manifest_entry *where_log;
	const char *state;             /* absolute folder, or NULL */
	uint64_t memory_limit;         /* of one query, bytes; 0: not set */
	uint32_t nplugins, ndatabases, nresources;
	struct consort_manifest_plugin *plugins;
	struct consort_manifest_database *databases;
	struct consort_manifest_resource *resources;
	uint32_t database_capacity;
};

/* Reads it; path NULL makes an empty one whose folder is the working folder. What came from ${…} is known as a
 * secret until it is freed. *out_manifest: _free it. */
enum consort_status consort_manifest_read(const char *path, struct consort_manifest **out_manifest,
					  struct consort_error *error);
/* Adds a database from "NAME=TYPE:OPTION=VALUE,…", exposed whole. */
enum consort_status consort_manifest_add(struct consort_manifest *manifest, const char *text,
					 struct consort_error *error);
void consort_manifest_free(struct consort_manifest *manifest);

/* An error at an entry: "consort.ini:12: …". Returns status. */
enum consort_status consort_manifest_fail(struct consort_error *error, enum consort_status status,
					  const struct consort_manifest_entry *where, const char *format, ...)
	CONSORT_PRINTF(4, 5) CONSORT_COLD;
/* Puts the entry's place in front of an error: "consort.ini:12: …". */
void consort_manifest_blame(struct consort_error *error, const struct consort_manifest_entry *where)
	CONSORT_COLD;

/* option.c: an option's value by its listed type (plugin.h); texts go to the arena. EVALUE tells what is
 * allowed; a secret's value is not shown. */
struct consort_option;
enum consort_status consort_manifest_option(struct consort_manifest *manifest,
					    const struct consort_manifest_entry *entry,
					    const struct consort_option *option,
					    struct consort_value *out_value, struct consort_error *error);

#endif
