/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_MONGODB_PLAN_H
#define CONSORT_MONGODB_PLAN_H

/*
 * Plans to commands. A relation is what a subtree of a plan has become: a collection, and stages over it.
 * Whether a node can be a stage is decided once, by the code that answers offers and compiles alike; what a
 * stage is in BSON is made each time it runs, since values belong into it as what they are.
 *
 *     plan.c      nodes to stages             match.h   conditions, in the language of find and $match
 *     group.c     AGGREGATE                   order.c   SORT
 *     join.c      JOIN                        stage.c   stages to a pipeline, and expressions that check
 *     query.c     offers, compiled plans      find.c    the command of a compiled plan
 *     cursor.c    rows of a command           change.c  UPDATE and DELETE
 */

#include "mongodb.h"

#include "types.h"

/* --- relations --- */

/* What a column of a plan is in the documents at some stage. */
struct mongo_term {
	const char *path;
	struct mongo_storage storage;
	struct consort_type type;
	const struct consort_resource *resource; /* of a collection's field, else NULL */
	uint32_t attribute;			 /* of it */
	const char *name;			 /* for messages */
	bool nullable;
	bool nested;   /* a path through documents, which MongoDB follows into lists too */
	bool computed; /* by the server */
	bool counts;   /* nothing is 0 */
	bool used;     /* a condition or an order depends on its value, so its type is looked at */
};

enum mongo_stage_kind {
	MONGO_STAGE_MATCH, /* exprs */
	MONGO_STAGE_KEYS,  /* exprs are COLUMNs */
	MONGO_STAGE_SORT,  /* orders */
	MONGO_STAGE_LIMIT, /* limit, offset */
	MONGO_STAGE_GROUP, /* exprs, aggregates */
	MONGO_STAGE_JOIN   /* right, join; left and right are its columns */
};

struct mongo_relation;

struct mongo_stage {
	enum mongo_stage_kind kind;
	struct mongo_term **terms; /* of its input */
	uint32_t nterms;
	const struct consort_expr **exprs;
	uint32_t nexprs;
	uint32_t norders, naggregates;
	const struct consort_order *const *orders;
	const struct consort_aggregate *const *aggregates;
	const struct consort_expr *limit, *offset;
	bool ranks;  /* a SORT that puts NULL, or NaN, where MongoDB would not */
	bool checks; /* a MATCH, or KEYS, whose records nobody looks at */
	const struct mongo_relation *right;
	uint32_t join;	 /* enum consort_join_kind */
	uint32_t number; /* of a join */
	struct mongo_term *left_key, *right_key;
	struct mongo_stage *next;
};

struct mongo_relation {
	const char *reason; /* not NULL: a part of it stays in the core, so nothing can stand on it */
	const struct consort_resource *resource;
	struct mongo_stage *stages, **end;
	struct mongo_term **terms;
	uint32_t nterms;
	struct mongo_term **base; /* of the collection itself */
	uint32_t nbase;
	bool keyed, grouped, joined, limited, sorted;
	bool loose; /* a condition stays, or is checked again */
	bool lone;  /* one record, also over nothing */
};

struct mongo_builder {
	struct consort_arena *arena;
	struct consort_error *error;
	struct consort_offer *offer; /* NULL: compiling */
	uint32_t status;	     /* not OK: *error is filled */
	const char *reason;	     /* why the last part was not taken */
	uint32_t njoins;
	bool texts; /* texts are compared, so their collation matters */
};

/* The relation of a tree; NULL with the status set. */
struct mongo_relation *mongo_relation_of(struct mongo_builder *builder, const struct consort_node *node);
struct mongo_stage *mongo_stage_add(struct mongo_builder *builder, struct mongo_relation *relation,
				    enum mongo_stage_kind kind);
struct mongo_term *mongo_term_new(struct mongo_builder *builder);
/* The term of a COLUMN, or NULL. */
struct mongo_term *mongo_term_of(struct mongo_term *const *terms, uint32_t nterms,
				 const struct consort_expr *expr);
/* A node is taken, or is not: then the relation keeps the reason. */
struct mongo_relation *mongo_accept(struct mongo_builder *builder, const struct consort_node *node,
				    struct mongo_relation *relation);
struct mongo_relation *mongo_refuse(struct mongo_builder *builder, const struct consort_node *node,
				    struct mongo_relation *relation, const char *reason);
struct mongo_relation *mongo_no_memory(struct mongo_builder *builder);
/* The term's value matters. */
void mongo_use(struct mongo_builder *builder, struct mongo_term *term);

/* Nodes, over a relation that is their input. */
struct mongo_relation *mongo_group(struct mongo_builder *builder, const struct consort_node *node,
				   struct mongo_relation *relation);
struct mongo_relation *mongo_sort(struct mongo_builder *builder, const struct consort_node *node,
				  struct mongo_relation *relation);
struct mongo_relation *mongo_join(struct mongo_builder *builder, const struct consort_node *node);

/* --- BSON --- */

/* What a run makes of stages. */
struct mongo_render {
	const struct consort_run *run; /* NULL: $1 stands for a parameter's value */
	struct consort_error *error;
	struct mongo_builder *builder; /* offering: the terms that conditions depend on are noted */
	uint32_t status;
	const char *reason;
};

/* Appends the condition that is true where the expression is, or (`sense` false) where it is false, to an
 * empty document. How exactly; NO also if the status is not OK. */
uint32_t mongo_match(struct mongo_render *render, struct mongo_term *const *terms, uint32_t nterms,
		     const struct consort_expr *expr, bool sense, bson_t *out);
/* A condition that nothing meets. */
void mongo_match_nothing(bson_t *out);

