/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_RECORD_H
#define CONSORT_RECORD_H

/*
 * Records: one at a time by key, or many at once. No planner on these paths.
 */

#include <consort/cursor.h>
#include <consort/handle.h>

CONSORT_BEGIN

struct consort_record;

/* An empty record of a resource. An unknown resource is reported by the first use, and so is a lack of memory:
 * NULL may be set, and what writes it reports ENOMEM. */
CONSORT_EXPORT struct consort_record *consort_record_new(struct consort *c, const char *resource);
CONSORT_EXPORT void consort_record_free(struct consort_record *r);
/* Sets an attribute (copied); converted to its type where nothing is lost. The first error (ENAME, ETYPE, ERANGE;
 * EREADONLY for what the database computes) is kept and reported by create, update or upsert;
 * consort_record_status tells before. */
CONSORT_EXPORT void consort_record_set(struct consort_record *r, const char *attribute, struct consort_value value);
CONSORT_EXPORT enum consort_status consort_record_status(const struct consort_record *r,
							 struct consort_error *error);
/* Forgets all values and the error, for the next use. */
CONSORT_EXPORT void consort_record_clear(struct consort_record *r);

/* The resource's attributes, in order. */
CONSORT_EXPORT uint32_t consort_record_attributes(const struct consort_record *r);
CONSORT_EXPORT const char *consort_record_name(const struct consort_record *r, uint32_t index);
/* NULL for an attribute that is not set; what it borrows lives until the record changes. */
CONSORT_EXPORT struct consort_value consort_record_value(const struct consort_record *r, uint32_t index);
/* Typed, by name; as the accessors of cursors. */
CONSORT_EXPORT int consort_record_is_null(const struct consort_record *r, const char *attribute);
CONSORT_EXPORT int consort_record_bool(const struct consort_record *r, const char *attribute);
CONSORT_EXPORT int64_t consort_record_int64(const struct consort_record *r, const char *attribute);
CONSORT_EXPORT double consort_record_float64(const struct consort_record *r, const char *attribute);
CONSORT_EXPORT struct consort_decimal consort_record_decimal(const struct consort_record *r, const char *attribute);
CONSORT_EXPORT const char *consort_record_text(const struct consort_record *r, const char *attribute);
CONSORT_EXPORT struct consort_view consort_record_bytes(const struct consort_record *r, const char *attribute);
CONSORT_EXPORT int64_t consort_record_timestamp(const struct consort_record *r, const char *attribute);
CONSORT_EXPORT int32_t consort_record_date(const struct consort_record *r, const char *attribute);
CONSORT_EXPORT int64_t consort_record_time(const struct consort_record *r, const char *attribute);

/*
 * The record with that key. key: the key attributes' values in their order.
 * *out_record: if *out_record is a record of the same resource it is filled again, else it must be NULL and
 * gets a new one. Free it with consort_record_free.
 * Errors: ENOTFOUND; ENAME; ETYPE; what the database says.
 * @since 0.1
 */
CONSORT_EXPORT enum consort_status consort_get(struct consort *c, const char *resource, struct consort_args key,
					       struct consort_record **out_record, struct consort_error *error);
/* Creates it, and fills in what the database generated. ECONSTRAINT if it is there. */
CONSORT_EXPORT enum consort_status consort_create(struct consort *c, struct consort_record *r,
						  struct consort_error *error);
/* Writes the attributes that were set since the record was made or read, by its key. The others stay as they are in the
 * database, and are not read: consort_get does. ENOTFOUND. */
CONSORT_EXPORT enum consort_status consort_update(struct consort *c, struct consort_record *r,
						  struct consort_error *error);
/* Creates it or, if the key is there, writes the attributes that are set. Fills in what the database generated, and no
 * more: consort_get reads the whole. */
CONSORT_EXPORT enum consort_status consort_upsert(struct consort *c, struct consort_record *r,
						  struct consort_error *error);
/* ENOTFOUND if it was not there. */
CONSORT_EXPORT enum consort_status consort_delete(struct consort *c, const char *resource, struct consort_args key,
						  struct consort_error *error);

/*
 * Many records of one resource. Without CONSORT_MANY_CONTINUE it is all or nothing where the database has
 * atomic commits: the first failure undoes the rest and is returned. With it every record is tried.
 * statuses: [count] a status for each record, or NULL: OK, or what it failed with; ECANCELLED: it was not written, or
 * was undone; EINDOUBT: whether it was written is not known. OK: every record was written.
 */
#define CONSORT_MANY_CONTINUE 1u
CONSORT_EXPORT enum consort_status consort_create_many(struct consort *c, struct consort_record *const *records,
						       size_t count, uint32_t flags, uint32_t *statuses,
						       struct consort_error *error);
CONSORT_EXPORT enum consort_status consort_update_many(struct consort *c, struct consort_record *const *records,
						       size_t count, uint32_t flags, uint32_t *statuses,
						       struct consort_error *error);
CONSORT_EXPORT enum consort_status consort_upsert_many(struct consort *c, struct consort_record *const *records,
						       size_t count, uint32_t flags, uint32_t *statuses,
						       struct consort_error *error);
/* keys: [count] */
CONSORT_EXPORT enum consort_status consort_delete_many(struct consort *c, const char *resource,
						       const struct consort_args *keys, size_t count, uint32_t flags,
						       uint32_t *statuses, struct consort_error *error);
/* The records with these keys, those that are there, as a cursor over all attributes, in the keys' order; a key given
 * twice gives its record twice. Read in sets of up to 1,000 keys, never one by one where the engine can look up
 * several. */
CONSORT_EXPORT enum consort_status consort_get_many(struct consort *c, const char *resource,
						    const struct consort_args *keys, size_t count,
						    struct consort_cursor **out_rows, struct consort_error *error);
/*
 * What a relationship leads to from these records (of one resource), to-one or to-many, in sets of up to 1,000
 * keys. Columns: `record` (int64, the position in records), then the target's attributes.
 */
CONSORT_EXPORT enum consort_status consort_load(struct consort *c, struct consort_record *const *records,
						size_t count, const char *relationship,
						struct consort_cursor **out_rows, struct consort_error *error);

CONSORT_END

#endif
