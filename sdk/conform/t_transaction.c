/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: what lasts, what is undone, what others see of it; savepoints, prepared branches, snapshots.
 */
#include "drive.h"

#include <stdio.h>
#include <unistd.h>

struct both {
	struct subject subject, other; /* the other: a connection of its own to the same database */
	struct world world;
	struct consort_value *rows[4]; /* records of ours, none of which is there yet */
};

static void begin(struct both *both, struct conform *conform)
{
	size_t i;

	world_open(&both->world, conform, NULL);
	world_make(&both->world);
	world_need_writes(&both->world);
	if (!both->world.made && !consort_features_has(&conform->facts.features, CONSORT_FEATURE_DELETE))
		conform_skip("what is written to '%s' could not be removed again",
			     both->world.resource->name);
	subject_open(&both->subject, conform);
	world_lend(&both->world, &both->subject, false);
	both->other = both->subject;
	both->other.call = STRUCT(struct consort_call);
	both->other.connection = subject_connect(&both->subject);
	for (i = 0; i < 4; i++)
		both->rows[i] = world_new_row(&both->world, i);
}

static void remove_rows(struct both *both)
{
	const struct consort_resource *resource = both->world.resource;
	struct consort_value *key = conform_frozen((resource->nkeys + 1) * sizeof(*key));
	struct writing writing = {
		.attributes = resource->keys, .nattributes = resource->nkeys, .nkeys = resource->nkeys};
	size_t i;
	uint32_t k;

	for (i = 0; i < 4; i++) {
		for (k = 0; k < resource->nkeys; k++)
			key[k] = both->rows[i][resource->keys[k]];
		subject_write(&both->subject, both->subject.plugin->write->remove, resource, &writing, key,
			      1);
	}
}

static void end(struct both *both)
{
	if (!both->world.made)
		remove_rows(both);
	both->other.plugin->connection->close(both->other.connection, both->other.call);
	subject_close(&both->subject);
	world_close(&both->world);
}

static void start_isolated(struct subject *subject, uint32_t flags, uint32_t isolation)
{
	struct consort_transaction_options *options = STRUCT(struct consort_transaction_options);

	options->flags = flags;
	options->isolation = isolation;
	subject_need(subject,
		     subject->plugin->transaction->begin(subject->connection, subject->call, options,
							 subject_error(subject)),
		     "transaction.begin");
}

static void start(struct subject *subject, uint32_t flags)
{
	start_isolated(subject, flags, CONSORT_ISOLATION_DEFAULT);
}

static void commit(struct subject *subject)
{
	subject_need(subject,
		     subject->plugin->transaction->commit(subject->connection, subject->call,
							  subject_error(subject)),
		     "transaction.commit");
}

static void roll_back(struct subject *subject)
{
	subject_need(subject,
		     subject->plugin->transaction->rollback(subject->connection, subject->call,
							    subject_error(subject)),
		     "transaction.rollback");
}

static void insert(struct both *both, size_t which)
{
	struct writing writing = {0};

	subject_need(&both->subject,
		     subject_write(&both->subject, both->subject.plugin->write->insert, both->world.resource,
				   &writing, both->rows[which], 1),
		     "write.insert");
}

/* Does that connection see the record? */
static bool sees(struct both *both, struct subject *subject, size_t which)
{
	const struct consort_resource *resource = both->world.resource;
	struct reading reading;
	bool found = false;
	int64_t row;

	subject_need(subject, subject_read(subject, tree_scan(resource), NULL, 0, NULL, &reading),
		     "opening a cursor");
	do {
		subject_need(subject, subject_next(subject, &reading), "query.next");
		for (row = 0; row < reading.batch->nrows; row++) {
			const struct consort_value key =
				conform_batch_value(reading.batch, resource->keys[0], row);

			found |= conform_value_equal(&key, &both->rows[which][resource->keys[0]]);
		}
	} while (reading.batch->nrows && !(reading.batch->flags & CONSORT_BATCH_LAST));
	subject_end(subject, &reading);
	return found;
}

static void test_commit(struct conform *conform)
{
	struct both both;

	begin(&both, conform);
	start(&both.subject, 0);
	insert(&both, 0);
	commit(&both.subject);
	REQUIRE(sees(&both, &both.subject, 0),
		"what was written in a transaction is not there after its commit");
	REQUIRE(sees(&both, &both.other, 0), "another connection does not see what was committed");
	end(&both);
}

static void test_rollback(struct conform *conform)
{
	struct both both;

	begin(&both, conform);
	insert(&both, 0);
	start(&both.subject, 0);
	insert(&both, 1);
	roll_back(&both.subject);
	REQUIRE(sees(&both, &both.subject, 0), "rollback undoes what was written before the transaction");
	REQUIRE(!sees(&both, &both.subject, 1),
		"what was written in a transaction is there after its rollback");
	/* and it is over: what follows stands by itself */
	insert(&both, 2);
	REQUIRE(sees(&both, &both.other, 2), "after a rollback, what is written is not there for others");
	end(&both);
}

