/* SPDX-License-Identifier: Apache-2.0 */
/* An adapter that counts and fails on demand. */
#include "actor.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "loader/loader.h"
#include "testing.h"

#define LOAD(field) __atomic_load_n(&(field), __ATOMIC_ACQUIRE)
#define COUNT(field) __atomic_add_fetch(&(field), 1, __ATOMIC_ACQ_REL)
#define COUNT_DOWN(field) __atomic_sub_fetch(&(field), 1, __ATOMIC_ACQ_REL)

struct actor actor;
int64_t actor_time = 1000000000;

int64_t actor_clock(void)
{
	return LOAD(actor_time);
}

int64_t actor_now(void)
{
	return consort_host_services()->clock();
}

static void raise_most(uint32_t *most, uint32_t value)
{
	uint32_t seen = LOAD(*most);

	while (value > seen &&
	       !__atomic_compare_exchange_n(most, &seen, value, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		;
}

/* --- operations --- */

static uint32_t database_open(void *plugin, const struct consort_database_config *config, void **out_database,
			      struct consort_error *error)
{
	(void)plugin;
	(void)config;
	(void)error;
	*out_database = &actor;
	return CONSORT_OK;
}

static void database_close(void *database)
{
	(void)database;
}

/* Waits as long as it is told to; the call may end that. */
static uint32_t linger(const struct consort_call *call, struct consort_error *error)
{
	int64_t start = actor_now();

	while (LOAD(actor.hold) || actor_now() - start < LOAD(actor.slow)) {
		if (consort_call_cancelled(call))
			return consort_error_set(error, CONSORT_ECANCELLED, "cancelled while connecting");
		if (call->deadline && actor_now() >= call->deadline)
			return consort_error_set(error, CONSORT_ETIMEOUT, "the server does not answer");
		nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
	}
	return CONSORT_OK;
}

static uint32_t connection_open(void *database, const struct consort_call *call, void **out_connection,
				struct consort_error *error)
{
	struct actor_connection *connection;
	uint32_t attempt = COUNT(actor.opens), status, each;

	(void)database;
	if (attempt <= ACTOR_MOST) {
		actor.opened_at[attempt - 1] = actor_now();
		actor.opened_by[attempt - 1] = consort_thread_number();
		actor.deadlines[attempt - 1] = call->deadline;
	}
	raise_most(&actor.most_opening, COUNT(actor.opening));
	status = linger(call, error);
	COUNT_DOWN(actor.opening);
	if (status)
		return status;
	each = LOAD(actor.refuse_each);
	if (LOAD(actor.refuse) && (!each || attempt % each == 0))
		return consort_error_set(error, LOAD(actor.refuse), "refused (attempt %u)", attempt);
	connection = calloc(1, sizeof(*connection));
	if (!connection)
		return consort_error_no_memory(error);
	connection->number = attempt;
	raise_most(&actor.most_alive, COUNT(actor.alive));
	*out_connection = connection;
	return CONSORT_OK;
}

static void connection_close(void *context, const struct consort_call *call)
{
	struct actor_connection *connection = context;

	(void)call;
	if (LOAD(connection->users))
		abort();
	COUNT(actor.closes);
	COUNT_DOWN(actor.alive);
	free(connection);
}

static uint32_t connection_ping(void *context, const struct consort_call *call, struct consort_error *error)
{
	struct actor_connection *connection = context;

	(void)call;
	COUNT(actor.pings);
	connection->pings++;
	if (LOAD(connection->dead))
		return consort_error_set(error, CONSORT_ECONNECTION, "dead");
	return CONSORT_OK;
}

static uint32_t connection_reset(void *context, const struct consort_call *call, struct consort_error *error)
{
	struct actor_connection *connection = context;

	(void)call;
	COUNT(actor.resets);
	connection->resets++;
	if (LOAD(connection->dead))
		return consort_error_set(error, CONSORT_ECONNECTION, "dead");
	return CONSORT_OK;
}

static void connection_abandon(void *context)
{
	struct actor_connection *connection = context;

	connection->abandoned++;
	COUNT(actor.abandons);
	COUNT_DOWN(actor.alive);
}

static void connection_features(void *connection, struct consort_features *mask,
				const struct consort_feature_sink *sink)
{
	(void)connection;
	(void)mask;
	(void)sink;
}

static void connection_info(void *connection, struct consort_connection_info *info)
{
	(void)connection;
	info->server = "actor 1";
	info->identity = "actor";
	info->user = "";
}

static uint32_t init(const struct consort_host *host, void **out_plugin, struct consort_error *error)
{
	(void)host;
	(void)error;
	*out_plugin = &actor;
	return CONSORT_OK;
}

static const struct consort_database_ops database_ops = {
	.struct_size = sizeof(database_ops), .open = database_open, .close = database_close};

static const struct consort_connection_ops connection_ops = {
	.struct_size = sizeof(connection_ops),
	.open = connection_open,
	.close = connection_close,
	.ping = connection_ping,
	.reset = connection_reset,
	.abandon = connection_abandon,
	.features = connection_features,
	.info = connection_info,
};

static const struct consort_plugin plugin = {
	.struct_size = sizeof(plugin),
	.abi_minor = CONSORT_ABI_MINOR,
	.id = "actor",
	.version = "1",
	.licence = "Apache-2.0",
	.vendor = "",
	.homepage = "",
	.description = "",
	.init = init,
	.database = &database_ops,
	.connection = &connection_ops,
};

/* --- short forms --- */

struct consort_database *actor_open(struct consort_pool_options options)
{
	static const struct consort_database_config config = {.struct_size = sizeof(config), .name = "stage"};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_database *database = NULL;

	CU_ASSERT_EQUAL_FATAL(consort_database_open(&plugin, &actor, &config, &database, &error), CONSORT_OK);
	database->pool.options = options;
	return database;
}

void actor_close(struct consort_database *database)
{
	consort_database_close(database, false);
	CU_ASSERT_EQUAL(LOAD(actor.alive), 0);
}

struct actor_connection *actor_of(const struct consort_connection *connection)
{
	return connection->context;
}

struct consort_connection *actor_take(struct consort_database *database)
{
	const struct consort_call call = {.struct_size = sizeof(call)};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_connection *connection = NULL;

	if (consort_pool_acquire(database, &call, NULL, &connection, &error))
		fprintf(stderr, "  %s\n", consort_error_text(&error));
	CU_ASSERT_PTR_NOT_NULL_FATAL(connection);
	return connection;
}

enum consort_status actor_try(struct consort_database *database, int64_t timeout, struct consort_error *error)
{
	const struct consort_call call = {.struct_size = sizeof(call),
					  .deadline = timeout ? actor_now() + timeout : 0};
	struct consort_connection *connection = NULL;
	enum consort_status status = consort_pool_acquire(database, &call, NULL, &connection, error);

	if (!status)
		consort_pool_release(connection);
	return status;
}

void actor_until_waiting(struct consort_database *database, uint32_t waiting)
{
	struct consort_pool_stats stats = {.struct_size = sizeof(stats)};

	do {
		sched_yield();
		consort_pool_read_stats(database, &stats);
	} while (stats.waiting != waiting);
}

/* --- the log --- */

static struct {
	pthread_mutex_t lock;
	char text[16384];
	size_t size;
	bool listening;
} heard = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void hear(void *context, uint32_t level, const char *origin, const char *text)
{
	(void)context;
	(void)level;
	pthread_mutex_lock(&heard.lock);
	heard.size += (size_t)snprintf(heard.text + heard.size, sizeof(heard.text) - heard.size, "%s: %s\n",
				       origin, text);
	if (heard.size >= sizeof(heard.text))
		heard.size = sizeof(heard.text) - 1;
	pthread_mutex_unlock(&heard.lock);
}

void actor_listen(void)
{
	static struct consort_log_sink sink = {.level = CONSORT_LOG_DEBUG, .fn = hear};

	if (!heard.listening)
		consort_host_log_begin(&sink);
	heard.listening = true;
	heard.size = 0;
	heard.text[0] = '\0';
}

const char *actor_heard(void)
{
	char *copy;

	pthread_mutex_lock(&heard.lock);
	copy = strdup(heard.text);
	pthread_mutex_unlock(&heard.lock);
	return testing_keep(copy);
}
