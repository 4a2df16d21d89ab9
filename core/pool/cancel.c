/* SPDX-License-Identifier: Apache-2.0 */
/* Cancel tokens: what calls poll, and who is told when one fires. */
#include "pool/pool.h"

#include "loader/loader.h"

struct consort_cancel *consort_cancel_new(void)
{
	struct consort_cancel *cancel = calloc(1, sizeof(*cancel));

	if (!cancel)
		return NULL;
	cancel->references = 1;
	pthread_mutex_init(&cancel->lock, NULL);
	consort_list_init(&cancel->connections);
	consort_list_init(&cancel->watches);
	return cancel;
}

/* The lock is held while others are told, so that none of them goes away meanwhile; an adapter's cancel never
 * blocks. */
void consort_cancel_fire(struct consort_cancel *cancel)
{
	struct consort_link *link;

	if (!cancel)
		return;
	__atomic_store_n(&cancel->fired, 1, __ATOMIC_RELEASE);
	pthread_mutex_lock(&cancel->lock);
	CONSORT_EACH(link, &cancel->connections) {
		struct consort_connection *connection =
			CONSORT_LINKED(link, struct consort_connection, cancel_link);

		if (!consort_database_has(connection->database, CONSORT_FEATURE_CANCEL))
			continue;
		__atomic_store_n(&connection->dirty, 1, __ATOMIC_RELAXED);
		connection->database->plugin->connection->cancel(connection->context);
	}
	CONSORT_EACH(link, &cancel->watches) {
		struct consort_cancel_watch *watch = CONSORT_LINKED(link, struct consort_cancel_watch, link);

		pthread_mutex_lock(watch->lock);
		pthread_cond_signal(watch->wake);
		pthread_mutex_unlock(watch->lock);
	}
	pthread_mutex_unlock(&cancel->lock);
}

void consort_cancel_reset(struct consort_cancel *cancel)
{
	if (cancel)
		__atomic_store_n(&cancel->fired, 0, __ATOMIC_RELEASE);
}

struct consort_cancel *consort_cancel_hold(struct consort_cancel *cancel)
{
	__atomic_add_fetch(&cancel->references, 1, __ATOMIC_RELAXED);
	return cancel;
}

void consort_cancel_free(struct consort_cancel *cancel)
{
	if (!cancel || __atomic_sub_fetch(&cancel->references, 1, __ATOMIC_ACQ_REL))
		return;
	pthread_mutex_destroy(&cancel->lock);
	free(cancel);
}

static void insert(struct consort_cancel *cancel, struct consort_link *list, struct consort_link *link)
{
	pthread_mutex_lock(&cancel->lock);
	consort_list_insert(list, link);
	pthread_mutex_unlock(&cancel->lock);
}

static void take_out(struct consort_cancel *cancel, struct consort_link *link)
{
	pthread_mutex_lock(&cancel->lock);
	consort_list_remove(link);
	pthread_mutex_unlock(&cancel->lock);
}

void consort_cancel_add(struct consort_cancel *cancel, struct consort_connection *connection)
{
	connection->cancel = cancel;
	insert(cancel, &cancel->connections, &connection->cancel_link);
}

void consort_cancel_remove(struct consort_connection *connection)
{
	if (!connection->cancel)
		return;
	/* in a child, the lock may have been held by a thread that does not exist there */
	if (connection->stamp == consort_fork_count)
		take_out(connection->cancel, &connection->cancel_link);
	connection->cancel = NULL;
}

void consort_cancel_watch(struct consort_cancel *cancel, struct consort_cancel_watch *watch)
{
	insert(cancel, &cancel->watches, &watch->link);
}

void consort_cancel_unwatch(struct consort_cancel *cancel, struct consort_cancel_watch *watch)
{
	take_out(cancel, &watch->link);
}

void consort_cancel_sleep(struct consort_cancel *cancel, int64_t until)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t wake;
	struct consort_cancel_watch watch = {.lock = &lock, .wake = &wake};

	consort_wake_init(&wake);
	if (cancel)
		consort_cancel_watch(cancel, &watch);
	pthread_mutex_lock(&lock);
	while (!(cancel && __atomic_load_n(&cancel->fired, __ATOMIC_ACQUIRE)) &&
	       consort_host_services()->clock() < until)
		consort_wake_wait(&wake, &lock, until);
	pthread_mutex_unlock(&lock);
	if (cancel)
		consort_cancel_unwatch(cancel, &watch);
	pthread_cond_destroy(&wake);
}
