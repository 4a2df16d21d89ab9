/* SPDX-License-Identifier: Apache-2.0 */
/* What a program does with a table through Consort, whichever engine it is in. */
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char manifest[128];
static struct consort *consort, *in;
static struct consort_record *record;

static void ok(enum consort_status status, const struct consort_error *error)
{
	if (status)
		bench_die("%s", consort_error_text(error));
}

const struct table_row *table_made(void)
{
	static struct table_row made[TABLE_INSERTED];
	int i;

	for (i = 0; !made[TABLE_INSERTED - 1].id && i < TABLE_INSERTED; i++) {
		made[i].size = snprintf(made[i].name, sizeof(made[i].name), "user-name-%08d", i + 1);
		made[i].value = (i + 1) * 0.1234567;
		made[i].ts = 1704067200000000 + (int64_t)i * 1000000;
		made[i].id = i + 1;
	}
	return made;
}

void table_open(const char *path, const char *text, const char *attributes)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	FILE *file = fopen(path, "w");

	snprintf(manifest, sizeof(manifest), "%s", path);
	if (!file ||
	    fprintf(file,
		    "[database bench]\n%s\n[resource t]\ndatabase = bench\nkey = id\n%s"
		    "[resource ins]\ndatabase = bench\nkey = id\n%s",
		    text, attributes, attributes) < 0 ||
	    fclose(file))
		bench_die("%s cannot be written", path);
	ok(consort_open(path, &consort, &error), &error);
}

void table_close(void)
{
	consort_record_free(record);
	record = NULL;
	consort_close(consort);
	unlink(manifest);
}

struct consort *table_handle(void)
{
	return consort;
}

/* --- one record by its key --- */

static uint64_t get(struct consort *c, int64_t operations)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	uint64_t sum = 0;

	bench_seed(TABLE_SEED);
	for (; operations; operations--) {
		struct consort_value name;

		ok(consort_get(c, "t", CONSORT_ARGS(consort_int64(table_key())), &record, &error), &error);
		name = consort_record_value(record, 1);
		sum += table_sum(consort_record_value(record, 0).as.int64, name.as.view.data,
				 name.as.view.size, consort_record_value(record, 2).as.float64,
				 consort_record_value(record, 3).as.int64);
	}
	return sum;
}

uint64_t table_get(int64_t operations)
{
	return get(consort, operations);
}

uint64_t table_get_in(int64_t operations)
{
	static const struct consort_begin_options options = {.struct_size = sizeof(options),
							     .flags = CONSORT_TRANSACTION_READ_ONLY};
	struct consort_error error = CONSORT_ERROR_INIT;
	uint64_t sum;

	ok(consort_begin_with(consort, "bench", &options, &in, &error), &error);
	sum = get(in, operations);
	consort_record_free(record);
	record = NULL;
	ok(consort_commit(in, NULL, &error), &error);
	return sum;
}

/* --- many rows --- */

static uint64_t take_batch(const struct consort_batch *batch)
{
	uint64_t sum = 0;
	int64_t row;

	for (row = 0; row < batch->nrows; row++) {
		struct consort_view name = consort_column_view(&batch->columns[1], row);

		sum += table_sum(consort_column_int64(&batch->columns[0], row), name.data, name.size,
				 consort_column_float64(&batch->columns[2], row),
				 consort_column_int64(&batch->columns[3], row));
	}
	return sum;
}

static uint64_t take_rows(struct consort_cursor *rows)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	const struct consort_batch *batch;
	uint64_t sum = 0;

	for (;;) {
		ok(consort_cursor_batch(rows, &batch, &error), &error);
		if (!batch)
			break;
		sum += take_batch(batch);
	}
	consort_cursor_close(rows);
	return sum;
}

uint64_t table_keys(int64_t operations)
{
	static struct consort_value values[TABLE_KEYS];
	static struct consort_args keys[TABLE_KEYS];
	struct consort_error error = CONSORT_ERROR_INIT;
	uint64_t sum = 0;
	int i;

	bench_seed(TABLE_SEED);
	for (; operations; operations--) {
		struct consort_cursor *rows = NULL;

		for (i = 0; i < TABLE_KEYS; i++) {
			values[i] = consort_int64(table_key());
			keys[i].values = &values[i];
			keys[i].count = 1;
		}
		ok(consort_get_many(consort, "t", keys, TABLE_KEYS, &rows, &error), &error);
		sum += take_rows(rows);
	}
	return sum;
}

