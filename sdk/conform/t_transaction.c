/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: what lasts, what is undone, what others see of it; savepoints, prepared branches, snapshots.
 */
#include "drive.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Four records of ours, none of which is there yet, and a second connection to see them by. */
static void begin(struct stage *stage, struct conform *conform)
{
	stage_begin(stage, conform);
	if (!stage->world->made && !subject_has(&stage->subject, CONSORT_FEATURE_DELETE))
		conform_skip("what is written to '%s' could not be removed again", stage->resource->name);
	stage_connect(stage);
}

static void end(struct stage *stage)
{
	stage_end(stage, 4);
}

static void start_isolated(struct subject *subject, uint32_t flags, uint32_t isolation)
{
	struct consort_transaction_options *options = STRUCT(struct consort_transaction_options);

	options->flags = flags;
	options->isolation = isolation;
	MUST(subject, transaction, begin, options);
}

static void start(struct subject *subject, uint32_t flags)
{
	start_isolated(subject, flags, CONSORT_ISOLATION_DEFAULT);
}

static void commit(struct subject *subject)
{
	MUST(subject, transaction, commit);
}

static void roll_back(struct subject *subject)
{
	MUST(subject, transaction, rollback);
}

static void insert(struct stage *stage, size_t which)
{
	stage_insert(stage, &stage->subject, world_new_row(stage->world, which));
}

/* Does that connection see the record? */
static bool sees(struct stage *stage, struct subject *subject, size_t which)
{
	return stage_find(stage, subject, world_new_row(stage->world, which)) != NULL;
}

static void test_commit(struct conform *conform)
{
	struct stage stage;

	begin(&stage, conform);
	start(&stage.subject, 0);
	insert(&stage, 0);
	commit(&stage.subject);
	REQUIRE(sees(&stage, &stage.subject, 0),
		"what was written in a transaction is not there after its commit");
	REQUIRE(sees(&stage, &stage.other, 0), "another connection does not see what was committed");
	end(&stage);
}

static void test_rollback(struct conform *conform)
{
	struct stage stage;

	begin(&stage, conform);
	insert(&stage, 0);
	start(&stage.subject, 0);
	insert(&stage, 1);
	roll_back(&stage.subject);
	REQUIRE(sees(&stage, &stage.subject, 0), "rollback undoes what was written before the transaction");
	REQUIRE(!sees(&stage, &stage.subject, 1),
		"what was written in a transaction is there after its rollback");
	/* and it is over: what follows stands by itself */
	insert(&stage, 2);
	REQUIRE(sees(&stage, &stage.other, 2), "after a rollback, what is written is not there for others");
	end(&stage);
}

static void test_isolated(struct conform *conform)
{
	struct stage stage;

	begin(&stage, conform);
	start(&stage.subject, 0);
	insert(&stage, 0);
	REQUIRE(!sees(&stage, &stage.other, 0), "another connection sees what is not committed");
	roll_back(&stage.subject);
	end(&stage);
}

static void test_own(struct conform *conform)
{
	struct stage stage;

	begin(&stage, conform);
	start(&stage.subject, 0);
	insert(&stage, 0);
	REQUIRE(sees(&stage, &stage.subject, 0), "a transaction does not see what it has written");
	roll_back(&stage.subject);
	end(&stage);
}

/* Writes a record; the status that it is answered with. */
static uint32_t put(struct stage *stage, struct subject *subject, const struct consort_value *row)
{
	struct writing writing = {0};

	return subject_write(subject, subject->plugin->write->insert, stage->resource, &writing, row, 1);
}

/* Commits, and sees that what the commit says has become of a transaction's two writes: both or none, those
 * that were taken. Says whether it was committed. */
static bool settle(struct stage *stage, const uint32_t answers[2], uint32_t first)
{
	struct subject *subject = &stage->subject;
	const uint32_t status = CALL(subject, transaction, commit);
	uint32_t i;

	for (i = first; i < 2; i++)
		REQUIRE(sees(stage, &stage->other, i) == (!status && !answers[i]),
			"transaction.commit answers status %u, and a record whose write answered %u %s there",
			status, answers[i], status || answers[i] ? "is" : "is not");
	return !status;
}

static void test_outcome(struct conform *conform)
{
	uint32_t answers[2];
	struct stage stage;

	begin(&stage, conform);
	if (!stage.resource->nkeys)
		conform_skip("nothing is refused to '%s', which has no key", stage.resource->name);
	insert(&stage, 2);
	start(&stage.subject, 0);
	answers[0] = put(&stage, &stage.subject, world_new_row(stage.world, 0));
	subject_need(&stage.subject, answers[0], "write.insert in a transaction");
	REQUIRE(put(&stage, &stage.subject, world_new_row(stage.world, 2)),
		"in a transaction a record is put over another one of that key");
	answers[1] = put(&stage, &stage.subject, world_new_row(stage.world, 1));
	settle(&stage, answers, 0);
	/* whatever it said, it is over */
	insert(&stage, 3);
	REQUIRE(sees(&stage, &stage.other, 3),
		"what is written behind a transaction's commit is not there for others");
	end(&stage);
}

