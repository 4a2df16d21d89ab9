/* SPDX-License-Identifier: Apache-2.0 */
/* Plugin, database, connection: how they begin and end, what they tell, who may use them. */
#include "drive.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DESCRIPTORS_MOST 1024 /* a test has few */

/* --- the first look --- */

static struct consort_features effective(struct subject *subject)
{
	const struct consort_feature_sink sink = {NULL, conform_ignore_missing};
	struct consort_features mask = subject->plugin->features;

	subject->plugin->connection->features(subject->connection, &mask, &sink);
	return consort_features_and(mask, subject->plugin->features);
}

static struct consort_connection_info *info_of(struct subject *subject, void *connection)
{
	struct consort_connection_info *info = STRUCT(struct consort_connection_info);

	subject->plugin->connection->info(connection, info);
	return info;
}

/* Is what one database of these options holds there in another one? */
static bool is_shared(struct subject *subject)
{
	const char *identity = info_of(subject, subject->connection)->identity;
	struct subject other = *subject;
	bool same;

	other.database = subject_database(&other);
	other.connection = subject_connect(&other);
	same = identity && *identity && !strcmp(identity, info_of(&other, other.connection)->identity);
	other.plugin->connection->close(other.connection, other.call);
	other.plugin->database->close(other.database);
	return same;
}

/* Which types `define` takes, by trying each. */
static uint32_t defined_types(struct conform *conform)
{
	uint32_t types = 0, id;

	for (id = CONSORT_TYPE_BOOL; id < CONSORT_TYPE_COUNT; id++) {
		struct consort_error error = CONSORT_ERROR_INIT;
		struct world world;

		conform->facts.types = 1u << id;
		world_open(&world, conform, NULL);
		if (!consort_define(world.c, world.item, 0, NULL, &error)) {
			types |= 1u << id;
			consort_drop(world.c, world.item, 0, NULL, &error);
		}
		world_close(&world);
	}
	return types;
}

static void test_opens(struct conform *conform)
{
	struct conform_facts *facts = &conform->facts;
	struct subject subject;
	const char *server;

	facts->features = conform->claims;
	subject_open(&subject, conform);
	facts->features = effective(&subject);
	server = info_of(&subject, subject.connection)->server;
	consort_copy_text(facts->server, sizeof(facts->server), server ? server : "");
	facts->shared = is_shared(&subject);
	subject_close(&subject);
	facts->found = true;
	if (consort_features_has(&facts->features, CONSORT_FEATURE_DEFINE) && !conform->nresources)
		facts->types = defined_types(conform);
	conform_answer(facts, sizeof(*facts));
}

/* --- plugin and database --- */

static void test_contexts(struct conform *conform)
{
	struct subject first, second;

	subject_open(&first, conform);
	subject_open(&second, conform);
	subject_close(&first);
	subject_need(&second, CALL(&second, connection, ping),
		     "ping of a second host's connection, after the first host was shut down,");
	subject_close(&second);
}

