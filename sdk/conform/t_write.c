/* SPDX-License-Identifier: Apache-2.0 */
/* Writing through the tables: what becomes of records, and what is told of it. */
#include "drive.h"

#include <pthread.h>
#include <stdio.h>

struct both {
	struct subject subject;
	struct world world;
	const struct consort_write_ops *write;
	uint32_t width;
	struct consort_value *row; /* a record of ours that is not there yet */
};

static void begin(struct both *both, struct conform *conform)
{
	world_open(&both->world, conform, NULL);
	world_make(&both->world);
	world_need_writes(&both->world);
	subject_open(&both->subject, conform);
	world_lend(&both->world, &both->subject, false);
	both->write = both->subject.plugin->write;
	both->width = both->world.resource->nattributes;
	both->row = world_new_row(&both->world, 1);
}

static uint32_t run(struct both *both, write_slot *slot, struct writing *writing,
		    const struct consort_value *rows, int64_t nrows)
{
	return subject_write(&both->subject, slot, both->world.resource, writing, rows, nrows);
}

/* The key's attributes, behind `first` others. */
static void by_key(struct both *both, struct writing *writing, const uint32_t *first, uint32_t nfirst)
{
	const struct consort_resource *resource = both->world.resource;
	uint32_t *attributes = conform_frozen((nfirst + resource->nkeys) * sizeof(*attributes)), i;

	for (i = 0; i < nfirst; i++)
		attributes[i] = first[i];
	for (i = 0; i < resource->nkeys; i++)
		attributes[nfirst + i] = resource->keys[i];
	writing->attributes = attributes;
	writing->nattributes = nfirst + resource->nkeys;
	writing->nkeys = resource->nkeys;
}

static struct consort_value *pick(const struct writing *writing, const struct consort_value *row)
{
	struct consort_value *picked = conform_frozen((writing->nattributes + 1) * sizeof(*picked));
	uint32_t i;

	for (i = 0; i < writing->nattributes; i++)
		picked[i] = row[writing->attributes[i]];
	return picked;
}

/* Leaves nothing of ours behind in a resource that is not ours. */
static void end(struct both *both, size_t nrows)
{
	struct consort_value *row = conform_frozen((both->width + 1) * sizeof(*row));
	struct writing writing = {0};
	size_t i;

	by_key(both, &writing, NULL, 0);
	for (i = 0; i <= nrows && !both->world.made && subject_has(&both->subject, CONSORT_FEATURE_DELETE);
	     i++) {
		world_row(&both->world, i, row);
		run(both, both->write->remove, &writing, pick(&writing, row), 1);
	}
	subject_close(&both->subject);
	world_close(&both->world);
}

/* Only records of ours are looked at, since others may be there. NULL: there is none with the row's key. */
static struct consort_value *find(struct both *both, const struct consort_value *row)
{
	const struct consort_node *scan = tree_scan(both->world.resource);
	struct consort_value *found = NULL;
	struct reading reading;
	int64_t r;
	uint32_t i;

	subject_need(&both->subject, subject_read(&both->subject, scan, NULL, 0, NULL, &reading),
		     "opening a cursor");
	do {
		subject_need(&both->subject, subject_next(&both->subject, &reading), "query.next");
		for (r = 0; r < reading.batch->nrows; r++) {
			bool same = true;

			for (i = 0; i < both->world.resource->nkeys; i++) {
				const uint32_t key = both->world.resource->keys[i];
				const struct consort_value value = conform_batch_value(reading.batch, key, r);

				same &= conform_value_equal(&value, &row[key]);
			}
			if (!same)
				continue;
			REQUIRE(!found, "there are two records with one key");
			found = conform_frozen((both->width + 1) * sizeof(*found));
			for (i = 0; i < both->width; i++)
				found[i] = conform_batch_value(reading.batch, i, r);
		}
	} while (reading.batch->nrows && !(reading.batch->flags & CONSORT_BATCH_LAST));
	subject_end(&both->subject, &reading);
	return found;
}

