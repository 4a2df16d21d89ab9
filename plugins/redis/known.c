/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that a transaction watches. A key is watched before it is read, so whatever is decided by what it
 * held is right at the commit, or the commit is refused. What the transaction's own writes make of a key is
 * kept beside it, since the server shows that to nobody before.
 */
#include "tx.h"

#include <stdlib.h>
#include <sys/random.h>

#define ROOM_FIRST 64u
#define WATCHED_MOST 10000 /* keys of a transaction: a second of the server's time, all in all */
#define AT_ONCE 256u	   /* in one WATCH, behind which the server looks after others */

/* --- the table --- */

static uint64_t hash(uint64_t seed, const char *key, size_t size)
{
	uint64_t value = seed ^ size;
	size_t i;

	for (i = 0; i < size; i++) {
		value = (value ^ (unsigned char)key[i]) * UINT64_C(0x9e3779b97f4a7c15);
		value ^= value >> 29;
	}
	return value;
}

/* Where the key is, or is to be. */
static struct redis_known *find(const struct redis_tx *tx, uint64_t hashed, const char *key, size_t size)
{
	uint64_t at = hashed;

	for (;; at++) {
		struct redis_known *known = &tx->table[at & (tx->room - 1)];

		if (!known->key.data ||
		    (known->hash == hashed && known->key.size == size && !memcmp(known->key.data, key, size)))
			return known;
	}
}

struct redis_known *redis_tx_known(const struct redis_tx *tx, const char *key, size_t size)
{
	struct redis_known *known = tx->room ? find(tx, hash(tx->seed, key, size), key, size) : NULL;

	return known && known->key.data ? known : NULL;
}

static bool grow(struct redis_tx *tx)
{
	struct redis_known *old = tx->table;
	uint32_t before = tx->room, i;

	if (tx->count < before / 2)
		return true;
	if (!before && getrandom(&tx->seed, sizeof(tx->seed), 0) != (ssize_t)sizeof(tx->seed))
		return false;
	tx->table = calloc(before ? 2 * (size_t)before : ROOM_FIRST, sizeof(*old));
	if (!tx->table) {
		tx->table = old;
		return false;
	}
	tx->room = before ? 2 * before : ROOM_FIRST;
	for (i = 0; i < before; i++)
		if (old[i].key.data)
			*find(tx, old[i].hash, old[i].key.data, (size_t)old[i].key.size) = old[i];
	free(old);
	return true;
}

static bool add(struct redis_tx *tx, struct consort_view key)
{
	const char *copy = consort_arena_copy(&tx->arena, key.data, (size_t)key.size);
	uint64_t hashed;
	struct redis_known *known;

	if (!copy || !grow(tx))
		return false;
	hashed = hash(tx->seed, key.data, (size_t)key.size);
	known = find(tx, hashed, key.data, (size_t)key.size);
	if (known->key.data)
		return true;
	*known = (struct redis_known){.key = {copy, key.size}, .hash = hashed};
	tx->count++;
	return true;
}

/* --- where it takes place --- */

static uint32_t fail_slot(const struct redis_connection *conn, struct consort_view key,
			  struct consort_error *error)
{
	char one[CONSORT_SHOWN_SIZE], other[CONSORT_SHOWN_SIZE];

	consort_error_set(
		error, CONSORT_EUNSUPPORTED,
		"a transaction in a cluster of Redis takes place in one slot, and '%s' is in another one "
		"than '%s'; with hash_tag = source all records of a resource are in one",
		consort_shown(key.data, key.size, one),
		consort_shown(conn->tx->first.data, conn->tx->first.size, other));
	consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
	return error->status;
}

/* Where the first key is, all others have to be. */
static uint32_t find_place(struct redis_connection *conn, struct consort_view key,
			   struct consort_error *error)
{
	struct redis_tx *tx = conn->tx;
	const char *node, *copy;
	uint32_t status = CONSORT_OK;
	int32_t slot = redis_slot(conn, key.data, (size_t)key.size);

