/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and values: what caches are made of. All keys begin with this run's prefix, and are removed again. */
#include "drive.h"

#include <stdio.h>
#include <time.h>

#define MICROSECOND ((int64_t)1000)

struct store {
	struct subject subject;
	const struct consort_keyvalue_ops *ops;
	char key[64];
};

static void begin(struct store *store, struct conform *conform)
{
	subject_open(&store->subject, conform);
	store->ops = store->subject.plugin->keyvalue;
	snprintf(store->key, sizeof(store->key), "%skey", conform->prefix);
}

static struct consort_view view_of(const char *text, size_t size)
{
	return (struct consort_view){text, size};
}

static struct consort_view key_of(const struct store *store)
{
	return view_of(store->key, strlen(store->key));
}

static uint32_t set(struct store *store, struct consort_view value, int64_t time_to_live)
{
	struct subject *subject = &store->subject;

	return store->ops->set(subject->connection, subject->call, key_of(store), value, time_to_live,
			       subject_error(subject));
}

static uint32_t get(struct store *store, struct consort_view *out_value, int64_t *out_time_to_live)
{
	struct subject *subject = &store->subject;

	return store->ops->get(subject->connection, subject->call, key_of(store), out_value, out_time_to_live,
			       subject_error(subject));
}

static uint32_t remove_key(struct store *store)
{
	struct subject *subject = &store->subject;

	return store->ops->remove(subject->connection, subject->call, key_of(store), subject_error(subject));
}

static void need(struct store *store, uint32_t status, const char *what)
{
	subject_need(&store->subject, status, what);
}

static void end(struct store *store)
{
	remove_key(store);
	subject_close(&store->subject);
}

static void expect(struct store *store, struct consort_view value, const char *when)
{
	struct consort_view is = {NULL, 0};
	int64_t left = -1;

	need(store, get(store, &is, &left), "keyvalue.get");
	REQUIRE(is.size == value.size && !memcmp(is.data ? is.data : "", value.data, (size_t)value.size),
		"%s keyvalue.get gives another value (%llu bytes, not %llu)", when,
		(unsigned long long)is.size, (unsigned long long)value.size);
}

static void test_set(struct conform *conform)
{
	static const char zeros[3] = {0, 'a', 0};
	static char large[70000];
	struct store store;

	begin(&store, conform);
	need(&store, set(&store, view_of("one", 3), 0), "keyvalue.set");
	expect(&store, view_of("one", 3), "after keyvalue.set,");
	need(&store, set(&store, view_of("another", 7), 0), "keyvalue.set of a key that is there");
	expect(&store, view_of("another", 7), "after a second keyvalue.set,");
	need(&store, set(&store, view_of("", 0), 0), "keyvalue.set of no bytes");
	expect(&store, view_of("", 0), "after keyvalue.set of no bytes,");
	need(&store, set(&store, view_of(zeros, 3), 0), "keyvalue.set of zero bytes");
	expect(&store, view_of(zeros, 3), "after keyvalue.set of zero bytes,");
	memset(large, 0xff, sizeof(large));
	need(&store, set(&store, view_of(large, sizeof(large)), 0), "keyvalue.set of 70,000 bytes");
	expect(&store, view_of(large, sizeof(large)), "after keyvalue.set of 70,000 bytes,");
	end(&store);
}

static void test_missing(struct conform *conform)
{
	struct consort_view value = {NULL, 0};
	struct store store;
	uint32_t status;
	int64_t left;

	begin(&store, conform);
	status = get(&store, &value, &left);
	REQUIRE(status == CONSORT_ENOTFOUND,
		"keyvalue.get of a key that is not there answers status %u, not ENOTFOUND (%u)", status,
		CONSORT_ENOTFOUND);
	status = remove_key(&store);
	REQUIRE(status == CONSORT_ENOTFOUND,
		"keyvalue.remove of a key that is not there answers status %u, not ENOTFOUND (%u)", status,
		CONSORT_ENOTFOUND);
	need(&store, set(&store, view_of("x", 1), 0), "keyvalue.set");
	need(&store, remove_key(&store), "keyvalue.remove");
	status = get(&store, &value, &left);
	REQUIRE(status == CONSORT_ENOTFOUND,
		"after keyvalue.remove, keyvalue.get answers status %u, not ENOTFOUND (%u)", status,
		CONSORT_ENOTFOUND);
	end(&store);
}

