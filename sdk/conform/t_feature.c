/* SPDX-License-Identifier: Apache-2.0 */
/* What some features promise that no other file is about. */
#include "drive.h"

#include <consort/adapter.h>

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint32_t find_type(const struct stage *stage, uint16_t type)
{
	uint32_t i;

	for (i = 0; i < stage->width; i++)
		if (stage->resource->attributes[i]->type.id == type && !world_is_key(stage->world, i) &&
		    !(stage->resource->attributes[i]->flags & CONSORT_ATTRIBUTE_READ_ONLY))
			return i;
	conform_skip("'%s' has no attribute of the type that this is about", stage->resource->name);
}

/* --- fields that nobody declared --- */

/* The resource with one more attribute, which only this declares. */
static const struct consort_resource *widened(const struct consort_resource *resource)
{
	struct consort_resource *wide = STRUCT(struct consort_resource);
	struct consort_attribute *more = STRUCT(struct consort_attribute);
	const struct consort_attribute **attributes =
		conform_frozen((resource->nattributes + 1) * sizeof(*attributes));

	*more = (struct consort_attribute){.struct_size = sizeof(*more),
					   .flags = CONSORT_ATTRIBUTE_DECLARED,
					   .type = consort_type_of(CONSORT_TYPE_TEXT),
					   .name = "conform_more",
					   .source = "conform_more",
					   .engine_type = "",
					   .codec = ""};
	memcpy(attributes, resource->attributes, resource->nattributes * sizeof(*attributes));
	attributes[resource->nattributes] = more;
	*wide = *resource;
	wide->attributes = attributes;
	wide->nattributes++;
	return wide;
}

/* The stage's resource as that one. */
static void set_resource(struct stage *stage, const struct consort_resource *resource)
{
	stage->resource = resource;
	stage->width = resource->nattributes;
}

static void test_schemaless(struct conform *conform)
{
	const struct consort_resource *narrow, *wide;
	struct consort_value *rows[2];
	struct writing writing = {0};
	struct stage stage;
	uint32_t first;
	int i;

	stage_begin(&stage, conform);
	first = stage_free(&stage);
	narrow = stage.resource;
	wide = widened(narrow);
	for (i = 0; i < 2; i++) {
		set_resource(&stage, wide);
		rows[i] = conform_frozen(stage.width * sizeof(*rows[i]));
		memcpy(rows[i], world_new_row(stage.world, (size_t)i),
		       narrow->nattributes * sizeof(*rows[i]));
		rows[i][narrow->nattributes] = i ? consort_null() : consort_text("kept");
		set_resource(&stage, i ? narrow : wide);
		stage_insert(&stage, &stage.subject, rows[i]);
	}
	set_resource(&stage, wide);
	stage_expect(&stage, rows[0], "of a record with a field that nothing else declares,");
	stage_expect(&stage, rows[1], "of a record without such a field, read as if it could have it,");
	set_resource(&stage, narrow);
	rows[0][first] = rows[1][first];
	stage_by_key(&stage, &writing, &first, 1);
	subject_need(&stage.subject,
		     subject_write(&stage.subject, stage.subject.plugin->write->update, narrow, &writing,
				   stage_pick(&writing, rows[0]), 1),
		     "write.update");
	set_resource(&stage, wide);
	stage_expect(&stage, rows[0], "after write.update by a resource that does not declare a field,");
	set_resource(&stage, narrow);
	stage_end(&stage, 2);
}

/* --- full text --- */

static void expect_match(struct stage *stage, uint32_t attribute, const char *words, const char *found)
{
	const struct consort_node *scan = tree_scan(stage->resource);
	const struct consort_value parameter = consort_text(words);
	struct consort_node *filter =
		tree_filter(scan, tree_call(CONSORT_OP_MATCH, consort_type_of(CONSORT_TYPE_BOOL),
					    tree_column(scan, attribute), tree_parameter(0, parameter.type)));
	struct consort_buffer is = CONSORT_BUFFER_INIT;
	struct reading reading;
	int64_t row;
	char *sorted;

	REQUIRE(tree_taken(&stage->subject, filter), "a match of '%s' with a parameter is not taken exactly",
		stage->resource->attributes[attribute]->name);
	subject_need(&stage->subject, subject_read(&stage->subject, filter, &parameter, 1, NULL, &reading),
		     "opening a cursor with a match");
	do {
		subject_need(&stage->subject, subject_next(&stage->subject, &reading), "query.next");
		for (row = 0; row < reading.batch->nrows; row++) {
			const struct consort_value text = conform_batch_value(reading.batch, attribute, row);

			consort_buffer_printf(&is, "%.*s\n", (int)text.as.view.size, text.as.view.data);
		}
	} while (reading.batch->nrows && !(reading.batch->flags & CONSORT_BATCH_LAST));
	subject_end(&stage->subject, &reading);
	sorted = conform_sorted(&is);
	REQUIRE(!strcmp(sorted ? sorted : "", found), "the words '%s' are found in\n%sand not in\n%s", words,
		sorted ? sorted : "", found);
	free(sorted);
}

