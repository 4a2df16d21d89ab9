/* SPDX-License-Identifier: Apache-2.0 */
/* Change feeds: what was committed is told, once it is, and can be gone on with after a break. */
#include "drive.h"

#include <stdio.h>
#include <unistd.h>

#define WAIT ((int64_t)5 * 1000000000) /* for a change to be told, at most */

/* The stage's subject writes, its other connection reads. */
struct feed {
	struct stage stage;
	const struct consort_changes_ops *ops;
	void *feed;
	char name[64];
	/* of the last change that was about a record of ours */
	const struct consort_value *key;
	uint32_t kind;
	size_t told;
	char position[512];
};

static uint32_t note(void *context, const struct consort_change *change)
{
	struct feed *feed = context;
	const struct consort_value *values = change->after ? change->after : change->before;
	uint32_t i;

	if (change->position)
		consort_copy_text(feed->position, sizeof(feed->position), change->position);
	if (change->kind == CONSORT_CHANGE_COMMIT || !values)
		return CONSORT_OK;
	for (i = 0; i < change->nvalues; i++)
		if (change->attributes[i] == feed->stage.resource->keys[0] &&
		    conform_value_equal(&values[i], feed->key)) {
			feed->kind = change->kind;
			feed->told++;
		}
	return CONSORT_OK;
}

static void open_feed(struct feed *feed, const char *position)
{
	const struct consort_resource *resources[] = {feed->stage.resource};
	struct subject *reader = &feed->stage.other;

	MUST(reader, changes, open, feed->name, resources, 1, position, &feed->feed);
}

static void close_feed(struct feed *feed)
{
	feed->ops->close(feed->feed);
	feed->feed = NULL;
}

static void begin(struct feed *feed, struct conform *conform)
{
	memset(feed, 0, sizeof(*feed));
	stage_begin(&feed->stage, conform);
	stage_connect(&feed->stage);
	feed->ops = feed->stage.subject.plugin->changes;
	snprintf(feed->name, sizeof(feed->name), "%s%d", conform->prefix, (int)getpid());
	open_feed(feed, NULL);
}

static void end(struct feed *feed)
{
	struct subject *reader = &feed->stage.other;

	close_feed(feed);
	MUST(reader, changes, forget, feed->name);
	stage_end(&feed->stage, 2);
}

/* Writes the n-th record of ours. */
static struct consort_value *insert(struct feed *feed, size_t nth)
{
	struct consort_value *row = world_new_row(feed->stage.world, nth);

	stage_insert(&feed->stage, &feed->stage.subject, row);
	return row;
}

/* Waits until the record is told of; false: it is not. */
static bool await(struct feed *feed, const struct consort_value *row)
{
	const struct consort_change_sink sink = {feed, note};
	struct subject *reader = &feed->stage.other;
	const int64_t until = conform_now() + WAIT;
	uint32_t status = CONSORT_OK;

	feed->key = &row[feed->stage.resource->keys[0]];
	feed->told = 0;
	reader->call->deadline = until;
	while (!feed->told && !status && conform_now() < until)
		status = feed->ops->next(feed->feed, reader->call, &sink, subject_error(reader));
	reader->call->deadline = 0;
	if (status != CONSORT_ETIMEOUT)
		subject_need(reader, status, "changes.next");
	return feed->told > 0;
}

static void test_told(struct conform *conform)
{
	struct feed feed;
	const struct consort_change_sink sink = {&feed, note};
	struct subject *reader = &feed.stage.other;

	begin(&feed, conform);
	REQUIRE(await(&feed, insert(&feed, 1)), "a record that was written is not told of");
	REQUIRE(feed.kind == CONSORT_CHANGE_INSERT,
		"a record that was inserted is told of as a change of kind %u", feed.kind);
	reader->call->deadline = conform_now() + WAIT / 20;
	feed.ops->next(feed.feed, reader->call, &sink, subject_error(reader));
	reader->call->deadline = 0;
	REQUIRE(feed.told == 1, "a record that was inserted is told of %zu times", feed.told);
	end(&feed);
}

static void test_quiet(struct conform *conform)
{
	struct feed feed;
	const struct consort_change_sink sink = {&feed, note};
	uint32_t status;

	begin(&feed, conform);
	feed.key = conform_frozen(sizeof(*feed.key));
	feed.stage.other.call->deadline = conform_now() + WAIT / 20;
	do
		status = feed.ops->next(feed.feed, feed.stage.other.call, &sink,
					subject_error(&feed.stage.other));
	while (!status);
	feed.stage.other.call->deadline = 0;
	EXPECT(status, ETIMEOUT, "changes.next, where nothing comes,");
	end(&feed);
}

static void test_resumes(struct conform *conform)
{
	struct consort_value *first, *second;
	struct feed feed;
	struct subject *reader = &feed.stage.other;

	begin(&feed, conform);
	first = insert(&feed, 1);
	REQUIRE(await(&feed, first), "a record that was written is not told of");
	subject_need(reader, feed.ops->confirm(feed.feed, reader->call, feed.position, subject_error(reader)),
		     "changes.confirm");
	close_feed(&feed);
	second = insert(&feed, 2);
	open_feed(&feed, feed.position);
	REQUIRE(await(&feed, second),
		"what was written while a feed was closed is not told of when it goes on");
	end(&feed);
}

const struct conform_test conform_change_tests[] = {
	TEST("change-told", test_told, CHANGE_FEED, NEED_FEATURE(CREATE), 0,
	     "What is committed is told, once."),
	TEST("change-quiet", test_quiet, CHANGE_FEED, NEED_FEATURE(CREATE), 0,
	     "Where nothing changes, next waits until its deadline."),
	TEST("change-resumed", test_resumes, CHANGE_FEED, NEED_FEATURE(CREATE), 0,
	     "A feed goes on after the position that it is given."),
	CONFORM_END,
};