/* Asked one by one: /proc/self/fd would tell, but is not everywhere. */
static size_t count_descriptors(void)
{
	size_t count = 0;
	int fd;

	for (fd = 0; fd < DESCRIPTORS_MOST; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void test_lazy(struct conform *conform)
{
	size_t before, after;
	struct subject subject;

	subject_begin(&subject, conform); /* whatever the process opens once */
	subject_close(&subject);
	before = count_descriptors();
	subject_begin(&subject, conform);
	after = count_descriptors();
	REQUIRE(after <= before, "database.open left %zu descriptors open", after - before);
	subject_close(&subject);
}

static void test_closes(struct conform *conform)
{
	struct subject subject;
	size_t before, i;
	void *more[5];

	subject_open(&subject, conform);
	subject_close(&subject);
	before = count_descriptors();
	subject_open(&subject, conform);
	for (i = 0; i < 5; i++)
		more[i] = subject_connect(&subject);
	for (i = 0; i < 5; i++)
		subject.plugin->connection->close(more[i], subject.call);
	subject_close(&subject);
	REQUIRE(count_descriptors() <= before, "%zu descriptors are still open after all was closed",
		count_descriptors() - before);
}

/* --- connections --- */

static void test_info(struct conform *conform)
{
	struct consort_connection_info *info, *of_other;
	struct subject subject;
	void *other;

	subject_open(&subject, conform);
	other = subject_connect(&subject);
	info = info_of(&subject, subject.connection);
	of_other = info_of(&subject, other);
	REQUIRE(conform_is_text(info->server) && *info->server, "info.server is no text");
	REQUIRE(conform_is_text(info->identity), "info.identity is no text");
	REQUIRE(conform_is_text(info->user), "info.user is no text");
	REQUIRE(info->struct_size == sizeof(*info), "info.struct_size is the host's, and was changed");
	REQUIRE(!strcmp(info->identity, of_other->identity),
		"two connections of one database tell the identities '%s' and '%s'", info->identity,
		of_other->identity);
	subject.plugin->connection->close(other, subject.call);
	subject_close(&subject);
}

struct told {
	struct consort_features features;
	bool wordless;
};

static void note_missing(void *context, uint32_t feature, const char *why)
{
	struct told *told = context;

	consort_features_add(&told->features, feature);
	told->wordless |= !conform_is_text(why) || !*why;
}

static void test_features(struct conform *conform)
{
	struct told told = {{{0, 0}}, false};
	const struct consort_feature_sink sink = {&told, note_missing};
	struct consort_features mask;
	struct subject subject;
	uint32_t feature;

	subject_open(&subject, conform);
	mask = subject.plugin->features;
	subject.plugin->connection->features(subject.connection, &mask, &sink);
	for (feature = 0; feature < 128; feature++) {
		const bool claimed = consort_features_has(&subject.plugin->features, feature);
		const bool has = consort_features_has(&mask, feature);
		const char *name = consort_feature_name(feature);

		name = name ? name : "a feature without a name";
		REQUIRE(claimed || !has, "features adds %s, which the plugin does not have", name);
		REQUIRE(!claimed || has || consort_features_has(&told.features, feature),
			"features takes %s away, and does not say why", name);
		REQUIRE(!has || !consort_features_has(&told.features, feature),
			"features says why %s is missing, and keeps it", name);
	}
	REQUIRE(!told.wordless, "features takes a feature away without a word of why");
	subject_close(&subject);
}

static void test_ping(struct conform *conform)
{
	struct subject subject;
	int i;

	subject_open(&subject, conform);
	for (i = 0; i < 3; i++)
		subject_need(&subject, CALL(&subject, connection, ping),
			     "ping of a connection that is alive");
	subject_close(&subject);
}

static void test_reset(struct conform *conform)
{
	struct subject subject;
	int i;

	subject_open(&subject, conform);
	for (i = 0; i < 3; i++)
		subject_need(&subject, CALL(&subject, connection, reset), "reset");
	subject_need(&subject, CALL(&subject, connection, ping), "ping after reset");
	subject_close(&subject);
}

/* --- threads --- */

/* Opens and closes some. */
static uint32_t open_some(struct subject *subject, void *context)
{
	const struct consort_connection_ops *ops = subject->plugin->connection;
	uint32_t status = CONSORT_OK;
	int i;

	(void)context;
	for (i = 0; i < 10 && !status; i++) {
		struct consort_error *error = subject_error(subject);
		void *connection = NULL;

		status = ops->open(subject->database, subject->call, &connection, error);
		if (status)
			break;
		status = ops->ping(connection, subject->call, error);
		ops->close(connection, subject->call);
	}
	return status;
}

static void test_concurrent(struct conform *conform)
{
	struct subject subject;

	subject_begin(&subject, conform);
	subject_threads(&subject, false, open_some, NULL);
	subject_close(&subject);
}

static void *ping_there(void *subject)
{
	MUST((struct subject *)subject, connection, ping);
	return NULL;
}

static void *close_there(void *subject)
{
	subject_close(subject);
	return NULL;
}

/* Opened here, used in another thread, closed in a third one. */
static void test_moves(struct conform *conform)
{
	struct subject subject;
	pthread_t id;

	subject_open(&subject, conform);
	NEED(!pthread_create(&id, NULL, ping_there, &subject) && !pthread_join(id, NULL));
	NEED(!pthread_create(&id, NULL, close_there, &subject) && !pthread_join(id, NULL));
}

/* --- fork and loss --- */

static int abandon_in_child(struct subject *subject)
{
	uint64_t before;

	before = conform_memory_calls();
	subject->plugin->connection->abandon(subject->connection);
	return conform_memory_calls() != before;
}

static void test_fork(struct conform *conform)
{
	struct subject subject;
	int status = 0;
	pid_t child;

	subject_open(&subject, conform);
	child = fork();
	if (!child)
		_exit(abandon_in_child(&subject));
	NEED(child > 0 && waitpid(child, &status, 0) == child);
	REQUIRE(WIFEXITED(status), "abandon crashed in the child of a fork");
	REQUIRE(!WEXITSTATUS(status), "abandon allocated or freed memory in the child of a fork");
	subject_need(&subject, CALL(&subject, connection, ping),
		     "ping in the parent, after its child abandoned the connection,");
	subject_close(&subject);
}

/* Ends every connection of a stream that was opened since; how many there were. */
static int shut_down_sockets(const bool *known)
{
	int fd, count = 0, type;

	for (fd = 3; fd < DESCRIPTORS_MOST; fd++) {
		socklen_t size = sizeof(type);

		if (known[fd] || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) || type != SOCK_STREAM)
			continue;
		count += !shutdown(fd, SHUT_RDWR);
	}
	return count;
}

static void test_loss(struct conform *conform)
{
	bool known[DESCRIPTORS_MOST];
	struct subject subject;
	struct consort_error *error;
	uint32_t status;
	int fd, lost;
	void *other;

	subject_begin(&subject, conform);
	for (fd = 0; fd < DESCRIPTORS_MOST; fd++)
		known[fd] = fcntl(fd, F_GETFD) >= 0;
	subject.connection = subject_connect(&subject);
	lost = shut_down_sockets(known);
	if (!lost)
		conform_skip("a connection has no socket that could be lost");
	error = subject_error(&subject);
	status = subject.plugin->connection->ping(subject.connection, subject.call, error);
	REQUIRE(status == CONSORT_ECONNECTION,
		"ping on a connection that was lost answers status %u, not ECONNECTION (%u): %s", status,
		CONSORT_ECONNECTION, error->message);
	REQUIRE(error->flags & CONSORT_ERROR_CONNECTION_DEAD,
		"the error of a connection that was lost has not the flag"
		" CONSORT_ERROR_CONNECTION_DEAD: %s",
		error->message);
	other = subject_connect(&subject);
	subject_need(&subject, subject.plugin->connection->ping(other, subject.call, subject_error(&subject)),
		     "ping of another connection, after one was lost,");
	subject.plugin->connection->close(other, subject.call);
	subject_close(&subject);
}

const struct conform_test conform_life_tests[] = {
	TEST("database-opens", test_opens, ALWAYS, 0, CONFORM_FIRST,
	     "A database opens with its options, and connections to it."),
	TEST("plugin-contexts", test_contexts, ALWAYS, 0, 0,
	     "Two hosts in one process have nothing to do with each other."),
	TEST("database-lazy", test_lazy, ALWAYS, 0, 0, "Opening a database connects to nothing."),
	TEST("connection-closes", test_closes, ALWAYS, 0, 0,
	     "What open takes from the system, close gives back."),
	TEST("connection-info", test_info, ALWAYS, 0, 0,
	     "A connection tells server, user and the identity of its store."),
	TEST("connection-features", test_features, ALWAYS, 0, 0,
	     "A connection only takes features away, and says of each why."),
	TEST("connection-ping", test_ping, ALWAYS, 0, 0, "ping of a connection that is alive says so."),
	TEST("connection-reset", test_reset, ALWAYS, 0, 0, "reset leaves a connection as after open."),
	TEST("connection-concurrent", test_concurrent, ALWAYS, 0, 0,
	     "Connections open, work and close in several threads at once."),
	TEST("connection-moves", test_moves, ALWAYS, 0, 0,
	     "A connection may be used by another thread than the one that opened it."),
	TEST("fork-abandon", test_fork, ALWAYS, 0, 0,
	     "abandon leaves the parent's connection alone, and memory as it is."),
	TEST("connection-loss", test_loss, ALWAYS, 0, 0,
	     "A connection that was lost says so; new ones can be made."),
	CONFORM_END,
};