/* Words of one form, which no engine leaves out as too common. */
static void test_match(struct conform *conform)
{
	static const char *const texts[] = {"zebra walnut violin", "walnut", "violin"};
	struct stage stage;
	uint32_t attribute;
	size_t i;

	stage_begin(&stage, conform);
	attribute = find_type(&stage, CONSORT_TYPE_TEXT);
	for (i = 0; i < 3; i++) {
		struct consort_value *row = world_new_row(stage.world, i);

		row[attribute] = consort_text(texts[i]);
		stage_insert(&stage, &stage.subject, row);
	}
	expect_match(&stage, attribute, "zebra", "zebra walnut violin\n");
	expect_match(&stage, attribute, "walnut", "walnut\nzebra walnut violin\n");
	expect_match(&stage, attribute, "violin zebra", "zebra walnut violin\n");
	expect_match(&stage, attribute, "walnut quagga", "");
	expect_match(&stage, attribute, "quagga", "");
	stage_end(&stage, 3);
}

/* --- time buckets --- */

#define HOUR INT64_C(3600000000)

static const struct bucket {
	int64_t width, origin;
} buckets[] = {{HOUR, 0}, {24 * HOUR, 7 * HOUR}, {1, 0}, {7 * 24 * HOUR, -3 * 24 * HOUR}, {1000003, 17}};

/* On both sides of 1970, of an origin, and of a bucket's bounds. */
static const int64_t times[] = {0,
				1,
				-1,
				HOUR - 1,
				HOUR,
				-HOUR,
				-HOUR - 1,
				31 * HOUR,
				7 * HOUR,
				7 * HOUR - 1,
				17,
				16,
				INT64_C(981173106000000),
				INT64_C(-981173106000001)};
#define TIMES (sizeof(times) / sizeof(times[0]))

static int64_t bucket_of(int64_t time, const struct bucket *bucket)
{
	const int64_t into = (time - bucket->origin) % bucket->width;

	return time - (into < 0 ? into + bucket->width : into);
}

static struct consort_value timestamp(int64_t microseconds)
{
	struct consort_value value = consort_int64(microseconds);

	value.type = consort_type_of(CONSORT_TYPE_TIMESTAMP);
	return value;
}

static const struct consort_expr *bucket_call(const struct consort_node *scan, const struct bucket *bucket)
{
	const struct consort_expr *args[] = {tree_column(scan, 0), tree_literal(consort_int64(bucket->width)),
					     tree_literal(timestamp(bucket->origin))};

	return tree_call_of(CONSORT_OP_TIME_BUCKET, consort_type_of(CONSORT_TYPE_TIMESTAMP), args, 3);
}

/* The records of one bucket, by their times. False: that is not taken. */
static bool check_filter(struct stage *stage, const struct consort_node *scan, const struct bucket *bucket,
			 int64_t wanted)
{
	const struct consort_value parameter = timestamp(wanted);
	struct consort_node *root =
		tree_filter(scan, tree_call(CONSORT_OP_EQ, consort_type_of(CONSORT_TYPE_BOOL),
					    bucket_call(scan, bucket), tree_parameter(0, parameter.type)));
	struct consort_buffer lines = CONSORT_BUFFER_INIT;
	char *expected, *rows;
	size_t i;

	if (!tree_taken(&stage->subject, root))
		return false;
	for (i = 0; i < TIMES; i++) {
		const struct consort_value time = timestamp(times[i]);

		if (bucket_of(times[i], bucket) != wanted)
			continue;
		conform_value_print(&time, &lines);
		consort_buffer_char(&lines, '\n');
	}
	expected = conform_sorted(&lines);
	rows = subject_rows(&stage->subject, root, &parameter, 1);
	REQUIRE(rows, "reading a time bucket failed: %s", consort_error_text(stage->subject.error));
	REQUIRE(!strcmp(rows, expected), "in a bucket of %lld microseconds there are\n%sand not\n%s",
		(long long)bucket->width, rows, expected);
	free(expected);
	free(rows);
	return true;
}

