/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQLITE_ADAPTER_H
#define SQLITE_ADAPTER_H

/*
 * Drives the built consort-sqlite.so through its plugin table, as the core does. Queries are texts, resolved
 * by the core's own query layer over what the adapter introspects, offered, compiled and read to their end;
 * results and answers to offers are texts too.
 */
#include <consort/plugin.h>

#include "base/base.h"
#include "exec/exec.h"
#include "query/query.h"
#include "testing.h"

struct sqlite_test {
	const struct consort_plugin *plugin;
	void *context, *database, *connection;
	struct consort_call call;
	struct consort_error error;
	struct consort_buffer text; /* what the last function found */
	struct consort_arena arena; /* resources and plans, until the test is closed */
	struct consort_resource *resources[16];
	uint32_t nresources;
	int64_t max_rows; /* of a batch; 0: 100 */
	char path[4096];
	char log[1024];	    /* the last line that the adapter logged */
	char missing[4096]; /* features that are missing, "name: why\n" */
};

/* Opens the case's own t.db with options "name=value"; `sql`, if not NULL, is run on it by SQLite itself
 * before. Does not return without a connection. Lists end with NULL. */
void sqlite_test_open(struct sqlite_test *test, const char *sql, const char *const *options);
/* The same, returning the status of connection.open; no connection is there if it fails. */
uint32_t sqlite_test_try(struct sqlite_test *test, const char *path, const char *const *options);
void sqlite_test_close(struct sqlite_test *test);
/* Another connection of the same database. */
void *sqlite_test_connect(struct sqlite_test *test);
/* SQL by SQLite itself, on a connection of its own; aborts on failure. The answer is the first cell of the
 * last row. */
const char *sqlite_test_raw(struct sqlite_test *test, const char *sql);

/* The resource of that name: introspected, with declared attributes ("name type [codec]") put over it. */
struct consort_resource *sqlite_test_resource(struct sqlite_test *test, const char *name,
					      const char *const *declared);

/* The same for struct consort_names; context is the test. */
enum consort_status sqlite_test_find(void *context, const char *name,
				     const struct consort_resource **out_resource,
				     struct consort_error *error);

/* A query's clauses; what is not given is not there. */
struct sqlite_query {
	const char *resource, *select, *where, *group, *having, *order;
	int64_t limit, offset; /* limit 0: none, -1: zero rows */
	struct consort_args args;
};

/* Runs a query that must be taken whole and exactly: text is "a|b\n" for each row. */
uint32_t sqlite_test_run(struct sqlite_test *test, struct sqlite_query query);
/* text: why each part is not taken exactly, "NUMBER: reason\n"; empty if it is taken whole. */
uint32_t sqlite_test_offer(struct sqlite_test *test, struct sqlite_query query);
/* text: the SQL that it is compiled to. */
uint32_t sqlite_test_explain(struct sqlite_test *test, struct sqlite_query query);
/* Resolves to a numbered tree; NULL if the core refuses the query. */
struct consort_node *sqlite_test_tree(struct sqlite_test *test, struct sqlite_query query,
				      struct consort_logical *out_logical);

/* A cursor step by step. */
struct sqlite_cursor {
	void *compiled, *cursor;
	struct consort_batch *batch;
};
uint32_t sqlite_test_begin(struct sqlite_test *test, struct sqlite_query query, struct sqlite_cursor *cursor);
uint32_t sqlite_test_begin_tree(struct sqlite_test *test, const struct consort_node *root,
				struct consort_args args, const struct consort_batch *keys,
				struct sqlite_cursor *cursor);
/* Appends the next batch's rows to text; *out_rows of them. */
uint32_t sqlite_test_next(struct sqlite_test *test, struct sqlite_cursor *cursor, int64_t *out_rows);
void sqlite_test_end(struct sqlite_test *test, struct sqlite_cursor *cursor);

/* SQL through native.open: text is the rows. */
uint32_t sqlite_test_native(struct sqlite_test *test, const char *sql, struct consort_args args,
			    int64_t *out_affected);

/* A write of rows of values ("a, b" names the attributes; `values` row by row). nkeys as in struct
 * consort_write. */
struct sqlite_write {
	const char *resource, *attributes, *returning;
	uint32_t nkeys, flags;
	struct consort_args values;
};
enum sqlite_write_kind { SQLITE_TEST_INSERT, SQLITE_TEST_UPDATE, SQLITE_TEST_REMOVE, SQLITE_TEST_UPSERT };
/* text: "failed ROW: message\n" for rows that failed, then "affected N\n", then what was returned. */
uint32_t sqlite_test_write(struct sqlite_test *test, enum sqlite_write_kind kind, struct sqlite_write write);

#endif
