/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_PLAN_H
#define CONSORT_PLAN_H

/*
 * Logical plans as they cross to adapters: a tree of nodes, each with the columns it delivers.
 *
 * offer(database, tree, answer) asks how exactly the adapter could take each part; the core decides and
 * calls compile(database, statement) with the part to run. Every node and every conjunct of a FILTER has a
 * number; the answer has a place for each. A new meaning is a new kind of node, so an adapter answers NO to
 * a kind it does not know.
 */

#include <consort/expr.h>
#include <consort/resource.h>

CONSORT_BEGIN

/* A column that a node delivers. Growing. */
struct consort_field {
	uint32_t struct_size;
	uint32_t flags;           /* CONSORT_ATTRIBUTE_NOT_NULL, CONSORT_ATTRIBUTE_STRICT */
	struct consort_type type;
	const char *name;
};

/* Which members each kind uses stands beside it. @since 0.1 */
enum consort_node_kind {
	/* resource, attributes: column i is attribute attributes[i]; any order of records */
	CONSORT_NODE_SCAN = 1,
	/* inputs[0], exprs: records for which every conjunct is true; conjunct i has number first_conjunct + i */
	CONSORT_NODE_FILTER = 2,
	/* inputs[0], exprs: records whose values of exprs (COLUMNs) are a row of the key set given at open;
	 * NULL is in no set. Each record once, however often its key is in the set; any order. */
	CONSORT_NODE_KEYED = 3,
	/* inputs[0], exprs: column i is exprs[i] */
	CONSORT_NODE_PROJECT = 4,
	/* inputs[0], exprs (groups, NULL is one group), aggregates: groups, then aggregates. Without groups one
	 * record, also over nothing. */
	CONSORT_NODE_AGGREGATE = 5,
	/* inputs[0], orders */
	CONSORT_NODE_SORT = 6,
	/* inputs[0], limit, offset: a literal or parameter, int64 >= 0, or NULL for none */
	CONSORT_NODE_LIMIT = 7,
	/* inputs[0] and [1], join, exprs: conjuncts over left's columns then right's; delivers both (SEMI and
	 * ANTI: left's only) */
	CONSORT_NODE_JOIN = 8,
	/* inputs[0] (a SCAN, or FILTER or KEYED over one), resource, attributes, exprs: sets attribute
	 * attributes[i] to exprs[i], evaluated over the record as it was. No columns; open tells `affected`. */
	CONSORT_NODE_UPDATE = 9,
	/* inputs[0] as for UPDATE, resource */
	CONSORT_NODE_DELETE = 10,
	/* no inputs: rows that the core has; not offered so far */
	CONSORT_NODE_VALUES = 11
};

enum consort_join_kind {
	CONSORT_JOIN_INNER = 1,
	CONSORT_JOIN_LEFT = 2,
	CONSORT_JOIN_FULL = 3,
	CONSORT_JOIN_SEMI = 4,
	CONSORT_JOIN_ANTI = 5
};

enum consort_aggregate_kind {
	CONSORT_AGGREGATE_COUNT_ALL = 1,      /* records → int64 */
	CONSORT_AGGREGATE_COUNT = 2,          /* values that are not NULL → int64 */
	CONSORT_AGGREGATE_SUM = 3,            /* int64 (checked), float64, decimal(38, scale); NULL over none */
	CONSORT_AGGREGATE_AVG = 4,            /* float64; of decimals a decimal; NULL over none */
	CONSORT_AGGREGATE_MIN = 5,
	CONSORT_AGGREGATE_MAX = 6,
	CONSORT_AGGREGATE_COUNT_DISTINCT = 7  /* different values that are not NULL → int64 */
};

/* Growing. */
struct consort_aggregate {
	uint32_t struct_size;
	uint32_t kind;                    /* enum consort_aggregate_kind */
	struct consort_type type;         /* of the result */
	const struct consort_expr *input; /* NULL for COUNT_ALL */
};

/* Bits of consort_order.flags */
#define CONSORT_ORDER_DESCENDING 1u
#define CONSORT_ORDER_NULLS_FIRST 2u /* clear: last; the plan always says which */

/* Growing. */
struct consort_order {
	uint32_t struct_size;
	uint32_t flags;
	const struct consort_expr *expr;
};

/* Growing. Immutable; lives as long as its plan. */
struct consort_node {
	uint32_t struct_size;
	uint32_t kind;           /* enum consort_node_kind */
	uint32_t number;         /* in the offered tree */
	uint32_t first_conjunct; /* FILTER, JOIN */
	uint32_t nfields;
	uint32_t ninputs;
	const struct consort_field *const *fields; /* what it delivers */
	const struct consort_node *const *inputs;
	const struct consort_resource *resource;
	uint32_t nattributes;
	uint32_t nexprs;
	const uint32_t *attributes;
	const struct consort_expr *const *exprs;
	uint32_t naggregates;
	uint32_t norders;
	const struct consort_aggregate *const *aggregates;
	const struct consort_order *const *orders;
	const struct consort_expr *limit;
	const struct consort_expr *offset;
	uint32_t join;           /* enum consort_join_kind */
	uint32_t reserved;
};

/* How exactly an adapter takes a node or conjunct. */
enum consort_fidelity {
	CONSORT_FIDELITY_NO = 0,       /* not at all */
	CONSORT_FIDELITY_SUPERSET = 1, /* delivers every record it must and perhaps more: the core checks again. Of a
				        * condition that can fail only this is taken: it lets through the records for
				        * which that fails, and does not fail itself */
	CONSORT_FIDELITY_EXACT = 2     /* provably the same as the core's own evaluation */
};

/* The answer to an offer. Growing; made by the host with every fidelity NO, every reason NULL, estimates
 * negative; filled by the adapter. */
struct consort_offer {
	uint32_t struct_size;
	uint32_t count;          /* numbers in the tree are below this */
	uint8_t *fidelity;       /* [count], enum consort_fidelity */
	const char **reason;     /* [count] why it is not EXACT, for explain; static texts of the adapter, or NULL */
	uint32_t max_keys;       /* a KEYED node takes at most so many keys at once; 0: any number */
	uint32_t flags;          /* CONSORT_OFFER_… */
	double estimated_rows;   /* of the whole tree; negative: unknown */
	double estimated_bytes;  /* a row */
	double start_cost;       /* microseconds to the first row */
};

/* Bits of consort_offer.flags, set by the adapter */
#define CONSORT_OFFER_KEYS_INDEXED 1u  /* the KEYED node's columns are indexed: a key costs no scan */
#define CONSORT_OFFER_NEEDS_SNAPSHOT 2u /* several statements of one query must share a snapshot */

/* What compile gets. Growing; lives as long as what it is compiled to. */
struct consort_statement {
	uint32_t struct_size;
	uint32_t flags;          /* none yet; an unknown one is refused */
	uint64_t id;             /* never used again in the process: key for statement caches on connections */
	const struct consort_node *root;
	uint32_t nparameters;
	uint32_t nkeys;          /* columns of the key set, 0 if the tree has no KEYED node */
	const struct consort_type *parameters;
	const struct consort_type *keys;
};

CONSORT_END

#endif