/* How many records each bucket has. */
static bool check_groups(struct stage *stage, const struct consort_node *scan, const struct bucket *bucket)
{
	const struct consort_node *project = tree_project(scan, bucket_call(scan, bucket), "bucket");
	struct consort_node *root = tree_aggregate(project, CONSORT_AGGREGATE_COUNT_ALL, -1, 0);
	struct consort_buffer lines = CONSORT_BUFFER_INIT;
	char *expected, *rows;
	size_t i, j;

	if (!tree_taken(&stage->subject, root))
		return false;
	for (i = 0; i < TIMES; i++) {
		const struct consort_value start = timestamp(bucket_of(times[i], bucket));
		int count = 0;
		bool again = false;

		for (j = 0; j < TIMES; j++) {
			const bool same = bucket_of(times[j], bucket) == start.as.int64;

			count += same;
			again |= same && j < i;
		}
		if (again)
			continue;
		conform_value_print(&start, &lines);
		consort_buffer_printf(&lines, "|%d\n", count);
	}
	expected = conform_sorted(&lines);
	rows = subject_rows(&stage->subject, root, NULL, 0);
	REQUIRE(rows, "grouping by time buckets failed: %s", consort_error_text(stage->subject.error));
	REQUIRE(!strcmp(rows, expected), "buckets of %lld microseconds have\n%sand not\n%s",
		(long long)bucket->width, rows, expected);
	free(expected);
	free(rows);
	return true;
}

static void test_buckets(struct conform *conform)
{
	const struct consort_node *scan;
	struct stage stage;
	uint32_t attribute;
	size_t i, j, taken = 0;

	stage_begin(&stage, conform);
	if (!stage.world->made)
		conform_skip("without a resource of our own, others' records would be in the buckets");
	attribute = find_type(&stage, CONSORT_TYPE_TIMESTAMP);
	scan = tree_scan_of(stage.resource, &attribute, 1);
	for (i = 0; i < TIMES; i++) {
		struct consort_value *row = world_new_row(stage.world, i);

		row[attribute] = timestamp(times[i]);
		stage_insert(&stage, &stage.subject, row);
	}
	for (i = 0; i < sizeof(buckets) / sizeof(buckets[0]); i++) {
		taken += check_groups(&stage, scan, &buckets[i]);
		for (j = 0; j < TIMES; j++)
			taken += check_filter(&stage, scan, &buckets[i], bucket_of(times[j], &buckets[i]));
	}
	REQUIRE(taken, "neither a condition on a time bucket nor groups by them are taken exactly");
	stage_end(&stage, TIMES);
}

/* --- commits that hold a decision --- */

static void begin_deciding(struct subject *subject)
{
	struct consort_transaction_options *options = STRUCT(struct consort_transaction_options);

	options->flags = CONSORT_TRANSACTION_DECIDES;
	MUST(subject, transaction, begin, options);
}

/* A process of its own commits one record, writes another, and says so; then it waits for its end. */
static void __attribute__((__noreturn__)) decide(struct stage *stage, int told)
{
	struct subject subject;

	subject_open(&subject, stage->world->conform);
	begin_deciding(&subject);
	stage_insert(stage, &subject, world_new_row(stage->world, 0));
	MUST(&subject, transaction, commit);
	begin_deciding(&subject);
	stage_insert(stage, &subject, world_new_row(stage->world, 1));
	if (write(told, "", 1) == 1)
		for (;;)
			pause();
	_exit(1);
}