static void test_isolated(struct conform *conform)
{
	struct both both;

	begin(&both, conform);
	start(&both.subject, 0);
	insert(&both, 0);
	REQUIRE(sees(&both, &both.subject, 0), "a transaction does not see what it has written");
	REQUIRE(!sees(&both, &both.other, 0), "another connection sees what is not committed");
	roll_back(&both.subject);
	end(&both);
}

static void test_ends(struct conform *conform)
{
	struct both both;

	begin(&both, conform);
	start(&both.subject, 0);
	insert(&both, 0);
	subject_need(&both.subject,
		     both.subject.plugin->connection->reset(both.subject.connection, both.subject.call,
							    subject_error(&both.subject)),
		     "reset within a transaction");
	REQUIRE(!sees(&both, &both.other, 0) && !sees(&both, &both.subject, 0),
		"reset keeps what an open transaction has written");
	start(&both.subject, 0);
	insert(&both, 1);
	both.subject.plugin->connection->close(both.subject.connection, both.subject.call);
	both.subject.connection = subject_connect(&both.subject);
	REQUIRE(!sees(&both, &both.other, 1), "close keeps what an open transaction has written");
	end(&both);
}

static void test_read_only(struct conform *conform)
{
	struct writing writing = {0};
	struct both both;
	uint32_t status;

	begin(&both, conform);
	start(&both.subject, CONSORT_TRANSACTION_READ_ONLY);
	status = subject_write(&both.subject, both.subject.plugin->write->insert, both.world.resource,
			       &writing, both.rows[0], 1);
	REQUIRE(status == CONSORT_EREADONLY,
		"a write in a read-only transaction answers status %u, not EREADONLY (%u)", status,
		CONSORT_EREADONLY);
	roll_back(&both.subject);
	insert(&both, 0);
	end(&both);
}

/* --- savepoints --- */

static void at_savepoint(struct both *both,
			 uint32_t (*slot)(void *connection, const struct consort_call *call, const char *name,
					  struct consort_error *error),
			 const char *name, const char *what)
{
	subject_need(&both->subject,
		     slot(both->subject.connection, both->subject.call, name, subject_error(&both->subject)),
		     what);
}

static void test_savepoints(struct conform *conform)
{
	const struct consort_transaction_ops *ops;
	struct both both;

	begin(&both, conform);
	ops = both.subject.plugin->transaction;
	start(&both.subject, 0);
	insert(&both, 0);
	at_savepoint(&both, ops->savepoint, "first", "transaction.savepoint");
	insert(&both, 1);
	at_savepoint(&both, ops->savepoint, "second_2", "transaction.savepoint");
	insert(&both, 2);
	at_savepoint(&both, ops->rollback_to, "second_2", "transaction.rollback_to");
	REQUIRE(!sees(&both, &both.subject, 2), "rollback_to keeps what was written behind its savepoint");
	REQUIRE(sees(&both, &both.subject, 1), "rollback_to undoes what was written before its savepoint");
	insert(&both, 2);
	at_savepoint(&both, ops->rollback_to, "second_2",
		     "transaction.rollback_to of a savepoint that was rolled back to");
	at_savepoint(&both, ops->release, "second_2", "transaction.release");
	at_savepoint(&both, ops->release, "first", "transaction.release");
	insert(&both, 3);
	commit(&both.subject);
	REQUIRE(sees(&both, &both.other, 0) && sees(&both, &both.other, 1) && sees(&both, &both.other, 3),
		"what was not rolled back is not there after the commit");
	REQUIRE(!sees(&both, &both.other, 2),
		"what was rolled back to a savepoint is there after the commit");
	end(&both);
}

/* --- prepared branches --- */

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

	subject_need(subject,
		     subject->plugin->prepared->list(subject->connection, subject->call, "conform-", &sink,
						     subject_error(subject)),
		     "prepared.list");
	REQUIRE(!branches.strangers, "prepared.list tells of branches of another prefix");
	return branches.found == 1;
}

static void prepare(struct both *both, size_t which, const char *id)
{
	struct consort_transaction_options *options = STRUCT(struct consort_transaction_options);
	struct subject *subject = &both->subject;

	options->flags = CONSORT_TRANSACTION_WILL_PREPARE;
	options->global_id = id;
	subject_need(subject,
		     subject->plugin->transaction->begin(subject->connection, subject->call, options,
							 subject_error(subject)),
		     "transaction.begin of one that will prepare");
	insert(both, which);
	subject_need(subject,
		     subject->plugin->prepared->prepare(subject->connection, subject->call, id,
							subject_error(subject)),
		     "prepared.prepare");
}