static void expect(struct both *both, const struct consort_value *row, const char *when)
{
	struct consort_value *found = find(both, row);
	uint32_t i;

	REQUIRE(found, "%s the record is not there", when);
	for (i = 0; i < both->width; i++) {
		struct consort_buffer is = CONSORT_BUFFER_INIT, was = CONSORT_BUFFER_INIT;

		if (conform_value_equal(&found[i], &row[i]))
			continue;
		conform_value_print(&found[i], &is);
		conform_value_print(&row[i], &was);
		conform_fail("%s '%s' is %s, not %s", when, both->world.resource->attributes[i]->name,
			     is.data, was.data);
	}
}

static void need(struct both *both, uint32_t status, const char *what)
{
	subject_need(&both->subject, status, what);
}

static void insert(struct both *both, const struct consort_value *row)
{
	struct writing writing = {0};

	need(both, run(both, both->write->insert, &writing, row, 1), "write.insert");
}

/* --- create --- */

static void test_create(struct conform *conform)
{
	struct both both;

	begin(&both, conform);
	insert(&both, both.row);
	expect(&both, both.row, "after write.insert");
	end(&both, 1);
}

/* A record with the key of the one that is there, and another value where there is room for one. */
static struct consort_value *with_same_key(struct both *both)
{
	struct consort_value *row = conform_frozen((both->width + 1) * sizeof(*row));
	uint32_t i;

	for (i = 0; i < both->width; i++)
		row[i] = world_is_key(&both->world, i)
				 ? both->row[i]
				 : conform_edge(both->row[i].type, 2, &both->world.arena);
	return row;
}

static void test_twice(struct conform *conform)
{
	struct writing writing = {0};
	struct both both;
	uint32_t status;

	begin(&both, conform);
	insert(&both, both.row);
	status = run(&both, both.write->insert, &writing, with_same_key(&both), 1);
	REQUIRE(status == CONSORT_ECONSTRAINT,
		"write.insert of a key that is there answers status %u, not ECONSTRAINT (%u)", status,
		CONSORT_ECONSTRAINT);
	expect(&both, both.row, "after write.insert was refused,");
	end(&both, 1);
}

/* --- update and delete --- */

static uint32_t first_free(const struct both *both)
{
	uint32_t i;

	for (i = 0; i < both->width; i++)
		if (!world_is_key(&both->world, i) &&
		    !(both->world.resource->attributes[i]->flags & CONSORT_ATTRIBUTE_READ_ONLY))
			return i;
	conform_skip("'%s' has no attribute but its key", both->world.resource->name);
}

static void test_update(struct conform *conform)
{
	struct consort_value *other, *changed;
	struct writing writing = {0};
	struct both both;
	uint32_t i;

	begin(&both, conform);
	first_free(&both);
	other = world_new_row(&both.world, 0);
	insert(&both, both.row);
	insert(&both, other);
	changed = with_same_key(&both);
	for (i = 0; i < both.width; i++) {
		if (world_is_key(&both.world, i))
			continue;
		memset(&writing, 0, sizeof(writing));
		by_key(&both, &writing, &i, 1);
		need(&both, run(&both, both.write->update, &writing, pick(&writing, changed), 1),
		     "write.update");
		both.row[i] = changed[i];
		expect(&both, both.row, "after write.update of one attribute,");
	}
	expect(&both, other, "after write.update of another record,");
	end(&both, 1);
}

static void test_update_missing(struct conform *conform)
{
	struct writing writing = {0};
	struct both both;
	uint32_t first, status;

	begin(&both, conform);
	first = first_free(&both);
	by_key(&both, &writing, &first, 1);
	status = run(&both, both.write->update, &writing, pick(&writing, both.row), 1);
	REQUIRE(!status, "write.update of a key that is not there is no failure, but answers status %u: %s",
		status, consort_error_text(both.subject.error));
	REQUIRE(!writing.affected, "write.update of a key that is not there affects %lld records",
		(long long)writing.affected);
	REQUIRE(writing.nfailed == 1 && writing.failure.status == CONSORT_ENOTFOUND,
		"write.update of a key that is not there does not tell row_failed of ENOTFOUND");
	REQUIRE(!find(&both, both.row), "write.update of a key that is not there makes a record");
	end(&both, 1);
}

