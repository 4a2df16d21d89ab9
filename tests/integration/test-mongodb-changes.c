/* SPDX-License-Identifier: Apache-2.0 */
/* The MongoDB adapter's change feed: what it tells of which change, where it goes on, and how it ends. */
#include "mongodb-adapter.h"

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loader/loader.h"

#define SET "mongodb-rs"
#define OWN "mongodb-rs@mongochanges"
#define SECOND INT64_C(1000000000)
#define SOON (30 * SECOND) /* far more than it takes, and far less than for ever */

/* A feed on a connection of its own, beside test->connection, which writes. What it tells goes to test->text.
 */
struct watch {
	struct adapter_test *test;
	void *connection, *feed;
	uint32_t told;
	uint32_t answer; /* to what is told */
	char position[1024];
};

static int64_t now(void)
{
	return consort_host_services()->clock();
}

static void print(struct consort_buffer *out, const char *word, const struct consort_change *change,
		  const struct consort_value *values)
{
	uint32_t i;

	if (!values)
		return;
	consort_buffer_printf(out, " %s", word);
	for (i = 0; i < change->nvalues; i++) {
		consort_buffer_printf(out, " %s=", change->resource->attributes[change->attributes[i]]->name);
		consort_buffer_text(out, consort_value_is_null(&values[i]) ? "NULL" : "");
		consort_value_print(&values[i], out);
	}
}

static uint32_t note(void *context, const struct consort_change *change)
{
	static const char *const kinds[] = {"", "insert", "update", "delete", "commit"};
	struct watch *watch = context;
	struct consort_buffer *out = &watch->test->text;
	int64_t age = (int64_t)time(NULL) * 1000000 - change->time;

	CU_ASSERT_TRUE(age > -3600000000 && age < 3600000000);
	consort_copy_text(watch->position, sizeof(watch->position), change->position);
	consort_buffer_text(out, kinds[change->kind]);
	if (change->resource)
		consort_buffer_printf(out, " %s", change->resource->name);
	print(out, "was", change, change->before);
	print(out, "is", change, change->after);
	consort_buffer_char(out, '\n');
	watch->told++;
	return watch->answer;
}

/* names: of resources, which are known. */
static uint32_t open_feed(struct watch *watch, const char *const *names, const char *position)
{
	const struct consort_resource *resources[4];
	struct adapter_test *test = watch->test;
	uint32_t count = 0;

	for (; *names; names++)
		resources[count++] = adapter_resource(test, *names, NULL);
	watch->feed = NULL;
	return test->plugin->changes->open(watch->connection, &test->call, "feed", resources, count, position,
					   &watch->feed, &test->error);
}

static void close_feed(struct watch *watch)
{
	watch->test->plugin->changes->close(watch->feed);
	watch->feed = NULL;
}

static uint32_t next(struct watch *watch, int64_t patience)
{
	const struct consort_change_sink sink = {watch, note};
	struct adapter_test *test = watch->test;
	uint32_t status;

	test->call.deadline = patience ? now() + patience : 0;
	status = test->plugin->changes->next(watch->feed, &test->call, &sink, &test->error);
	test->call.deadline = 0;
	return status;
}

/* Reads until so many things were told, and no more come. */
static void told(struct watch *watch, uint32_t count, const char *expected)
{
	struct adapter_test *test = watch->test;
	uint32_t status = CONSORT_OK;

	consort_buffer_reset(&test->text);
	watch->told = 0;
	while (!status && watch->told < count)
		ADAPTER_OK(test, status = next(watch, SOON));
	TESTING_TEXT(adapter_text(test), expected);
}

static void quiet(struct watch *watch)
{
	watch->told = 0;
	CU_ASSERT_EQUAL(next(watch, SECOND), CONSORT_ETIMEOUT);
	CU_ASSERT_EQUAL(watch->told, 0);
}

static void begin(struct adapter_test *test, struct watch *watch, const char *server)
{
	mongodb_test_open(test, server, NULL);
	*watch = (struct watch){.test = test, .connection = adapter_connect(test)};
}

static void declare(struct adapter_test *test, const char *name)
{
	ADAPTER_MUST(test, adapter_resource(test, name, ADAPTER_LIST("id = int64 from _id", "s = text")));
}

