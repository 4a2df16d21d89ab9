/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of an adapter that breaks the contract: a program gets an error, never what they point to. */
#include "exec/cursor.h"
#include "exec-helpers.h"
#include "testing.h"

#include <stdio.h>

typedef uint32_t fill(struct consort_batch *batch);

static struct consort_database database;
static struct consort_connection connection;
static int32_t open_cursors;
static fill *next_batch; /* what the adapter does */

static uint32_t open_cursor(void *context, const struct consort_call *call, void *compiled,
			    const struct consort_run *run, void **out_cursor, struct consort_error *error)
{
	(void)context, (void)call, (void)compiled, (void)run, (void)error;
	open_cursors++;
	*out_cursor = &open_cursors;
	return CONSORT_OK;
}

static uint32_t next(void *cursor, const struct consort_call *call, struct consort_batch *batch,
		     struct consort_error *error)
{
	(void)cursor, (void)call, (void)error;
	return next_batch(batch);
}

static void close_cursor(void *cursor)
{
	(void)cursor;
	open_cursors--;
}

static enum consort_status acquire(struct consort_session *session, struct consort_database *wanted,
				   struct consort_connection **out_connection, struct consort_error *error)
{
	(void)session, (void)wanted, (void)error;
	*out_connection = &connection;
	return CONSORT_OK;
}

static void release(struct consort_session *session, struct consort_connection *given)
{
	(void)session, (void)given;
}

/* Reads the adapter's rows (id, text, list of texts); what the cursor ended with. */
static const char *read_all(fill *fn)
{
	static const struct consort_query_ops query = {
		.struct_size = sizeof(query), .open = open_cursor, .next = next, .close = close_cursor};
	static const struct consort_plugin plugin = {
		.struct_size = sizeof(plugin), .id = "test", .query = &query};
	static struct consort_exec exec;
	static struct consort_error error;
	struct consort_session session = {.acquire = acquire, .release = release};
	struct consort_step step = {.kind = CONSORT_STEP_REMOTE, .database = &database};
	struct consort_operator *op = NULL;
	struct consort_cursor *rows;
	enum consort_status status;

	exec = (struct consort_exec){.session = &session};
	error = (struct consort_error)CONSORT_ERROR_INIT;
	step.fields = fields(3, T_INT, T_TEXT, list_of(CONSORT_TYPE_TEXT));
	step.nfields = 3;
	next_batch = fn;
	database.name = "db";
	database.plugin = &plugin;
	connection = (struct consort_connection){.database = &database};
	status = consort_operator_open(&exec, &step, &op, &error);
	CU_ASSERT_EQUAL_FATAL(status, CONSORT_OK);
	rows = consort_cursor_new(op, step.fields, step.nfields, NULL, NULL);
	while (consort_cursor_next(rows, &error))
		CU_FAIL("no row is given");
	CU_ASSERT_EQUAL(error.status, consort_cursor_status(rows));
	CU_ASSERT_EQUAL(connection.broken, error.status == CONSORT_EPROTOCOL);
	consort_cursor_close(rows);
	CU_ASSERT_EQUAL(open_cursors, 0);
	return error.status ? error.message : "";
}

/* --- what is appended --- */

/* Two rows as they should be; then a case spoils them. */
static void two_rows(struct consort_batch *batch)
{
	struct consort_value word = consort_text("word"), row[3] = {consort_int64(7), word};
	uint32_t i;

	row[2].type = batch->columns[2].type;
	row[2].as.list.items = &word;
	row[2].as.list.count = 1;
	for (i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(consort_batch_append_row(batch, row), CONSORT_OK);
}

static uint32_t fewer_values(struct consort_batch *batch)
{
	two_rows(batch);
	batch->columns[0].length = 1;
	return CONSORT_OK;
}

static uint32_t more_rows(struct consort_batch *batch)
{
	two_rows(batch);
	batch->nrows = 1 << 20;
	return CONSORT_OK;
}

static uint32_t less_than_none(struct consort_batch *batch)
{
	batch->nrows = -1;
	return CONSORT_OK;
}

static uint32_t offset_behind(struct consort_batch *batch)
{
	two_rows(batch);
	((int32_t *)batch->columns[1].values)[2] = 1 << 30;
	return CONSORT_OK;
}

static uint32_t offset_before(struct consort_batch *batch)
{
	two_rows(batch);
	((int32_t *)batch->columns[1].values)[0] = -4096;
	return CONSORT_OK;
}

static uint32_t offset_falls(struct consort_batch *batch)
{
	two_rows(batch);
	((int32_t *)batch->columns[1].values)[1] = 9;
	return CONSORT_OK;
}

static uint32_t list_behind(struct consort_batch *batch)
{
	two_rows(batch);
	((int32_t *)batch->columns[2].values)[2] = 3;
	return CONSORT_OK;
}

static uint32_t item_behind(struct consort_batch *batch)
{
	two_rows(batch);
	((int32_t *)batch->columns[2].child->values)[2] = 1 << 30;
	return CONSORT_OK;
}

static uint32_t many_nulls(struct consort_batch *batch)
{
	two_rows(batch);
	batch->columns[0].null_count = 5;
	return CONSORT_OK;
}

static void test_appended(void)
{
	static const struct {
		fill *fn;
		const char *expected;
	} cases[] = {
		{fewer_values, "a batch of 2 rows whose column 1 has 1 values, 0 of them NULL"},
		{more_rows, "a batch of 1048576 rows whose column 1 has 2 values, 0 of them NULL"},
		{less_than_none, "a batch of -1 rows"},
		{offset_behind,
		 "a batch whose column 2 has offsets that are out of order or point behind its data"},
		{offset_before,
		 "a batch whose column 2 has offsets that are out of order or point behind its data"},
		{offset_falls,
		 "a batch whose column 2 has offsets that are out of order or point behind its data"},
		{list_behind,
		 "a batch whose column 3 has offsets that are out of order or point behind its data"},
		{item_behind,
		 "a batch whose column 3 has offsets that are out of order or point behind its data"},
		{many_nulls, "a batch of 2 rows whose column 1 has 2 values, 5 of them NULL"},
	};
	char expected[160];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(expected, sizeof(expected), "the adapter delivered %s", cases[i].expected);
		TESTING_TEXT(read_all(cases[i].fn), expected);
	}
}

