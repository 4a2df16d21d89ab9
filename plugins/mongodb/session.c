/* SPDX-License-Identifier: Apache-2.0 */
/* The session that everything of a connection belongs to, and what the server tells of itself: features and
 * reasons. */
#include "mongodb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIRE_LEAST 13 /* MongoDB 5.0 */

static bool renew(struct mongo_connection *conn, mongoc_client_session_t **session, bson_t *options,
		  bson_error_t *said)
{
	if (*session)
		mongoc_client_session_destroy(*session);
	bson_reinit(options);
	*session = mongoc_client_start_session(conn->client, NULL, said);
	return *session && mongoc_client_session_append(*session, options, said);
}

uint32_t mongo_session_renew(struct mongo_connection *conn, struct consort_error *error)
{
	bson_error_t said = {0};

	if (renew(conn, &conn->session, &conn->options, &said) &&
	    renew(conn, &conn->aside, &conn->aside_options, &said))
		return CONSORT_OK;
	return mongo_fail(conn, &said, NULL, NULL, error);
}

/* --- who the server is --- */

static uint32_t ask(struct mongo_connection *conn, const char *what, bson_t *reply,
		    struct consort_error *error)
{
	bson_t command = BSON_INITIALIZER;
	uint32_t status;

	BSON_APPEND_INT32(&command, what, 1);
	if (!strcmp(what, "connectionStatus"))
		BSON_APPEND_BOOL(&command, "showPrivileges", true);
	status = mongo_run(conn, MONGO_PLAIN, &command, 0, NULL, reply, error);
	bson_destroy(&command);
	return status;
}

static const char *text_in(const bson_t *document, const char *name)
{
	bson_iter_t at;

	return bson_iter_init_find(&at, document, name) && BSON_ITER_HOLDS_UTF8(&at)
		       ? bson_iter_utf8(&at, NULL)
		       : NULL;
}

static bool is_true(const bson_t *document, const char *name)
{
	bson_iter_t at;

	return bson_iter_init_find(&at, document, name) && bson_iter_as_bool(&at);
}

/* The same for all ways to one database: of a replica set by its name and first member. */
static char *identify(const struct mongo_connection *conn, const bson_t *hello)
{
	const char *set = text_in(hello, "setName"), *where = NULL;
	mongoc_server_description_t *server = NULL;
	bson_iter_t hosts;
	char *identity = NULL;

	if (set && mongo_part(hello, "hosts", &hosts) && bson_iter_next(&hosts) &&
	    BSON_ITER_HOLDS_UTF8(&hosts))
		where = bson_iter_utf8(&hosts, NULL);
	if (!where) {
		server = mongoc_client_select_server(conn->client, false, NULL, NULL);
		where = server ? mongoc_server_description_host(server)->host_and_port : "";
	}
	if (asprintf(&identity, "mongodb:%s%s%s/%s", set ? set : "", set ? "@" : "", where,
		     conn->database->dbname) < 0)
		identity = NULL;
	if (server)
		mongoc_server_description_destroy(server);
	return identity;
}

static uint32_t take_hello(struct mongo_connection *conn, struct consort_error *error)
{
	const char *kind;
	bson_t reply;
	uint32_t status = ask(conn, "hello", &reply, error);

	if (!status) {
		kind = text_in(&reply, "msg");
		conn->wire = (int32_t)mongo_number(&reply, "maxWireVersion", 0);
		conn->replica_set = text_in(&reply, "setName") != NULL;
		conn->sharded = kind && !strcmp(kind, "isdbgrid");
		conn->writable = is_true(&reply, "isWritablePrimary");
		conn->identity = identify(conn, &reply);
		if (conn->wire < WIRE_LEAST)
			status = consort_error_set(
				error, CONSORT_EUNSUPPORTED,
				"MongoDB 5.0 or newer is needed; this server's wire version is %d",
				conn->wire);
		else if (!conn->identity)
			status = consort_error_no_memory(error);
	}
	bson_destroy(&reply);
	return status;
}

static uint32_t take_version(struct mongo_connection *conn, struct consort_error *error)
{
	const char *version;
	bson_t reply;
	uint32_t status = ask(conn, "buildInfo", &reply, error);

	if (!status) {
		version = text_in(&reply, "version");
		if (asprintf(&conn->server, "MongoDB %s%s", version ? version : "of an unknown version",
			     conn->sharded	 ? ", a sharded cluster"
			     : conn->replica_set ? ", a replica set"
						 : "") < 0) {
			conn->server = NULL;
			status = consort_error_no_memory(error);
		}
	}
	bson_destroy(&reply);
	return status;
}

static bool array_has(bson_iter_t *privilege, const char *name, const char *wanted)
{
	bson_iter_t inside = *privilege, actions;

	if (!bson_iter_find(&inside, name) || !bson_iter_recurse(&inside, &actions))
		return false;
	while (bson_iter_next(&actions))
		if (BSON_ITER_HOLDS_UTF8(&actions) && !strcmp(bson_iter_utf8(&actions, NULL), wanted))
			return true;
	return false;
}