static void test_delete(struct conform *conform)
{
	struct consort_value *rows[3];
	struct writing writing = {0};
	struct both both;
	size_t i;

	begin(&both, conform);
	for (i = 0; i < 3; i++) {
		rows[i] = world_new_row(&both.world, i);
		insert(&both, rows[i]);
	}
	by_key(&both, &writing, NULL, 0);
	need(&both, run(&both, both.write->remove, &writing, pick(&writing, rows[1]), 1), "write.remove");
	REQUIRE(!find(&both, rows[1]), "after write.remove the record is still there");
	expect(&both, rows[0], "after write.remove of another record,");
	expect(&both, rows[2], "after write.remove of another record,");
	end(&both, 3);
}

static void test_delete_missing(struct conform *conform)
{
	struct writing writing = {0};
	struct both both;
	uint32_t status;

	begin(&both, conform);
	by_key(&both, &writing, NULL, 0);
	status = run(&both, both.write->remove, &writing, pick(&writing, both.row), 1);
	REQUIRE(!status, "write.remove of a key that is not there is no failure, but answers status %u: %s",
		status, consort_error_text(both.subject.error));
	REQUIRE(!writing.affected, "write.remove of a key that is not there affects %lld records",
		(long long)writing.affected);
	REQUIRE(writing.nfailed == 1 && writing.failure.status == CONSORT_ENOTFOUND,
		"write.remove of a key that is not there does not tell row_failed of ENOTFOUND");
	end(&both, 1);
}

/* --- what is told --- */

static void test_affected(struct conform *conform)
{
	struct writing writing = {0};
	struct both both;
	uint32_t i = 0;

	begin(&both, conform);
	need(&both, run(&both, both.write->insert, &writing, both.row, 1), "write.insert");
	REQUIRE(writing.affected == 1, "write.insert of a record tells of %lld", (long long)writing.affected);
	while (i < both.width && world_is_key(&both.world, i))
		i++;
	if (subject_has(&both.subject, CONSORT_FEATURE_UPDATE) && i < both.width) {
		by_key(&both, &writing, &i, 1);
		need(&both, run(&both, both.write->update, &writing, pick(&writing, both.row), 1),
		     "write.update");
		REQUIRE(writing.affected == 1, "write.update of a record tells of %lld",
			(long long)writing.affected);
	}
	if (subject_has(&both.subject, CONSORT_FEATURE_DELETE)) {
		by_key(&both, &writing, NULL, 0);
		need(&both, run(&both, both.write->remove, &writing, pick(&writing, both.row), 1),
		     "write.remove");
		REQUIRE(writing.affected == 1, "write.remove of a record tells of %lld",
			(long long)writing.affected);
	}
	end(&both, 1);
}

static void test_row_failed(struct conform *conform)
{
	struct writing writing = {0};
	struct both both;
	uint32_t status;

	begin(&both, conform);
	insert(&both, both.row);
	status = run(&both, both.write->insert, &writing, both.row, 1);
	REQUIRE(status, "write.insert of a key that is there is taken");
	REQUIRE(writing.nfailed == 1 && writing.failed_rows[0] == 0,
		"write.insert does not tell row_failed of the row that"
		" failed");
	REQUIRE(writing.failure.status == status, "row_failed is told status %u, and the call answers %u",
		writing.failure.status, status);
	end(&both, 1);
}

static void test_continue(struct conform *conform)
{
	struct writing writing = {.flags = CONSORT_WRITE_CONTINUE};
	struct both both;
	uint32_t status;

	begin(&both, conform);
	insert(&both, both.row);
	status = run(&both, both.write->insert, &writing, both.row, 1);
	REQUIRE(!status, "with CONSORT_WRITE_CONTINUE, a row that fails fails the call (status %u)", status);
	REQUIRE(writing.nfailed == 1 && !writing.affected,
		"with CONSORT_WRITE_CONTINUE, a row that fails is not told, or counted");
	end(&both, 1);
}

/* --- many rows in a call --- */

#define MANY 50