static uint32_t swap(struct store *store, const struct consort_view *expected, struct consort_view value)
{
	struct subject *subject = &store->subject;

	return store->ops->compare_and_set(subject->connection, subject->call, key_of(store), expected, value,
					   0, subject_error(subject));
}

static void test_swap(struct conform *conform)
{
	const struct consort_view one = {"one", 3}, two = {"two", 3};
	struct store store;
	uint32_t status;

	begin(&store, conform);
	status = swap(&store, &one, two);
	REQUIRE(status == CONSORT_ECONFLICT,
		"keyvalue.compare_and_set where nothing is answers status %u, not ECONFLICT (%u)", status,
		CONSORT_ECONFLICT);
	need(&store, swap(&store, NULL, one), "keyvalue.compare_and_set of what must be absent, and is");
	status = swap(&store, NULL, two);
	REQUIRE(status == CONSORT_ECONFLICT,
		"keyvalue.compare_and_set of what must be absent, and is not, answers status %u, not"
		" ECONFLICT (%u)",
		status, CONSORT_ECONFLICT);
	expect(&store, one, "after a keyvalue.compare_and_set that was refused,");
	need(&store, swap(&store, &one, two), "keyvalue.compare_and_set of what is there");
	expect(&store, two, "after keyvalue.compare_and_set,");
	end(&store);
}

static void test_counter(struct conform *conform)
{
	struct subject *subject;
	struct store store;
	int64_t value = 0;

	begin(&store, conform);
	subject = &store.subject;
	need(&store,
	     store.ops->add(subject->connection, subject->call, key_of(&store), 5, 0, &value,
			    subject_error(subject)),
	     "keyvalue.add to nothing");
	REQUIRE(value == 5, "keyvalue.add of 5 to nothing gives %lld", (long long)value);
	need(&store,
	     store.ops->add(subject->connection, subject->call, key_of(&store), -7, 0, &value,
			    subject_error(subject)),
	     "keyvalue.add");
	REQUIRE(value == -2, "keyvalue.add of -7 to 5 gives %lld", (long long)value);
	end(&store);
}

static void test_time_to_live(struct conform *conform)
{
	const struct timespec half = {0, 500000000};
	struct consort_view value;
	struct store store;
	int64_t left = 0, end_of_wait;
	uint32_t status;

	begin(&store, conform);
	need(&store, set(&store, view_of("kept", 4), 0), "keyvalue.set for ever");
	need(&store, get(&store, &value, &left), "keyvalue.get");
	REQUIRE(!left, "keyvalue.get of what is kept for ever tells that %lld microseconds are left",
		(long long)left);
	need(&store, set(&store, view_of("short", 5), 1000000), "keyvalue.set with a time to live");
	need(&store, get(&store, &value, &left), "keyvalue.get within the time to live");
	REQUIRE(left > 0 && left <= 1000000, "keyvalue.get tells that %lld of 1000000 microseconds are left",
		(long long)left);
	end_of_wait = conform_now() + (int64_t)4000000 * MICROSECOND;
	do {
		nanosleep(&half, NULL);
		status = get(&store, &value, &left);
	} while (!status && conform_now() < end_of_wait);
	REQUIRE(status == CONSORT_ENOTFOUND,
		"three seconds after its time to live was over, keyvalue.get answers status %u, not"
		" ENOTFOUND (%u)",
		status, CONSORT_ENOTFOUND);
	end(&store);
}

const struct conform_test conform_keyvalue_tests[] = {
	TEST("keyvalue-set", test_set, NEED_FEATURE(KEY_VALUE), 0,
	     "What is set under a key is got by it, byte for byte."),
	TEST("keyvalue-missing", test_missing, NEED_FEATURE(KEY_VALUE), 0,
	     "A key that is not there is ENOTFOUND."),
	TEST("keyvalue-swap", test_swap, NEED_FEATURE(KEY_VALUE), 0,
	     "compare_and_set sets what is as expected, and else answers ECONFLICT."),
	TEST("counter-add", test_counter, NEED_FEATURE(COUNTERS), 0,
	     "A counter adds, from 0 on, and tells its new value."),
	TEST("time-to-live", test_time_to_live, NEED_FEATURE(TIME_TO_LIVE) | NEED_FEATURE(KEY_VALUE), 0,
	     "A value is gone when its time to live is over, and tells how much is left."),
	CONFORM_END,
};
