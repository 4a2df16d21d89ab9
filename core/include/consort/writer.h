/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_WRITER_H
#define CONSORT_WRITER_H

/*
 * Writers: many records in columns, for the engine's bulk path.
 *
 *     consort_writer_open(c, "flight", "id, delay_min", CONSORT_WRITER_CREATE, 0, &w, &err);
 *     batch = consort_writer_batch(w);
 *     for (…) {
 *             consort_append_int64(&batch->columns[0], id);
 *             consort_append_int64(&batch->columns[1], delay);
 *             if (consort_batch_end_row(batch) && consort_writer_flush(w, &err)) …
 *     }
 *     consort_writer_flush(w, &err);
 *     consort_writer_close(w);
 *
 * One thread at a time.
 */

#include <consort/batch.h>
#include <consort/handle.h>

CONSORT_BEGIN

struct consort_writer;

enum consort_writer_kind {
	CONSORT_WRITER_CREATE = 1,
	CONSORT_WRITER_UPDATE = 2, /* columns must end with the key, in its order */
	CONSORT_WRITER_UPSERT = 3  /* columns must hold the key */
};

/* Bits of flags */
#define CONSORT_WRITER_CONTINUE 1u /* go on after rows that fail; row_failed tells of each, in any order */

/*
 * attributes: "id, delay_min"; NULL: all that can be written.
 * Errors: ENAME; EINVAL; EREADONLY for what the database computes, or a view; EUNSUPPORTED where the database takes no
 * such writes; what connecting says.
 * @since 0.1
 */
CONSORT_EXPORT enum consort_status consort_writer_open(struct consort *c, const char *resource,
						       const char *attributes, uint32_t kind, uint32_t flags,
						       struct consort_writer **out_writer,
						       struct consort_error *error);
/* The batch to fill: a column for each attribute, in the order given. The same one until the writer is closed. */
CONSORT_EXPORT struct consort_batch *consort_writer_batch(struct consort_writer *w);
/* Called by flush for each row (from 0, in the batch) that was not written. */
CONSORT_EXPORT void consort_writer_on_failure(struct consort_writer *w,
					      void (*row_failed)(void *context, int64_t row,
								 const struct consort_error *error),
					      void *context);
/* Writes the rows of the batch and empties it. Without CONSORT_WRITER_CONTINUE a failed batch is undone where
 * the database has atomic commits. */
CONSORT_EXPORT enum consort_status consort_writer_flush(struct consort_writer *w, struct consort_error *error);
/* Records written by all flushes so far; by one that failed, too, what a database without transactions has kept. */
CONSORT_EXPORT int64_t consort_writer_written(const struct consort_writer *w);
/* What was not flushed is thrown away. */
CONSORT_EXPORT void consort_writer_close(struct consort_writer *w);

CONSORT_END

#endif