/* As the library does behind a call that was given up. */
static void renew(struct subject *subject)
{
	if (!CALL(subject, connection, reset))
		return;
	subject->plugin->connection->close(subject->connection, subject->call);
	subject->connection = subject_connect(subject);
}

#define WAIT ((int64_t)500 * 1000000) /* for a lock, at most */

static void test_race(struct conform *conform)
{
	uint32_t taken[2] = {CONSORT_OK, CONSORT_OK}, other;
	struct stage stage;

	begin(&stage, conform);
	if (!stage.resource->nkeys)
		conform_skip("nobody is in the way in '%s', which has no key", stage.resource->name);
	start(&stage.subject, 0);
	insert(&stage, 0);
	taken[1] = put(&stage, &stage.subject, world_new_row(stage.world, 1));
	if (taken[1] != CONSORT_EUNSUPPORTED) /* not all of a resource may be in reach of one transaction */
		subject_need(&stage.subject, taken[1], "write.insert in a transaction");
	stage.other.call->deadline = conform_now() + WAIT;
	other = put(&stage, &stage.other, world_new_row(stage.world, 0));
	stage.other.call->deadline = 0;
	renew(&stage.other);
	if (other)
		REQUIRE(settle(&stage, taken, 0), "two write one record, and neither of them may");
	else
		REQUIRE(!settle(&stage, taken, 1) && stage.subject.error->status == CONSORT_ECONFLICT &&
				stage.subject.error->flags & CONSORT_ERROR_RETRYABLE,
			"another one put a record that a transaction had put, and its commit does not answer "
			"ECONFLICT, which can be tried again");
	end(&stage);
}

/* --- all or nothing --- */

#define KILLS 12
#define LATER ((int64_t)40000) /* than the one before, each process is killed */

/* A process of its own writes two records in a transaction, says so, and commits, or waits for its end. */
static void __attribute__((__noreturn__)) write_two(struct stage *stage, size_t first, bool commits, int told)
{
	struct subject subject;

	subject_open(&subject, stage->world->conform);
	start(&subject, 0);
	stage_insert(stage, &subject, world_new_row(stage->world, first));
	stage_insert(stage, &subject, world_new_row(stage->world, first + 1));
	if (write(told, "", 1) != 1)
		_exit(1);
	if (commits)
		commit(&subject);
	for (;;)
		pause();
}

/* Kills one so long after it has said so. */
static void kill_one(struct stage *stage, size_t first, bool commits, int64_t later)
{
	int64_t until;
	int ends[2];
	pid_t child;
	char byte;

	NEED(!pipe(ends));
	child = fork();
	if (!child)
		write_two(stage, first, commits, ends[1]);
	close(ends[1]);
	NEED(child > 0);
	if (read(ends[0], &byte, 1) != 1) {
		waitpid(child, NULL, 0);
		conform_fail("a transaction could not be run in a process of its own: %s", conform_printed());
	}
	for (until = conform_now() + later; conform_now() < until;)
		;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ends[0]);
}

/* Is one there without the other? A commit that was sent may still be on its way when the first is looked
 * for.
 */
static bool is_torn(struct stage *stage, size_t first)
{
	const int64_t until = conform_now() + WAIT;
	bool torn;

	do
		torn = sees(stage, &stage->other, first) != sees(stage, &stage->other, first + 1);
	while (torn && conform_now() < until);
	return torn;
}

static void test_whole(struct conform *conform)
{
	struct stage stage;
	size_t i;

	if (!conform->facts.shared)
		conform_skip("its store ends with the process");
	begin(&stage, conform);
	kill_one(&stage, 0, false, 0);
	REQUIRE(!sees(&stage, &stage.other, 0) && !sees(&stage, &stage.other, 1),
		"what a process has written in a transaction is there though it was killed before its "
		"commit");
	for (i = 1; i <= KILLS; i++) {
		kill_one(&stage, 2 * i, true, (int64_t)i * LATER);
		REQUIRE(!is_torn(&stage, 2 * i),
			"of two records of a transaction whose process was killed one is there");
	}
	stage_end(&stage, 2 * KILLS + 1);
}

/* --- how it ends otherwise --- */

