/* SPDX-License-Identifier: Apache-2.0 */
/* Many equal records. */
#include "items.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api.h"

int64_t items_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 * MILLISECOND + time.tv_nsec;
}

struct consort *items_open(const char *manifest, int count)
{
	struct consort *c = api_open(manifest);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_writer *w = NULL;
	struct consort_batch *batch;
	int i;

	API_OK(consort_drop(c, "item", CONSORT_DEFINE_IF_NEEDED, NULL, &error));
	API_OK(consort_define(c, "item", 0, NULL, &error));
	API_OK(consort_define(c, "note", CONSORT_DEFINE_IF_NEEDED, NULL, &error));
	API_OK(consort_writer_open(c, "item", NULL, CONSORT_WRITER_CREATE, 0, &w, &error));
	batch = consort_writer_batch(w);
	for (i = 1; i <= count; i++) {
		char s[16];

		consort_append_int64(&batch->columns[0], i);
		consort_append_int64(&batch->columns[1], 0);
		consort_append_view(batch, &batch->columns[2], s, (uint64_t)snprintf(s, sizeof(s), "s%d", i));
		if (consort_batch_end_row(batch))
			API_OK(consort_writer_flush(w, &error));
	}
	API_OK(consort_writer_flush(w, &error));
	consort_writer_close(w);
	return c;
}

struct consort *items_within(struct consort *c, int64_t milliseconds)
{
	const struct consort_scope_options options = {.struct_size = sizeof(options),
						      .timeout = milliseconds * MILLISECOND};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *scope = NULL;

	API_OK(consort_scope(c, &options, &scope, &error));
	return scope;
}

void items_answer(struct consort *c)
{
	TESTING_TEXT(api_find(c, "item", "id, s", "id <= 3", "id"), "1,s1;2,s2;3,s3");
}

enum consort_status items_create(struct consort *c, int64_t id, struct consort_error *error)
{
	struct consort_record *r = consort_record_new(c, "item");
	enum consort_status status;
	char s[32];

	snprintf(s, sizeof(s), "s%" PRId64, id);
	consort_record_set(r, "id", consort_int64(id));
	consort_record_set(r, "s", consort_text(s));
	status = consort_create(c, r, error);
	consort_record_free(r);
	return status;
}

struct consort_writer *items_writer(struct consort *c)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_writer *w = NULL;

	API_OK(consort_writer_open(c, "item", "id, s", CONSORT_WRITER_CREATE, 0, &w, &error));
	return w;
}

enum consort_status items_flush(struct consort_writer *w, int64_t first, int count,
				struct consort_error *error)
{
	struct consort_batch *batch = consort_writer_batch(w);
	int64_t id;

	for (id = first; id < first + count; id++) {
		consort_append_int64(&batch->columns[0], id);
		consort_append_view(batch, &batch->columns[1], "bulk", strlen("bulk"));
		consort_batch_end_row(batch);
	}
	return consort_writer_flush(w, error);
}
