/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_REDIS_TX_H
#define CONSORT_REDIS_TX_H

/*
 * Transactions. What a transaction reads it watches, and what it writes it decides at once, by what it has
 * read, and keeps in a queue; a commit sends the queue between MULTI and EXEC, which the server runs if no
 * key that is watched has changed. In a cluster all of its keys are in one slot.
 *
 *     tx.c      begin, commit, rollback; the queue
 *     known.c   the keys that are watched, and what they hold
 */

#include "redis.h"

/* What a key holds. */
enum redis_kind {
	REDIS_KIND_UNKNOWN, /* it is watched, and was not asked for */
	REDIS_KIND_NOTHING,
	REDIS_KIND_HASH,
	REDIS_KIND_STRING,
	REDIS_KIND_OTHER
};

/* A key that is watched: what it holds once the queue has run, and what before the last write changed that.
 */
struct redis_known {
	struct consort_view key; /* data NULL: a free place of the table */
	uint64_t hash;
	uint32_t change; /* of the transaction's writes, the last one that did */
	uint8_t kind, kind_before;
	struct consort_view text, text_before; /* of a string; data NULL: it was not read */
};

struct redis_tx {
	bool read_only;
	struct redis_link *link;   /* that keys are watched on; NULL: none is */
	int32_t slot;		   /* in a cluster */
	struct consort_view first; /* the key that brought us there */
	struct consort_arena arena;
	struct redis_known *table;
	uint32_t count, room; /* room: a power of two */
	uint64_t seed;
	struct redis_pipe queue; /* MULTI, and what follows it */
	uint32_t scripts;	 /* bits: those that the queue loads */
	uint32_t changes;	 /* calls of the write table */
};

/* Where a write began. */
struct redis_tx_mark {
	uint32_t count, scripts;
	size_t size;
};

/* --- known.c --- */

/* Which of them to know beside watching them. */
enum redis_ask { REDIS_ASK_NOTHING, REDIS_ASK_KIND, REDIS_ASK_TEXT };

/* Watches these keys, which may be watched already, and asks what they hold. */
uint32_t redis_tx_watch(struct redis_connection *conn, const struct consort_view *keys, uint32_t count,
			enum redis_ask ask, struct consort_error *error);
/* What a command of a transaction was refused for: where its slot has moved, all of it can be tried again. */
uint32_t redis_tx_fail(struct redis_connection *conn, const struct redis_reply *reply,
		       struct consort_error *error);
/* One that is watched. */
struct redis_known *redis_tx_known(const struct redis_tx *tx, const char *key, size_t size);
/* May it be written? 0, or why not: 't'aken, 'm'issing, 'o'ther type. */
char redis_tx_refuses(const struct redis_known *known, const struct redis_layout *layout,
		      enum redis_write_kind kind);
/* What the key holds once the write has run; text: of a string, copied. */
uint32_t redis_tx_change(struct redis_connection *conn, struct redis_known *known,
			 const struct redis_layout *layout, enum redis_write_kind kind,
			 const struct consort_view *text, struct consort_error *error);

/* --- tx.c --- */

/* A write begins: EREADONLY where it may not. It ends with _done, which takes all of it back if it failed. */
uint32_t redis_tx_write(struct redis_connection *conn, struct redis_tx_mark *out_mark,
			struct consort_error *error);
uint32_t redis_tx_done(struct redis_connection *conn, const struct redis_tx_mark *mark, uint32_t status,
		       struct consort_error *error);
/* Commands that are added between these go to the queue; it has the script. */
void redis_tx_enter(struct redis_connection *conn, enum redis_script script);
void redis_tx_leave(struct redis_connection *conn);
/* Forgets it; the server still watches. */
void redis_tx_drop(struct redis_connection *conn);
/* Watches nothing any more; asks the servers that do. */
uint32_t redis_unwatch(struct redis_connection *conn, struct consort_error *error);
/* EUNSUPPORTED within a transaction, for what cannot wait for its commit. */
uint32_t redis_tx_refuse(const struct redis_connection *conn, const char *what, struct consort_error *error);

extern const struct consort_transaction_ops redis_transaction_ops;

#endif