/* Keys that a KEYED node looks for at a time. */
struct mongo_keys {
	const struct consort_batch *batch;
	int64_t from, to;
};
/* Appends the conditions of a MATCH or KEYS stage, and what checks the values that they let through, to a
 * document. */
uint32_t mongo_render_match(struct mongo_render *render, const struct mongo_stage *stages,
			    const struct mongo_keys *keys, bson_t *out);
/* Appends the pipeline of stages to an array, from its element `at` on. */
uint32_t mongo_render_stages(struct mongo_render *render, const struct mongo_stage *stages,
			     const struct mongo_keys *keys, uint32_t *at, bson_t *out);
/* Appends the value of a LIMIT; negative: there is none. */
int64_t mongo_render_limit(struct mongo_render *render, const struct consort_expr *expr);
/* "$path", or an expression that fails for a value that the attribute's type has not, and is null for none.
 */
void mongo_append_checked(bson_t *out, const char *key, const struct mongo_term *term);
void mongo_append_path(bson_t *out, const char *key, const char *path);
/* Appends "$expr" with a check of each of these terms whose value matters; none if there is no such term. */
void mongo_append_check(bson_t *out, struct mongo_term *const *terms, uint32_t nterms);
void mongo_render_group(const struct mongo_stage *stage, uint32_t *at, bson_t *out);
void mongo_render_sort(const struct mongo_stage *stage, bson_t *out);
void mongo_render_ranks(const struct mongo_stage *stage, uint32_t *at, bson_t *out);
uint32_t mongo_render_join(struct mongo_render *render, const struct mongo_stage *stage, uint32_t *at,
			   bson_t *out);
/* A document of a pipeline, as the array's next element. */
void mongo_stage_begin(bson_t *out, uint32_t *at, bson_t *stage);
void mongo_stage_end(bson_t *out, bson_t *stage);

/* --- compiled plans --- */

struct mongo_compiled {
	struct consort_arena arena;
	uint64_t id;
	const struct consort_resource *resource;
	const struct mongo_stage *stages;
	const struct mongo_stage *keys, *limit, *sort; /* of a find, or NULL */
	const struct consort_node *change;	       /* UPDATE or DELETE, or NULL */
	struct mongo_storage *stored;		       /* UPDATE: of its attributes */
	const struct mongo_column *columns;
	uint32_t ncolumns;
	uint32_t nkeys;
	bson_t tail; /* what follows the conditions in a find, or the pipeline: the same for all runs */
	bool finds;  /* a find does */
	bool lone;   /* one record, also over nothing */
	bool single; /* at most one record */
	bool texts;
};

/* What follows the conditions of a find, or the pipeline: the same for all runs. */
void mongo_make_tail(struct mongo_compiled *compiled, bool grouped);
/* The command for these keys, which are NULL without a KEYED node. run NULL: as explain
 * shows it. */
uint32_t mongo_command_of(const struct mongo_compiled *compiled, const struct consort_run *run,
			  const struct mongo_keys *keys, bson_t *out, struct consort_error *error);
/* The command of a change. */
uint32_t mongo_change_of(const struct mongo_compiled *compiled, const struct consort_run *run,
			 const struct mongo_keys *keys, bson_t *out, struct consort_error *error);
uint32_t mongo_execute(void *connection, const struct consort_call *call, void *compiled,
		       const struct consort_run *run, int64_t *out_affected, struct consort_error *error);
/* Is the change one that MongoDB can do? */
uint32_t mongo_change_offer(struct mongo_builder *builder, const struct consort_node *node,
			    struct mongo_relation *relation);
/* Has texts compared by their bytes, whatever the collection's collation. */
void mongo_append_collation(bson_t *out);
/* How many keys, from `from` on, go into one command. */
int64_t mongo_keys_until(const struct consort_batch *batch, int64_t from);

/* --- cursors --- */

struct mongo_cursor {
	struct mongo_connection *conn;
	struct mongo_cursor *next, **link;
	const struct mongo_compiled *compiled; /* NULL: of a native command */
	struct mongo_reader reader;
	bson_t reply; /* the batch that is read */
	bool replied;
	bson_iter_t rows; /* in it */
	int64_t id;	  /* of the server's cursor; 0: it is at its end */
	uint32_t server;
	char *collection;
	int64_t size, count; /* bytes and records so far, for the size of the next batch */
	bool done;
	bool aside;
	bson_t **commands; /* KEYED: for all its keys */
	uint32_t ncommands, command;
	struct consort_error lost; /* its status not OK: the server's cursor is gone */
	struct consort_arena own;
};

struct mongo_cursor *mongo_cursor_new(struct mongo_connection *conn);
/* Runs a command that answers with a cursor. */
uint32_t mongo_cursor_run(struct mongo_cursor *cursor, enum mongo_kind kind, const bson_t *command,
			  const struct consort_resource *resource, struct consort_error *error);
/* The reply that it has is one with a cursor. */
uint32_t mongo_cursor_take(struct mongo_cursor *cursor, struct consort_error *error);
/* The next document; *out_data NULL: there is none. */
uint32_t mongo_cursor_document(struct mongo_cursor *cursor, const uint8_t **out_data, uint32_t *out_size,
			       struct consort_error *error);
/* Asks once for more, and has the server wait for that long if there is nothing. The rows are in
 * cursor->rows. */
uint32_t mongo_cursor_await(struct mongo_cursor *cursor, int64_t milliseconds, struct consort_error *error);
uint32_t mongo_cursor_next(void *cursor, const struct consort_call *call, struct consort_batch *batch,
			   struct consort_error *error);
void mongo_cursor_close(void *cursor);

#endif