static void end(struct adapter_test *test, struct watch *watch)
{
	if (watch->feed)
		close_feed(watch);
	CU_ASSERT_EQUAL(test->plugin->changes->forget(watch->connection, &test->call, "feed", &test->error),
			CONSORT_OK);
	test->plugin->connection->close(watch->connection, &test->call);
	mongodb_test_close(test);
}

/* --- what is told --- */

static void test_kinds(void)
{
	struct adapter_test test;
	struct watch watch;

	begin(&test, &watch, SET);
	mongodb_test_raw("{\"create\": \"x\"}");
	mongodb_test_raw("{\"create\": \"other\"}");
	ADAPTER_MUST(&test, adapter_resource(&test, "x",
					     ADAPTER_LIST("id = int64 from _id", "s = text",
							  "city = text from address.city", "doc = json",
							  "tags = list of text", "rest = json codec rest")));
	ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("x"), NULL));
	mongodb_test_raw("{\"insert\": \"other\", \"documents\": [{\"_id\": 9}]}");
	mongodb_test_raw(
		"{\"insert\": \"x\", \"documents\": [{\"_id\": 1, \"s\": \"a\", \"doc\": {\"b\": 1}, "
		"\"address\": {\"city\": \"Rome\"}, \"tags\": [\"t\", \"u\"], \"$odd\": 2}, "
		"{\"_id\": 2}]}");
	told(&watch, 4,
	     "insert x is id=1 s=a city=Rome doc={\"b\":1} tags=[\"t\",\"u\"] rest={\"$odd\":2}\ncommit\n"
	     "insert x is id=2 s=NULL city=NULL doc=NULL tags=NULL rest={}\ncommit\n");
	mongodb_test_raw("{\"update\": \"x\", \"updates\": [{\"q\": {\"_id\": 1}, \"u\": {\"$set\": "
			 "{\"address.city\": \"Oslo\"}, \"$unset\": {\"s\": 1, \"doc\": 1, \"tags\": 1}}}]}");
	told(&watch, 2, "update x is id=1 s=NULL city=Oslo doc=NULL tags=NULL rest={\"$odd\":2}\ncommit\n");
	mongodb_test_raw("{\"update\": \"x\", \"updates\": [{\"q\": {\"_id\": 2}, \"u\": {\"_id\": 2, \"s\": "
			 "\"new\"}}]}");
	told(&watch, 2, "update x is id=2 s=new city=NULL doc=NULL tags=NULL rest={}\ncommit\n");
	mongodb_test_raw("{\"delete\": \"x\", \"deletes\": [{\"q\": {\"_id\": 1}, \"limit\": 1}]}");
	told(&watch, 2, "delete x was id=1\ncommit\n");
	quiet(&watch);
	end(&test, &watch);
}

/* A record that is gone when its change is read is told by its _id. */
static void test_gone(void)
{
	struct adapter_test test;
	struct watch watch;

	begin(&test, &watch, SET);
	mongodb_test_raw("{\"insert\": \"x\", \"documents\": [{\"_id\": 1, \"s\": \"a\"}]}");
	mongodb_test_raw("{\"insert\": \"y\", \"documents\": [{\"_id\": 7, \"id\": 1}]}");
	declare(&test, "x");
	ADAPTER_MUST(&test, adapter_resource(&test, "y", ADAPTER_LIST("id = int64")));
	ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("x", "y"), NULL));
	mongodb_test_raw("{\"update\": \"x\", \"updates\": [{\"q\": {\"_id\": 1}, \"u\": {\"$set\": {\"s\": "
			 "\"b\"}}}]}");
	mongodb_test_raw("{\"delete\": \"x\", \"deletes\": [{\"q\": {}, \"limit\": 0}]}");
	mongodb_test_raw("{\"delete\": \"y\", \"deletes\": [{\"q\": {}, \"limit\": 0}]}");
	told(&watch, 6, "update x is id=1\ncommit\ndelete x was id=1\ncommit\ndelete y was _id=7\ncommit\n");
	end(&test, &watch);
}