static struct consort_value *many_rows(struct both *both)
{
	struct consort_value *rows = conform_frozen((MANY * (size_t)both->width + 1) * sizeof(*rows));
	size_t i;

	for (i = 0; i < MANY; i++)
		world_row(&both->world, i, rows + i * both->width);
	return rows;
}

static void test_bulk(struct conform *conform)
{
	struct writing writing = {0};
	struct consort_value *rows;
	struct both both;
	int64_t i;

	begin(&both, conform);
	rows = many_rows(&both);
	need(&both, run(&both, both.write->insert, &writing, rows, MANY), "write.insert of a batch");
	REQUIRE(writing.affected == MANY, "write.insert of %d records tells of %lld", MANY,
		(long long)writing.affected);
	for (i = 0; i < MANY; i += 7)
		expect(&both, rows + i * both.width, "after write.insert of a batch,");
	end(&both, MANY);
}

static void test_bulk_failure(struct conform *conform)
{
	struct writing writing = {0};
	struct consort_value *rows;
	struct both both;
	int64_t i, there = 0;
	uint32_t status;

	begin(&both, conform);
	rows = many_rows(&both);
	insert(&both, rows + 20 * both.width);
	status = run(&both, both.write->insert, &writing, rows, MANY);
	REQUIRE(status == CONSORT_ECONSTRAINT,
		"a batch with a key that is there answers status %u, not ECONSTRAINT (%u)", status,
		CONSORT_ECONSTRAINT);
	REQUIRE(writing.nfailed == 1 && writing.failed_rows[0] == 20,
		"row_failed is not told of the row that failed");
	for (i = 0; i < MANY; i++)
		there += i != 20 && find(&both, rows + i * both.width) != NULL;
	REQUIRE(there == writing.affected,
		"of a batch that failed %lld records are there, and it tells of %lld", (long long)there,
		(long long)writing.affected);
	writing.flags = CONSORT_WRITE_CONTINUE;
	need(&both, run(&both, both.write->insert, &writing, rows, MANY),
	     "write.insert of a batch that goes on");
	REQUIRE(writing.affected == MANY - 1 - there && writing.nfailed == 1 + there,
		"of %d records, %lld of which are there, a batch that goes on tells that %lld were written "
		"and %lld failed",
		MANY, (long long)there + 1, (long long)writing.affected, (long long)writing.nfailed);
	for (i = 0; i < MANY; i += 7)
		expect(&both, rows + i * both.width, "after write.insert of a batch that goes on,");
	end(&both, MANY);
}

static void test_returning(struct conform *conform)
{
	struct consort_type *types;
	struct writing writing = {0};
	uint32_t *all, i;
	struct both both;

	begin(&both, conform);
	types = conform_frozen((both.width + 1) * sizeof(*types));
	all = conform_frozen((both.width + 1) * sizeof(*all));
	for (i = 0; i < both.width; i++) {
		all[i] = i;
		types[i] = both.world.resource->attributes[i]->type;
	}
	writing.returning = all;
	writing.nreturning = both.width;
	writing.returned = conform_batch(types, both.width, 4);
	need(&both, run(&both, both.write->insert, &writing, both.row, 1), "write.insert that returns");
	REQUIRE(writing.returned->nrows == 1, "write.insert of a record returns %lld",
		(long long)writing.returned->nrows);
	REQUIRE(!conform_batch_fault(writing.returned), "what is returned is not as it should be: %s",
		conform_batch_fault(writing.returned));
	for (i = 0; i < both.width; i++) {
		const struct consort_value value = conform_batch_value(writing.returned, i, 0);

		REQUIRE(conform_value_equal(&value, &both.row[i]),
			"'%s' is returned as another value than was written",
			both.world.resource->attributes[i]->name);
	}
	end(&both, 1);
}

/* --- upsert --- */

static void test_upsert(struct conform *conform)
{
	struct writing writing = {0};
	struct both both;

	begin(&both, conform);
	need(&both, run(&both, both.write->upsert, &writing, both.row, 1), "write.upsert");
	REQUIRE(writing.affected == 1, "write.upsert of a record tells of %lld", (long long)writing.affected);
	expect(&both, both.row, "after write.upsert");
	both.row = with_same_key(&both);
	need(&both, run(&both, both.write->upsert, &writing, both.row, 1),
	     "write.upsert of a key that is there");
	expect(&both, both.row, "after write.upsert of a key that is there,");
	end(&both, 1);
}

