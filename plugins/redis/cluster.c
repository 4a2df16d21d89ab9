/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters: keys to slots, slots to nodes. All connections of a database share what the last of them has
 * learned. */
#include "redis.h"

#include <stdio.h>
#include <stdlib.h>

/* CRC-16/XMODEM, as the cluster's specification has it. */
static uint16_t crc16(const char *data, size_t size)
{
	uint16_t crc = 0;
	size_t i;
	int bit;

	for (i = 0; i < size; i++) {
		crc = (uint16_t)(crc ^ ((unsigned char)data[i] << 8));
		for (bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1);
	}
	return crc;
}

int32_t redis_slot(const struct redis_connection *conn, const char *key, size_t size)
{
	const char *open, *close;

	if (!conn->map)
		return REDIS_ANY;
	/* what stands between the first { and the } behind it, if that is something, stands for the key */
	open = memchr(key, '{', size);
	close = open ? memchr(open, '}', size - (size_t)(open - key)) : NULL;
	if (close && close > open + 1) {
		key = open + 1;
		size = (size_t)(close - key);
	}
	return crc16(key, size) % REDIS_SLOTS;
}

const char *redis_node_of(const struct redis_connection *conn, int32_t slot)
{
	uint16_t node = conn->map->slots[slot];

	return node == UINT16_MAX ? NULL : conn->map->nodes[node];
}

/* --- the map --- */

void redis_map_free(struct redis_map *map)
{
	uint32_t i;

	if (!map || __atomic_sub_fetch(&map->references, 1, __ATOMIC_ACQ_REL))
		return;
	for (i = 0; i < map->nnodes; i++)
		free(map->nodes[i]);
	free(map->nodes);
	free(map->identity);
	free(map);
}

void redis_map_take(struct redis_connection *conn)
{
	struct redis_database *database = conn->database;
	struct redis_map *old = conn->map;

	pthread_mutex_lock(&database->lock);
	if (database->map && database->map != old) {
		__atomic_add_fetch(&database->map->references, 1, __ATOMIC_RELAXED);
		conn->map = database->map;
	}
	pthread_mutex_unlock(&database->lock);
	if (conn->map != old)
		redis_map_free(old);
}

static void publish(struct redis_connection *conn, struct redis_map *map)
{
	struct redis_database *database = conn->database;
	struct redis_map *old;

	pthread_mutex_lock(&database->lock);
	old = database->map;
	database->map = map;
	pthread_mutex_unlock(&database->lock);
	redis_map_free(old);
	redis_map_take(conn);
}

/* The position of a node among the map's; it is added if it is new. -1: no memory. */
static int32_t add_node(struct redis_map *map, const char *node)
{
	uint32_t i;

	for (i = 0; i < map->nnodes; i++)
		if (!strcmp(map->nodes[i], node))
			return (int32_t)i;
	map->nodes[i] = strdup(node);
	if (!map->nodes[i])
		return -1;
	return (int32_t)map->nnodes++;
}

/* The cluster's name is that of the node whose id is the least. */
static bool take_identity(struct redis_map *map, const struct redis_reply *master)
{
	char *identity = NULL;

	if (master->size < 3 || !redis_is_text(&master->as.items[2]))
		return true;
	if (asprintf(&identity, "redis-cluster:%s", master->as.items[2].as.text) < 0)
		return false;
	if (map->identity && strcmp(map->identity, identity) <= 0) {
		free(identity);
		return true;
	}
	free(map->identity);
	map->identity = identity;
	return true;
}

/* [first, last, [host, port, id, …], …] */
static uint32_t take_range(const struct redis_link *link, struct redis_map *map,
			   const struct redis_reply *range, struct consort_error *error)
{
	const struct redis_reply *items = range->as.items, *host;
	const char *port = strrchr(link->node, ':');
	char node[300];
	int32_t position;
	int64_t slot;

	if (range->kind != REDIS_REPLY_ARRAY || range->size < 3 || items[0].kind != REDIS_REPLY_INTEGER ||
	    items[1].kind != REDIS_REPLY_INTEGER || items[0].as.integer < 0 ||
	    items[1].as.integer >= REDIS_SLOTS || items[2].kind != REDIS_REPLY_ARRAY || items[2].size < 2 ||
	    items[2].as.items[1].kind != REDIS_REPLY_INTEGER)
		return redis_fail_protocol(link->conn, "a range of slots is not understood", error);
	host = &items[2].as.items[0];
	if (redis_is_text(host) && host->size && strcmp(host->as.text, "?"))
		snprintf(node, sizeof(node), strchr(host->as.text, ':') ? "[%s]:%lld" : "%s:%lld",
			 host->as.text, (long long)items[2].as.items[1].as.integer);
	else /* the one that we asked */
		snprintf(node, sizeof(node), "%.*s:%lld", port ? (int)(port - link->node) : 0, link->node,
			 (long long)items[2].as.items[1].as.integer);
	position = add_node(map, node);
	if (position < 0 || !take_identity(map, &items[2]))
		return consort_error_no_memory(error);
	for (slot = items[0].as.integer; slot <= items[1].as.integer; slot++)
		map->slots[slot] = (uint16_t)position;
	return CONSORT_OK;
}

static uint32_t read_map(const struct redis_link *link, const struct redis_reply *reply,
			 struct redis_map **out_map, struct consort_error *error)
{
	struct redis_map *map = calloc(1, sizeof(*map));
	uint32_t status = CONSORT_OK;
	uint64_t i;

	if (!map)
		return consort_error_no_memory(error);
	map->references = 1;
	memset(map->slots, 0xff, sizeof(map->slots));
	map->nodes = calloc(reply->size + 1, sizeof(*map->nodes));
	if (!map->nodes)
		status = consort_error_no_memory(error);
	for (i = 0; !status && i < reply->size; i++)
		status = take_range(link, map, &reply->as.items[i], error);
	if (!status && !map->nnodes) {
		status = consort_error_set(error, CONSORT_ECONNECTION,
					   "no node of the cluster at %s has any slots", link->node);
		error->flags |= CONSORT_ERROR_RETRYABLE;
	}
	if (!status && !map->identity && !(map->identity = strdup(map->nodes[0])))
		status = consort_error_no_memory(error);
	if (status)
		redis_map_free(map);
	else
		*out_map = map;
	return status;
}

uint32_t redis_map_refresh(struct redis_connection *conn, struct redis_link *link,
			   struct consort_error *error)
{
	struct redis_pipe pipe = conn->pipe;
	struct redis_map *map = NULL;
	bool sent = conn->sent;
	uint32_t status;

	if (!link)
		for (link = conn->links; link && !link->reader;)
			link = link->next;
	if (!link)
		return redis_fail_lost(conn->links, "no node is left to be asked for the others", error);
	memset(&conn->pipe, 0, sizeof(conn->pipe));
	redis_add(conn, REDIS_ANY, 2);
	redis_arg_text(conn, "CLUSTER");
	redis_arg_text(conn, "SLOTS");
	status = redis_run_on(conn, link, error);
	if (!status && redis_reply(conn, 0)->kind == REDIS_REPLY_ERROR)
		status = redis_fail(conn, redis_reply(conn, 0), NULL, error);
	else if (!status && redis_reply(conn, 0)->kind != REDIS_REPLY_ARRAY)
		status = redis_fail_protocol(conn, "CLUSTER SLOTS has another answer than an array", error);
	if (!status)
		status = read_map(link, redis_reply(conn, 0), &map, error);
	redis_pipe_free(&conn->pipe);
	conn->pipe = pipe;
	conn->sent = sent;
	if (!status)
		publish(conn, map);
	return status;
}