/* Where collections keep images, changes have the values of their time, before and after. */
static void test_images(void)
{
	struct adapter_test test;
	struct watch watch;

	begin(&test, &watch, SET);
	mongodb_test_raw("{\"create\": \"x\", \"changeStreamPreAndPostImages\": {\"enabled\": true}}");
	mongodb_test_raw("{\"create\": \"plain\"}");
	declare(&test, "x");
	declare(&test, "plain");
	ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("x"), NULL));
	mongodb_test_raw("{\"insert\": \"x\", \"documents\": [{\"_id\": 1, \"s\": \"a\"}]}");
	mongodb_test_raw("{\"update\": \"x\", \"updates\": [{\"q\": {\"_id\": 1}, \"u\": {\"$set\": {\"s\": "
			 "\"b\"}}}]}");
	mongodb_test_raw(
		"{\"update\": \"x\", \"updates\": [{\"q\": {\"_id\": 1}, \"u\": {\"$unset\": {\"s\": 1}}}]}");
	mongodb_test_raw("{\"delete\": \"x\", \"deletes\": [{\"q\": {\"_id\": 1}, \"limit\": 1}]}");
	told(&watch, 8,
	     "insert x is id=1 s=a\ncommit\nupdate x was id=1 s=a is id=1 s=b\ncommit\n"
	     "update x was id=1 s=b is id=1 s=NULL\ncommit\ndelete x was id=1 s=NULL\ncommit\n");
	close_feed(&watch);
	/* beside one that keeps none */
	ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("plain", "x"), NULL));
	mongodb_test_raw("{\"insert\": \"plain\", \"documents\": [{\"_id\": 1, \"s\": \"a\"}]}");
	mongodb_test_raw("{\"insert\": \"x\", \"documents\": [{\"_id\": 1, \"s\": \"a\"}]}");
	mongodb_test_raw("{\"delete\": \"plain\", \"deletes\": [{\"q\": {\"_id\": 1}, \"limit\": 1}]}");
	mongodb_test_raw("{\"delete\": \"x\", \"deletes\": [{\"q\": {\"_id\": 1}, \"limit\": 1}]}");
	told(&watch, 8,
	     "insert plain is id=1 s=a\ncommit\ninsert x is id=1 s=a\ncommit\n"
	     "delete plain was id=1\ncommit\ndelete x was id=1 s=a\ncommit\n");
	end(&test, &watch);
}

static void insert(struct adapter_test *test, int64_t id)
{
	const struct consort_args values = CONSORT_ARGS(consort_int64(id), consort_text("s"));

	ADAPTER_OK(test, adapter_write(test, ADAPTER_INSERT,
				       (struct adapter_write){
					       .resource = "x", .attributes = "id, s", .values = values}));
}

/* A transaction's changes come together, when it is committed; those of one that was undone never do. */
static void test_transactions(void)
{
	const struct consort_transaction_options options = {.struct_size = sizeof(options)};
	const struct consort_transaction_ops *ops;
	struct adapter_test test;
	struct watch watch;

	begin(&test, &watch, SET);
	ops = test.plugin->transaction;
	mongodb_test_raw("{\"create\": \"x\"}");
	declare(&test, "x");
	ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("x"), NULL));
	ADAPTER_OK(&test, ops->begin(test.connection, &test.call, &options, &test.error));
	insert(&test, 1);
	ADAPTER_OK(&test, ops->rollback(test.connection, &test.call, &test.error));
	ADAPTER_OK(&test, ops->begin(test.connection, &test.call, &options, &test.error));
	insert(&test, 2);
	insert(&test, 3);
	quiet(&watch);
	ADAPTER_OK(&test, ops->commit(test.connection, &test.call, &test.error));
	told(&watch, 3, "insert x is id=2 s=s\ninsert x is id=3 s=s\ncommit\n");
	/* one ends where another begins */
	ADAPTER_OK(&test, ops->begin(test.connection, &test.call, &options, &test.error));
	insert(&test, 4);
	ADAPTER_OK(&test, ops->commit(test.connection, &test.call, &test.error));
	ADAPTER_OK(&test, ops->begin(test.connection, &test.call, &options, &test.error));
	insert(&test, 5);
	ADAPTER_OK(&test, ops->commit(test.connection, &test.call, &test.error));
	told(&watch, 4, "insert x is id=4 s=s\ncommit\ninsert x is id=5 s=s\ncommit\n");
	quiet(&watch);
	/* a connection in a transaction has no feed */
	close_feed(&watch);
	ADAPTER_OK(&test, ops->begin(watch.connection, &test.call, &options, &test.error));
	CU_ASSERT_EQUAL(open_feed(&watch, ADAPTER_LIST("x"), NULL), CONSORT_EINVAL);
	ADAPTER_OK(&test, ops->rollback(watch.connection, &test.call, &test.error));
	end(&test, &watch);
}

