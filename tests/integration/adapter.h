/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADAPTER_H
#define ADAPTER_H

/*
 * Drives a built adapter through its plugin table, as the core does. Options, resources and queries are
 * texts: the core's own layers read them, over what the adapter introspects; plans are offered, compiled and
 * read to their end. Results, answers to offers and failed rows are texts too.
 *
 *     adapter.c        plugins, databases, resources
 *     adapter-query.c  plans, offers, cursors
 *     adapter-schema.c introspection, define and drop
 *     adapter-write.c  records
 *
 * Lists of texts end with NULL and may be NULL. What must work for a test to make sense aborts it with a line
 * on standard error; what is tested returns its status, with test->error.
 */
#include <consort/plugin.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "exec/exec.h"
#include "query/query.h"
#include "testing.h"

struct adapter_test {
	const struct consort_plugin *plugin;
	void *context, *database, *connection;
	struct consort_call call;
	struct consort_error error;
	struct consort_buffer text; /* what the last function found */
	struct consort_arena arena; /* resources and plans */
	struct consort_resource *resources[16];
	uint32_t nresources;
	int64_t max_rows;   /* of a batch; 0: 100 */
	bool show_hidden;   /* attributes, by adapter_describe */
	struct consort_log_sink *sink;
	char log[1024];	    /* the last line that the adapter logged: "LEVEL ORIGIN: TEXT" */
	char missing[4096]; /* features that the connection lacks: "NUMBER: why\n" */
};

#define ADAPTER_MUST(test, condition)                                                      \
	do {                                                                               \
		if (!(condition)) {                                                        \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, \
				(test)->error.message);                                    \
			abort();                                                           \
		}                                                                          \
	} while (0)
/* Fails the test, showing what went wrong. */
#define ADAPTER_OK(test, call)                                                                 \
	do {                                                                                   \
		uint32_t adapter_status = (call);                                              \
		if (adapter_status)                                                            \
			fprintf(stderr, "%s:%d: %u: %s\n", __FILE__, __LINE__, adapter_status, \
				(test)->error.message);                                        \
		CU_ASSERT_EQUAL(adapter_status, CONSORT_OK);                                   \
	} while (0)
#define ADAPTER_LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline const char *adapter_text(const struct adapter_test *test)
{
	return test->text.data ? test->text.data : "";
}

/* --- adapter.c --- */

/* Opens a database 'local' of that type with options "name=value", as in a manifest, and a connection. The
 * status of connection.open: if it is not OK there is no connection, but a test to close. */
uint32_t adapter_open(struct adapter_test *test, const char *type, const char *const *options);
void adapter_close(struct adapter_test *test);
/* Another connection of the same database. */
void *adapter_connect(struct adapter_test *test);
/* Forgets resources and plans. */
void adapter_forget(struct adapter_test *test);

/* Settings of a resource, from "name=value" as in its manifest's section. */
const struct consort_setting *adapter_settings(struct adapter_test *test, const char *const *texts,
					       uint32_t *out_count);
/* A resource without attributes. */
struct consort_resource *adapter_new_resource(struct adapter_test *test, const char *source,
					      const char *const *settings);
/* What introspection finds; NULL if it fails. */
struct consort_resource *adapter_introspect(struct adapter_test *test, const char *source,
					    const char *const *settings);
/* Puts "name = TYPE [from SOURCE] [codec NAME]" over attributes of that source, or behind all. */
void adapter_declare(struct adapter_test *test, struct consort_resource *resource,
		     const char *const *declared);
/* A resource by its name: introspected with `declared` over it, and from then on found by queries. Without
 * `declared` the one that is known already. */
struct consort_resource *adapter_resource(struct adapter_test *test, const char *name,
					  const char *const *declared);
/* The same for struct consort_names; context is the test. */
enum consort_status adapter_find(void *context, const char *name,
				 const struct consort_resource **out_resource, struct consort_error *error);
/* The place of an attribute; aborts if there is none. */
uint32_t adapter_attribute(const struct consort_resource *resource, const char *name, size_t size);

/* --- adapter-query.c --- */

/* A query's clauses; what is not given is not there. */
struct adapter_query {
	const char *resource, *select, *where, *group, *having, *order;
	int64_t limit, offset; /* limit 0: none, -1: zero rows */
	struct consort_args args;
};

#define ADAPTER_QUERY(...) ((struct adapter_query){__VA_ARGS__})

