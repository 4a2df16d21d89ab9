/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_CORE_QUERY_H
#define CONSORT_CORE_QUERY_H

/*
 * From texts to a logical plan: parsing by libpg_query, resolving of names, types and parameters, the tree of
 * nodes. Knows resources by name only; nothing of adapters, connections or execution.
 *
 *     parse.c    a text to libpg_query's tree, with bounds on length and nesting (text.h)
 *     resolve.c  a node of that tree to a struct consort_expr (resolver.h), with operators.c and functions.c;
 *                names.c finds columns, types.c brings types together, make.c makes expressions
 *     clauses.c  a query's texts to expressions (build.h), with paging.c
 *     build.c    the tree of nodes, from the pieces of nodes.c; write.c: of updates and deletes by query
 *     print.c    expressions back to text, for explain and messages
 */

#include <consort/plan.h>

#include "base/base.h"

/* Where resources are found by name. */
struct consort_names {
	void *context;
	/* ENAME with the nearest known word if there is none; other errors when it cannot be introspected. */
	enum consort_status (*resource)(void *context, const char *name,
					const struct consort_resource **out_resource,
					struct consort_error *error);
	/* The target of a relationship of `from`, checked; NULL: `resource` is asked for its name. */
	enum consort_status (*target)(void *context, const struct consort_resource *from,
				      const struct consort_relationship *via,
				      const struct consort_resource **out_resource,
				      struct consort_error *error);
};

/* The clauses of a query as texts; NULL where there is none. */
struct consort_clauses {
	const char *resource;
	const char *select;
	const char *const *where; /* [nwhere], all must be true */
	uint32_t nwhere;
	uint32_t nafter; /* values of the key to page after; 0: none */
	const char *group;
	const char *having;
	const char *order;
	int64_t limit;		 /* -1: none */
	int64_t offset;		 /* 0: none */
	const char *assignments; /* of an update by query */
};

/*
 * A logical plan. Parameters: the user's $1…$nuser, then the after-key's values, then the order values of
 * the record with that key, which `after` delivers when it runs with the former; `root` uses them.
 */
struct consort_logical {
	const struct consort_node *root;
	const struct consort_node *after; /* NULL without paging */
	uint32_t nparameters;
	uint32_t nuser;
	uint32_t nafter_key;
	const struct consort_type *parameters; /* NULL type: never used, any value will do */
};

/*
 * Resolves a query: Scan, Join (LEFT, one for each relationship path used), Filter, Aggregate, Filter
 * (having), Sort, Limit, Project, as far as each is there; columns of scans are only those that are used. The
 * result lives in the arena and refers to resources.
 *
 * Errors: ESYNTAX, ENAME, ETYPE, ERANGE, with position and the text in the message, as in
 * "flight.delay_min: cannot compare an integer with text 'x' (at 13 in "delay_min > 'x'")"; EINVAL,
 * EREADONLY; what `names` says.
 */
enum consort_status consort_query_resolve(const struct consort_clauses *clauses,
					  const struct consort_names *names, struct consort_arena *arena,
					  struct consort_logical *out_logical, struct consort_error *error);
/* The same for an update (assignments given) or delete by query: the root is an UPDATE or DELETE node over
 * Scan and Filter. Relationships are refused. The scan's columns start with the key. */
enum consort_status consort_query_resolve_write(const struct consort_clauses *clauses, bool delete_records,
						const struct consort_names *names,
						struct consort_arena *arena,
						struct consort_logical *out_logical,
						struct consort_error *error);

/* --- print.c --- */

/* The expression as SQL text; column i of the node's input is called fields[i]->name. Literals are shown as
 * '…' for texts over 40 characters; parameters as $n. */
void consort_expr_print(const struct consort_expr *expr, const struct consort_field *const *fields,
			uint32_t nfields, struct consort_buffer *out);

#endif