/* What an attribute cannot hold is an error that names it, and the feed goes on behind it. */
static void test_wrong_type(void)
{
	struct adapter_test test;
	struct watch watch;

	begin(&test, &watch, SET);
	mongodb_test_raw("{\"create\": \"x\"}");
	declare(&test, "x");
	ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("x"), NULL));
	mongodb_test_raw(
		"{\"insert\": \"x\", \"documents\": [{\"_id\": 1, \"s\": 5}, {\"_id\": 2, \"s\": \"b\"}]}");
	CU_ASSERT_EQUAL(next(&watch, SOON), CONSORT_ETYPE);
	TESTING_CONTAINS(test.error.message, "resource 'x', attribute 's': the document holds 5");
	told(&watch, 2, "insert x is id=2 s=b\ncommit\n");
	end(&test, &watch);
}

/* --- positions --- */

/* Nothing is lost and nothing comes twice, wherever in between the feed is opened again. */
static void test_resumed(void)
{
	char expected[64];
	struct adapter_test test;
	struct watch watch;
	int64_t id;

	begin(&test, &watch, SET);
	mongodb_test_raw("{\"create\": \"x\"}");
	declare(&test, "x");
	ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("x"), NULL));
	insert(&test, 0);
	insert(&test, 1);
	insert(&test, 2);
	told(&watch, 6,
	     "insert x is id=0 s=s\ncommit\ninsert x is id=1 s=s\ncommit\ninsert x is id=2 s=s\ncommit\n");
	for (id = 3; id < 6; id++) {
		CU_ASSERT_EQUAL(
			test.plugin->changes->confirm(watch.feed, &test.call, watch.position, &test.error),
			CONSORT_OK);
		close_feed(&watch);
		test.plugin->connection->close(watch.connection, &test.call);
		insert(&test, id);
		watch.connection = adapter_connect(&test);
		ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("x"), watch.position));
		snprintf(expected, sizeof(expected), "insert x is id=%d s=s\ncommit\n", (int)id);
		told(&watch, 2, expected);
	}
	quiet(&watch);
	/* without a position it begins now */
	close_feed(&watch);
	insert(&test, 6);
	ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("x"), NULL));
	insert(&test, 7);
	told(&watch, 2, "insert x is id=7 s=s\ncommit\n");
	end(&test, &watch);
}

/* What the caller did not take comes again behind the position that it has. */
static void test_refused(void)
{
	struct adapter_test test;
	struct watch watch;
	char position[1024];

	begin(&test, &watch, SET);
	mongodb_test_raw("{\"create\": \"x\"}");
	declare(&test, "x");
	ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("x"), NULL));
	insert(&test, 1);
	told(&watch, 2, "insert x is id=1 s=s\ncommit\n");
	snprintf(position, sizeof(position), "%s", watch.position);
	insert(&test, 2);
	watch.answer = CONSORT_EFULL;
	CU_ASSERT_EQUAL(next(&watch, SOON), CONSORT_EFULL);
	watch.answer = CONSORT_OK;
	close_feed(&watch);
	ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("x"), position));
	told(&watch, 2, "insert x is id=2 s=s\ncommit\n");
	end(&test, &watch);
}