	if (tx->link)
		return slot == tx->slot ? CONSORT_OK : fail_slot(conn, key, error);
	copy = consort_arena_copy(&tx->arena, key.data, (size_t)key.size);
	if (!copy)
		return consort_error_no_memory(error);
	node = slot >= 0 ? redis_node_of(conn, slot) : NULL;
	tx->link = conn->links;
	if (node)
		status = redis_link_get(conn, node, &tx->link, error);
	else if (!tx->link->reader)
		status = redis_fail_lost(tx->link, "it was given up", error);
	if (status) {
		tx->link = NULL;
		return status;
	}
	tx->slot = slot;
	tx->first = (struct consort_view){copy, key.size};
	return CONSORT_OK;
}

/* --- asking --- */

static bool is_wanted(const struct redis_known *known, enum redis_ask ask)
{
	return !known || (known->kind == REDIS_KIND_UNKNOWN && ask != REDIS_ASK_NOTHING) ||
	       (known->kind == REDIS_KIND_OTHER && ask == REDIS_ASK_KIND) || /* than a string */
	       (known->kind == REDIS_KIND_STRING && !known->text.data && ask == REDIS_ASK_TEXT);
}

/* WATCH, and behind it a command for each key. *out_asked: the keys that there is something to ask of. */
static void add_commands(struct redis_connection *conn, const struct consort_view *asked, uint32_t count,
			 enum redis_ask ask)
{
	uint32_t i;

	redis_begin(conn);
	redis_add(conn, conn->tx->slot, 1 + count);
	redis_arg_text(conn, "WATCH");
	for (i = 0; i < count; i++)
		redis_arg(conn, asked[i].data, (size_t)asked[i].size);
	for (i = 0; i < count && ask != REDIS_ASK_NOTHING; i++) {
		redis_add(conn, conn->tx->slot, 2);
		redis_arg_text(conn, ask == REDIS_ASK_TEXT ? "GET" : "TYPE");
		redis_arg(conn, asked[i].data, (size_t)asked[i].size);
	}
}

static uint32_t take_answer(struct redis_connection *conn, struct redis_known *known, enum redis_ask ask,
			    const struct redis_reply *reply, struct consort_error *error)
{
	const char *text;

	if (ask == REDIS_ASK_TEXT && reply->kind == REDIS_REPLY_NIL) {
		known->kind = REDIS_KIND_NOTHING;
	} else if (ask == REDIS_ASK_TEXT && redis_is_error(reply, "WRONGTYPE")) {
		known->kind = REDIS_KIND_OTHER; /* a hash is other, to who asked for a text */
	} else if (reply->kind == REDIS_REPLY_ERROR) {
		return redis_tx_fail(conn, reply, error);
	} else if (!redis_is_text(reply)) {
		return redis_fail_protocol(conn, "TYPE or GET answers something else", error);
	} else if (ask == REDIS_ASK_TEXT) {
		text = consort_arena_copy(&conn->tx->arena, reply->as.text, (size_t)reply->size);
		if (!text)
			return consort_error_no_memory(error);
		known->kind = REDIS_KIND_STRING;
		known->text = (struct consort_view){text, reply->size};
	} else {
		known->kind = redis_says(reply, "none")	    ? REDIS_KIND_NOTHING
			      : redis_says(reply, "hash")   ? REDIS_KIND_HASH
			      : redis_says(reply, "string") ? REDIS_KIND_STRING
							    : REDIS_KIND_OTHER;
	}
	return CONSORT_OK;
}

uint32_t redis_tx_fail(struct redis_connection *conn, const struct redis_reply *reply,
		       struct consort_error *error)
{
	struct consort_error ignored;

	if (!conn->map || !(redis_is_error(reply, "MOVED") || redis_is_error(reply, "ASK")))
		return redis_fail(conn, reply, NULL, error);
	redis_map_refresh(conn, NULL, &ignored);
	consort_error_set(error, CONSORT_ECONFLICT,
			  "the cluster has moved the slot that the transaction is in");
	consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
	error->flags |= CONSORT_ERROR_RETRYABLE;
	return error->status;
}