static void test_ends(struct conform *conform)
{
	struct stage stage;

	begin(&stage, conform);
	start(&stage.subject, 0);
	insert(&stage, 0);
	subject_need(&stage.subject, CALL(&stage.subject, connection, reset), "reset within a transaction");
	REQUIRE(!sees(&stage, &stage.other, 0) && !sees(&stage, &stage.subject, 0),
		"reset keeps what an open transaction has written");
	start(&stage.subject, 0);
	insert(&stage, 1);
	stage.subject.plugin->connection->close(stage.subject.connection, stage.subject.call);
	stage.subject.connection = subject_connect(&stage.subject);
	REQUIRE(!sees(&stage, &stage.other, 1), "close keeps what an open transaction has written");
	end(&stage);
}

static void test_read_only(struct conform *conform)
{
	struct writing writing = {0};
	struct stage stage;

	begin(&stage, conform);
	start(&stage.subject, CONSORT_TRANSACTION_READ_ONLY);
	EXPECT(subject_write(&stage.subject, stage.subject.plugin->write->insert, stage.resource, &writing,
			     stage.row, 1),
	       EREADONLY, "a write in a read-only transaction");
	roll_back(&stage.subject);
	insert(&stage, 0);
	end(&stage);
}

/* --- savepoints --- */

static void test_savepoints(struct conform *conform)
{
	struct stage stage;

	begin(&stage, conform);
	start(&stage.subject, 0);
	insert(&stage, 0);
	MUST(&stage.subject, transaction, savepoint, "first");
	insert(&stage, 1);
	MUST(&stage.subject, transaction, savepoint, "second_2");
	insert(&stage, 2);
	MUST(&stage.subject, transaction, rollback_to, "second_2");
	REQUIRE(!sees(&stage, &stage.subject, 2), "rollback_to keeps what was written behind its savepoint");
	REQUIRE(sees(&stage, &stage.subject, 1), "rollback_to undoes what was written before its savepoint");
	insert(&stage, 2);
	subject_need(&stage.subject, CALL(&stage.subject, transaction, rollback_to, "second_2"),
		     "transaction.rollback_to of a savepoint that was rolled back to");
	MUST(&stage.subject, transaction, release, "second_2");
	MUST(&stage.subject, transaction, release, "first");
	insert(&stage, 3);
	commit(&stage.subject);
	REQUIRE(sees(&stage, &stage.other, 0) && sees(&stage, &stage.other, 1) &&
			sees(&stage, &stage.other, 3),
		"what was not rolled back is not there after the commit");
	REQUIRE(!sees(&stage, &stage.other, 2),
		"what was rolled back to a savepoint is there after the commit");
	end(&stage);
}

/* --- prepared branches --- */

#define BRANCH_SIZE 64

/* The names of a run's branches: so that they can be ended by who did not begin them. */
static void name_branch(const struct conform *conform, int number, char out[BRANCH_SIZE])
{
	snprintf(out, BRANCH_SIZE, "conform-%.40s%d", conform->prefix, number);
}

void conform_end_branches(struct conform *conform)
{
	struct subject subject;
	char name[BRANCH_SIZE];
	int number;

	if (!consort_features_has(&conform->facts.features, CONSORT_FEATURE_PREPARE_COMMIT))
		return;
	subject_open(&subject, conform);
	for (number = 1; number <= 2; number++) {
		name_branch(conform, number, name);
		CALL(&subject, prepared, rollback_prepared, name);
	}
	subject_close(&subject);
}

struct branches {
	const char *wanted;
	size_t found, strangers;
};

static uint32_t note_branch(void *context, const char *global_id, int64_t age)
{
	struct branches *branches = context;

	(void)age;
	branches->found += !strcmp(global_id, branches->wanted);
	branches->strangers += strncmp(global_id, "conform-", 8) != 0;
	return CONSORT_OK;
}

static bool is_listed(struct subject *subject, const char *id)
{
	struct branches branches = {id, 0, 0};
	const struct consort_prepared_sink sink = {&branches, note_branch};

	MUST(subject, prepared, list, "conform-", &sink);
	REQUIRE(!branches.strangers, "prepared.list tells of branches of another prefix");
	return branches.found == 1;
}

static void prepare(struct stage *stage, size_t which, const char *id)
{
	struct consort_transaction_options *options = STRUCT(struct consort_transaction_options);
	struct subject *subject = &stage->subject;

	options->flags = CONSORT_TRANSACTION_WILL_PREPARE;
	options->global_id = id;
	subject_need(subject, CALL(subject, transaction, begin, options),
		     "transaction.begin of one that will prepare");
	insert(stage, which);
	MUST(subject, prepared, prepare, id);
}

