/* SPDX-License-Identifier: Apache-2.0 */
#include "exec-source.h"
#include "testing.h"

#include <stdio.h>

struct consort_exec run_exec;
uint64_t run_memory;

/* --- REMOTE steps --- */

struct fake {
	struct consort_operator op;
	struct source *source;
	struct consort_batch *batch;
	struct consort_value *keys; /* the key set, copied */
	int64_t nkeys;
	struct consort_arena arena;
	int64_t at;
};

static bool is_wanted(const struct fake *fake, const struct consort_value *row)
{
	const struct source *source = fake->source;
	int64_t i;
	uint32_t k;

	for (i = 0; i < fake->nkeys; i++) {
		for (k = 0; k < source->nkeys; k++) {
			const struct consort_value *value = &row[source->keys[k]];

			if (consort_value_is_null(value) ||
			    consort_value_compare(value, &fake->keys[i * source->nkeys + k]))
				break;
		}
		if (k == source->nkeys)
			return true;
	}
	return !source->nkeys || source->sloppy;
}

static enum consort_status fake_next(struct consort_operator *op, struct consort_batch **out_batch,
				     struct consort_error *error)
{
	struct fake *fake = (struct fake *)op;
	struct source *source = fake->source;
	bool full = false;

	if (++source->pulls == source->fail_at)
		return consort_error_set(error, CONSORT_ECONNECTION, "the source fails");
	if (consort_batch_reset(fake->batch))
		return consort_error_no_memory(error);
	while (!full && fake->at < source->nrows) {
		const struct consort_value *row = source->rows + fake->at++ * source->nfields;

		if (!is_wanted(fake, row))
			continue;
		if (consort_batch_append_row(fake->batch, row))
			return consort_error_no_memory(error);
		full = fake->batch->nrows == fake->batch->max_rows;
	}
	source->batch = fake->batch;
	*out_batch = fake->batch->nrows ? fake->batch : NULL;
	return CONSORT_OK;
}

static void fake_close(struct consort_operator *op)
{
	struct fake *fake = (struct fake *)op;

	consort_batch_free(fake->batch);
	consort_arena_clear(&fake->arena);
	free(fake);
}

enum consort_status consort_remote_open(struct consort_exec *exec, const struct consort_step *step,
					struct consort_operator **out_operator, struct consort_error *error)
{
	static const struct consort_operator_ops operations = {.next = fake_next, .close = fake_close};
	struct source *source = step->compiled;
	struct fake *fake = calloc(1, sizeof(*fake));

	if (!fake)
		return consort_error_no_memory(error);
	fake->op.ops = &operations;
	fake->op.exec = exec;
	fake->op.step = step;
	fake->source = source;
	fake->batch = consort_batch_for_fields(source->fields, source->nfields,
					       source->per_batch ? source->per_batch : CONSORT_BATCH_ROWS);
	if (!fake->batch) {
		free(fake);
		return consort_error_no_memory(error);
	}
	*out_operator = &fake->op;
	return CONSORT_OK;
}

enum consort_status consort_remote_restart(struct consort_operator *op, const struct consort_batch *keys,
					   struct consort_error *error)
{
	struct fake *fake = (struct fake *)op;
	struct source *source = fake->source;
	int64_t i;
	uint32_t k;

	source->restarts++;
	source->asked_keys += keys->nrows;
	if (keys->nrows > source->most_keys)
		source->most_keys = keys->nrows;
	CU_ASSERT_EQUAL(keys->ncolumns, source->nkeys);
	CU_ASSERT_TRUE(keys->nrows > 0);
	consort_arena_clear(&fake->arena);
	fake->nkeys = 0;
	fake->at = 0;
	fake->keys =
		consort_arena_array(&fake->arena, (size_t)keys->nrows, source->nkeys * sizeof(*fake->keys));
	if (!fake->keys)
		return consort_error_no_memory(error);
	for (i = 0; i < keys->nrows; i++) {
		for (k = 0; k < source->nkeys; k++) {
			struct consort_value *key = &fake->keys[i * source->nkeys + k];

			*key = consort_batch_value(keys, k, i, &fake->arena);
			CU_ASSERT_FALSE(consort_value_is_null(key));
			if (key->type.id == CONSORT_TYPE_TEXT)
				key->as.view.data = consort_arena_copy(&fake->arena, key->as.view.data,
								       key->as.view.size);
			if (key->type.id == CONSORT_TYPE_TEXT && !key->as.view.data)
				return consort_error_no_memory(error);
		}
	}
	fake->nkeys = keys->nrows;
	return CONSORT_OK;
}

/* --- steps --- */

const struct consort_step *source_step(struct source *source)
{
	struct consort_step *step = step_over(CONSORT_STEP_REMOTE, NULL, source->fields, source->nfields);

	step->compiled = source;
	step->keyed = source->nkeys > 0;
	step->max_keys = source->max_keys ? source->max_keys : CONSORT_LOOKUP_KEYS;
	return step;
}

struct consort_step *step_over(uint32_t kind, const struct consort_step *input,
			       const struct consort_field *const *of, uint32_t nfields)
{
	struct consort_step *step = keep(1, sizeof(*step));

	step->kind = kind;
	step->inputs[0] = input;
	step->fields = of;
	step->nfields = nfields;
	step->estimated_rows = -1;
	return step;
}

struct consort_node *node_of(uint32_t kind)
{
	struct consort_node *node = keep(1, sizeof(*node));

	node->struct_size = sizeof(*node);
	node->kind = kind;
	return node;
}

/* --- running --- */

static void finish(struct consort_operator *op)
{
	consort_operator_close(op);
	CU_ASSERT_EQUAL(run_exec.memory_used, 0);
}

const char *run(const struct consort_step *step)
{
	static struct consort_buffer text;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_operator *op = NULL;
	struct consort_batch *batch = NULL;
	enum consort_status status;
	int64_t i;

	run_memory = 0;
	consort_buffer_reset(&text);
	consort_buffer_text(&text, "");
	status = consort_operator_open(&run_exec, step, &op, &error);
	while (!status) {
		status = consort_operator_next(op, &batch, &error);
		if (status || !batch)
			break;
		CU_ASSERT_TRUE(batch->nrows > 0);
		CU_ASSERT_EQUAL(batch->ncolumns, step->nfields);
		CU_ASSERT_EQUAL(consort_batch_check(batch, &error), CONSORT_OK);
		if (run_exec.memory_used > run_memory)
			run_memory = run_exec.memory_used;
		for (i = 0; i < batch->nrows; i++)
			consort_buffer_printf(&text, "%s%s", text.size ? " " : "", shown_row(batch, i));
	}
	CU_ASSERT_EQUAL(error.status, status);
	if (status) {
		consort_buffer_reset(&text);
		consort_buffer_printf(&text, "%d: %s", (int)status, error.message);
	} else {
		/* the end stays the end */
		CU_ASSERT_EQUAL(consort_operator_next(op, &batch, &error), CONSORT_OK);
		CU_ASSERT_PTR_NULL(batch);
	}
	finish(op);
	return text.data;
}

enum consort_status run_status(const struct consort_step *step)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_operator *op = NULL;
	struct consort_batch *batch = NULL;
	enum consort_status status = consort_operator_open(&run_exec, step, &op, &error);

	do {
		if (!status)
			status = consort_operator_next(op, &batch, &error);
	} while (!status && batch);
	CU_ASSERT_EQUAL(error.status, status);
	finish(op);
	return status;
}
