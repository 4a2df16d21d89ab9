/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_CORE_PLAN_H
#define CONSORT_CORE_PLAN_H

/*
 * The planner: from a logical tree to steps. It offers the largest subtree that lives on one database to
 * that adapter, keeps what is not taken exactly as steps of the core, and has the rest compiled.
 *
 *     offer.c    asking an adapter about a subtree
 *     plan.c     deciding, node by node, from the leaves up
 *     compile.c  a decided subtree to a REMOTE step
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
	CONSORT_STEP_SORT = 6,      /* `node->orders`; `node->limit`, `offset` if a LIMIT stands right above: top-N */
	CONSORT_STEP_LIMIT = 7,     /* `node->limit`, `offset` */
	CONSORT_STEP_VALUES = 8     /* the rows that the run was given */
};

/* A part of the logical tree that stayed in the core, and why; for explain. */
struct consort_kept {
	const struct consort_node *node;
	const struct consort_expr *conjunct; /* of a FILTER; NULL: the node */
	const char *reason;                  /* the adapter's or planner's words; static or in the plan's arena */
	uint32_t fidelity;                   /* NO; SUPERSET: sent, and checked again */
};

/* A step. Immutable once planned; lives in its plan's arena. */
struct consort_step {
	uint32_t kind;                  /* enum consort_step_kind */
	uint32_t nfields;
	const struct consort_field *const *fields; /* what it delivers */
	const struct consort_step *inputs[2];
	const struct consort_node *node; /* what it implements; REMOTE: the root of what was compiled */
	uint32_t nexprs;
	const struct consort_expr *const *exprs;
	double estimated_rows;          /* negative: unknown */

	/* REMOTE */
	struct consort_database *database;
	struct consort_statement *statement;
	void *compiled;
	uint32_t max_keys;              /* of one key set, never 0 when keyed */
	bool keyed;
	bool at_most_one;               /* a whole key is given: one row at most */
	uint32_t nkept;
	const struct consort_kept *kept;

	/*
	 * LOOKUP: for each outer row the inner rows whose columns inner_keys equal its columns outer_keys. Delivers
	 * outer's columns, then inner's. `keyed` inner: asked for sets of keys as outer batches come; else read whole
	 * once and kept by key.
	 */
	uint32_t join;                  /* enum consort_join_kind: INNER or LEFT */
	uint32_t nkeys;
	const uint32_t *outer_keys;
	const uint32_t *inner_keys;
};

/*
 * What planning works with. Nodes live in `arena`, where steps go too. database_of tells a resource's database. With
 * `no_push` nothing but scans is offered, for tests.
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
 * The same for a tree whose root is an UPDATE or DELETE. *out_step: a REMOTE to execute, or NULL if the adapter does
 * not take all of it exactly; *out_reason tells why then.
 */
enum consort_status consort_plan_make_write(struct consort_planner *planner, const struct consort_node *root,
					    const struct consort_step **out_step, const char **out_reason,
					    struct consort_error *error);
/* Frees what was compiled for the steps. */
void consort_plan_release(const struct consort_step *step);


/* --- between the planner's files --- */

/* An adapter's answer about a tree, whose nodes are numbered copies. */
struct consort_answer {
	struct consort_database *database;
	const struct consort_node *tree;
	struct consort_offer offer;
};

/* The one database that all scans of a tree live on, or NULL. */
struct consort_database *consort_plan_database(const struct consort_planner *planner, const struct consort_node *node);
/* The feature that offering a node of this kind needs, for one the database has not; else -1. */
int32_t consort_plan_missing(const struct consort_planner *planner, const struct consort_database *database,
			     const struct consort_node *node);
/* Numbers a copy of the tree and asks the adapter. */
enum consort_status consort_plan_offer(struct consort_planner *planner, struct consort_database *database,
				       const struct consort_node *tree, struct consort_answer **out_answer,
				       struct consort_error *error);
/* A REMOTE step for a decided tree, compiled. keys: types of its key set, or NULL. */
enum consort_status consort_plan_compile(struct consort_planner *planner, struct consort_database *database,
					 const struct consort_node *tree, const struct consort_type *keys,
					 uint32_t nkeys, struct consort_step **out_step, struct consort_error *error);

#endif
