/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that wait, and what ends them. One connection holds a record in a transaction, another one asks for
 * the same key and so waits for the first. What is measured is tried several times: a machine may be busy, an
 * adapter that polls twice a second is late each time.
 */
#include "drive.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#define TRIES 10
#define PROMPT ((int64_t)50000000)   /* nanoseconds from the cancel, or the deadline, to the answer */
#define SETTLED ((int64_t)100000000) /* until the call surely waits */

/* The stage's subject holds, its other connection waits. */
struct waiting {
	struct stage stage;
	uint32_t status;
	int64_t ended;
	bool over; /* atomic */
	uint32_t token; /* says that the call may be cancelled; it is `cancel` that does */
};

static void pause_for(int64_t nanoseconds)
{
	const struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};

	nanosleep(&time, NULL);
}

static void begin(struct waiting *waiting, struct conform *conform)
{
	stage_begin(&waiting->stage, conform);
	stage_connect(&waiting->stage);
	waiting->token = 0;
}

static uint32_t insert(struct stage *stage, struct subject *subject)
{
	struct writing writing = {0};

	return subject_write(subject, subject->plugin->write->insert, stage->resource, &writing, stage->row,
			     1);
}

static void *wait_there(void *context)
{
	struct waiting *waiting = context;

	waiting->status = insert(&waiting->stage, &waiting->stage.other);
	waiting->ended = conform_now();
	__atomic_store_n(&waiting->over, true, __ATOMIC_RELEASE);
	return NULL;
}

/* The holder writes the record; then a thread asks for it, and waits. False: it does not wait. */
static bool start(struct waiting *waiting, pthread_t *out_thread)
{
	struct subject *holder = &waiting->stage.subject;

	MUST(holder, transaction, begin, STRUCT(struct consort_transaction_options));
	subject_need(holder, insert(&waiting->stage, holder), "write.insert");
	waiting->over = false;
	waiting->stage.other.call->cancelled = &waiting->token;
	NEED(!pthread_create(out_thread, NULL, wait_there, waiting));
	pause_for(SETTLED);
	return !__atomic_load_n(&waiting->over, __ATOMIC_ACQUIRE);
}

/* The waiter is made fit again, and the holder lets go. */
static void settle(struct waiting *waiting)
{
	struct subject *holder = &waiting->stage.subject, *waiter = &waiting->stage.other;
	const struct consort_connection_ops *ops = waiter->plugin->connection;

	waiter->call->deadline = 0;
	MUST(holder, transaction, rollback);
	if (ops->reset(waiter->connection, waiter->call, subject_error(waiter))) {
		ops->close(waiter->connection, waiter->call);
		waiter->connection = subject_connect(waiter);
	}
	subject_need(waiter, ops->ping(waiter->connection, waiter->call, subject_error(waiter)),
		     "ping after the call was ended");
}

static void test_cancel(struct conform *conform)
{
	int64_t best = INT64_MAX, begun, returned;
	struct waiting waiting;
	pthread_t thread;
	int i;

	begin(&waiting, conform);
	for (i = 0; i < TRIES && best > PROMPT; i++) {
		bool waits = start(&waiting, &thread);

		begun = conform_now();
		if (waits)
			waiting.stage.other.plugin->connection->cancel(waiting.stage.other.connection);
		returned = conform_now();
		pthread_join(thread, NULL);
		if (!waits)
			conform_skip("a call does not wait for another one's record");
		REQUIRE(waiting.status == CONSORT_ECANCELLED,
			"a call that is cancelled answers status %u, not ECANCELLED (%u): %s", waiting.status,
			CONSORT_ECANCELLED, consort_error_text(waiting.stage.other.error));
		REQUIRE(returned - begun < waiting.ended - begun + PROMPT, "cancel blocks");
		if (waiting.ended - begun < best)
			best = waiting.ended - begun;
		settle(&waiting);
	}
	REQUIRE(best <= PROMPT, "a call goes on for %lld ms after it was cancelled, not at most %lld",
		(long long)best / 1000000, (long long)PROMPT / 1000000);
	stage_end(&waiting.stage, 1);
}

static void test_deadline(struct conform *conform)
{
	const int64_t more = 3 * SETTLED;
	int64_t best = INT64_MAX, deadline;
	struct waiting waiting;
	pthread_t thread;
	int i;

	begin(&waiting, conform);
	for (i = 0; i < TRIES && best > PROMPT; i++) {
		bool waits;

		deadline = conform_now() + more;
		waiting.stage.other.call->deadline = deadline;
		waits = start(&waiting, &thread);
		pthread_join(thread, NULL);
		if (!waits)
			conform_skip("a call does not wait for another one's record");
		REQUIRE(waiting.status == CONSORT_ETIMEOUT,
			"a call whose deadline passes answers status %u, not ETIMEOUT (%u): %s",
			waiting.status, CONSORT_ETIMEOUT, consort_error_text(waiting.stage.other.error));
		if (waiting.ended - deadline < best)
			best = waiting.ended - deadline;
		settle(&waiting);
	}
	REQUIRE(best <= PROMPT, "a call goes on for %lld ms after its deadline, not at most %lld",
		(long long)best / 1000000, (long long)PROMPT / 1000000);
	stage_end(&waiting.stage, 1);
}

/* A cancel that comes when nothing runs is not what ends the next user's call. */
static void test_late(struct conform *conform)
{
	struct subject subject;
	int i;

	subject_open(&subject, conform);
	for (i = 0; i < 3; i++) {
		subject.plugin->connection->cancel(subject.connection);
		if (CALL(&subject, connection, reset)) {
			subject.plugin->connection->close(subject.connection, subject.call);
			subject.connection = subject_connect(&subject);
		}
		subject_need(&subject, CALL(&subject, connection, ping),
			     "ping after a cancel that came late, and a reset,");
	}
	subject_close(&subject);
}

const struct conform_test conform_wait_tests[] = {
	TEST("cancel-waiting", test_cancel, CANCEL, NEED_FEATURE(TRANSACTIONS) | NEED_FEATURE(CREATE), 0,
	     "cancel ends a call that waits, within 50 ms, with ECANCELLED."),
	TEST("deadline-waiting", test_deadline, TRANSACTIONS, NEED_FEATURE(CREATE), 0,
	     "A deadline ends a call that waits, within 50 ms, with ETIMEOUT."),
	TEST("cancel-late", test_late, CANCEL, 0, 0, "A cancel that comes late does no harm after a reset."),
	CONFORM_END,
};