/* For each key WATCH looks through all that are watched, and serves nobody meanwhile. */
static uint32_t fail_many(const struct redis_connection *conn, struct consort_error *error)
{
	consort_error_set(error, CONSORT_EFULL,
			  "the transaction would read and write more than %d records; take fewer in one",
			  WATCHED_MOST);
	consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
	return error->status;
}

static uint32_t ask_for(struct redis_connection *conn, const struct consort_view *asked, uint32_t count,
			enum redis_ask ask, struct consort_error *error)
{
	struct redis_tx *tx = conn->tx;
	uint32_t status, i;

	if (!tx->link->reader || (tx->count && !tx->link->watched))
		return redis_fail_lost(tx->link, "and with it what the transaction watches", error);
	tx->link->watched = true;
	add_commands(conn, asked, count, ask);
	status = redis_run_on(conn, tx->link, error);
	if (!status && redis_reply(conn, 0)->kind == REDIS_REPLY_ERROR)
		status = redis_tx_fail(conn, redis_reply(conn, 0), error);
	for (i = 0; !status && i < count; i++) {
		if (!add(tx, asked[i]))
			status = consort_error_no_memory(error);
		if (!status && ask != REDIS_ASK_NOTHING)
			status = take_answer(conn, redis_tx_known(tx, asked[i].data, (size_t)asked[i].size),
					     ask, redis_reply(conn, 1 + i), error);
	}
	return status;
}

uint32_t redis_tx_watch(struct redis_connection *conn, const struct consort_view *keys, uint32_t count,
			enum redis_ask ask, struct consort_error *error)
{
	struct redis_tx *tx = conn->tx;
	struct consort_view *asked;
	uint32_t status = CONSORT_OK, n = 0, fresh = 0, i;

	if (tx->read_only)
		return CONSORT_OK; /* nothing is decided by what it reads */
	asked = malloc((count + (size_t)1) * sizeof(*asked));
	if (!asked)
		return consort_error_no_memory(error);
	for (i = 0; !status && i < count; i++) {
		const struct redis_known *known = redis_tx_known(tx, keys[i].data, (size_t)keys[i].size);

		status = find_place(conn, keys[i], error);
		if (!status && is_wanted(known, ask))
			asked[n++] = keys[i];
		fresh += !known;
	}
	if (!status && tx->count + fresh > WATCHED_MOST)
		status = fail_many(conn, error);
	for (i = 0; !status && i < n; i += AT_ONCE)
		status = ask_for(conn, asked + i, n - i < AT_ONCE ? n - i : AT_ONCE, ask, error);
	free(asked);
	return status;
}

/* --- what writes make of them --- */

static enum redis_kind kind_of(const struct redis_layout *layout)
{
	return layout->record == REDIS_JSON ? REDIS_KIND_STRING : REDIS_KIND_HASH;
}

char redis_tx_refuses(const struct redis_known *known, const struct redis_layout *layout,
		      enum redis_write_kind kind)
{
	bool nothing = known->kind == REDIS_KIND_NOTHING, other = known->kind != kind_of(layout);

	switch (kind) {
	case REDIS_INSERT:
		return nothing ? 0 : 't';
	case REDIS_REMOVE:
		return other ? 'm' : 0;
	case REDIS_UPDATE:
		return nothing ? 'm' : other ? 'o' : 0;
	default:
		return !nothing && other ? 'o' : 0;
	}
}

uint32_t redis_tx_change(struct redis_connection *conn, struct redis_known *known,
			 const struct redis_layout *layout, enum redis_write_kind kind,
			 const struct consort_view *text, struct consort_error *error)
{
	struct redis_tx *tx = conn->tx;
	const char *copy = text ? consort_arena_copy(&tx->arena, text->data, (size_t)text->size) : NULL;

	if (text && !copy)
		return consort_error_no_memory(error);
	if (known->change != tx->changes) {
		known->kind_before = known->kind;
		known->text_before = known->text;
		known->change = tx->changes;
	}
	known->kind = kind == REDIS_REMOVE ? REDIS_KIND_NOTHING : (uint8_t)kind_of(layout);
	known->text = text ? (struct consort_view){copy, text->size} : (struct consort_view){NULL, 0};
	return CONSORT_OK;
}