static void test_prepared(struct conform *conform)
{
	const struct consort_prepared_ops *ops;
	struct both both;
	char first[64], second[64];
	uint32_t status;

	begin(&both, conform);
	ops = both.subject.plugin->prepared;
	snprintf(first, sizeof(first), "conform-%d-1", (int)getpid());
	snprintf(second, sizeof(second), "conform-%d-2", (int)getpid());
	prepare(&both, 0, first);
	REQUIRE(!sees(&both, &both.other, 0), "another connection sees what is only prepared");
	REQUIRE(is_listed(&both.other, first), "prepared.list does not tell of a branch that was prepared");
	/* it outlives the connection */
	both.subject.plugin->connection->close(both.subject.connection, both.subject.call);
	both.subject.connection = subject_connect(&both.subject);
	REQUIRE(is_listed(&both.other, first), "a prepared branch is gone with its connection");
	subject_need(&both.other,
		     ops->commit_prepared(both.other.connection, both.other.call, first,
					  subject_error(&both.other)),
		     "prepared.commit_prepared from another connection");
	REQUIRE(sees(&both, &both.subject, 0), "what a committed branch has written is not there");
	prepare(&both, 1, second);
	subject_need(&both.other,
		     ops->rollback_prepared(both.other.connection, both.other.call, second,
					    subject_error(&both.other)),
		     "prepared.rollback_prepared from another connection");
	REQUIRE(!sees(&both, &both.subject, 1),
		"what a branch has written is there after it was rolled back");
	REQUIRE(!is_listed(&both.other, first) && !is_listed(&both.other, second),
		"branches that have ended are still listed");
	status = ops->commit_prepared(both.other.connection, both.other.call, first,
				      subject_error(&both.other));
	REQUIRE(status == CONSORT_ENOTFOUND,
		"committing a branch that is not known answers status %u, not ENOTFOUND (%u)", status,
		CONSORT_ENOTFOUND);
	end(&both);
}

/* --- snapshots --- */

static void test_snapshot(struct conform *conform)
{
	const struct consort_transaction_ops *ops;
	const char *snapshot = NULL;
	struct both both;
	struct subject third;

	begin(&both, conform);
	ops = both.subject.plugin->transaction;
	third = both.subject;
	third.connection = subject_connect(&both.subject);
	insert(&both, 0);
	start_isolated(&both.other, CONSORT_TRANSACTION_READ_ONLY, CONSORT_ISOLATION_REPEATABLE_READ);
	subject_need(&both.other,
		     ops->snapshot_export(both.other.connection, both.other.call, &snapshot,
					  subject_error(&both.other)),
		     "transaction.snapshot_export");
	REQUIRE(snapshot && *snapshot, "transaction.snapshot_export gives no text");
	insert(&both, 1);
	start_isolated(&third, CONSORT_TRANSACTION_READ_ONLY, CONSORT_ISOLATION_REPEATABLE_READ);
	subject_need(&third,
		     ops->snapshot_import(third.connection, third.call, snapshot, subject_error(&third)),
		     "transaction.snapshot_import");
	REQUIRE(sees(&both, &third, 0), "a connection of a snapshot does not see what was there");
	REQUIRE(!sees(&both, &third, 1), "a connection of a snapshot sees what was written after it");
	roll_back(&third);
	roll_back(&both.other);
	third.plugin->connection->close(third.connection, third.call);
	end(&both);
}

#define WRITES (NEED_FEATURE(TRANSACTIONS) | NEED_FEATURE(CREATE) | NEED_FEATURE(READ))

const struct conform_test conform_transaction_tests[] = {
	TEST("transaction-commit", test_commit, WRITES, 0, "What is committed is there, for everybody."),
	TEST("transaction-rollback", test_rollback, WRITES, 0, "What is rolled back has not happened."),
	TEST("transaction-isolated", test_isolated, WRITES, 0,
	     "Nobody sees what is not committed but the transaction itself."),
	TEST("transaction-ends", test_ends, WRITES, 0, "reset and close roll an open transaction back."),
	TEST("transaction-read-only", test_read_only, WRITES, 0, "A read-only transaction refuses to write."),
	TEST("savepoints", test_savepoints, WRITES | NEED_FEATURE(SAVEPOINTS), 0,
	     "Rolling back to a savepoint undoes what is behind it, and only that."),
	TEST("prepared-branch", test_prepared, WRITES | NEED_FEATURE(PREPARE_COMMIT), 0,
	     "A prepared branch outlives its connection, and ends from any other."),
	TEST("snapshot-shared", test_snapshot, WRITES | NEED_FEATURE(SNAPSHOT_EXPORT), 0,
	     "Connections that import a snapshot see the state that it was exported from."),
	CONFORM_END,
};
