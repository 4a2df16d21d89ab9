/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and values: what caches are made of. All keys begin with this run's prefix, and are removed again. */
#include "drive.h"

#include <stdio.h>
#include <time.h>

#define MICROSECOND ((int64_t)1000)

struct store {
	struct subject subject;
	char text[64];
	struct consort_view key;
};

static void begin(struct store *store, struct conform *conform)
{
	subject_open(&store->subject, conform);
	snprintf(store->text, sizeof(store->text), "%skey", conform->prefix);
	store->key = (struct consort_view){store->text, strlen(store->text)};
}

static struct consort_view view_of(const char *text, size_t size)
{
	return (struct consort_view){text, size};
}

static uint32_t set(struct store *store, struct consort_view value, int64_t time_to_live)
{
	return CALL(&store->subject, keyvalue, set, store->key, value, time_to_live);
}

static uint32_t get(struct store *store, struct consort_view *out_value, int64_t *out_time_to_live)
{
	return CALL(&store->subject, keyvalue, get, store->key, out_value, out_time_to_live);
}

static uint32_t remove_key(struct store *store)
{
	return CALL(&store->subject, keyvalue, remove, store->key);
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
	int64_t left;

	begin(&store, conform);
	EXPECT(get(&store, &value, &left), ENOTFOUND, "keyvalue.get of a key that is not there");
	EXPECT(remove_key(&store), ENOTFOUND, "keyvalue.remove of a key that is not there");
	need(&store, set(&store, view_of("x", 1), 0), "keyvalue.set");
	need(&store, remove_key(&store), "keyvalue.remove");
	EXPECT(get(&store, &value, &left), ENOTFOUND, "after keyvalue.remove, keyvalue.get");
	end(&store);
}

static uint32_t swap(struct store *store, const struct consort_view *expected, struct consort_view value)
{
	return CALL(&store->subject, keyvalue, compare_and_set, store->key, expected, value, 0);
}

static void test_swap(struct conform *conform)
{
	const struct consort_view one = {"one", 3}, two = {"two", 3};
	struct store store;

	begin(&store, conform);
	EXPECT(swap(&store, &one, two), ECONFLICT, "keyvalue.compare_and_set where nothing is");
	need(&store, swap(&store, NULL, one), "keyvalue.compare_and_set of what must be absent, and is");
	EXPECT(swap(&store, NULL, two), ECONFLICT,
	       "keyvalue.compare_and_set of what must be absent, and is not,");
	expect(&store, one, "after a keyvalue.compare_and_set that was refused,");
	need(&store, swap(&store, &one, two), "keyvalue.compare_and_set of what is there");
	expect(&store, two, "after keyvalue.compare_and_set,");
	end(&store);
}

#define ADDS 50

static uint32_t add_often(struct subject *subject, void *context)
{
	const struct store *store = context;
	uint32_t status = CONSORT_OK;
	int64_t value;
	int i;

	for (i = 0; i < ADDS && !status; i++)
		status = CALL(subject, keyvalue, add, store->key, 1, 0, &value);
	return status;
}

static void test_counter(struct conform *conform)
{
	struct store store;
	int64_t value = 0;

	begin(&store, conform);
	need(&store, CALL(&store.subject, keyvalue, add, store.key, 5, 0, &value), "keyvalue.add to nothing");
	REQUIRE(value == 5, "keyvalue.add of 5 to nothing gives %lld", (long long)value);
	MUST(&store.subject, keyvalue, add, store.key, -7, 0, &value);
	REQUIRE(value == -2, "keyvalue.add of -7 to 5 gives %lld", (long long)value);
	subject_threads(&store.subject, true, add_often, &store);
	MUST(&store.subject, keyvalue, add, store.key, 2, 0, &value);
	REQUIRE(value == CONFORM_THREADS * ADDS,
		"of what several connections add at once some is lost: it comes to %lld", (long long)value);
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
	EXPECT(status, ENOTFOUND, "three seconds after its time to live was over, keyvalue.get");
	end(&store);
}

const struct conform_test conform_keyvalue_tests[] = {
	TEST("keyvalue-set", test_set, KEY_VALUE, 0, 0,
	     "What is set under a key is got by it, byte for byte."),
	TEST("keyvalue-missing", test_missing, KEY_VALUE, 0, 0, "A key that is not there is ENOTFOUND."),
	TEST("keyvalue-swap", test_swap, KEY_VALUE, 0, 0,
	     "compare_and_set sets what is as expected, and else answers ECONFLICT."),
	TEST("counter-add", test_counter, COUNTERS, 0, 0,
	     "A counter adds, from 0 on, and tells its new value."),
	TEST("time-to-live", test_time_to_live, TIME_TO_LIVE, NEED_FEATURE(KEY_VALUE), 0,
	     "A value is gone when its time to live is over, and tells how much is left."),
	CONFORM_END,
};
