/* SPDX-License-Identifier: Apache-2.0 */
/* Many equal records. */
#include "items.h"

#include <stdio.h>
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