static uint64_t scan(const char *condition, struct consort_args args, int64_t operations)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = consort_query_new(consort, "t");
	struct consort_cursor *rows = NULL;

	consort_query_select(q, "id, name, value, ts");
	if (condition)
		consort_query_where(q, condition);
	if (operations < TABLE_ROWS)
		consort_query_limit(q, operations);
	ok(consort_query_run(q, args, &rows, &error), &error);
	consort_query_free(q);
	return take_rows(rows);
}

uint64_t table_scan(int64_t operations)
{
	return scan(NULL, CONSORT_NO_ARGS, operations);
}

uint64_t table_scan_with(int64_t operations)
{
	return scan("value >= $1", CONSORT_ARGS(consort_float64(TABLE_LEAST_VALUE)), operations);
}

/* --- writing --- */

/* In a transaction, where one keeps all of them or none. */
static void begin(struct consort_error *error)
{
	in = consort;
	if (consort_supports(consort, "bench", CONSORT_FEATURE_ATOMIC_COMMIT, NULL))
		ok(consort_begin(consort, "bench", &in, error), error);
}

static void commit(struct consort_error *error)
{
	if (in != consort)
		ok(consort_commit(in, NULL, error), error);
}

uint64_t table_create_each(int64_t operations)
{
	const struct table_row *made = table_made();
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r;
	int64_t i;

	begin(&error);
	r = consort_record_new(in, "ins");
	for (i = 0; i < operations; i++) {
		consort_record_clear(r);
		consort_record_set(r, "id", consort_int64(made[i].id));
		consort_record_set(r, "name", consort_text_n(made[i].name, (uint64_t)made[i].size));
		consort_record_set(r, "value", consort_float64(made[i].value));
		consort_record_set(r, "ts", consort_timestamp(made[i].ts));
		ok(consort_create(in, r, &error), &error);
	}
	consort_record_free(r);
	commit(&error);
	return (uint64_t)operations;
}

uint64_t table_create_bulk(int64_t operations)
{
	const struct table_row *made = table_made();
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_writer *writer = NULL;
	struct consort_batch *batch;
	uint64_t written;
	int64_t i;

	begin(&error);
	ok(consort_writer_open(in, "ins", "id, name, value, ts", CONSORT_WRITER_CREATE, 0, &writer, &error),
	   &error);
	batch = consort_writer_batch(writer);
	for (i = 0; i < operations; i++) {
		consort_append_int64(&batch->columns[0], made[i].id);
		consort_append_view(batch, &batch->columns[1], made[i].name, (uint64_t)made[i].size);
		consort_append_float64(&batch->columns[2], made[i].value);
		consort_append_int64(&batch->columns[3], made[i].ts);
		if (consort_batch_end_row(batch))
			ok(consort_writer_flush(writer, &error), &error);
	}
	ok(consort_writer_flush(writer, &error), &error);
	written = (uint64_t)consort_writer_written(writer);
	consort_writer_close(writer);
	commit(&error);
	return written;
}

/* --- memory --- */

bool table_is_scan(int argc, char **argv)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	if (argc != 4 || strcmp(argv[1], "--scan"))
		return false;
	ok(consort_open(argv[3], &consort, &error), &error);
	table_scan(strtoll(argv[2], NULL, 10));
	bench_print_peak();
	consort_close(consort);
	return true;
}

void table_note_memory(void)
{
	static const struct {
		const char *name;
		int64_t rows;
	} scans[] = {{"peak 1 row", 1},
		     {"peak 100,000 rows", TABLE_ROWS / 10},
		     {"peak 1,000,000 rows", TABLE_ROWS}};
	char arguments[192];
	size_t i;

	for (i = 0; i < sizeof(scans) / sizeof(scans[0]); i++) {
		snprintf(arguments, sizeof(arguments), "--scan %" PRId64 " %s", scans[i].rows, manifest);
		bench_note(scans[i].name, bench_peak(arguments), "MiB");
	}
}
