/* SPDX-License-Identifier: Apache-2.0 */
/* Writing through the tables: what becomes of records, and what is told of it. */
#include "drive.h"

/* A write of these rows by one of the subject's slots, WRITE(&stage, insert, …); PUT: which must be taken. */
#define WRITE(stage, slot, writing, rows, nrows)                                                           \
	subject_write(&(stage)->subject, (stage)->subject.plugin->write->slot, (stage)->resource, writing, \
		      rows, nrows)
#define PUT(stage, slot, writing, rows, nrows, what) \
	subject_need(&(stage)->subject, WRITE(stage, slot, writing, rows, nrows), what)

/* --- create --- */

static void test_create(struct conform *conform)
{
	struct stage stage;

	stage_begin(&stage, conform);
	stage_insert(&stage, &stage.subject, stage.row);
	stage_expect(&stage, stage.row, "after write.insert");
	stage_end(&stage, 1);
}

/* A record with the key of the one that is there, and another value where there is room for one. */
static struct consort_value *with_same_key(struct stage *stage)
{
	struct consort_value *row = conform_frozen((stage->width + 1) * sizeof(*row));
	uint32_t i;

	for (i = 0; i < stage->width; i++)
		row[i] = world_is_key(stage->world, i)
				 ? stage->row[i]
				 : conform_edge(stage->row[i].type, 2, &stage->world->arena);
	return row;
}

static void test_twice(struct conform *conform)
{
	struct writing writing = {0};
	struct stage stage;

	stage_begin(&stage, conform);
	stage_insert(&stage, &stage.subject, stage.row);
	EXPECT(WRITE(&stage, insert, &writing, with_same_key(&stage), 1), ECONSTRAINT,
	       "write.insert of a key that is there");
	stage_expect(&stage, stage.row, "after write.insert was refused,");
	stage_end(&stage, 1);
}

/* --- update and delete --- */

static void test_update(struct conform *conform)
{
	struct consort_value *other, *changed;
	struct writing writing = {0};
	struct stage stage;
	uint32_t i;

	stage_begin(&stage, conform);
	stage_free(&stage);
	other = world_new_row(stage.world, 0);
	stage_insert(&stage, &stage.subject, stage.row);
	stage_insert(&stage, &stage.subject, other);
	changed = with_same_key(&stage);
	for (i = 0; i < stage.width; i++) {
		if (world_is_key(stage.world, i))
			continue;
		memset(&writing, 0, sizeof(writing));
		stage_by_key(&stage, &writing, &i, 1);
		PUT(&stage, update, &writing, stage_pick(&writing, changed), 1, "write.update");
		stage.row[i] = changed[i];
		stage_expect(&stage, stage.row, "after write.update of one attribute,");
	}
	stage_expect(&stage, other, "after write.update of another record,");
	stage_end(&stage, 1);
}

/* A write by a key that is not there has answered so. */
static void expect_missing(const struct stage *stage, uint32_t status, const struct writing *writing,
			   const char *what)
{
	REQUIRE(!status, "%s of a key that is not there is no failure, but answers status %u: %s", what,
		status, consort_error_text(stage->subject.error));
	REQUIRE(!writing->affected, "%s of a key that is not there affects %lld records", what,
		(long long)writing->affected);
	REQUIRE(writing->nfailed == 1 && writing->failure.status == CONSORT_ENOTFOUND,
		"%s of a key that is not there does not tell row_failed of ENOTFOUND", what);
}

static void test_update_missing(struct conform *conform)
{
	struct writing writing = {0};
	struct stage stage;
	uint32_t first;

	stage_begin(&stage, conform);
	first = stage_free(&stage);
	stage_by_key(&stage, &writing, &first, 1);
	expect_missing(&stage, WRITE(&stage, update, &writing, stage_pick(&writing, stage.row), 1), &writing,
		       "write.update");
	REQUIRE(!stage_find(&stage, &stage.subject, stage.row),
		"write.update of a key that is not there makes a record");
	stage_end(&stage, 1);
}

static void test_delete(struct conform *conform)
{
	struct consort_value *rows[3];
	struct writing writing = {0};
	struct stage stage;
	size_t i;

	stage_begin(&stage, conform);
	for (i = 0; i < 3; i++) {
		rows[i] = world_new_row(stage.world, i);
		stage_insert(&stage, &stage.subject, rows[i]);
	}
	stage_by_key(&stage, &writing, NULL, 0);
	PUT(&stage, remove, &writing, stage_pick(&writing, rows[1]), 1, "write.remove");
	REQUIRE(!stage_find(&stage, &stage.subject, rows[1]), "after write.remove the record is still there");
	stage_expect(&stage, rows[0], "after write.remove of another record,");
	stage_expect(&stage, rows[2], "after write.remove of another record,");
	stage_end(&stage, 3);
}

static void test_delete_missing(struct conform *conform)
{
	struct writing writing = {0};
	struct stage stage;

	stage_begin(&stage, conform);
	stage_by_key(&stage, &writing, NULL, 0);
	expect_missing(&stage, WRITE(&stage, remove, &writing, stage_pick(&writing, stage.row), 1), &writing,
		       "write.remove");
	stage_end(&stage, 1);
}

