/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFORM_DRIVE_H
#define CONFORM_DRIVE_H

/*
 * How tests drive the adapter: through its tables, as the core would, or through the library, as a program
 * would. What goes wrong in here without being what the test is about ends the test as failed, with a word
 * about where.
 */

#include "conform.h"

/* --- place.c: what the adapter is given --- */

/* How structs of the host's lie in memory. */
enum conform_layout {
	CONFORM_USUAL,	   /* zeroes behind them */
	CONFORM_TRUNCATED, /* nothing: the next byte is not to be read, as if this host were older than the
			      adapter */
	CONFORM_OVERSIZED  /* larger by fields that the adapter cannot know, as if this host were newer */
};
extern enum conform_layout conform_layout;

/* A zeroed struct with its struct_size; it lives as long as the test's process. */
void *conform_struct(size_t size);
#define STRUCT(type) ((type *)conform_struct(sizeof(type)))
/* The same without a struct_size, as frozen structs are. */
void *conform_frozen(size_t size);
/* What was made since a mark goes; for loops. */
struct conform_places {
	void *newest;
	char *chunk, *chunk_end;
};
struct conform_places conform_places_mark(void);
void conform_places_release(struct conform_places mark);

/* A batch to be filled: `room` rows of buffers, whatever max_rows says. max_rows 0: `room`. */
struct consort_batch *conform_batch(const struct consort_type *types, uint32_t ntypes, int64_t room);
void conform_batch_reset(struct consort_batch *batch);
/* From now on each byte of variable-width data has to be asked for, and each time the buffer moves. */
void conform_batch_meagre(struct consort_batch *batch);
/* Appends a row. */
void conform_batch_add(struct consort_batch *batch, const struct consort_value *row);
/* How often reserve was called. */
long conform_batch_reserved(const struct consort_batch *batch);
/* A value of a batch, lists too. */
struct consort_value conform_batch_value(const struct consort_batch *batch, uint32_t column, int64_t row);
/* What is wrong with the batch's form, or NULL. */
const char *conform_batch_fault(const struct consort_batch *batch);

/* --- host.c --- */

/* A host of its own; its allocations go through malloc. */
const struct consort_host *conform_host(void);

struct world;

/* --- subject.c: through the tables --- */

struct subject {
	struct conform *conform;
	const struct consort_plugin *plugin;
	void *context, *database, *connection;
	bool begun; /* init was successful */
	struct consort_call *call;
	struct consort_error *error; /* of the last call */
};

/* The adapter, loaded as the library does. */
const struct consort_plugin *conform_load(struct conform *conform);
/* Opens plugin, database and a connection. */
void subject_open(struct subject *subject, struct conform *conform);
/* The plugin and a database only. */
void subject_begin(struct subject *subject, struct conform *conform);
/* One more database, one more connection; the caller closes them. */
void *subject_database(struct subject *subject);
void *subject_connect(struct subject *subject);
void subject_close(struct subject *subject);
bool subject_has(const struct subject *subject, int feature);
/* "what failed: message" ends the test, unless the status is OK. */
void subject_need(const struct subject *subject, uint32_t status, const char *what);
/* An error to be filled anew. */
struct consort_error *subject_error(struct subject *subject);

/* An operation on the subject's connection: CALL(subject, write, insert, …) as the core calls it; MUST ends
 * the test unless it answers OK, EXPECT unless a call answers the status wanted. */
#define CALL(subject, table, op, ...)                                                        \
	((subject)->plugin->table->op((subject)->connection, (subject)->call, ##__VA_ARGS__, \
				      subject_error(subject)))
