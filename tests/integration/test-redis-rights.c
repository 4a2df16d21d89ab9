/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Redis lets one do: how the features differ between a server, a replica, a cluster and users with few
 * rights, each with its reason; who is refused, and what is refused to whom.
 */
#include "redis-server.h"

#include <consort/buffer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER "redis@rights"
#define REPLICA "redis@copy"
#define CLUSTER "redis-cluster@rights"

static const char notes[] = "[resource note]\ndatabase = db\nsource = %s\nkey = id\nattribute.id = int64\n"
			    "attribute.name = text\n"
			    "[resource paper]\ndatabase = db\nsource = %s-paper\nkey = id\nrecord = json\n"
			    "attribute.id = int64\nattribute.name = text\n";

static struct consort *open_as(const char *server, const char *rights)
{
	servers_start(server);
	if (!rights)
		return redis_open(server, NULL, NULL, notes);
	redis_ask(server, "acl setuser somebody reset on '>x' %s", rights);
	return redis_open(server, NULL, "user = somebody\npassword = x", notes);
}

static enum consort_status create_note(struct consort *c, int64_t id, struct consort_error *error)
{
	struct consort_record *record = consort_record_new(c, "note");
	enum consort_status status;

	consort_record_set(record, "id", consort_int64(id));
	consort_record_set(record, "name", consort_text("new"));
	status = consort_create(c, record, error);
	consort_record_free(record);
	return status;
}

/* --- masks --- */

/* Features that a server of its own with all rights has, and this one has not: "create: why;…". */
static const char *missing(struct consort *c)
{
	struct consort *all = open_as(SERVER, NULL);
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	uint32_t feature;

	api_find(all, "note", "id", "id = 1", NULL);
	api_find(c, "note", "id", "id = 1", NULL);
	for (feature = 0; consort_feature_name(feature); feature++) {
		const char *why = NULL;

		if (!consort_supports(all, "db", feature, NULL) || consort_supports(c, "db", feature, &why))
			continue;
		consort_buffer_printf(&text, "%s: %s;", consort_feature_name(feature), why);
	}
	consort_buffer_text(&text, "");
	consort_close(all);
	return testing_keep(consort_buffer_steal(&text));
}

/* also: what stands between the writes and what indexes need */
#define EACH_WRITE(why, also)                                                                       \
	"create: " why ";update: " why ";delete: " why ";upsert: " why ";bulk_write: " why ";" also \
	"define: " why ";indexes: " why ";"
#define REPLICA_ONLY "the server is a replica, which only reads"

static void mask(const char *server, const char *rights, const char *expected)
{
	struct consort *c = open_as(server, rights);

	TESTING_TEXT(missing(c), expected);
	consort_close(c);
}

static void test_masks_of_users(void)
{
	mask(SERVER, "'~*' +@all", "");
	mask(SERVER, "'~*' +@read +@connection +@transaction",
	     "create: this user may not run HSET;update: this user may not run HSET;"
	     "delete: this user may not run DEL;upsert: this user may not run HSET;"
	     "bulk_write: this user may not run HSET;define: this user may not run DEL;"
	     "indexes: this user may not run EVALSHA;key_value: this user may not run SET;"
	     "counters: this user may not run EVALSHA;time_to_live: this user may not run SET;");
	mask(SERVER, "'~*' +@all -@scripting",
	     EACH_WRITE("this user may not run EVALSHA",
			"") "key_value: this user may not run EVALSHA;counters: "
			    "this user may not run EVALSHA;");
	mask(SERVER, "'~*' +@all -del",
	     "delete: this user may not run DEL;define: this user may not run DEL;key_value: this user may "
	     "not run DEL;");
	mask(SERVER, "'~*' +@all -get",
	     "read: this user may not run GET;key_value: this user may not run GET;");
	mask(SERVER, "'~*' +@all -hmget", "read: this user may not run HMGET;");
	/* keys are not known beforehand: these are refused one by one */
	mask(SERVER, "'~elsewhere:*' +@all", "");
}

