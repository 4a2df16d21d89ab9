/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_ACTOR_H
#define CONSORT_ACTOR_H

/*
 * An adapter without an engine, whose connections a test makes slow, refused or lost, and which counts what
 * it is asked. Opened in this process, without a file.
 */

#include "pool/pool.h"

#define ACTOR_MOST 4096

struct actor_connection {
	uint32_t number; /* from 1, in the order of opening */
	uint32_t users;	 /* atomic; a test raises it while it uses the connection */
	uint32_t dead;	 /* atomic: ping and reset fail */
	uint32_t pings, resets;
	uint32_t closed, abandoned;
};

/* What it does; atomic, as what it counts. */
extern struct actor {
	uint32_t refuse;      /* open fails with this status … */
	uint32_t refuse_each; /* … only each n-th time; 0: always */
	uint32_t hold; /* open does not come back while this is not 0, but for its deadline and cancel */
	int64_t slow;  /* nanoseconds that open takes at least */
	/* counted */
	uint32_t opens;			/* attempts */
	uint32_t opening, most_opening; /* at a time */
	uint32_t alive, most_alive;
	uint32_t pings, resets, closes, abandons;
	int64_t opened_at[ACTOR_MOST]; /* the attempts' times … */
	int32_t opened_by[ACTOR_MOST]; /* … and threads */
	int64_t deadlines[ACTOR_MOST];
} actor;

/* A database of it with these options; aborts the case on failure. */
struct consort_database *actor_open(struct consort_pool_options options);
/* Closes it; all its connections must be closed afterwards. */
void actor_close(struct consort_database *database);
struct actor_connection *actor_of(const struct consort_connection *connection);

/* Takes a connection without a deadline; ends the case if there is none. */
struct consort_connection *actor_take(struct consort_database *database);
/* The status of taking one, which is given back at once, until the deadline (ns from now; 0: none). */
enum consort_status actor_try(struct consort_database *database, int64_t timeout,
			      struct consort_error *error);

/* The clock of a pool whose time a test makes: actor_time, from 1 s on. */
extern int64_t actor_time;
int64_t actor_clock(void);
/* Real time, ns. */
int64_t actor_now(void);
/* Waits until the pool counts that many waiting calls. */
void actor_until_waiting(struct consort_database *database, uint32_t waiting);

/* The log's lines from now on, each ended by a newline. */
void actor_listen(void);
const char *actor_heard(void);

#endif
