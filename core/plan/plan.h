/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_CORE_PLAN_H
#define CONSORT_CORE_PLAN_H

/*
 * The planner: from a logical tree to steps. It offers the largest subtree that lives on one database to
 * that adapter, keeps what is not taken exactly as steps of the core, and has the rest compiled.
 *
 *     offer.c    asking an adapter about a subtree
 *     needs.c    operators that need a feature of their own
 *     plan.c     deciding, node by node, from the leaves up
 *     join.c     joins: by the adapter, by key sets, by reading the right side whole
 *     compile.c  a decided subtree to a REMOTE step
 *     part.c     what a subtree has become, while it is decided (parts.h)
 *     make.c     nodes and expressions made by hand
 */

#include <consort/plan.h>

#include "base/base.h"

struct consort_database;

enum consort_step_kind {
	CONSORT_STEP_REMOTE = 1,
	CONSORT_STEP_FILTER = 2,    /* `exprs`: conjuncts, those that can fail last */
	CONSORT_STEP_PROJECT = 3,   /* `exprs`: columns */
	CONSORT_STEP_LOOKUP = 4,    /* inputs[0]: outer; inputs[1]: inner, a REMOTE */
	CONSORT_STEP_AGGREGATE = 5, /* `exprs`: groups; `node->aggregates` */
	CONSORT_STEP_SORT =
		6, /* `node->orders`; `node->limit`, `offset` if a LIMIT stands right above: top-N */
	CONSORT_STEP_LIMIT = 7, /* `node->limit`, `offset` */
	CONSORT_STEP_VALUES = 8 /* the rows that the run was given */
};

/* A part of the logical tree that stayed in the core, and why; for explain. */
struct consort_kept {
	const struct consort_node *node;
	const struct consort_expr *conjunct; /* of a FILTER; NULL: the node */
	const char *reason; /* the adapter's or planner's words; static or in the plan's arena */
	uint32_t fidelity;  /* NO; SUPERSET: sent, and checked again */
};

/* A step. Immutable once planned; lives in its plan's arena. */
struct consort_step {
	uint32_t kind; /* enum consort_step_kind */
	uint32_t nfields;
	const struct consort_field *const *fields; /* what it delivers */
	const struct consort_step *inputs[2];
	const struct consort_node *node; /* what it implements; REMOTE: the root of what was compiled */
	uint32_t nexprs;
	const struct consort_expr *const *exprs;
	double estimated_rows; /* negative: unknown */

	/* REMOTE */
	struct consort_database *database;
	struct consort_statement *statement;
	void *compiled;
	uint32_t max_keys; /* of one key set, never 0 when keyed */
	bool keyed;
	bool at_most_one; /* a whole key is given: one row at most */
	uint32_t nkept;
	const struct consort_kept *kept;

	/*
	 * LOOKUP: for each outer row the inner rows whose columns inner_keys equal its columns outer_keys.
	 * Delivers outer's columns, then inner's. `keyed` inner: asked for sets of keys as outer batches
	 * come; else read whole once and kept by key.
	 */
	uint32_t join; /* enum consort_join_kind: INNER or LEFT */
	uint32_t nkeys;
	const uint32_t *outer_keys;
	const uint32_t *inner_keys;
};

/*
 * What planning works with. Nodes live in `arena`, where steps go too. database_of tells a resource's
 * database. With `no_push` nothing but scans is offered, for tests.
 */
struct consort_planner {
	struct consort_arena *arena;
	struct consort_database *(*database_of)(void *context, const struct consort_resource *resource);
	void *context;
	uint32_t nparameters;
	const struct consort_type *parameters;
	bool no_push;
};

/* Plans a query. *out_step: the root; to be released with consort_plan_release. */
enum consort_status consort_plan_make(struct consort_planner *planner, const struct consort_node *root,
				      const struct consort_step **out_step, struct consort_error *error);
/*
 * The same for a tree whose root is an UPDATE or DELETE. *out_step: a REMOTE to execute, or NULL if the
 * adapter does not take all of it exactly.
 */
enum consort_status consort_plan_make_write(struct consort_planner *planner, const struct consort_node *root,
					    const struct consort_step **out_step,
					    struct consort_error *error);
/* Frees what was compiled for the steps. */
void consort_plan_release(const struct consort_step *step);

/* --- make.c: nodes and expressions made by hand; NULL: no memory --- */

struct consort_expr *consort_make_column(struct consort_arena *arena, uint32_t index,
					 struct consort_type type);
struct consort_expr *consort_make_parameter(struct consort_arena *arena, uint32_t index,
					    struct consort_type type);
/* left = right; NULL too if one of them is. */
struct consort_expr *consort_make_equal(struct consort_arena *arena, const struct consort_expr *left,
					const struct consort_expr *right);
struct consort_field *consort_make_field(struct consort_arena *arena, const char *name,
					 struct consort_type type, uint32_t flags);
/* A node over these inputs (NULL: none), with left's fields until others are set. */
struct consort_node *consort_make_node(struct consort_arena *arena, uint32_t kind,
				       const struct consort_node *left, const struct consort_node *right);
/* A scan of every attribute. */
struct consort_node *consort_make_scan(struct consort_arena *arena, const struct consort_resource *resource);

#endif
