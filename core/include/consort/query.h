/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_QUERY_H
#define CONSORT_QUERY_H

/*
 * Queries: a builder, prepared plans, writes by query, explain.
 *
 * Expressions are texts in SQL's grammar with `$1`, `$2`, … as parameters. `relationship.attribute` follows a
 * relationship, across databases too, as a left join does. The setters return nothing: the first error is
 * kept and reported, with the text and the position it came from, by run, prepare, explain and the like.
 */

#include <consort/cursor.h>
#include <consort/handle.h>

CONSORT_BEGIN

struct consort_query;
struct consort_plan;

/* A query of a resource, through that handle. Free it with consort_query_free. NULL: no memory, which need not be
 * looked at here: the setters take a NULL query, and what runs it reports ENOMEM. */
CONSORT_EXPORT struct consort_query *consort_query_new(struct consort *c, const char *resource);
CONSORT_EXPORT void consort_query_free(struct consort_query *q);

/* What to deliver: "id, delay_min as delay, count(*)". Without it, or with NULL: every attribute of the resource. */
CONSORT_EXPORT void consort_query_select(struct consort_query *q, const char *columns);
/* Which records: those for which the text is true. Given again, both must be. NULL is a mistake, not "all": what runs
 * the query reports EINVAL. */
CONSORT_EXPORT void consort_query_where(struct consort_query *q, const char *condition);
/* "origin, date": expressions to group by. NULL, here and below: none. */
CONSORT_EXPORT void consort_query_group(struct consort_query *q, const char *expressions);
/* Which groups */
CONSORT_EXPORT void consort_query_having(struct consort_query *q, const char *condition);
/* "delay_min desc nulls last, id". Without nulls first or last: ascending puts them last, descending first. */
CONSORT_EXPORT void consort_query_order(struct consort_query *q, const char *orders);
CONSORT_EXPORT void consort_query_limit(struct consort_query *q, int64_t records);
CONSORT_EXPORT void consort_query_offset(struct consort_query *q, int64_t records);
/* Paging: only records behind the one with this key, in the query's order, which the key completes. Relationships that
 * may lead to several records (no key or unique index there) are refused: they give several rows for a key. */
CONSORT_EXPORT void consort_query_after(struct consort_query *q, struct consort_args key);

/*
 * Plans and starts it. args: as many as the highest `$n`, copied where kept; each is converted to the type
 * its place asks for where nothing is lost.
 * *out_rows: to be closed by consort_cursor_close.
 * Errors: ESYNTAX, ENAME, ETYPE with position; ERANGE; what the databases say.
 * @since 0.1
 */
CONSORT_EXPORT enum consort_status consort_query_run(struct consort_query *q, struct consort_args args,
						     struct consort_cursor **out_rows, struct consort_error *error);

/* Plans it once. The plan is immutable and run by any number of threads; consort_plan_free drops it. When a resource
 * was defined or dropped since, running it plans the same texts again: ENAME if they no longer make sense, ETYPE if
 * they would give other columns. */
CONSORT_EXPORT enum consort_status consort_query_prepare(struct consort_query *q, struct consort_plan **out_plan,
							 struct consort_error *error);
CONSORT_EXPORT enum consort_status consort_plan_run(struct consort *c, struct consort_plan *plan,
						    struct consort_args args, struct consort_cursor **out_rows,
						    struct consort_error *error);
CONSORT_EXPORT void consort_plan_free(struct consort_plan *plan);
/* How many parameters it takes, and of which type each is (NULL type: any, the parameter is not used). */
CONSORT_EXPORT uint32_t consort_plan_parameters(const struct consort_plan *plan);
CONSORT_EXPORT struct consort_type consort_plan_parameter_type(const struct consort_plan *plan, uint32_t index);

/*
 * Writes by query: of q only the resource and the conditions count. In one statement where the engine takes it
 * whole; else the keys are read and written by key, in one transaction where the engine has them.
 * assignments: "delay_min = delay_min + $1, origin = 'SFO'".
 * *out_affected: records changed; may be NULL.
 */
CONSORT_EXPORT enum consort_status consort_update_where(struct consort_query *q, const char *assignments,
							struct consort_args args, int64_t *out_affected,
							struct consort_error *error);
CONSORT_EXPORT enum consort_status consort_delete_where(struct consort_query *q, struct consort_args args,
							int64_t *out_affected, struct consort_error *error);

enum consort_explain_format {
	CONSORT_EXPLAIN_TEXT = 0,
	CONSORT_EXPLAIN_JSON = 1,
	CONSORT_EXPLAIN_DOT = 2
};

/* Bits of flags */
#define CONSORT_EXPLAIN_ANALYZE 1u /* runs it too, and tells rows, batches and time beside the estimates */

/*
 * The plan: what runs where, what each engine is sent in its own language, what was not pushed down and why.
 * format: enum consort_explain_format. *out_text: to be freed with consort_free.
 */
CONSORT_EXPORT enum consort_status consort_query_explain(struct consort_query *q, uint32_t format, uint32_t flags,
							 struct consort_args args, char **out_text,
							 struct consort_error *error);

CONSORT_END

#endif
