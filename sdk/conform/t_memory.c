/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out, memory that is given back, and slots that are not there. */
#include "drive.h"

#include <consort/slots.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALLOCATIONS_MOST 20000

static void begin(struct world *world, struct conform *conform)
{
	if (!conform_memory_works())
		conform_skip("this kit is built with a sanitizer, whose allocator cannot be made to fail");
	world_open(world, conform, NULL);
	if (consort_features_has(&conform->facts.features, CONSORT_FEATURE_READ))
		world_make(world);
	if (conform->client_aborts)
		conform_memory_only(conform_load(conform));
	conform_config(conform, "subject"); /* made once, and not while memory runs out */
}

static size_t nth;

/* Where it can, the record of a run that was broken off goes, so that reading does not take longer each time.
 */
static void forget(struct world *world, size_t which)
{
	struct consort_error ignored;

	if (!world->resource || !world->resource->nkeys ||
	    !consort_features_has(&world->conform->facts.features, CONSORT_FEATURE_DELETE))
		return;
	consort_delete(world->c, world->item, world_key(world, world_new_row(world, which)), &ignored);
}

/* A run that must succeed. */
static void run_whole(struct conform *conform, struct world *world)
{
	struct subject subject;
	const char *step;
	uint32_t status = scenario_run(conform, world, ++nth, &step, &subject);

	REQUIRE(!status, "%s failed (status %u): %s", step, status, consort_error_text(subject.error));
}

/* A run in which the n-th allocation fails; false: it did not make so many. *out_blocks: those not given
 * back. */
static bool run_failing(struct conform *conform, struct world *world, long n, int64_t *out_blocks)
{
	const struct conform_places places = conform_places_mark();
	struct subject subject;
	const char *step;
	uint32_t status;
	bool failed;

	conform_memory_hold();
	forget(world, nth);
	*out_blocks = -conform_memory_blocks();
	conform_memory_release();
	conform_memory_fail(n);
	status = scenario_run(conform, world, ++nth, &step, &subject);
	failed = conform_memory_failed();
	conform_memory_fail(0);
	*out_blocks += conform_memory_blocks();
	REQUIRE(!status || (failed && status == CONSORT_ENOMEM),
		"%s answers status %u, not ENOMEM (%u), when allocation %ld of a run fails: %s", step, status,
		CONSORT_ENOMEM, n, consort_error_text(subject.error));
	conform_places_release(places);
	return failed;
}

/* The first allocation fails, then the second, …, until none does. What is made once in a process is made
 * before, but for what is made once when something fails: so blocks that stay count if they do in the same
 * place again. */
static void test_fails(struct conform *conform)
{
	struct world world;
	bool failed = true;
	int64_t blocks, usual;
	long n;

	begin(&world, conform);
	run_whole(conform, &world);
	run_failing(conform, &world, 0, &usual); /* what is lost even so is not this test's business */
	for (n = 1; failed; n++) {
		REQUIRE(n <= ALLOCATIONS_MOST, "it makes more than %d allocations", ALLOCATIONS_MOST);
		failed = run_failing(conform, &world, n, &blocks);
		if (blocks > usual)
			run_failing(conform, &world, n, &blocks);
		REQUIRE(blocks <= usual, "when allocation %ld of a run fails, %lld blocks are not given back",
			n, (long long)blocks);
	}
	run_whole(conform, &world);
	world_close(&world);
}

static void test_back(struct conform *conform)
{
	struct world world;
	int64_t before, after;
	int i;

	begin(&world, conform);
	for (i = 0; i < 3; i++)
		run_whole(conform, &world);
	before = conform_memory_blocks();
	for (i = 0; i < 4; i++)
		run_whole(conform, &world);
	after = conform_memory_blocks();
	REQUIRE(after <= before, "%lld blocks are not given back by four runs from open to close",
		(long long)(after - before));
	world_close(&world);
}

/* --- slots --- */

/* Empties the slot in the adapter's own table, which lies in memory that was made read-only. */
static void empty_slot(const struct consort_plugin *plugin, const struct consort_slot *slot)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t place = (uintptr_t)consort_slot_place(plugin, slot), start = place & ~(uintptr_t)(page - 1);

	if (mprotect((void *)start, page * 2, PROT_READ | PROT_WRITE) &&
	    mprotect((void *)start, page, PROT_READ | PROT_WRITE))
		conform_skip("its tables cannot be written to");
	memset((void *)place, 0, sizeof(consort_operation *));
}

/* Works without this slot, with the features taken away that need it. */
static void run_without(struct conform *conform, const struct consort_slot *slot)
{
	const struct consort_plugin *plugin = conform_load(conform);
	struct consort_buffer features = CONSORT_BUFFER_INIT;
	const struct consort_slot *each;
	struct subject subject;
	struct world world;
	const char *step;
	uint32_t i, status;

	for (i = 0; (each = consort_slot_at(i)); i++) {
		if (each->table != slot->table || each->offset != slot->offset)
			continue;
		consort_features_remove(&conform->facts.features, each->feature);
		consort_buffer_printf(&features, "-%s ", consort_feature_name(each->feature));
	}
	world_open(&world, conform, features.data);
	empty_slot(plugin, slot);
	if (consort_features_has(&conform->facts.features, CONSORT_FEATURE_READ) &&
	    (slot->feature != CONSORT_FEATURE_INTROSPECT || world_is_declared(&world))) {
		world_fill(&world, 5);
		free(world_rows(&world, world.item));
	}
	status = scenario_run(conform, &world, 1000 + (size_t)(slot - consort_slot_at(0)), &step, &subject);
	REQUIRE(!status, "without %s, %s failed (status %u): %s", slot->name, step, status,
		consort_error_text(subject.error));
	world_close(&world);
}

static void test_slots(struct conform *conform)
{
	const struct consort_plugin *plugin = conform_load(conform);
	const struct consort_slot *slot;
	uint32_t i;

	for (i = 0; (slot = consort_slot_at(i)); i++) {
		int status = 0;
		pid_t child;

		if (slot->feature == CONSORT_FEATURE_ALWAYS ||
		    !consort_features_has(&conform->facts.features, slot->feature) ||
		    !consort_slot_operation(plugin, slot))
			continue;
		child = fork();
		if (!child) {
			run_without(conform, slot);
			_exit(0);
		}
		NEED(child > 0 && waitpid(child, &status, 0) == child);
		world_sweep(conform); /* it may have had no way to */
		REQUIRE(!WIFSIGNALED(status),
			"%s is called though its feature is taken away: without the slot it crashes",
			slot->name);
		REQUIRE(!WEXITSTATUS(status), "without %s and what needs it, the rest does not work: %s",
			slot->name, conform_printed());
	}
}

const struct conform_test conform_memory_tests[] = {
	TEST("memory-fails", test_fails, ALWAYS, 0, CONFORM_LONG,
	     "Wherever memory runs out, the answer is ENOMEM, or right, and nothing is lost."),
	TEST("memory-returned", test_back, ALWAYS, 0, 0,
	     "What is allocated between open and close is given back."),
	TEST("slot-unused", test_slots, ALWAYS, 0, CONFORM_LONG,
	     "No slot is called whose features are taken away."),
	CONFORM_END,
};
