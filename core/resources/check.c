/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Declared relationships against what is known of both their ends, as soon as it is: at once where a database
 * cannot be introspected, else when the second of the two resources is described.
 */
#include "resources/resources.h"

/* What is known of an entry's attributes. */
struct known {
	const struct consort_resource *resource;	  /* described, or */
	const struct consort_manifest_resource *declared; /* all there will ever be; or NULL: not known yet */
};

static struct known known_of(const struct consort_entry *entry)
{
	struct known known = {__atomic_load_n(&entry->resource, __ATOMIC_ACQUIRE), NULL};

	if (!known.resource && !entry->database->absent &&
	    !consort_features_has(&entry->database->plugin->features, CONSORT_FEATURE_INTROSPECT))
		known.declared = entry->declared;
	return known;
}

static uint32_t count_of(const struct known *known)
{
	return known->resource ? known->resource->nattributes : known->declared->nattributes;
}

static const char *name_of(const struct known *known, uint32_t i)
{
	return known->resource ? known->resource->attributes[i]->name : known->declared->attributes[i].name;
}

static enum consort_status check_names(const struct consort_entry *entry, const struct known *known,
				       const char *const *names, uint32_t count,
				       const struct consort_manifest_entry *where,
				       struct consort_error *error)
{
	uint32_t i, j;

	for (i = 0; i < count && (known->resource || known->declared); i++) {
		struct consort_nearest_search nearest;
		char hint[160];

		for (j = 0; j < count_of(known) && strcmp(name_of(known, j), names[i]); j++)
			;
		if (j < count_of(known))
			continue;
		consort_nearest_begin(&nearest, names[i]);
		for (j = 0; j < count_of(known); j++)
			consort_nearest_consider(&nearest, name_of(known, j));
		return consort_manifest_fail(error, CONSORT_EMANIFEST, where,
					     "%s: %s has no attribute '%s'%s", where->key, entry->name,
					     names[i], consort_hint(nearest.best, hint, sizeof(hint)));
	}
	return CONSORT_OK;
}

static const struct consort_entry *find_entry(const struct consort_catalog *catalog, const char *name)
{
	const struct consort_entry *entry = consort_map_get(&catalog->declared, name);

	return entry ? entry : consort_map_get(&catalog->exposed, name);
}

enum consort_status consort_catalog_check(struct consort_catalog *catalog, const struct consort_entry *entry,
					  const struct consort_resource *resource,
					  struct consort_error *error)
{
	const struct known here = resource ? (struct known){resource, NULL} : known_of(entry);
	enum consort_status status = CONSORT_OK;
	uint32_t i;

	for (i = 0; entry->declared && i < entry->declared->nrelationships && !status; i++) {
		const struct consort_manifest_relationship *link = &entry->declared->relationships[i];
		const struct consort_entry *target = find_entry(catalog, link->target);
		struct known there;

		status = check_names(entry, &here, link->from, link->npairs, link->where, error);
		if (status || !target)
			continue;
		there = target == entry ? here : known_of(target);
		status = check_names(target, &there, link->to, link->npairs, link->where, error);
	}
	return status;
}

enum consort_status consort_catalog_check_links(struct consort_catalog *catalog,
						const struct consort_resource *resource,
						struct consort_error *error)
{
	const struct consort_entry *entry;
	enum consort_status status = CONSORT_OK;

	pthread_mutex_lock(&catalog->lock);
	entry = find_entry(catalog, resource->name);
	if (entry)
		status = consort_catalog_check(catalog, entry, resource, error);
	pthread_mutex_unlock(&catalog->lock);
	return status;
}
