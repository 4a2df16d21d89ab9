/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling the server to stop what a session does: its operations, cursors and transaction. That takes a
 * client of its own, since the connection waits for the very command that is to end; so an errand does it,
 * which nobody waits for. The session is not used again, so being late does no harm.
 */
#include "mongodb.h"

#include <consort/errand.h>
#include <stdlib.h>

#define KILLS_MOST 32 /* that wait for servers which do not answer */
#define PATIENCE 2000 /* milliseconds, for each part of it */

struct kill {
	mongoc_uri_t *uri;
	bson_t command;
};

static struct consort_errands kills = {.most = KILLS_MOST};

static void free_kill(void *context)
{
	struct kill *kill = context;

	mongoc_uri_destroy(kill->uri);
	bson_destroy(&kill->command);
	free(kill);
}

static void deliver(void *context)
{
	struct kill *kill = context;
	mongoc_client_t *client = mongoc_client_new_from_uri_with_error(kill->uri, NULL);

	if (!client)
		return;
	mongoc_client_command_simple(client, "admin", &kill->command, NULL, NULL, NULL);
	mongoc_client_destroy(client);
}

void mongo_kill_start(const struct mongo_connection *conn)
{
	struct kill *kill = conn->aside ? mongo_alloc(sizeof(*kill)) : NULL;
	struct consort_errand *errand;
	bson_t sessions;

	if (!kill)
		return;
	kill->uri = mongoc_uri_copy(conn->database->uri);
	mongoc_uri_set_option_as_int32(kill->uri, MONGOC_URI_CONNECTTIMEOUTMS, PATIENCE);
	mongoc_uri_set_option_as_int32(kill->uri, MONGOC_URI_SOCKETTIMEOUTMS, PATIENCE);
	mongoc_uri_set_option_as_int32(kill->uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, PATIENCE);
	bson_init(&kill->command);
	bson_append_array_begin(&kill->command, "killSessions", -1, &sessions);
	BSON_APPEND_DOCUMENT(&sessions, "0", mongoc_client_session_get_lsid(conn->session));
	BSON_APPEND_DOCUMENT(&sessions, "1", mongoc_client_session_get_lsid(conn->aside));
	bson_append_array_end(&kill->command, &sessions);
	errand = consort_errand_start(&kills, deliver, free_kill, kill);
	if (!errand)
		free_kill(kill);
	consort_errand_drop(errand);
}