static void test_prepared(struct conform *conform)
{
	struct stage stage;
	char first[BRANCH_SIZE], second[BRANCH_SIZE];

	begin(&stage, conform);
	name_branch(conform, 1, first);
	name_branch(conform, 2, second);
	prepare(&stage, 0, first);
	REQUIRE(!sees(&stage, &stage.other, 0), "another connection sees what is only prepared");
	REQUIRE(is_listed(&stage.other, first), "prepared.list does not tell of a branch that was prepared");
	/* it outlives the connection */
	stage.subject.plugin->connection->close(stage.subject.connection, stage.subject.call);
	stage.subject.connection = subject_connect(&stage.subject);
	REQUIRE(is_listed(&stage.other, first), "a prepared branch is gone with its connection");
	subject_need(&stage.other, CALL(&stage.other, prepared, commit_prepared, first),
		     "prepared.commit_prepared from another connection");
	REQUIRE(sees(&stage, &stage.subject, 0), "what a committed branch has written is not there");
	prepare(&stage, 1, second);
	subject_need(&stage.other, CALL(&stage.other, prepared, rollback_prepared, second),
		     "prepared.rollback_prepared from another connection");
	REQUIRE(!sees(&stage, &stage.subject, 1),
		"what a branch has written is there after it was rolled back");
	REQUIRE(!is_listed(&stage.other, first) && !is_listed(&stage.other, second),
		"branches that have ended are still listed");
	EXPECT(CALL(&stage.other, prepared, commit_prepared, first), ENOTFOUND,
	       "committing a branch that is not known");
	end(&stage);
}

/* --- snapshots --- */

static void test_snapshot(struct conform *conform)
{
	const char *snapshot = NULL;
	struct stage stage;
	struct subject third;

	begin(&stage, conform);
	third = stage.subject;
	third.connection = subject_connect(&stage.subject);
	insert(&stage, 0);
	start_isolated(&stage.other, CONSORT_TRANSACTION_READ_ONLY, CONSORT_ISOLATION_REPEATABLE_READ);
	MUST(&stage.other, transaction, snapshot_export, &snapshot);
	REQUIRE(snapshot && *snapshot, "transaction.snapshot_export gives no text");
	insert(&stage, 1);
	start_isolated(&third, CONSORT_TRANSACTION_READ_ONLY, CONSORT_ISOLATION_REPEATABLE_READ);
	MUST(&third, transaction, snapshot_import, snapshot);
	REQUIRE(sees(&stage, &third, 0), "a connection of a snapshot does not see what was there");
	REQUIRE(!sees(&stage, &third, 1), "a connection of a snapshot sees what was written after it");
	roll_back(&third);
	roll_back(&stage.other);
	third.plugin->connection->close(third.connection, third.call);
	end(&stage);
}

#define WRITES (NEED_FEATURE(TRANSACTIONS) | NEED_FEATURE(CREATE) | NEED_FEATURE(READ))

const struct conform_test conform_transaction_tests[] = {
	TEST("transaction-commit", test_commit, TRANSACTIONS, WRITES, 0,
	     "What is committed is there, for everybody."),
	TEST("transaction-rollback", test_rollback, TRANSACTIONS, WRITES, 0,
	     "What is rolled back has not happened."),
	TEST("transaction-isolated", test_isolated, TRANSACTIONS, WRITES, 0,
	     "Nobody else sees what is not committed."),
	TEST("transaction-reads-own", test_own, READ_YOUR_WRITES, WRITES, 0,
	     "A transaction reads what it has written."),
	TEST("transaction-outcome", test_outcome, TRANSACTIONS, WRITES, 0,
	     "A commit says what became of the writes, also of those behind one that was refused."),
	TEST("transaction-race", test_race, TRANSACTIONS, WRITES, 0,
	     "Of two that write one record, one is refused."),
	TEST("commit-whole", test_whole, ATOMIC_COMMIT, WRITES, 0,
	     "Of a transaction whose process dies, all is there or nothing."),
	TEST("transaction-ends", test_ends, TRANSACTIONS, WRITES, 0,
	     "reset and close roll an open transaction back."),
	TEST("transaction-read-only", test_read_only, TRANSACTIONS, WRITES, 0,
	     "A read-only transaction refuses to write."),
	TEST("savepoints", test_savepoints, SAVEPOINTS, WRITES, 0,
	     "Rolling back to a savepoint undoes what is behind it, and only that."),
	TEST("prepared-branch", test_prepared, PREPARE_COMMIT, WRITES, 0,
	     "A prepared branch outlives its connection, and ends from any other."),
	TEST("snapshot-shared", test_snapshot, SNAPSHOT_EXPORT, WRITES, 0,
	     "Connections that import a snapshot see the state that it was exported from."),
	CONFORM_END,
};
