/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All keys of a resource: SCAN on one node after the other. What SCAN promises is kept: a key that is there
 * from the beginning to the end is met. When a cluster moves slots meanwhile, that holds only for each node
 * by itself; so the nodes that slots came to are read once more.
 */
#include "query.h"

#include <stdlib.h>

#define PASSES_MOST 16

static uint32_t begin_pass(struct redis_connection *conn, struct redis_scan *scan,
			   struct consort_error *error)
{
	uint8_t *todo = calloc(conn->map ? conn->map->nnodes : 1, 1);

	if (!todo)
		return consort_error_no_memory(error);
	free(scan->todo);
	redis_map_free(scan->map);
	scan->todo = todo;
	scan->map = redis_map_share(conn->map);
	scan->node = 0;
	consort_copy_text(scan->position, sizeof(scan->position), "0");
	return CONSORT_OK;
}

uint32_t redis_scan_begin(struct redis_connection *conn, const struct redis_layout *layout,
			  struct redis_scan *scan, struct consort_error *error)
{
	uint32_t status;

	redis_key_pattern(layout, &scan->pattern);
	if (scan->pattern.failed)
		return consort_error_no_memory(error);
	redis_map_take(conn);
	status = begin_pass(conn, scan, error);
	if (!status)
		memset(scan->todo, 1, scan->map ? scan->map->nnodes : 1);
	return status;
}

void redis_scan_end(struct redis_scan *scan)
{
	free(scan->todo);
	redis_map_free(scan->map);
	redis_seen_clear(&scan->seen);
	consort_buffer_clear(&scan->pattern);
}

void redis_scan_ask(struct redis_connection *conn, const struct redis_layout *layout, struct redis_scan *scan)
{
	redis_add_at(conn, scan->map ? scan->map->nodes[scan->node] : NULL, 8);
	redis_arg_text(conn, "SCAN");
	redis_arg_text(conn, scan->position);
	redis_arg_text(conn, "MATCH");
	redis_arg(conn, scan->pattern.data, scan->pattern.size);
	redis_arg_text(conn, "COUNT");
	redis_arg_int(conn, conn->database->page);
	redis_arg_text(conn, "TYPE");
	redis_arg_text(conn, layout->record == REDIS_JSON ? "string" : "hash");
}

uint32_t redis_scan_take(struct redis_connection *conn, struct redis_scan *scan,
			 const struct redis_reply *reply, const struct redis_reply **out_keys,
			 struct consort_error *error)
{
	uint32_t nodes = scan->map ? scan->map->nnodes : 1;

	if (reply->kind == REDIS_REPLY_ERROR)
		return redis_fail(conn, reply, NULL, error);
	if (reply->kind != REDIS_REPLY_ARRAY || reply->size != 2 || !redis_is_text(&reply->as.items[0]) ||
	    reply->as.items[0].size >= sizeof(scan->position) || reply->as.items[1].kind != REDIS_REPLY_ARRAY)
		return redis_fail_protocol(conn, "SCAN has another answer than a cursor and keys", error);
	consort_copy_text(scan->position, sizeof(scan->position), reply->as.items[0].as.text);
	*out_keys = &reply->as.items[1];
	if (strcmp(scan->position, "0"))
		return CONSORT_OK;
	do
		scan->node++;
	while (scan->node < nodes && !scan->todo[scan->node]);
	return CONSORT_OK;
}

bool redis_scan_is_over(const struct redis_scan *scan)
{
	return scan->node >= (scan->map ? scan->map->nnodes : 1);
}

/* --- slots that moved --- */

/* Which nodes have slots that others had when this pass began. */
static bool mark_gains(const struct redis_map *before, const struct redis_map *now, uint8_t *todo)
{
	bool any = false;
	uint32_t slot;

	for (slot = 0; slot < REDIS_SLOTS; slot++) {
		uint16_t had = before->slots[slot], has = now->slots[slot];

		if (has == UINT16_MAX || (had != UINT16_MAX && !strcmp(before->nodes[had], now->nodes[has])))
			continue;
		todo[has] = 1;
		any = true;
	}
	return any;
}

/* Does CLUSTER NODES say of its own node that a slot is on its way to it: "myself … [93-<-id]"? */
static bool is_importing(const struct redis_reply *reply)
{
	const char *line = redis_is_text(reply) ? strstr(reply->as.text, "myself") : NULL;
	const char *end = line ? strchr(line, '\n') : NULL, *at = line ? strstr(line, "-<-") : NULL;

	return at && (!end || at < end);
}

static uint32_t mark_imports(struct redis_connection *conn, uint8_t *todo, bool *any,
			     struct consort_error *error)
{
	struct redis_map *map = redis_map_share(conn->map);
	uint32_t status, i;

	redis_begin(conn);
	for (i = 0; i < map->nnodes; i++) {
		redis_add_at(conn, map->nodes[i], 2);
		redis_arg_text(conn, "CLUSTER");
		redis_arg_text(conn, "NODES");
	}
	status = redis_run(conn, error);
	for (i = 0; !status && i < map->nnodes; i++)
		if (is_importing(redis_reply(conn, i))) {
			todo[i] = 1;
			*any = true;
		}
	redis_map_free(map);
	return status;
}

uint32_t redis_scan_close_pass(struct redis_connection *conn, struct redis_scan *scan,
			       struct consort_error *error)
{
	struct redis_map *before = redis_map_share(scan->map);
	uint32_t status;
	bool again = false;

	if (!before)
		return CONSORT_OK;
	status = redis_map_refresh(conn, NULL, error);
	if (!status)
		status = begin_pass(conn, scan, error);
	if (!status)
		again = mark_gains(before, scan->map, scan->todo);
	/* a slot that is still on its way has left behind what was met, and brought what is met now */
	if (!status && !scan->passes)
		status = mark_imports(conn, scan->todo, &again, error);
	redis_map_free(before);
	if (status)
		return status;
	if (again && ++scan->passes > PASSES_MOST) {
		consort_error_set(
			error, CONSORT_ECONFLICT,
			"the cluster moved slots all the time, so whether all keys were met is not known");
		error->flags |= CONSORT_ERROR_RETRYABLE;
		return error->status;
	}
	while (!redis_scan_is_over(scan) && !scan->todo[scan->node])
		scan->node++;
	return CONSORT_OK;
}