static void test_bad_positions(void)
{
	struct adapter_test test;
	struct watch watch;

	begin(&test, &watch, SET);
	mongodb_test_raw("{\"create\": \"x\"}");
	mongodb_test_raw("{\"create\": \"v\", \"viewOn\": \"x\", \"pipeline\": []}");
	declare(&test, "x");
	declare(&test, "v");
	CU_ASSERT_NOT_EQUAL(open_feed(&watch, ADAPTER_LIST("x"), "none"), CONSORT_OK);
	TESTING_CONTAINS(test.error.message, "'none' is no position of a change feed");
	CU_ASSERT_NOT_EQUAL(open_feed(&watch, ADAPTER_LIST("x"), "{\"_data\":\"zz\"}"), CONSORT_OK);
	TESTING_CONTAINS(test.error.message, "resume token");
	CU_ASSERT_EQUAL(open_feed(&watch, ADAPTER_LIST("x", "v"), NULL), CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(test.error.message, "'v' is a view");
	CU_ASSERT_EQUAL(open_feed(&watch, ADAPTER_LIST("x", "x"), NULL), CONSORT_EINVAL);
	end(&test, &watch);
}

/* --- ends --- */

/* What takes all records at once is an error, not silence. */
static void test_dropped(void)
{
	struct adapter_test test;
	struct watch watch;

	begin(&test, &watch, SET);
	mongodb_test_raw("{\"create\": \"x\"}");
	mongodb_test_raw("{\"create\": \"y\"}");
	declare(&test, "x");
	declare(&test, "y");
	ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("x", "y"), NULL));
	insert(&test, 1);
	told(&watch, 2, "insert x is id=1 s=s\ncommit\n");
	mongodb_test_raw("{\"drop\": \"x\"}");
	mongodb_test_raw("{\"insert\": \"y\", \"documents\": [{\"_id\": 1}]}");
	CU_ASSERT_EQUAL(next(&watch, SOON), CONSORT_ENAME);
	TESTING_CONTAINS(test.error.message, "resource 'x': the database was changed by 'drop'");
	told(&watch, 2, "insert y is id=1 s=NULL\ncommit\n");
	mongodb_test_raw("{\"create\": \"z\"}");
	mongodb_test_raw("{\"dropDatabase\": 1}");
	CU_ASSERT_EQUAL(next(&watch, SOON), CONSORT_ENAME);
	TESTING_CONTAINS(test.error.message, "resource 'y': the database was changed by 'drop'");
	CU_ASSERT_EQUAL(next(&watch, SOON), CONSORT_ENAME);
	TESTING_CONTAINS(test.error.message, "'invalidate'");
	CU_ASSERT_EQUAL(next(&watch, SOON), CONSORT_ENAME);
	TESTING_CONTAINS(test.error.message, "the server has ended this feed");
	end(&test, &watch);
}

/* A wait ends with its deadline, again and again, and the feed goes on. */
static void test_deadline(void)
{
	struct adapter_test test;
	struct watch watch;
	int64_t start;
	int i;

	begin(&test, &watch, SET);
	mongodb_test_raw("{\"create\": \"x\"}");
	declare(&test, "x");
	ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("x"), NULL));
	for (i = 0; i < 3; i++) {
		start = now();
		quiet(&watch);
		CU_ASSERT_TRUE(now() - start >= SECOND && now() - start < SOON);
	}
	test.call.deadline = now() - 1;
	CU_ASSERT_EQUAL(test.plugin->changes->next(watch.feed, &test.call,
						   &(struct consort_change_sink){&watch, note}, &test.error),
			CONSORT_ETIMEOUT);
	test.call.deadline = 0;
	insert(&test, 1);
	told(&watch, 2, "insert x is id=1 s=s\ncommit\n");
	end(&test, &watch);
}

static void *cancel(void *context)
{
	struct watch *watch = context;

	usleep(300000);
	watch->test->plugin->connection->cancel(watch->connection);
	return NULL;
}

static void test_cancel(void)
{
	struct adapter_test test;
	struct watch watch;
	pthread_t thread;

	begin(&test, &watch, SET);
	mongodb_test_raw("{\"create\": \"x\"}");
	declare(&test, "x");
	ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("x"), NULL));
	insert(&test, 1);
	told(&watch, 2, "insert x is id=1 s=s\ncommit\n");
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, cancel, &watch), 0);
	CU_ASSERT_EQUAL(next(&watch, 0), CONSORT_ECANCELLED);
	pthread_join(thread, NULL);
	close_feed(&watch);
	/* on another connection it goes on */
	insert(&test, 2);
	test.plugin->connection->close(watch.connection, &test.call);
	watch.connection = adapter_connect(&test);
	ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("x"), watch.position));
	told(&watch, 2, "insert x is id=2 s=s\ncommit\n");
	end(&test, &watch);
}