static void test_decision(struct conform *conform)
{
	struct stage stage;
	int ends[2], status = 0;
	pid_t child;
	char byte;

	REQUIRE(conform->facts.shared, "its store ends with the process, and a decision in it too");
	stage_begin(&stage, conform);
	NEED(!pipe(ends));
	child = fork();
	if (!child)
		decide(&stage, ends[1]);
	close(ends[1]);
	NEED(child > 0);
	if (read(ends[0], &byte, 1) != 1) {
		waitpid(child, &status, 0);
		conform_fail("a transaction that decides could not be run: %s", conform_printed());
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	close(ends[0]);
	stage_connect(&stage);
	stage_expect(&stage, world_new_row(stage.world, 0),
		     "after the process that committed it was killed,");
	REQUIRE(!stage_find(&stage, &stage.other, world_new_row(stage.world, 1)),
		"what a process had not committed when it was killed is there");
	stage_end(&stage, 2);
}

/* --- what define keeps --- */

static const struct consort_option *find_option(const struct consort_plugin *plugin, const char *name)
{
	const struct consort_option *const *option = plugin->options;

	for (; option && *option; option++)
		if ((*option)->scope == CONSORT_OPTION_RESOURCE && !strcmp((*option)->name, name))
			return *option;
	return NULL;
}

/* The resource under another name, with one more option. */
static struct consort_resource *with_setting(struct stage *stage, const char *name,
					     struct consort_value value)
{
	struct consort_resource *resource = STRUCT(struct consort_resource);
	struct consort_setting *settings =
		conform_frozen((stage->resource->nsettings + 1) * sizeof(*settings));

	*resource = *stage->resource;
	memcpy(settings, resource->settings, resource->nsettings * sizeof(*settings));
	settings[resource->nsettings++] = (struct consort_setting){name, value};
	resource->settings = settings;
	resource->source = resource->name = world_table(stage->world);
	return resource;
}

static void define(struct stage *stage, const struct consort_resource *resource, uint32_t flags)
{
	subject_need(&stage->subject, CALL(&stage->subject, schema, define, resource, flags, NULL),
		     flags ? "schema.define, if needed," : "schema.define");
}

/* An option that a resource asks by, and what it asks. */
static void expect_option(const struct subject *subject, int feature, const char *name, uint32_t type)
{
	const struct consort_option *option = find_option(subject->plugin, name);

	REQUIRE(option && option->type == type,
		"the feature %s is set, and there is no option '%s' of a resource, %s, to ask for it",
		consort_feature_name((uint32_t)feature), name,
		type == CONSORT_OPTION_DURATION ? "a duration" : "a text");
}

/* Introspection tells what is kept. */
static void expect_told(struct stage *stage, const char *name, const struct consort_value *value)
{
	const struct consort_resource *found = subject_describe(&stage->subject, stage->resource->source);
	const struct consort_value *told;

	REQUIRE(found, "schema.introspect does not tell of what was defined: %s",
		consort_error_text(stage->subject.error));
	told = consort_setting_find(found->settings, found->nsettings, name);
	REQUIRE(told && conform_value_equal(told, value),
		"a resource was defined with '%s', and schema.introspect does not tell so", name);
}

/* An old record and a young one under an option; whether the old one is there when define has been asked
 * again. */
static void keep_for_hour(struct conform *conform, int feature, const char *name, bool stays)
{
	const struct consort_value hour = consort_int64(INT64_C(3600000000000));
	struct consort_value *rows[2];
	struct timespec now = {0, 0};
	struct stage stage;
	uint32_t attribute;
	int i;

	stage_begin(&stage, conform);
	if (!stage.world->made)
		conform_skip("resources are named on the command line, and none is defined");
	expect_option(&stage.subject, feature, name, CONSORT_OPTION_DURATION);
	attribute = find_type(&stage, CONSORT_TYPE_TIMESTAMP);
	set_resource(&stage, with_setting(&stage, name, hour));
	define(&stage, stage.resource, 0);
	expect_told(&stage, name, &hour);
	clock_gettime(CLOCK_REALTIME, &now);
	for (i = 0; i < 2; i++) {
		rows[i] = world_new_row(stage.world, (size_t)i);
		rows[i][attribute] = timestamp((int64_t)now.tv_sec * 1000000 - (i ? 0 : 2 * HOUR));
		stage_insert(&stage, &stage.subject, rows[i]);
	}
	define(&stage, stage.resource, CONSORT_SCHEMA_IF_NEEDED);
	expect_told(&stage, name, &hour);
	stage_expect(&stage, rows[1], "a moment after it was written,");
	if (stays)
		stage_expect(&stage, rows[0], "after it may have been compressed,");
	REQUIRE(stays || !stage_find(&stage, &stage.subject, rows[0]),
		"a record that is twice as old as its retention is there after schema.define, if needed");
	MUST(&stage.subject, schema, drop, stage.resource, 0, NULL);
	stage_end(&stage, 0);
}

static void test_retention(struct conform *conform)
{
	keep_for_hour(conform, CONSORT_FEATURE_RETENTION, "retention", false);
}

static void test_compression(struct conform *conform)
{
	keep_for_hour(conform, CONSORT_FEATURE_COMPRESSION, "compression", true);
}

/* What an aggregate has, as it is told. */
static char *aggregate_rows(struct stage *stage, const char *source)
{
	const struct consort_resource *found = subject_describe(&stage->subject, source);
	char *rows;

	REQUIRE(found, "a continuous aggregate is defined, and not told: %s",
		consort_error_text(stage->subject.error));
	rows = subject_rows(&stage->subject, tree_scan(found), NULL, 0);
	REQUIRE(rows, "reading a continuous aggregate failed: %s", consort_error_text(stage->subject.error));
	return rows;
}

static void test_aggregate(struct conform *conform)
{
	static const char name[] = "continuous_aggregate";
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_resource *aggregate;
	struct stage stage;
	const char *place;
	char *before, *after;

	stage_begin(&stage, conform);
	expect_option(&stage.subject, CONSORT_FEATURE_CONTINUOUS_AGGREGATES, name, CONSORT_OPTION_TEXT);
	if (!stage.world->made || !conform->aggregate)
		conform_skip("say with --aggregate what one would be, and let it define its resources");
	place = strstr(conform->aggregate, "%s");
	NEED(place);
	consort_buffer_printf(&text, "%.*s%s%s", (int)(place - conform->aggregate), conform->aggregate,
			      stage.resource->source, place + 2);
	stage_insert(&stage, &stage.subject, stage.row);
	aggregate = with_setting(&stage, name, consort_text(text.data));
	aggregate->nattributes = aggregate->nkeys = 0; /* it has what its definition says */
	define(&stage, aggregate, 0);
	define(&stage, aggregate, CONSORT_SCHEMA_IF_NEEDED);
	before = aggregate_rows(&stage, aggregate->source);
	REQUIRE(*before, "'%s' over a record gives none", text.data);
	stage_insert(&stage, &stage.subject, world_new_row(stage.world, 2));
	define(&stage, aggregate, CONSORT_SCHEMA_IF_NEEDED);
	after = aggregate_rows(&stage, aggregate->source);
	REQUIRE(strcmp(before, after) != 0, "a continuous aggregate is the same after one more record:\n%s",
		after);
	MUST(&stage.subject, schema, drop, aggregate, 0, NULL);
	free(before);
	free(after);
	consort_buffer_clear(&text);
	stage_end(&stage, 2);
}

const struct conform_test conform_feature_tests[] = {
	TEST("schemaless-fields", test_schemaless, SCHEMALESS,
	     NEED_FEATURE(READ) | NEED_FEATURE(CREATE) | NEED_FEATURE(UPDATE), 0,
	     "Fields that no attribute declares are kept, and an update leaves them alone."),
	TEST("match-words", test_match, FULL_TEXT, NEED_FEATURE(READ) | NEED_FEATURE(CREATE), 0,
	     "match finds the records whose text has all the words."),
	TEST("buckets-agree", test_buckets, TIME_BUCKET, NEED_FEATURE(READ) | NEED_FEATURE(CREATE), 0,
	     "A time bucket begins where the library says."),
	TEST("decision-durable", test_decision, LAST_RESOURCE,
	     NEED_FEATURE(READ) | NEED_FEATURE(CREATE) | NEED_FEATURE(TRANSACTIONS), 0,
	     "What is committed outlives its process at once, and nothing else does."),
	TEST("retention-kept", test_retention, RETENTION, NEED_FEATURE(INTROSPECT) | NEED_FEATURE(CREATE), 0,
	     "A resource's retention is told, and lets go what is older, and only that."),
	TEST("compression-kept", test_compression, COMPRESSION,
	     NEED_FEATURE(INTROSPECT) | NEED_FEATURE(CREATE), 0,
	     "A resource's compression is told, and its records read as before."),
	TEST("aggregate-kept", test_aggregate, CONTINUOUS_AGGREGATES,
	     NEED_FEATURE(INTROSPECT) | NEED_FEATURE(CREATE), 0,
	     "A continuous aggregate is told, and follows what it is made of."),
	CONFORM_END,
};