static void test_mask_of_cluster(void)
{
	mask(CLUSTER, NULL, "");
	mask(CLUSTER, "'~*' +@all -@scripting",
	     EACH_WRITE("this user may not run EVALSHA",
			"") "key_value: this user may not run EVALSHA;counters: "
			    "this user may not run EVALSHA;");
}

static void make_replica(void)
{
	servers_start(SERVER);
	servers_start(REPLICA);
	redis_ask(REPLICA, "replicaof 127.0.0.1 %s", servers_get(SERVER, "PORT"));
	while (!strstr(redis_ask(REPLICA, "info replication"), "master_link_status:up"))
		;
}

static void test_mask_of_replica(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c;

	make_replica();
	mask(REPLICA, NULL,
	     EACH_WRITE(REPLICA_ONLY, "transactions: " REPLICA_ONLY ";") "key_value: " REPLICA_ONLY
									 ";counters: " REPLICA_ONLY
									 ";time_to_live: " REPLICA_ONLY ";");
	redis_ask(SERVER, "hset %s:1 name first", testing_name());
	redis_ask(SERVER, "wait 1 10000");
	c = redis_open(REPLICA, NULL, NULL, notes);
	TESTING_TEXT(api_find(c, "note", NULL, NULL, NULL), "1,first");
	CU_ASSERT_EQUAL(create_note(c, 2, &error), CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(error.message, "the server is a replica");
	consort_close(c);
}

/* It becomes a replica while it is used: the server refuses, and says so. */
static void test_becomes_replica(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_as(REPLICA, NULL);

	redis_ask(REPLICA, "replicaof no one");
	API_OK(create_note(c, 1, &error));
	make_replica();
	CU_ASSERT_EQUAL(create_note(c, 2, &error), CONSORT_EREADONLY);
	CU_ASSERT(!(error.flags & CONSORT_ERROR_RETRYABLE));
	TESTING_TEXT(error.origin, "db");
	redis_ask(REPLICA, "replicaof no one");
	API_OK(create_note(c, 3, &error));
	consort_close(c);
}

/* --- who is refused --- */

static void refused(const char *lines)
{
	struct consort *c = redis_open(SERVER, NULL, lines, notes);
	const char *text = api_find(c, "note", NULL, NULL, NULL);

	TESTING_CONTAINS(text, "status 10: ");
	CU_ASSERT_PTR_NULL(strstr(text, "a secret of mine"));
	consort_close(c);
}

static void test_not_let_in(void)
{
	servers_start(SERVER);
	redis_ask(SERVER, "acl setuser somebody reset on '>right' '~*' +@all");
	redis_ask(SERVER, "acl setuser nobody reset off '>right' '~*' +@all");
	refused("user = somebody\npassword = a secret of mine");
	refused("user = somebody");
	refused("user = unknown\npassword = a secret of mine");
	refused("user = nobody\npassword = right");
	/* without a word where one is needed */
	redis_ask(SERVER, "config set requirepass needed");
	refused("");
	refused("password = a secret of mine");
	redis_ask(SERVER, "--no-auth-warning -a needed config set requirepass ''");
}

/* A password that is changed: connections that are in stay, others are told. */
static void test_password_changed(void)
{
	struct consort *c;

	servers_start(SERVER);
	redis_ask(SERVER, "acl setuser somebody reset on '>x' '~*' +@all");
	c = redis_open(SERVER, NULL, "user = somebody\npassword = x", notes);
	TESTING_TEXT(api_find(c, "note", NULL, NULL, NULL), "");
	redis_ask(SERVER, "acl setuser somebody reset on '>y' '~*' +@all");
	redis_ask(SERVER, "client kill type normal");
	TESTING_CONTAINS(api_find(c, "note", NULL, NULL, NULL), "status 10: ");
	redis_ask(SERVER, "acl setuser somebody reset on '>x' '~*' +@all");
	TESTING_TEXT(api_find(c, "note", NULL, NULL, NULL), "");
	consort_close(c);
}

/* --- what is refused --- */

/* Some keys are no business of this user's, and some commands. */
static void test_other_keys(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	char rights[200];
	struct consort *c;

	snprintf(rights, sizeof(rights), "'~%s:1*' '%%R~%s:2*' +@all", testing_name(), testing_name());
	c = open_as(SERVER, rights);
	redis_ask(SERVER, "hset %s:2 name two", testing_name());
	redis_ask(SERVER, "hset %s:3 name three", testing_name());
	API_OK(create_note(c, 1, &error));
	TESTING_TEXT(api_find(c, "note", NULL, "id in (1, 2)", "id"), "1,new;2,two");
	CU_ASSERT_EQUAL(create_note(c, 2, &error), CONSORT_EPERMISSION);
	CU_ASSERT_EQUAL(create_note(c, 3, &error), CONSORT_EPERMISSION);
	TESTING_CONTAINS(api_find(c, "note", NULL, "id = 3", NULL), "status 11: ");
	/* a scan meets keys whose records it may not read: it says so, and hides none */
	TESTING_CONTAINS(api_find(c, "note", NULL, NULL, NULL), "status 11: ");
	CU_ASSERT_EQUAL(consort_delete(c, "note", CONSORT_ARGS(consort_int64(2)), &error),
			CONSORT_EPERMISSION);
	TESTING_TEXT(redis_ask(SERVER, "hget %s:2 name", testing_name()), "two;");
	consort_close(c);
}

static void test_no_scan(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_as(SERVER, "'~*' +@all -scan");

	API_OK(create_note(c, 1, &error));
	TESTING_TEXT(api_find(c, "note", NULL, "id = 1", NULL), "1,new");
	TESTING_CONTAINS(api_find(c, "note", NULL, NULL, NULL), "status 11: ");
	consort_close(c);
}

static void test_reader(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_as(SERVER, "'~*' +@read +@connection +@transaction");

	redis_ask(SERVER, "hset %s:1 name there", testing_name());
	TESTING_TEXT(api_find(c, "note", "name", "id = 1", NULL), "there");
	CU_ASSERT_EQUAL(create_note(c, 2, &error), CONSORT_EUNSUPPORTED);
	consort_close(c);
}

/* --- numbers of databases --- */

static void test_db_number(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = redis_open(SERVER, NULL, "db = 3", notes);

	API_OK(create_note(c, 1, &error));
	TESTING_TEXT(api_find(c, "note", NULL, NULL, NULL), "1,new");
	TESTING_TEXT(redis_ask(SERVER, "-n 3 hget %s:1 name", testing_name()), "new;");
	TESTING_TEXT(redis_ask(SERVER, "exists %s:1", testing_name()), "0;");
	consort_close(c);
	c = redis_open(SERVER, NULL, "db = 9999", notes);
	TESTING_CONTAINS(api_find(c, "note", NULL, NULL, NULL), "status 27: db = ");
	consort_close(c);
	c = redis_open(CLUSTER, NULL, "db = 1", notes);
	TESTING_CONTAINS(api_find(c, "note", NULL, NULL, NULL), "status 27: db = ");
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"masks-of-users", test_masks_of_users},
		{"mask-of-cluster", test_mask_of_cluster},
		{"mask-of-replica", test_mask_of_replica},
		{"becomes-replica", test_becomes_replica},
		{"not-let-in", test_not_let_in},
		{"password-changed", test_password_changed},
		{"other-keys", test_other_keys},
		{"no-scan", test_no_scan},
		{"reader", test_reader},
		{"db-number", test_db_number},
		{NULL, NULL},
	};
	int code = testing_main("redis-rights", cases, argc, argv);

	servers_remove(SERVER);
	servers_remove(REPLICA);
	servers_remove(CLUSTER);
	return code;
}