static void test_killed(void)
{
	struct adapter_test test;
	struct watch watch;

	servers_start(OWN);
	begin(&test, &watch, OWN);
	mongodb_test_raw("{\"create\": \"x\", \"writeConcern\": {\"w\": \"majority\", \"j\": true}}");
	declare(&test, "x");
	ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("x"), NULL));
	mongodb_test_raw("{\"insert\": \"x\", \"documents\": [{\"_id\": 1}], \"writeConcern\": {\"w\": "
			 "\"majority\", \"j\": true}}");
	told(&watch, 2, "insert x is id=1 s=NULL\ncommit\n");
	servers_kill(OWN);
	CU_ASSERT_EQUAL(next(&watch, SOON), CONSORT_ECONNECTION);
	CU_ASSERT_TRUE(test.error.flags & CONSORT_ERROR_CONNECTION_DEAD);
	CU_ASSERT_EQUAL(next(&watch, SOON), CONSORT_ECONNECTION);
	close_feed(&watch);
	test.plugin->connection->close(watch.connection, &test.call);
	servers_start(OWN);
	mongodb_test_raw("{\"insert\": \"x\", \"documents\": [{\"_id\": 2}]}");
	watch.connection = adapter_connect(&test);
	ADAPTER_OK(&test, open_feed(&watch, ADAPTER_LIST("x"), watch.position));
	told(&watch, 2, "insert x is id=2 s=NULL\ncommit\n");
	/* stopped: the deadline ends the wait all the same */
	servers_pause(OWN);
	CU_ASSERT_EQUAL(next(&watch, SECOND / 2), CONSORT_ETIMEOUT);
	servers_resume(OWN);
	end(&test, &watch);
}

static void test_alone(void)
{
	struct adapter_test test;

	mongodb_test_open(&test, "mongodb", NULL);
	TESTING_CONTAINS(test.missing,
			 "31: changes are told by replica sets, and this server stands alone\n");
	mongodb_test_close(&test);
}

/* Who may read all of the database may see its changes; roles of less do not reach. */
static void test_roles(void)
{
	static const struct {
		const char *where, *actions;
		bool sees;
	} roles[] = {
		{"", "\"find\", \"listCollections\", \"changeStream\"", true},
		{"", "\"find\", \"listCollections\"", false},
		{"x", "\"find\", \"listCollections\", \"changeStream\"", false},
	};
	struct adapter_test test, user;
	struct watch watch;
	char command[512], source[64];
	size_t i;

	begin(&test, &watch, SET);
	mongodb_test_raw("{\"create\": \"x\"}");
	snprintf(source, sizeof(source), "auth_source=case_%d", (int)getpid());
	for (i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
		snprintf(command, sizeof(command),
			 "{\"createRole\": \"some\", \"roles\": [], \"privileges\": [{\"resource\": {\"db\": "
			 "\"case_%d\", \"collection\": \"%s\"}, \"actions\": [%s]}]}",
			 (int)getpid(), roles[i].where, roles[i].actions);
		mongodb_test_raw(command);
		mongodb_test_raw("{\"createUser\": \"some\", \"pwd\": \"secret\", \"roles\": [\"some\"]}");
		ADAPTER_OK(&user, mongodb_test_try(&user, SET,
						   ADAPTER_LIST("user=some", "password=secret", source)));
		CU_ASSERT_EQUAL(strstr(user.missing, "31: this user's roles do not let it see changes") ==
					NULL,
				roles[i].sees);
		adapter_close(&user);
		mongodb_test_raw("{\"dropUser\": \"some\"}");
		mongodb_test_raw("{\"dropRole\": \"some\"}");
	}
	end(&test, &watch);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"kinds", test_kinds},
		{"gone", test_gone},
		{"images", test_images},
		{"transactions", test_transactions},
		{"wrong-type", test_wrong_type},
		{"resumed", test_resumed},
		{"refused", test_refused},
		{"bad-positions", test_bad_positions},
		{"dropped", test_dropped},
		{"deadline", test_deadline},
		{"cancel", test_cancel},
		{"killed", test_killed},
		{"alone", test_alone},
		{"roles", test_roles},
		{NULL, NULL},
	};
	int status = testing_main("mongodb-changes", cases, argc, argv);

	servers_remove(OWN);
	return status;
}
