/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_MANIFEST_SOURCE_H
#define CONSORT_MANIFEST_SOURCE_H

/* What the files of this layer share: sections as they are written, on their way to the manifest. */

#include <sys/stat.h>

#include "manifest/manifest.h"

/* Longest texts, in bytes. */
#define CONSORT_MANIFEST_NAME 127u
#define CONSORT_MANIFEST_VALUE (1u << 20)

enum consort_manifest_kind {
	CONSORT_MANIFEST_CONSORT,
	CONSORT_MANIFEST_PLUGIN,
	CONSORT_MANIFEST_DATABASE,
	CONSORT_MANIFEST_RESOURCE,
	CONSORT_MANIFEST_KINDS
};

/* A section as it is written. */
struct consort_manifest_section {
	enum consort_manifest_kind kind;
	uint32_t nentries;
	const struct consort_manifest_entry *where; /* its line: the kind's word, and the name ("" for none) */
	const struct consort_manifest_entry *entries;
};

/* Every section that was found; an included file's stand behind its includer's. */
struct consort_manifest_source {
	struct consort_manifest_section *sections;
	uint32_t nsections, capacity, nfiles;
	size_t size; /* of the files, in bytes */
};

static inline bool consort_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline char *consort_skip_blanks(const char *text)
{
	while (consort_is_blank(*text))
		text++;
	return (char *)(uintptr_t)text;
}

/* include.c: the file and all that it includes. */
enum consort_status consort_source_read(struct consort_manifest_source *source,
					struct consort_manifest *manifest, const char *path,
					struct consort_error *error);
/* Opens a file to be read, which never waits: 0, or an errno. */
int consort_source_open(const char *path, int *out_file, struct stat *out_found);
/* All of an open file, NUL-terminated, in the arena: 0, or an errno (EFBIG for more than limit bytes). */
int consort_source_load(int file, const struct stat *found, size_t limit, struct consort_arena *arena,
			char **out_text, size_t *out_size);

/* reader.c: appends one file's sections. `text` is edited in place and lives as long as the manifest. */
enum consort_status consort_source_parse(struct consort_manifest_source *source,
					 struct consort_manifest *manifest, const char *file, char *text,
					 size_t size, struct consort_error *error);
void consort_source_clear(struct consort_manifest_source *source);
/* The text between the quote at `text` and the one that closes it, a doubled one being one; `out` may be
 * `text`. Returns what stands behind, or NULL if nothing closes it. */
const char *consort_source_unquote(const char *text, char *out);

/* secret.c: sets value, shown and from_secret of an entry whose value is as written. */
enum consort_status consort_manifest_expand(struct consort_manifest *manifest,
					    struct consort_manifest_entry *entry,
					    struct consort_error *error);

/* What a message may show of an entry's value: nothing that came in by ${…}. */
static inline const char *consort_manifest_quotable(const struct consort_manifest_entry *entry,
						    const char *text)
{
	return entry->from_secret ? entry->shown : text;
}

/* manifest.c: refuses what is empty, too long, or has control characters; `noun` is for the message. */
enum consort_status consort_manifest_name(const struct consort_manifest_entry *where, const char *noun,
					  const char *name, struct consort_error *error);
/* option.c: absolute; NULL: no memory. */
const char *consort_manifest_path(struct consort_manifest *manifest,
				  const struct consort_manifest_entry *where, const char *path);

/* section.c: makes `object` of a section: the struct of its kind, or the manifest for [consort]. */
enum consort_status consort_manifest_section(struct consort_manifest *manifest,
					     const struct consort_manifest_section *section, void *object,
					     struct consort_error *error);
/* resource.c: the same for [resource NAME] */
enum consort_status consort_manifest_resource(struct consort_manifest *manifest,
					      const struct consort_manifest_section *section,
					      struct consort_manifest_resource *out_resource,
					      struct consort_error *error);

#endif