/* Does a privilege on the database, or unless it is about the `whole` on some collection of it, allow that?
 */
static bool may(const struct mongo_connection *conn, bson_iter_t privileges, const char *action, bool whole)
{
	bson_iter_t privilege, resource, where, collection;

	while (bson_iter_next(&privileges)) {
		if (!bson_iter_recurse(&privileges, &privilege))
			continue;
		resource = where = privilege;
		if (!array_has(&privilege, "actions", action) || !bson_iter_find(&resource, "resource") ||
		    !bson_iter_recurse(&resource, &where))
			continue;
		collection = where;
		if (whole && bson_iter_find(&collection, "collection") && BSON_ITER_HOLDS_UTF8(&collection) &&
		    *bson_iter_utf8(&collection, NULL))
			continue;
		if (!bson_iter_find(&where, "db") || !BSON_ITER_HOLDS_UTF8(&where)) /* of all databases */
			return true;
		if (!*bson_iter_utf8(&where, NULL) ||
		    !strcmp(bson_iter_utf8(&where, NULL), conn->database->dbname))
			return true;
	}
	return false;
}

/* Whom the server takes us for, and what that one may do. */
static uint32_t take_user(struct mongo_connection *conn, struct consort_error *error)
{
	bson_iter_t info, users, user, privileges;
	const char *name = "";
	bson_t reply;
	uint32_t status = ask(conn, "connectionStatus", &reply, error);

	if (!status) {
		if (bson_iter_init(&info, &reply) &&
		    bson_iter_find_descendant(&info, "authInfo.authenticatedUsers.0.user", &user) &&
		    BSON_ITER_HOLDS_UTF8(&user))
			name = bson_iter_utf8(&user, NULL);
		if (*name && bson_iter_init(&info, &reply) &&
		    bson_iter_find_descendant(&info, "authInfo.authenticatedUserPrivileges", &users) &&
		    bson_iter_recurse(&users, &privileges)) {
			conn->reader = !may(conn, privileges, "insert", false);
			conn->unaware = !may(conn, privileges, "changeStream", true);
		}
		conn->user = strdup(name);
		if (!conn->user)
			status = consort_error_no_memory(error);
	}
	bson_destroy(&reply);
	return status;
}

uint32_t mongo_meet(struct mongo_connection *conn, struct consort_error *error)
{
	uint32_t status = take_hello(conn, error);

	if (!status)
		status = take_version(conn, error);
	if (!status)
		status = take_user(conn, error);
	return status ? status : mongo_session_renew(conn, error);
}

/* --- features --- */

static void take_away(struct consort_features *mask, const struct consort_feature_sink *sink,
		      uint32_t feature, const char *why)
{
	if (!consort_features_has(mask, feature))
		return;
	consort_features_remove(mask, feature);
	sink->missing(sink->context, feature, why);
}

void mongo_features(void *connection, struct consort_features *mask, const struct consort_feature_sink *sink)
{
	static const uint32_t writes[] = {
		CONSORT_FEATURE_CREATE, CONSORT_FEATURE_UPDATE,	    CONSORT_FEATURE_DELETE,
		CONSORT_FEATURE_UPSERT, CONSORT_FEATURE_BULK_WRITE, CONSORT_FEATURE_RETURNING,
		CONSORT_FEATURE_DEFINE, CONSORT_FEATURE_INDEXES,
	};
	static const uint32_t transactions[] = {
		CONSORT_FEATURE_TRANSACTIONS,
		CONSORT_FEATURE_LAST_RESOURCE,
		CONSORT_FEATURE_READ_YOUR_WRITES,
		CONSORT_FEATURE_ATOMIC_COMMIT,
	};
	const struct mongo_connection *conn = connection;
	const char *why = !conn->writable ? "the server is a secondary of its replica set, which only reads"
			  : conn->reader  ? "this user's roles do not let it insert into this database"
					  : NULL;
	size_t i;

	for (i = 0; why && i < sizeof(writes) / sizeof(*writes); i++)
		take_away(mask, sink, writes[i], why);
	if (!conn->replica_set && !conn->sharded)
		take_away(mask, sink, CONSORT_FEATURE_CHANGE_FEED,
			  "changes are told by replica sets, and this server stands alone");
	else if (conn->unaware)
		take_away(mask, sink, CONSORT_FEATURE_CHANGE_FEED,
			  "this user's roles do not let it see changes of this database");
	if (!conn->replica_set && !conn->sharded)
		why = "transactions need a replica set, and this server stands alone";
	else if (!conn->writable)
		why = "transactions are the primary's affair, and this server is a secondary";
	else
		why = NULL;
	for (i = 0; why && i < sizeof(transactions) / sizeof(*transactions); i++)
		take_away(mask, sink, transactions[i], why);
}

void mongo_info(void *connection, struct consort_connection_info *info)
{
	const struct mongo_connection *conn = connection;

	info->server = conn->server;
	info->identity = conn->identity;
	info->user = conn->user;
}