/* --- what is told --- */

static void expect_one(const struct stage *stage, uint32_t status, const struct writing *writing,
		       const char *what)
{
	subject_need(&stage->subject, status, what);
	REQUIRE(writing->affected == 1, "%s of a record tells of %lld", what, (long long)writing->affected);
}

static void test_affected(struct conform *conform)
{
	struct writing writing = {0};
	struct stage stage;
	uint32_t i = 0;

	stage_begin(&stage, conform);
	expect_one(&stage, WRITE(&stage, insert, &writing, stage.row, 1), &writing, "write.insert");
	while (i < stage.width && world_is_key(stage.world, i))
		i++;
	if (subject_has(&stage.subject, CONSORT_FEATURE_UPDATE) && i < stage.width) {
		stage_by_key(&stage, &writing, &i, 1);
		expect_one(&stage, WRITE(&stage, update, &writing, stage_pick(&writing, stage.row), 1),
			   &writing, "write.update");
	}
	if (subject_has(&stage.subject, CONSORT_FEATURE_DELETE)) {
		stage_by_key(&stage, &writing, NULL, 0);
		expect_one(&stage, WRITE(&stage, remove, &writing, stage_pick(&writing, stage.row), 1),
			   &writing, "write.remove");
	}
	stage_end(&stage, 1);
}

static void test_row_failed(struct conform *conform)
{
	struct writing writing = {0};
	struct stage stage;
	uint32_t status;

	stage_begin(&stage, conform);
	stage_insert(&stage, &stage.subject, stage.row);
	status = WRITE(&stage, insert, &writing, stage.row, 1);
	REQUIRE(status, "write.insert of a key that is there is taken");
	REQUIRE(writing.nfailed == 1 && writing.failed_rows[0] == 0,
		"write.insert does not tell row_failed of the row that"
		" failed");
	REQUIRE(writing.failure.status == status, "row_failed is told status %u, and the call answers %u",
		writing.failure.status, status);
	stage_end(&stage, 1);
}

static void test_continue(struct conform *conform)
{
	struct writing writing = {.flags = CONSORT_WRITE_CONTINUE};
	struct stage stage;
	uint32_t status;

	stage_begin(&stage, conform);
	stage_insert(&stage, &stage.subject, stage.row);
	status = WRITE(&stage, insert, &writing, stage.row, 1);
	REQUIRE(!status, "with CONSORT_WRITE_CONTINUE, a row that fails fails the call (status %u)", status);
	REQUIRE(writing.nfailed == 1 && !writing.affected,
		"with CONSORT_WRITE_CONTINUE, a row that fails is not told, or counted");
	stage_end(&stage, 1);
}

/* --- many rows in a call --- */

#define MANY 50

static struct consort_value *many_rows(struct stage *stage)
{
	struct consort_value *rows = conform_frozen((MANY * (size_t)stage->width + 1) * sizeof(*rows));
	size_t i;

	for (i = 0; i < MANY; i++)
		world_row(stage->world, i, rows + i * stage->width);
	return rows;
}

static void test_bulk(struct conform *conform)
{
	struct writing writing = {0};
	struct consort_value *rows;
	struct stage stage;
	int64_t i;

	stage_begin(&stage, conform);
	rows = many_rows(&stage);
	PUT(&stage, insert, &writing, rows, MANY, "write.insert of a batch");
	REQUIRE(writing.affected == MANY, "write.insert of %d records tells of %lld", MANY,
		(long long)writing.affected);
	for (i = 0; i < MANY; i += 7)
		stage_expect(&stage, rows + i * stage.width, "after write.insert of a batch,");
	stage_end(&stage, MANY);
}

static void test_bulk_failure(struct conform *conform)
{
	struct writing writing = {0};
	struct consort_value *rows;
	struct stage stage;
	int64_t i, there = 0;

	stage_begin(&stage, conform);
	rows = many_rows(&stage);
	stage_insert(&stage, &stage.subject, rows + 20 * stage.width);
	EXPECT(WRITE(&stage, insert, &writing, rows, MANY), ECONSTRAINT, "a batch with a key that is there");
	REQUIRE(writing.nfailed == 1 && writing.failed_rows[0] == 20,
		"row_failed is not told of the row that failed");
	for (i = 0; i < MANY; i++)
		there += i != 20 && stage_find(&stage, &stage.subject, rows + i * stage.width) != NULL;
	REQUIRE(there == writing.affected,
		"of a batch that failed %lld records are there, and it tells of %lld", (long long)there,
		(long long)writing.affected);
	writing.flags = CONSORT_WRITE_CONTINUE;
	PUT(&stage, insert, &writing, rows, MANY, "write.insert of a batch that goes on");
	REQUIRE(writing.affected == MANY - 1 - there && writing.nfailed == 1 + there,
		"of %d records, %lld of which are there, a batch that goes on tells that %lld were written "
		"and %lld failed",
		MANY, (long long)there + 1, (long long)writing.affected, (long long)writing.nfailed);
	for (i = 0; i < MANY; i += 7)
		stage_expect(&stage, rows + i * stage.width, "after write.insert of a batch that goes on,");
	stage_end(&stage, MANY);
}