/* --- what is handed over --- */

static void release_array(struct ArrowArray *array)
{
	array->release = NULL;
}

/* Arrays like two_rows; the case spoils them before they are handed over, and ignores the refusal. */
struct arrays {
	int64_t ids[2];
	int32_t offsets[3], list_offsets[3];
	const void *buffers[4][3];
	struct ArrowArray id, text, list, item, root, *children[3], *item_at[1];
};

static void make_arrays(struct arrays *a)
{
	*a = (struct arrays){.ids = {7, 7}, .offsets = {0, 4, 8}, .list_offsets = {0, 1, 2}};
	a->buffers[0][1] = a->ids;
	a->buffers[1][1] = a->buffers[2][1] = a->offsets;
	a->buffers[1][2] = a->buffers[2][2] = "wordword";
	a->buffers[3][1] = a->list_offsets;
	a->id = (struct ArrowArray){2, 0, 0, 2, 0, a->buffers[0], NULL, NULL, release_array, NULL};
	a->text = (struct ArrowArray){2, 0, 0, 3, 0, a->buffers[1], NULL, NULL, release_array, NULL};
	a->item = (struct ArrowArray){2, 0, 0, 3, 0, a->buffers[2], NULL, NULL, release_array, NULL};
	a->item_at[0] = &a->item;
	a->list = (struct ArrowArray){2, 0, 0, 2, 1, a->buffers[3], a->item_at, NULL, release_array, NULL};
	a->children[0] = &a->id;
	a->children[1] = &a->text;
	a->children[2] = &a->list;
	a->root = (struct ArrowArray){2, 0, 0, 0, 3, NULL, a->children, NULL, release_array, NULL};
}

static uint32_t spoil; /* the case */

static uint32_t hand_over(struct consort_batch *batch)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	static struct arrays a;

	make_arrays(&a);
	switch (spoil) {
	case 0:
		a.root.n_children = 2;
		break;
	case 1:
		a.root.length = 3;
		break;
	case 2:
		a.root.offset = 1;
		break;
	case 3:
		a.text.offset = INT64_MAX;
		break;
	case 4:
		a.text.n_buffers = 2;
		break;
	case 5:
		a.buffers[1][1] = NULL;
		break;
	case 6:
		a.buffers[1][2] = NULL;
		break;
	case 7:
		a.offsets[1] = 9;
		break;
	case 8:
		a.offsets[0] = -1;
		break;
	case 9:
		a.list_offsets[2] = 3;
		break;
	case 10:
		a.list.n_children = 0;
		break;
	case 11:
		a.item_at[0] = NULL;
		break;
	case 12:
		a.children[0] = NULL;
		break;
	case 13:
		a.id.release = NULL;
		break;
	case 14:
		a.root.children = NULL;
		break;
	case 15:
		a.text.dictionary = &a.id;
		break;
	default:
		a.id.length = -1;
	}
	CU_ASSERT_EQUAL(batch->hand_over(batch, &a.root, &error), CONSORT_EPROTOCOL);
	CU_ASSERT_PTR_NOT_NULL(a.root.release); /* still the adapter's */
	return CONSORT_OK;
}

static void test_handed_over(void)
{
	for (spoil = 0; spoil <= 16; spoil++)
		TESTING_TEXT(read_all(hand_over), "");
}

/* --- what is told --- */

static uint32_t says_nothing(struct consort_batch *batch)
{
	(void)batch;
	return CONSORT_EENGINE;
}

static uint32_t says_nonsense(struct consort_batch *batch)
{
	(void)batch;
	return 4711;
}

static void test_failures(void)
{
	TESTING_TEXT(read_all(says_nothing), "the adapter 'test' failed without saying why (status 18)");
	TESTING_TEXT(read_all(says_nonsense), "the adapter 'test' failed without saying why (status 4711)");
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"appended", test_appended},
		{"handed-over", test_handed_over},
		{"failures", test_failures},
		{NULL, NULL},
	};

	return testing_main("hostile", cases, argc, argv);
}
