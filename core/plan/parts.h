/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_PLAN_PARTS_H
#define CONSORT_PLAN_PARTS_H

/* Between the planner's files: answers of adapters, and parts of the tree while they are decided. */

#include "plan/plan.h"
#include "pool/pool.h"

/* What one planning works with. */
struct consort_planning {
	struct consort_planner *planner;
	struct consort_error *error;
};

/* --- offer.c --- */

/* An adapter's answer about a tree, whose nodes are numbered copies. */
struct consort_answer {
	struct consort_database *database;
	const struct consort_node *tree;
	struct consort_offer offer;
};

/* The one database that all scans of a tree live on, or NULL. */
struct consort_database *consort_plan_database(const struct consort_planner *planner,
					       const struct consort_node *node);
/* Numbers a copy of the tree and asks the adapter. */
enum consort_status consort_plan_offer(struct consort_planner *planner, struct consort_database *database,
				       const struct consort_node *tree, struct consort_answer **out_answer,
				       struct consort_error *error);
/* May all of this tree be offered? */
bool consort_plan_offerable(const struct consort_planner *planner, const struct consort_database *database,
			    const struct consort_node *node);
/* Why a node was not even offered; in the arena or static. */
const char *consort_plan_missing_reason(struct consort_planning *planning, const struct consort_node *node,
					struct consort_database *database);
uint32_t consort_answer_fidelity(const struct consort_answer *answer, uint32_t number);
const char *consort_answer_reason(const struct consort_answer *answer, uint32_t number);
/* Is this tree taken exactly as a whole? (A FILTER is its conjuncts.) */
bool consort_answer_exact(const struct consort_answer *answer, const struct consort_node *node);

/* --- needs.c --- */

/* Turns into NO what it says to operators of that tree whose feature the database has not. */
enum consort_status consort_answer_withhold(struct consort_planner *planner, struct consort_answer *answer,
					    const struct consort_node *tree);
/* EUNSUPPORTED where a step asks the core for what it cannot do. */
enum consort_status consort_plan_check_core(const struct consort_step *step, struct consort_error *error);

/* --- compile.c --- */

/* A REMOTE step for a decided tree, compiled. keys: types of its key set, or NULL. */
enum consort_status consort_plan_compile(struct consort_planner *planner, struct consort_database *database,
					 const struct consort_node *tree, const struct consort_type *keys,
					 uint32_t nkeys, struct consort_step **out_step,
					 struct consort_error *error);

/* --- part.c --- */

/* What a subtree has become: a tree for an adapter, with conjuncts to check above it, or a finished step. */
struct consort_part {
	struct consort_database *database; /* of `remote` */
	const struct consort_node *remote; /* NULL: finished as `step` */
	const struct consort_step *step;
	const struct consort_expr **pending; /* conjuncts over remote's columns */
	uint32_t npending;
	struct consort_kept *kept;
	uint32_t nkept;
	double estimated_rows;
};

/* Notes why something stays in the core. */
enum consort_status consort_part_keep(struct consort_planning *planning, struct consort_part *part,
				      const struct consort_node *node, const struct consort_expr *conjunct,
				      const char *reason, uint32_t fidelity);
enum consort_status consort_part_pend(struct consort_planning *planning, struct consort_part *part,
				      const struct consort_expr *conjunct);
/* A FILTER step over a finished part. */
enum consort_status consort_part_filter(struct consort_planning *planning, struct consort_part *part,
					const struct consort_expr *const *conjuncts, uint32_t count);
/* Compiles what is remote and puts the pending conjuncts above it. */
enum consort_status consort_part_finish(struct consort_planning *planning, struct consort_part *part);
/* A copy of the node over the part's remote tree. */
struct consort_node *consort_part_over(struct consort_planning *planning, const struct consort_node *node,
				       const struct consort_part *part);
struct consort_step *consort_step_new(struct consort_planning *planning, uint32_t kind,
				      const struct consort_node *node, const struct consort_step *input);

/* --- plan.c, join.c --- */

/* Plans a node's input, offering it by itself if the adapter refused it as part of a larger tree. */
enum consort_status consort_plan_input(struct consort_planning *planning, const struct consort_node *input,
				       const struct consort_answer *answer, struct consort_part *part);
enum consort_status consort_plan_join(struct consort_planning *planning, const struct consort_node *node,
				      const struct consort_answer *answer, struct consort_part *part);

#endif