static void test_returning(struct conform *conform)
{
	struct consort_type *types;
	struct writing writing = {0};
	uint32_t *all, i;
	struct stage stage;

	stage_begin(&stage, conform);
	types = conform_frozen((stage.width + 1) * sizeof(*types));
	all = conform_frozen((stage.width + 1) * sizeof(*all));
	for (i = 0; i < stage.width; i++) {
		all[i] = i;
		types[i] = stage.resource->attributes[i]->type;
	}
	writing.returning = all;
	writing.nreturning = stage.width;
	writing.returned = conform_batch(types, stage.width, 4);
	PUT(&stage, insert, &writing, stage.row, 1, "write.insert that returns");
	REQUIRE(writing.returned->nrows == 1, "write.insert of a record returns %lld",
		(long long)writing.returned->nrows);
	REQUIRE(!conform_batch_fault(writing.returned), "what is returned is not as it should be: %s",
		conform_batch_fault(writing.returned));
	for (i = 0; i < stage.width; i++) {
		const struct consort_value value = conform_batch_value(writing.returned, i, 0);

		REQUIRE(conform_value_equal(&value, &stage.row[i]),
			"'%s' is returned as another value than was written",
			stage.resource->attributes[i]->name);
	}
	stage_end(&stage, 1);
}

/* --- upsert --- */

static void test_upsert(struct conform *conform)
{
	struct writing writing = {0};
	struct stage stage;

	stage_begin(&stage, conform);
	PUT(&stage, upsert, &writing, stage.row, 1, "write.upsert");
	REQUIRE(writing.affected == 1, "write.upsert of a record tells of %lld", (long long)writing.affected);
	stage_expect(&stage, stage.row, "after write.upsert");
	stage.row = with_same_key(&stage);
	PUT(&stage, upsert, &writing, stage.row, 1, "write.upsert of a key that is there");
	stage_expect(&stage, stage.row, "after write.upsert of a key that is there,");
	stage_end(&stage, 1);
}

/* Thirty times the record, as others do meanwhile; a conflict is to be tried again. */
static uint32_t upsert_often(struct subject *subject, void *context)
{
	const struct stage *stage = context;
	uint32_t status = CONSORT_OK;
	int i;

	for (i = 0; i < 30 && (!status || status == CONSORT_ECONFLICT); i++) {
		struct writing writing = {0};

		status = subject_write(subject, subject->plugin->write->upsert, stage->resource, &writing,
				       stage->row, 1);
	}
	return status == CONSORT_ECONFLICT ? CONSORT_OK : status;
}

static void test_upsert_step(struct conform *conform)
{
	struct stage stage;

	stage_begin(&stage, conform);
	subject_threads(&stage.subject, true, upsert_often, &stage);
	stage_expect(&stage, stage.row, "when several connections have upserted one key,");
	stage_end(&stage, 1);
}

const struct conform_test conform_write_tests[] = {
	TEST("create-record", test_create, CREATE, 0, 0, "write.insert puts a record."),
	TEST("create-twice", test_twice, CREATE, 0, 0,
	     "write.insert of a key that is there is ECONSTRAINT, and changes nothing."),
	TEST("update-named", test_update, UPDATE, 0, 0,
	     "write.update changes the attributes named, of the record with that key."),
	TEST("update-missing", test_update_missing, UPDATE, 0, 0,
	     "write.update of a key that is not there tells of the row, and counts it as 0."),
	TEST("delete-record", test_delete, DELETE, 0, 0, "write.remove removes the record with that key."),
	TEST("delete-missing", test_delete_missing, DELETE, 0, 0,
	     "write.remove of a key that is not there tells of the row, and counts it as 0."),
	TEST("write-affected", test_affected, CREATE, 0, 0, "A write tells how many records it has written."),
	TEST("write-failed", test_row_failed, CREATE, 0, 0,
	     "A row that fails is told, with what the call answers."),
	TEST("write-continue", test_continue, CREATE, 0, 0,
	     "With CONSORT_WRITE_CONTINUE a row that fails is as if it had not been there."),
	TEST("bulk-write", test_bulk, BULK_WRITE, 0, 0, "A batch of many rows is written in one call."),
	TEST("bulk-failure", test_bulk_failure, BULK_WRITE, 0, 0,
	     "Of a batch that fails as many records are there as it tells of."),
	TEST("returning-stored", test_returning, RETURNING, 0, 0,
	     "A write that returns tells the attributes as they are stored."),
	TEST("upsert-record", test_upsert, UPSERT, 0, 0,
	     "write.upsert inserts, or updates where the key is there."),
	TEST("upsert-step", test_upsert_step, UPSERT, 0, 0, "write.upsert is one step to every observer."),
	CONFORM_END,
};