#define MUST(subject, table, op, ...) \
	subject_need(subject, CALL(subject, table, op, ##__VA_ARGS__), #table "." #op)
#define EXPECT(answer, wanted, what)                                                                      \
	do {                                                                                              \
		const uint32_t answered = (answer);                                                       \
		REQUIRE(answered == CONSORT_##wanted, "%s answers status %u, not " #wanted " (%u)", what, \
			answered, CONSORT_##wanted);                                                      \
	} while (0)

/* UTF-8, and not NULL. */
bool conform_is_text(const char *text);
/* For the contract's sinks; a text goes to a struct consort_buffer, or nowhere. */
void conform_ignore_missing(void *context, uint32_t feature, const char *why);
uint32_t conform_ignore_resource(void *context, const struct consort_resource *resource);
uint32_t conform_append_text(void *buffer, const char *text, uint64_t size);

/* What introspection tells of the one of that source, without relationships and indexes; NULL: nothing, or an
 * error. It lives as long as the process. */
const struct consort_resource *subject_describe(struct subject *subject, const char *source);

#define CONFORM_THREADS 8
/* Runs fn in so many threads at once, each with a call, and if it connects a connection, of its own; what is
 * not OK ends the test. */
void subject_threads(struct subject *subject, bool connects,
		     uint32_t (*run)(struct subject *subject, void *context), void *context);

/* A cursor over a plan, compiled and opened. */
struct reading {
	void *compiled, *cursor;
	struct consort_batch *batch;
	struct consort_statement *statement;
};
/* The statement of a plan, with a new id. types: of its parameters. */
struct consort_statement *subject_statement(const struct consort_node *root, const struct consort_type *types,
					    uint32_t ntypes);
uint32_t subject_read(struct subject *subject, const struct consort_node *root,
		      const struct consort_value *parameters, uint32_t nparameters,
		      const struct consort_batch *keys, struct reading *out);
uint32_t subject_next(struct subject *subject, struct reading *reading);
void subject_end(struct subject *subject, struct reading *reading);
/* All rows of a plan as text, "a|b\n", sorted. NULL: failed, see subject->error. */
char *subject_rows(struct subject *subject, const struct consort_node *root,
		   const struct consort_value *parameters, uint32_t nparameters);
/* The same of a cursor that is open; appends. */
uint32_t subject_collect(struct subject *subject, struct reading *reading, struct consort_buffer *out);
char *conform_sorted(struct consort_buffer *lines);
void conform_print_row(const struct consort_batch *batch, int64_t row, struct consort_buffer *out);

/* A write of rows; `attributes` of the resource, NULL: all. The failures of rows are counted. */
struct writing {
	uint32_t flags, nkeys, nattributes;
	const uint32_t *attributes;
	const uint32_t *returning;
	uint32_t nreturning;
	struct consort_batch *returned;
	int64_t affected;
	int64_t nfailed;
	int64_t failed_rows[16];
	struct consort_error failure; /* of the first */
};
typedef uint32_t write_slot(void *connection, const struct consort_call *call,
			    const struct consort_write *write, const struct consort_batch *rows,
			    struct consort_write_result *result, struct consort_error *error);
/* rows: values row by row. */
uint32_t subject_write(struct subject *subject, write_slot *slot, const struct consort_resource *resource,
		       struct writing *writing, const struct consort_value *rows, int64_t nrows);

/* --- stage.c: where tests write through the tables --- */

struct stage {
	struct world *world;
	struct subject subject,
		other; /* the other one: a connection of its own to the same database, if connected */
	const struct consort_resource *resource;
	uint32_t width;		   /* its attributes */
	struct consort_value *row; /* a record of ours that is not there yet */
};

/* A resource that takes records, and the subject that has it; skips the test where there is none. */
void stage_begin(struct stage *stage, struct conform *conform);
/* Closes all; leaves none of the first records of ours behind in a resource that is not ours. */
void stage_end(struct stage *stage, size_t nrows);
/* Opens the other connection. */
void stage_connect(struct stage *stage);
/* The key's attributes, behind `first` others, as those that are written. */
void stage_by_key(const struct stage *stage, struct writing *writing, const uint32_t *first, uint32_t nfirst);
/* The first attribute that can be set and is no key; skips the test where there is none. */
uint32_t stage_free(const struct stage *stage);
/* Of a whole record, the values that are written. */
struct consort_value *stage_pick(const struct writing *writing, const struct consort_value *row);
/* Puts a record; it must be taken. */
void stage_insert(struct stage *stage, struct subject *subject, const struct consort_value *row);
/* The record of ours with that key, as a connection sees it, or NULL: others may be there. */
struct consort_value *stage_find(struct stage *stage, struct subject *subject,
				 const struct consort_value *row);
/* It must be there, with these values. */
void stage_expect(struct stage *stage, const struct consort_value *row, const char *when);

/* --- manifest.c --- */

/* A handle of a manifest with the adapter. features: what it takes away of `subject`, or NULL. source: of the
 * resources `item` and `plain_item`, with their declaration, or NULL: there are none. */
struct consort *conform_open(struct conform *conform, const char *features, const char *source);
/* The database's options, as the library would give them. */
const struct consort_database_config *conform_config(struct conform *conform, const char *name);

/* --- scenario.c --- */

/* Does once what the adapter's features allow, from opening a database to closing it. world: its resource;
 * each run writes records of its own, by `nth`. *out_step: what was done last. Returns the first status that
 * is not OK. */
uint32_t scenario_run(struct conform *conform, struct world *world, size_t nth, const char **out_step,
		      struct subject *out_subject);

/* --- world.c: through the library --- */

#define WORLD_ROWS 60 /* records of most tests */

struct world {
	struct conform *conform;
	struct consort *c;
	struct consort_arena arena;
	char *item, *plain; /* names of one resource: with all features, and with few */
	const struct consort_resource *resource;
	struct consort_value *rows; /* [nrows][nattributes] that were written, or read */
	size_t nrows;
	bool made;  /* we have defined it */
	bool wrote; /* records of ours are in it */
};

/* Opens a manifest with the adapter; `features`: what it takes away, "-filter -sort", or NULL. */
void world_open(struct world *world, struct conform *conform, const char *features);
/* Makes or finds a resource, and its records: of our own where the adapter writes, else what is there. */
void world_fill(struct world *world, size_t nrows);
/* Can its resource be known without introspection? */
bool world_is_declared(const struct world *world);
/* Makes or finds it, without records. */
void world_make(struct world *world);
void world_close(struct world *world);
/* Another value for a record, and a key that no record has: `nth` differs. */
void world_row(struct world *world, size_t nth, struct consort_value *out_row);
struct consort_value *world_new_row(struct world *world, size_t nth);
/* Skips the test where the resource takes no records. */
void world_need_writes(const struct world *world);
struct consort_args world_key(struct world *world, const struct consort_value *row);
enum consort_status world_create(struct world *world, const char *name, const struct consort_value *row,
				 struct consort_error *error);
bool world_is_key(const struct world *world, uint32_t attribute);
/* The resource as the subject's own store has it: defined there, and filled with the world's rows, where
 * databases of the same options are different stores. */
void world_lend(struct world *world, struct subject *subject, bool rows);
/* Removes records of ours that a test has left in a resource that is not ours. */
void world_sweep(struct conform *conform);
/* Rolls back prepared branches that a test has left: they hold locks. (t_transaction.c) */
void conform_end_branches(struct conform *conform);
/* Opens both: a world with its resource, without records, and the subject that has it too. */
void world_begin(struct world *world, struct subject *subject, struct conform *conform);
void world_end(struct world *world, struct subject *subject);
/* All rows of a cursor, "a|b\n" each; the status that it ended with. */
enum consort_status world_print(struct consort_cursor *rows, struct consort_buffer *out);
/* All records, printed and sorted, "a|b\n". */
char *world_rows(struct world *world, const char *name);
/* A name for one more table of this run. */
char *world_table(struct world *world);

/* --- values.c --- */

uint64_t conform_random(struct conform *conform);
uint32_t conform_below(struct conform *conform, uint32_t limit);
/* The n-th edge value of a type, NULL type behind the last; the first three are ordinary ones. */
struct consort_value conform_edge(struct consort_type type, uint32_t n, struct consort_arena *arena);
/* Any value: often an edge, never NULL. */
struct consort_value conform_value(struct conform *conform, struct consort_type type,
				   struct consort_arena *arena);
/* The n-th of different values. */
struct consort_value conform_different(struct consort_type type, uint64_t n, struct consort_arena *arena);
bool conform_value_equal(const struct consort_value *a, const struct consort_value *b);
void conform_value_print(const struct consort_value *value, struct consort_buffer *out);
/* As an expression of the query language; false: it has no such form. */
bool conform_value_literal(const struct consort_value *value, struct consort_buffer *out);

/* --- tree.c: plans by hand; they live as long as the process --- */

const struct consort_expr *tree_column(const struct consort_node *input, uint32_t index);
/* The column beside a parameter, or beside itself if number is negative. */
const struct consort_expr *tree_compare(const struct consort_node *input, uint32_t column, uint32_t op,
					int number);
const struct consort_expr *tree_parameter(uint32_t index, struct consort_type type);
const struct consort_expr *tree_literal(struct consort_value value);
const struct consort_expr *tree_call(uint32_t op, struct consort_type type, const struct consort_expr *a,
				     const struct consort_expr *b);
const struct consort_expr *tree_call_of(uint32_t op, struct consort_type type,
					const struct consort_expr *const *args, uint32_t nargs);
struct consort_node *tree_scan(const struct consort_resource *resource);
/* With these attributes only. */
struct consort_node *tree_scan_of(const struct consort_resource *resource, const uint32_t *attributes,
				  uint32_t count);
struct consort_node *tree_over(uint32_t kind, const struct consort_node *input);
struct consort_node *tree_filter(const struct consort_node *input, const struct consort_expr *condition);
/* One column. */
struct consort_node *tree_project(const struct consort_node *input, const struct consort_expr *expr,
				  const char *name);
struct consort_node *tree_keyed(const struct consort_node *input, uint32_t column);
struct consort_node *tree_sort(const struct consort_node *input, uint32_t column, uint32_t flags);
struct consort_node *tree_limit(const struct consort_node *input, int64_t limit);
struct consort_node *tree_aggregate(const struct consort_node *input, uint32_t kind, int column, int group);
struct consort_node *tree_join(const struct consort_node *left, const struct consort_node *right,
			       uint32_t kind, uint32_t left_column, uint32_t right_column);
/* Numbers it and asks the adapter. */
uint32_t tree_offer(struct subject *subject, struct consort_node *root, struct consort_offer **out_offer);
/* What is wrong with the answer's form, or NULL. */
const char *tree_offer_fault(const struct consort_offer *offer);
/* Did it take all of the tree exactly? */
bool tree_is_taken(const struct consort_offer *offer, const struct consort_node *root);
/* Both; a failure ends the test. */
bool tree_taken(struct subject *subject, struct consort_node *root);

/* --- queries.c and compare.c --- */

#define QUERY_ARGS 8

struct query_made {
	struct consort_buffer select, where, group, having, order, after;
	int64_t limit, offset;			   /* negative: none */
	struct consort_value args[QUERY_ARGS + 1]; /* with room for what a write sets */
	uint32_t nargs;
	bool ordered; /* by all of a key: rows come in one order */
};

void query_clear(struct query_made *query);
/* A name in double quotes. */
void query_name(const char *name, struct consort_buffer *out);
/* A condition over the resource's attributes. */
void query_where(struct world *world, struct query_made *query);
void query_order(struct world *world, struct query_made *query, bool whole);
void query_print(const struct query_made *query, struct consort_buffer *out);
/* Runs it with all features and with few; differences end the test. Returns whether it ran (both may have
 * refused). */
bool query_compare(struct world *world, const struct query_made *query);

#endif
