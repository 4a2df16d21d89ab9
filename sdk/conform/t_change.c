/* SPDX-License-Identifier: Apache-2.0 */
/* Change feeds: what was committed is told, once it is, and can be gone on with after a break. */
#include "drive.h"

#include <stdio.h>
#include <unistd.h>

#define WAIT ((int64_t)5 * 1000000000) /* for a change to be told, at most */

struct feed {
	struct subject writer, reader; /* connections of their own to one database */
	struct world world;
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
		if (change->attributes[i] == feed->world.resource->keys[0] &&
		    conform_value_equal(&values[i], feed->key)) {
			feed->kind = change->kind;
			feed->told++;
		}
	return CONSORT_OK;
}

static void open_feed(struct feed *feed, const char *position)
{
	const struct consort_resource *resources[] = {feed->world.resource};
	struct subject *reader = &feed->reader;

	subject_need(reader,
		     feed->ops->open(reader->connection, reader->call, feed->name, resources, 1, position,
				     &feed->feed, subject_error(reader)),
		     "changes.open");
}

static void close_feed(struct feed *feed)
{
	feed->ops->close(feed->feed);
	feed->feed = NULL;
}

static void begin(struct feed *feed, struct conform *conform)
{
	memset(feed, 0, sizeof(*feed));
	world_open(&feed->world, conform, NULL);
	world_make(&feed->world);
	if (!feed->world.resource->nkeys || !feed->world.made)
		conform_skip("without a resource of our own there are no changes to be told");
	subject_open(&feed->writer, conform);
	world_lend(&feed->world, &feed->writer, false);
	feed->reader = feed->writer;
	feed->reader.call = STRUCT(struct consort_call);
	feed->reader.connection = subject_connect(&feed->writer);
	feed->ops = feed->writer.plugin->changes;
	snprintf(feed->name, sizeof(feed->name), "%s%d", conform->prefix, (int)getpid());
	open_feed(feed, NULL);
}

static void end(struct feed *feed)
{
	struct subject *reader = &feed->reader;

	close_feed(feed);
	subject_need(reader,
		     feed->ops->forget(reader->connection, reader->call, feed->name, subject_error(reader)),
		     "changes.forget");
	reader->plugin->connection->close(reader->connection, reader->call);
	subject_close(&feed->writer);
	world_close(&feed->world);
}

/* Writes the n-th record of ours. */
static struct consort_value *insert(struct feed *feed, size_t nth)
{
	struct consort_value *row = conform_frozen((feed->world.resource->nattributes + 1) * sizeof(*row));
	struct writing writing = {0};

	world_row(&feed->world, nth, row);
	subject_need(&feed->writer,
		     subject_write(&feed->writer, feed->writer.plugin->write->insert, feed->world.resource,
				   &writing, row, 1),
		     "write.insert");
	return row;
}

/* Waits until the record is told of; false: it is not. */
static bool await(struct feed *feed, const struct consort_value *row)
{
	const struct consort_change_sink sink = {feed, note};
	struct subject *reader = &feed->reader;
	const int64_t until = conform_now() + WAIT;
	uint32_t status = CONSORT_OK;

	feed->key = &row[feed->world.resource->keys[0]];
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

	begin(&feed, conform);
	REQUIRE(await(&feed, insert(&feed, 1)), "a record that was written is not told of");
	REQUIRE(feed.kind == CONSORT_CHANGE_INSERT,
		"a record that was inserted is told of as a change of kind %u", feed.kind);
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
	feed.reader.call->deadline = conform_now() + WAIT / 20;
	do
		status = feed.ops->next(feed.feed, feed.reader.call, &sink, subject_error(&feed.reader));
	while (!status);
	feed.reader.call->deadline = 0;
	REQUIRE(status == CONSORT_ETIMEOUT,
		"changes.next, where nothing comes, answers status %u, not ETIMEOUT (%u)", status,
		CONSORT_ETIMEOUT);
	end(&feed);
}

static void test_resumes(struct conform *conform)
{
	struct consort_value *first, *second;
	struct feed feed;

	begin(&feed, conform);
	first = insert(&feed, 1);
	REQUIRE(await(&feed, first), "a record that was written is not told of");
	subject_need(
		&feed.reader,
		feed.ops->confirm(feed.feed, feed.reader.call, feed.position, subject_error(&feed.reader)),
		"changes.confirm");
	close_feed(&feed);
	second = insert(&feed, 2);
	open_feed(&feed, feed.position);
	REQUIRE(await(&feed, second),
		"what was written while a feed was closed is not told of when it goes on");
	end(&feed);
}

#define NEEDS (NEED_FEATURE(CHANGE_FEED) | NEED_FEATURE(CREATE) | NEED_FEATURE(DEFINE))

const struct conform_test conform_change_tests[] = {
	TEST("change-told", test_told, NEEDS, 0, "What is committed is told, once."),
	TEST("change-quiet", test_quiet, NEEDS, 0, "Where nothing changes, next waits until its deadline."),
	TEST("change-resumed", test_resumes, NEEDS, 0, "A feed goes on after the position that it is given."),
	CONFORM_END,
};
