/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_REDIS_QUERY_H
#define CONSORT_REDIS_QUERY_H

/* Plans and cursors. */

#include "redis.h"

/* How the records of a statement are found. */
enum redis_access {
	REDIS_ACCESS_SCAN,	 /* all of them */
	REDIS_ACCESS_KEYS,	 /* by constants */
	REDIS_ACCESS_KEYED,	 /* by a key set */
	REDIS_ACCESS_INDEX,	 /* by conditions that indexes serve */
	REDIS_ACCESS_INDEX_KEYED /* by a key set of what is indexed */
};

/* The constants that a key's attribute is compared with. */
struct redis_choice {
	uint32_t count;
	const struct consort_expr *const *constants;
};

/* A comparison with constants of what may be indexed. */
struct redis_condition {
	uint32_t attribute, op; /* =, <, <=, >, >=, IN, LIKE */
	uint32_t count;
	const struct consort_expr *const *constants;
};

/* Immutable. */
struct redis_compiled {
	struct redis_layout *layout;
	struct consort_arena arena;
	enum redis_access access;
	const struct redis_choice *choices; /* KEYS: [nkeys] */
	const uint32_t *from;		    /* KEYED: [nkeys] columns of the key set; INDEX_KEYED: one */
	const struct redis_condition
		*conditions; /* INDEX; INDEX_KEYED: one, of which only the attribute counts */
	uint32_t nconditions;
	const uint32_t *attributes; /* of each column */
	uint32_t ncolumns;
	/* what is fetched of each record */
	uint32_t nfields;
	const uint32_t *fields, *columns; /* [nfields] attributes, and the columns that they are for */
	struct consort_buffer words;	  /* HMGET's fields, as arguments */
	uint32_t nparts;
	const uint32_t *parts; /* [nparts] columns that are parts of the key */
	int32_t expires;       /* the column for when the record ends, -1: none */
};

/* --- seen.c: keys that were met, by 128 bits of a hash that no other process knows --- */

struct redis_seen {
	uint64_t seed[2];
	uint64_t (*slots)[2]; /* in memory, or beyond some size in a file without a name */
	uint64_t count, room; /* room: a power of two */
	size_t mapped;	      /* bytes, 0: it is on the heap */
};

/* Was the key not met before? Answers by status OK and *out_new. */
uint32_t redis_seen_add(struct redis_seen *seen, const char *key, size_t size, bool *out_new,
			struct consort_error *error);
void redis_seen_clear(struct redis_seen *seen);

/* --- scan.c: all keys of a resource --- */

struct redis_scan {
	struct redis_map *map; /* as it was when this pass began; NULL outside of clusters */
	uint8_t *todo;	       /* [map->nnodes] nodes of this pass */
	uint32_t node, passes;
	char position[24]; /* SCAN's cursor; "0" at the beginning */
	struct redis_seen seen;
	struct consort_buffer pattern;
};

uint32_t redis_scan_begin(struct redis_connection *conn, const struct redis_layout *layout,
			  struct redis_scan *scan, struct consort_error *error);
void redis_scan_end(struct redis_scan *scan);
/* Adds the command that asks for the next keys. */
void redis_scan_ask(struct redis_connection *conn, const struct redis_layout *layout,
		    struct redis_scan *scan);
/* What it answered: keys, not all of the resource's; goes on to the next node. */
uint32_t redis_scan_take(struct redis_connection *conn, struct redis_scan *scan,
			 const struct redis_reply *reply, const struct redis_reply **out_keys,
			 struct consort_error *error);
/* Have all nodes of this pass been read? */
bool redis_scan_is_over(const struct redis_scan *scan);
/* At the end of a pass: did slots come to nodes that had been read? Then they are read again. */
uint32_t redis_scan_close_pass(struct redis_connection *conn, struct redis_scan *scan,
			       struct consort_error *error);

/* --- seek.c --- */

bool redis_is_constant(const struct consort_expr *expr);
/* Is this conjunct a comparison that an index of the attribute serves? */
bool redis_condition_of(const struct consort_node *scan, const struct consort_expr *expr,
			struct redis_condition *out);
/* The entries that indexes find, until the next redis_begin; NULL: there is none that is complete, or more
 * are found than is worth it. */
uint32_t redis_seek(struct redis_connection *conn, const struct redis_compiled *compiled,
		    const struct consort_run *run, const struct redis_reply **out_entries,
		    struct consort_error *error);
/* Removes what indexes have of those records that are gone. What the server says to it can be looked at. */
uint32_t redis_forget(struct redis_connection *conn, const struct redis_layout *layout,
		      const struct consort_view *keys, uint32_t count, struct consort_error *error);

/* --- cursor.c --- */

/* What every cursor begins with. */
struct redis_cursor {
	uint32_t (*next)(struct redis_cursor *cursor, const struct consort_call *call,
			 struct consort_batch *batch, struct consort_error *error);
	void (*close)(struct redis_cursor *cursor);
};

uint32_t redis_cursor_open(struct redis_connection *conn, const struct redis_compiled *compiled,
			   const struct consort_run *run, void **out_cursor, struct consort_error *error);

#endif