/* Runs a query that must be taken whole and exactly: text is "a|b\n" for each row. */
uint32_t adapter_run(struct adapter_test *test, struct adapter_query query);
/* text: why each part is not taken exactly, "NUMBER: reason\n"; empty if it is taken whole. */
uint32_t adapter_offer(struct adapter_test *test, struct adapter_query query);
uint32_t adapter_offer_tree(struct adapter_test *test, const struct consort_node *root);
/* text: what it is compiled to. */
uint32_t adapter_explain(struct adapter_test *test, struct adapter_query query);
uint32_t adapter_explain_tree(struct adapter_test *test, const struct consort_node *root,
			      struct consort_args args);

/* A numbered tree; NULL if the core refuses the query. */
struct consort_node *adapter_tree(struct adapter_test *test, struct adapter_query query,
				  struct consort_logical *out_logical);
/* A bare scan of all of a resource's attributes. */
struct consort_node *adapter_scan(struct adapter_test *test, const struct consort_resource *resource);

/* KEYED over the scan of a resource, by its first columns; and room for a set of keys of one or two columns. */
struct consort_node *adapter_keyed(struct adapter_test *test, const char *resource, const char *select,
				   uint32_t nkeys);
struct consort_batch *adapter_keys(struct consort_type a, struct consort_type b, uint32_t nkeys, int64_t rows);

/* A cursor step by step. */
struct adapter_cursor {
	struct consort_statement *statement;
	void *compiled, *cursor;
	struct consort_batch *batch;
};
/* Ended with adapter_end whatever the status. */
uint32_t adapter_begin(struct adapter_test *test, struct adapter_query query, struct adapter_cursor *cursor);
uint32_t adapter_begin_tree(struct adapter_test *test, const struct consort_node *root,
			    struct consort_args args, const struct consort_batch *keys,
			    struct adapter_cursor *cursor);
/* The next batch into cursor->batch, checked. */
uint32_t adapter_next(struct adapter_test *test, struct adapter_cursor *cursor);
/* The same, and its rows behind text; *out_rows of them. */
uint32_t adapter_next_text(struct adapter_test *test, struct adapter_cursor *cursor, int64_t *out_rows);
/* All that is left, behind text. */
uint32_t adapter_read(struct adapter_test *test, struct adapter_cursor *cursor);
/* All that is left, only counted. */
uint32_t adapter_drain(struct adapter_test *test, struct adapter_cursor *cursor, int64_t *out_rows);
void adapter_end(struct adapter_test *test, struct adapter_cursor *cursor);
/* Appends a batch's rows to text. */
void adapter_print(struct adapter_test *test, const struct consort_batch *batch);

/* A statement through native.open: text is the rows. */
uint32_t adapter_native(struct adapter_test *test, const char *statement, struct consort_args args,
			int64_t *out_affected);
/* The same without parameters. */
uint32_t adapter_do(struct adapter_test *test, const char *statement);

/* --- adapter-schema.c --- */

/* What introspection finds, as text: of a source, or NULL: of all. */
uint32_t adapter_describe(struct adapter_test *test, const char *source);

/* A resource to be defined: its attributes are "name type codec", or "name type - not null". */
struct adapter_shape {
	struct consort_resource resource;
	struct consort_attribute attributes[8];
	const struct consort_attribute *list[8];
	struct consort_setting strict;
};
struct consort_resource *adapter_shape(struct adapter_test *test, struct adapter_shape *shape, const char *name,
				       const char *const *attributes, const uint32_t *keys, uint32_t nkeys);
/* text: the statements. */
uint32_t adapter_define(struct adapter_test *test, const struct consort_resource *resource, uint32_t flags);
uint32_t adapter_drop(struct adapter_test *test, const struct consort_resource *resource, uint32_t flags);

/* --- adapter-write.c --- */

/* Rows of values ("a, b" names the attributes; `values` row by row). nkeys as in struct consort_write; id: of a shape
 * that is written again, 0: of a new one. */
struct adapter_write {
	const char *resource, *attributes, *returning;
	uint32_t nkeys, flags;
	uint64_t id;
	struct consort_args values;
};
enum adapter_write_kind { ADAPTER_INSERT, ADAPTER_UPDATE, ADAPTER_REMOVE, ADAPTER_UPSERT };
/* text: "failed ROW: message\n" for rows that failed, then "affected N\n", then what was returned. */
uint32_t adapter_write(struct adapter_test *test, enum adapter_write_kind kind, struct adapter_write write);
/* An update by query, or a delete if there are no assignments. */
uint32_t adapter_change(struct adapter_test *test, const char *resource, const char *where, const char *assignments,
			struct consort_args args, int64_t *out_affected);

#endif