#define UPSERTERS 4

struct upserter {
	struct both both; /* a copy with a connection of its own */
	char fault[300];
};

static void *upsert_often(void *context)
{
	struct upserter *own = context;
	struct writing writing = {0};
	int i;

	for (i = 0; i < 30 && !own->fault[0]; i++) {
		uint32_t status = run(&own->both, own->both.write->upsert, &writing, own->both.row, 1);

		if (status && status != CONSORT_ECONFLICT)
			snprintf(own->fault, sizeof(own->fault), "status %u: %.200s", status,
				 consort_error_text(own->both.subject.error));
	}
	return NULL;
}

static void test_upsert_step(struct conform *conform)
{
	struct upserter upserters[UPSERTERS];
	pthread_t ids[UPSERTERS];
	struct both both;
	int i;

	begin(&both, conform);
	for (i = 0; i < UPSERTERS; i++) {
		upserters[i].both = both;
		upserters[i].both.subject.call = STRUCT(struct consort_call);
		upserters[i].both.subject.connection = subject_connect(&both.subject);
		upserters[i].fault[0] = '\0';
		NEED(!pthread_create(&ids[i], NULL, upsert_often, &upserters[i]));
	}
	for (i = 0; i < UPSERTERS; i++)
		pthread_join(ids[i], NULL);
	for (i = 0; i < UPSERTERS; i++) {
		REQUIRE(!upserters[i].fault[0], "when %d connections upsert one key: %s", UPSERTERS,
			upserters[i].fault);
		both.subject.plugin->connection->close(upserters[i].both.subject.connection,
						       both.subject.call);
	}
	expect(&both, both.row, "when several connections have upserted one key,");
	end(&both, 1);
}

const struct conform_test conform_write_tests[] = {
	TEST("create-record", test_create, NEED_FEATURE(CREATE), 0, "write.insert puts a record."),
	TEST("create-twice", test_twice, NEED_FEATURE(CREATE), 0,
	     "write.insert of a key that is there is ECONSTRAINT, and changes nothing."),
	TEST("update-named", test_update, NEED_FEATURE(UPDATE), 0,
	     "write.update changes the attributes named, of the record with that key."),
	TEST("update-missing", test_update_missing, NEED_FEATURE(UPDATE), 0,
	     "write.update of a key that is not there tells of the row, and counts it as 0."),
	TEST("delete-record", test_delete, NEED_FEATURE(DELETE), 0,
	     "write.remove removes the record with that key."),
	TEST("delete-missing", test_delete_missing, NEED_FEATURE(DELETE), 0,
	     "write.remove of a key that is not there tells of the row, and counts it as 0."),
	TEST("write-affected", test_affected, NEED_FEATURE(CREATE), 0,
	     "A write tells how many records it has written."),
	TEST("write-failed", test_row_failed, NEED_FEATURE(CREATE), 0,
	     "A row that fails is told, with what the call answers."),
	TEST("write-continue", test_continue, NEED_FEATURE(CREATE), 0,
	     "With CONSORT_WRITE_CONTINUE a row that fails is as if it had not been there."),
	TEST("bulk-write", test_bulk, NEED_FEATURE(BULK_WRITE), 0,
	     "A batch of many rows is written in one call."),
	TEST("bulk-failure", test_bulk_failure, NEED_FEATURE(BULK_WRITE), 0,
	     "Of a batch that fails as many records are there as it tells of."),
	TEST("returning-stored", test_returning, NEED_FEATURE(RETURNING), 0,
	     "A write that returns tells the attributes as they are stored."),
	TEST("upsert-record", test_upsert, NEED_FEATURE(UPSERT), 0,
	     "write.upsert inserts, or updates where the key is there."),
	TEST("upsert-step", test_upsert_step, NEED_FEATURE(UPSERT), 0,
	     "write.upsert is one step to every observer."),
	CONFORM_END,
};
