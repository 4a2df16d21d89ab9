/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_RESOURCES_H
#define CONSORT_RESOURCES_H

/*
 * The catalogue: which resource lives where, and what it looks like. Names come from the manifest, or from
 * introspection where a database is exposed whole; attributes from both.
 *
 *     catalog.c  entries by name
 *     check.c    relationships against what is known of both ends
 *     merge.c    a declaration and what introspection found, into one struct consort_resource
 *     copy.c     what an adapter tells, into an arena
 *     settings.c a section's options, by what its adapter lists
 */

#include <consort/resource.h>

#include "base/base.h"
#include "manifest/manifest.h"
#include "pool/pool.h"

/* What the record calls keep for a resource; theirs alone (handle/access.c). */
struct consort_access;

/* A resource by name. Lives as long as the catalogue. */
struct consort_entry {
	const char *name;
	const char *source;
	struct consort_database *database;
	const struct consort_manifest_resource *declared; /* NULL: exposed with its database */
	const struct consort_setting *settings;		  /* validated resource options */
	uint32_t nsettings;
	const struct consort_resource *resource;    /* atomic; NULL until it is described */
	const struct consort_resource *as_declared; /* atomic; the same without introspection */
	const struct consort_resource *sketch; /* atomic; what a listing can tell without introspection */
	struct consort_access *access;	       /* atomic */
	bool listed;			       /* of an exposed one: was there when its database was last listed */
};

struct consort_catalog {
	struct consort_manifest *manifest;
	struct consort_database **databases; /* in the manifest's order */
	uint32_t ndatabases;
	struct consort_map databases_by_name;
	struct consort_map declared; /* name → entry; immutable once open */
	uint32_t generation;	     /* atomic; counts what was forgotten, which makes plans stale */
	pthread_mutex_t lock;	     /* of all below, and of publishing what introspection told */
	struct consort_map exposed;  /* "database.name" → entry */
	struct consort_arena arena;  /* resources and exposed entries */
	void (*access_free)(struct consort_access *access);
};

/* To be called before anything is set. */
void consort_catalog_prepare(struct consort_catalog *catalog);
/* Adds the manifest's resources; manifest, databases and their map are set already. Checks their
 * options. */
enum consort_status consort_catalog_init(struct consort_catalog *catalog, struct consort_error *error);
void consort_catalog_clear(struct consort_catalog *catalog);

/* The database of that name; ENAME with the nearest one. */
enum consort_status consort_catalog_database(const struct consort_catalog *catalog, const char *name,
					     struct consort_database **out_database,
					     struct consort_error *error);
/* The entry of that name, listing an exposed database if need be; ENAME with the nearest one. */
enum consort_status consort_catalog_find(struct consort_catalog *catalog, struct consort_session *session,
					 const char *name, struct consort_entry **out_entry,
					 struct consort_error *error);
/* The entry's resource, connecting and introspecting it if that has not been done. */
enum consort_status consort_catalog_describe(struct consort_catalog *catalog, struct consort_session *session,
					     struct consort_entry *entry,
					     const struct consort_resource **out_resource,
					     struct consort_error *error);
/* What is declared alone. */
enum consort_status consort_catalog_declared(struct consort_catalog *catalog, struct consort_entry *entry,
					     const struct consort_resource **out_resource,
					     struct consort_error *error);
/* The same for a listing: a key or index of attributes that only introspection would tell is left out. */
enum consort_status consort_catalog_sketch(struct consort_catalog *catalog, struct consort_entry *entry,
					   const struct consort_resource **out_resource,
					   struct consort_error *error);
/* Forgets what was introspected of a database, since define or drop changed it; what is being introspected now is
 * not taken any more. */
void consort_catalog_forget(struct consort_catalog *catalog, const struct consort_database *database);
/* Differs when something was forgotten meanwhile: what was made of resources before must be looked at again. */
static inline uint32_t consort_catalog_generation(const struct consort_catalog *catalog)
{
	return __atomic_load_n(&catalog->generation, __ATOMIC_ACQUIRE);
}
/* Introspects an exposed database whole, so that its entries are in `exposed`, and listed while they are there. */
enum consort_status consort_catalog_list(struct consort_catalog *catalog, struct consort_session *session,
					 struct consort_database *database, struct consort_error *error);

/* --- settings.c --- */

/*
 * Checks the options of a section against those that the plugin lists for that scope (enum
 * consort_option_scope), adds defaults, and makes secrets known. Texts live in the manifest's arena. masked: the
 * same as they may be shown; may be NULL. where: the section's place.
 * EOPTION with the nearest known option; EVALUE; EOPTION for a required one that is missing.
 */
enum consort_status consort_settings_check(struct consort_manifest *manifest,
					   const struct consort_plugin *plugin, uint32_t scope,
					   const struct consort_manifest_entry *entries, uint32_t nentries,
					   const struct consort_manifest_entry *where,
					   const struct consort_setting **out_settings,
					   const struct consort_setting **out_masked, uint32_t *out_count,
					   struct consort_error *error);

/* --- check.c --- */

/* EMANIFEST with its place for a declared relationship of the entry that names an attribute which one of its ends does
 * not have, if that is known yet. resource: the entry's; NULL: it is not described. Caller holds the catalogue's
 * lock. */
enum consort_status consort_catalog_check(struct consort_catalog *catalog, const struct consort_entry *entry,
					  const struct consort_resource *resource, struct consort_error *error);
/* The same for a resource; takes the lock. */
enum consort_status consort_catalog_check_links(struct consort_catalog *catalog,
						const struct consort_resource *resource,
						struct consort_error *error);

/* --- copy.c --- */

/* A deep copy in the arena; NULL: no memory. */
struct consort_resource *consort_resource_copy(struct consort_arena *arena,
					       const struct consort_resource *resource);

/* --- merge.c --- */

/* The resource of an entry. found: from introspection, or NULL. sketch: names of attributes that are unknown
 * are no error. Caller holds the catalogue's lock. */
enum consort_status consort_resource_merge(struct consort_catalog *catalog, const struct consort_entry *entry,
					   const struct consort_resource *found, bool sketch,
					   const struct consort_resource **out_resource,
					   struct consort_error *error);

#endif
