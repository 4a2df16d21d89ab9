/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_CATALOG_H
#define CONSORT_CATALOG_H

/*
 * The catalogue: resources by name, as declared and introspected, and making them.
 */

#include <consort/error.h>
#include <consort/handle.h>
#include <consort/resource.h>

CONSORT_BEGIN

/*
 * The resource of that name ("flight", or "local.orders" in a database exposed whole), with all its
 * attributes; introspects it if that has not been done.
 * *out_resource: immutable, lives as long as the manifest is open (until the last handle and child of it is
 * closed); a later define of the same resource makes a new one. @since 0.1
 */
CONSORT_EXPORT enum consort_status consort_describe(struct consort *c, const char *resource,
						    const struct consort_resource **out_resource,
						    struct consort_error *error);

/* Bits of flags */
#define CONSORT_RESOURCES_DECLARED 1u /* only those of the manifest, connecting to nothing */

/*
 * Calls fn for each resource: the manifest's in their order, then those of databases exposed whole. A resource
 * that cannot be described (its database is down) comes with its error and what is declared. A status from fn
 * ends it and is returned.
 */
CONSORT_EXPORT enum consort_status
consort_resources(struct consort *c, uint32_t flags,
		  enum consort_status (*fn)(void *context, const struct consort_resource *resource,
					    const struct consort_error *error),
		  void *context, struct consort_error *error);

/* Bits of flags of define and drop */
#define CONSORT_DEFINE_DRY_RUN 1u   /* only tell what would be run */
#define CONSORT_DEFINE_IF_NEEDED 2u /* define: nothing to do if it is there; drop: if it is not */

/*
 * Makes what a declared resource needs: table or collection, key, indexes; or removes it with all its records.
 * *out_script: what was (or would be) run, in the engine's language; freed with consort_free; may be NULL.
 * Errors: EUNSUPPORTED; ECONFLICT if it is there; ENOTFOUND.
 */
CONSORT_EXPORT enum consort_status consort_define(struct consort *c, const char *resource, uint32_t flags,
						  char **out_script, struct consort_error *error);
CONSORT_EXPORT enum consort_status consort_drop(struct consort *c, const char *resource, uint32_t flags,
						char **out_script, struct consort_error *error);

CONSORT_END

#endif
