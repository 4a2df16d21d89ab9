/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AGGREGATE by hash, in memory. Groups are numbered as they come, and delivered in that order; each has a
 * state for every aggregate. Without groups there is one, also over nothing.
 */
#include "exec/tables.h"

/* A sum of decimals, in 192 bits: more than as many as can be counted need, so that only the result has to
 * fit. */
struct wide {
	unsigned __int128 low;
	int64_t high; /* with the sign */
};

/* One aggregate of one group. */
struct state {
	int64_t count; /* values that are not NULL; COUNT_DISTINCT: different ones */
	union {
		__int128 integer;
		double real;
		struct wide decimal;
		struct {
			struct consort_value value; /* MIN, MAX; texts in `owned` */
			char *owned;
			uint64_t capacity;
		} best;
	} as;
};

struct aggregate {
	struct consort_operator op;
	struct consort_eval eval;
	struct consort_batch *batch; /* what is delivered */
	struct consort_hash groups;
	struct state *states; /* [groups.count * naggregates] */
	uint32_t room;	      /* groups that states has room for */
	uint32_t delivered;
	bool finished; /* the input is read */
	uint64_t charged;
	struct consort_hash *distinct; /* [naggregates] pairs of group and value, for COUNT_DISTINCT */
	struct consort_value *keys;    /* [nexprs * CONSORT_BATCH_ROWS], by expression */
	struct consort_value *tuple;   /* [nexprs] */
	struct consort_value values[CONSORT_BATCH_ROWS];
	uint32_t rows[CONSORT_BATCH_ROWS];
	uint32_t numbers[CONSORT_BATCH_ROWS]; /* each row's group */
};

static uint32_t naggregates(const struct aggregate *aggregate)
{
	return aggregate->op.step->node->naggregates;
}

static struct state *state_of(const struct aggregate *aggregate, uint32_t group, uint32_t a)
{
	return &aggregate->states[(size_t)group * naggregates(aggregate) + a];
}

static enum consort_status charge(struct aggregate *aggregate, uint64_t bytes, struct consort_error *error)
{
	enum consort_status status = consort_exec_charge(aggregate->op.exec, bytes, error);

	if (!status)
		aggregate->charged += bytes;
	return status;
}

/* --- groups --- */

/* States for all groups. */
static enum consort_status grow_states(struct aggregate *aggregate, struct consort_error *error)
{
	const size_t size = (size_t)naggregates(aggregate) * sizeof(struct state);
	uint32_t room = aggregate->room;
	enum consort_status status;
	struct state *states;

	while (room < aggregate->groups.count)
		room = room ? room * 2 : 16;
	if (room == aggregate->room || !size)
		return CONSORT_OK;
	status = charge(aggregate, (room - aggregate->room) * size, error);
	if (status)
		return status;
	states = realloc(aggregate->states, room * size);
	if (!states)
		return consort_error_no_memory(error);
	memset((char *)states + aggregate->room * size, 0, (room - aggregate->room) * size);
	aggregate->states = states;
	aggregate->room = room;
	return CONSORT_OK;
}

/* Finds each row's group. */
static enum consort_status find_groups(struct aggregate *aggregate, const struct consort_batch *batch,
				       uint32_t count, struct consort_error *error)
{
	const struct consort_step *step = aggregate->op.step;
	enum consort_status status;
	uint32_t e, i;

	for (e = 0; e < step->nexprs; e++) {
		status = consort_eval_rows(&aggregate->eval, step->exprs[e], batch, aggregate->rows, count,
					   aggregate->keys + (size_t)e * CONSORT_BATCH_ROWS, error);
		if (status)
			return status;
	}
	for (i = 0; i < count; i++) {
		for (e = 0; e < step->nexprs; e++)
			aggregate->tuple[e] = aggregate->keys[(size_t)e * CONSORT_BATCH_ROWS + i];
		status =
			consort_hash_put(&aggregate->groups, aggregate->tuple, &aggregate->numbers[i], error);
		if (status)
			return status;
	}
	return grow_states(aggregate, error);
}

/* --- states --- */

/* A value as the smallest or greatest one so far, with its text copied over the one before. */
static enum consort_status keep_best(struct aggregate *aggregate, struct state *state,
				     const struct consort_value *value, struct consort_error *error)
{
	uint64_t capacity = state->as.best.capacity;
	enum consort_status status;
	char *owned;

	if (value->type.id == CONSORT_TYPE_LIST)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "there is no least or greatest list");
	state->as.best.value = *value;
	if (value->type.id != CONSORT_TYPE_TEXT && value->type.id != CONSORT_TYPE_BYTES &&
	    value->type.id != CONSORT_TYPE_JSON)
		return CONSORT_OK;
	if (!capacity || value->as.view.size > capacity) {
		capacity = value->as.view.size + value->as.view.size / 2 + 16;
		status = charge(aggregate, capacity - state->as.best.capacity, error);
		if (status)
			return status;
		owned = realloc(state->as.best.owned, (size_t)capacity);
		if (!owned)
			return consort_error_no_memory(error);
		state->as.best.owned = owned;
		state->as.best.capacity = capacity;
	}
	if (value->as.view.size)
		memcpy(state->as.best.owned, value->as.view.data, (size_t)value->as.view.size);
	state->as.best.value.as.view.data = state->as.best.owned;
	return CONSORT_OK;
}

static void add_wide(struct wide *sum, struct consort_decimal decimal)
{
	unsigned __int128 number = (unsigned __int128)(uint64_t)decimal.high << 64 | decimal.low;

	sum->low += number;
	sum->high += (decimal.high < 0 ? -1 : 0) + (sum->low < number);
}

/* The absolute value in limbs, the least first. */
static void split_wide(const struct wide *sum, uint64_t limbs[3])
{
	unsigned __int128 low = sum->high < 0 ? -sum->low : sum->low;
	uint64_t high = (uint64_t)sum->high;

	limbs[0] = (uint64_t)low;
	limbs[1] = (uint64_t)(low >> 64);
	limbs[2] = sum->high < 0 ? ~high + !low : high;
}

/* The sum divided by `count`, to `shift` digits more or fewer, rounded half away from zero. False: it has
 * more than 38 digits. */
static bool divide_wide(const struct wide *sum, uint64_t count, int shift, struct consort_decimal *out)
{
	unsigned __int128 rest = 0, power = 1;
	uint64_t limbs[3];
	__int128 number;
	int i;

	split_wide(sum, limbs);
	for (i = 2; i >= 0; i--) {
		rest = rest << 64 | limbs[i];
		limbs[i] = (uint64_t)(rest / count);
		rest %= count;
	}
	if (limbs[2] || limbs[1] >> 63)
		return false;
	number = (__int128)((unsigned __int128)limbs[1] << 64 | limbs[0]);
	for (i = 0; i < shift; i++) {
		rest *= 10;
		if (__builtin_mul_overflow(number, (__int128)10, &number) ||
		    __builtin_add_overflow(number, (__int128)(rest / count), &number))
			return false;
		rest %= count;
	}
	for (; i > shift; i--)
		power *= 10;
	if (shift < 0)
		number = number / (__int128)power + (number % (__int128)power * 2 >= (__int128)power);
	else
		number += rest >= count - rest;
	if (sum->high < 0)
		number = -number;
	out->low = (uint64_t)number;
	out->high = (int64_t)(number >> 64);
	return !consort_decimal_rescale(*out, 0, 0, out);
}

/* SUM and AVG. A sum of int64 needs more than 2^64 values to leave 128 bits. */
static enum consort_status add_to_sum(struct state *state, const struct consort_value *value,
				      struct consort_error *error)
{
	switch (value->type.id) {
	case CONSORT_TYPE_INT64:
		state->as.integer += value->as.int64;
		return CONSORT_OK;
	case CONSORT_TYPE_FLOAT64:
		state->as.real += value->as.float64;
		return CONSORT_OK;
	case CONSORT_TYPE_DECIMAL:
		add_wide(&state->as.decimal, value->as.decimal);
		return CONSORT_OK;
	default:
		return consort_error_set(error, CONSORT_ETYPE, "there is no sum of %s",
					 consort_type_noun(value->type));
	}
}

static enum consort_status count_distinct(struct aggregate *aggregate, uint32_t a, uint32_t group,
					  const struct consort_value *value, struct consort_error *error)
{
	struct consort_hash *distinct = &aggregate->distinct[a];
	struct consort_value pair[2];
	uint32_t before = distinct->count, number;
	enum consort_status status;

	pair[0] = consort_int64(group);
	pair[1] = *value;
	status = consort_hash_put(distinct, pair, &number, error);
	state_of(aggregate, group, a)->count += distinct->count - before;
	return status;
}

/* Takes a value that is not NULL into the state of a row's group. */
static enum consort_status take_value(struct aggregate *aggregate, uint32_t a, uint32_t group,
				      const struct consort_value *value, struct consort_error *error)
{
	struct state *state = state_of(aggregate, group, a);
	int order;

	switch (aggregate->op.step->node->aggregates[a]->kind) {
	case CONSORT_AGGREGATE_COUNT:
		state->count++;
		return CONSORT_OK;
	case CONSORT_AGGREGATE_SUM:
	case CONSORT_AGGREGATE_AVG:
		state->count++;
		return add_to_sum(state, value, error);
	case CONSORT_AGGREGATE_COUNT_DISTINCT:
		return count_distinct(aggregate, a, group, value, error);
	case CONSORT_AGGREGATE_MIN:
	case CONSORT_AGGREGATE_MAX:
		order = state->count++ ? consort_value_compare(value, &state->as.best.value) : 0;
		if (aggregate->op.step->node->aggregates[a]->kind == CONSORT_AGGREGATE_MAX)
			order = -order;
		return order < 0 || state->count == 1 ? keep_best(aggregate, state, value, error)
						      : CONSORT_OK;
	default:
		return consort_error_set(error, CONSORT_EUNSUPPORTED,
					 "the core does not know this aggregate");
	}
}

static enum consort_status take_rows(struct aggregate *aggregate, const struct consort_batch *batch,
				     uint32_t count, struct consort_error *error)
{
	const struct consort_node *node = aggregate->op.step->node;
	enum consort_status status;
	uint32_t a, i;

	status = find_groups(aggregate, batch, count, error);
	for (a = 0; a < node->naggregates && !status; a++) {
		if (node->aggregates[a]->kind == CONSORT_AGGREGATE_COUNT_ALL) {
			for (i = 0; i < count; i++)
				state_of(aggregate, aggregate->numbers[i], a)->count++;
			continue;
		}
		status = consort_eval_rows(&aggregate->eval, node->aggregates[a]->input, batch,
					   aggregate->rows, count, aggregate->values, error);
		for (i = 0; i < count && !status; i++)
			if (!consort_value_is_null(&aggregate->values[i]))
				status = take_value(aggregate, a, aggregate->numbers[i],
						    &aggregate->values[i], error);
	}
	return status;
}

static enum consort_status read_input(struct aggregate *aggregate, struct consort_error *error)
{
	struct consort_batch *batch = NULL;
	enum consort_status status;
	uint32_t none, i;

	do {
		int64_t first, count;

		status = consort_operator_next(aggregate->op.inputs[0], &batch, error);
		for (first = 0; !status && batch && first < batch->nrows; first += count) {
			count = batch->nrows - first < CONSORT_BATCH_ROWS ? batch->nrows - first
									  : CONSORT_BATCH_ROWS;
			for (i = 0; i < count; i++)
				aggregate->rows[i] = (uint32_t)(first + i);
			consort_arena_reset(&aggregate->eval.scratch);
			status = take_rows(aggregate, batch, (uint32_t)count, error);
		}
	} while (!status && batch);
	if (!status && !aggregate->op.step->nexprs) {
		status = consort_hash_put(&aggregate->groups, aggregate->tuple, &none, error);
		if (!status)
			status = grow_states(aggregate, error);
	}
	return status;
}

/* --- results --- */

static enum consort_status finish_sum(const struct state *state, struct consort_type from,
				      struct consort_type type, struct consort_value *out,
				      struct consort_error *error)
{
	struct consort_decimal sum;

	if (from.id == CONSORT_TYPE_FLOAT64) {
		*out = consort_float64(state->as.real);
	} else if (from.id == CONSORT_TYPE_DECIMAL) {
		if (!divide_wide(&state->as.decimal, 1, 0, &sum))
			return consort_error_set(error, CONSORT_ERANGE,
						 "a sum has more than the 38 digits of a decimal");
		*out = consort_decimal_of(sum, type.precision, from.scale);
	} else {
		if (state->as.integer < INT64_MIN || state->as.integer > INT64_MAX)
			return consort_error_set(error, CONSORT_ERANGE,
						 "integer overflow: a sum does not fit int64");
		*out = consort_int64((int64_t)state->as.integer);
	}
	return CONSORT_OK;
}

static enum consort_status finish_average(const struct state *state, struct consort_type from,
					  struct consort_type type, struct consort_value *out,
					  struct consort_error *error)
{
	struct consort_decimal quotient;

	if (from.id == CONSORT_TYPE_FLOAT64) {
		*out = consort_float64(state->as.real / (double)state->count);
	} else if (from.id == CONSORT_TYPE_DECIMAL) {
		if (!divide_wide(&state->as.decimal, (uint64_t)state->count, type.scale - from.scale,
				 &quotient))
			return consort_error_set(error, CONSORT_ERANGE,
						 "an average has more than the 38 digits of a decimal");
		*out = consort_decimal_of(quotient, type.precision, type.scale);
	} else {
		*out = consort_float64((double)state->as.integer / (double)state->count);
	}
	return CONSORT_OK;
}

static enum consort_status finish(const struct state *state, const struct consort_aggregate *aggregate,
				  struct consort_value *out, struct consort_error *error)
{
	struct consort_type from =
		aggregate->input ? aggregate->input->type : consort_type_of(CONSORT_TYPE_NULL);

	*out = consort_null();
	switch (aggregate->kind) {
	case CONSORT_AGGREGATE_COUNT_ALL:
	case CONSORT_AGGREGATE_COUNT:
	case CONSORT_AGGREGATE_COUNT_DISTINCT:
		*out = consort_int64(state->count);
		return CONSORT_OK;
	case CONSORT_AGGREGATE_SUM:
		return state->count ? finish_sum(state, from, aggregate->type, out, error) : CONSORT_OK;
	case CONSORT_AGGREGATE_AVG:
		return state->count ? finish_average(state, from, aggregate->type, out, error) : CONSORT_OK;
	default:
		if (state->count)
			*out = state->as.best.value;
		return CONSORT_OK;
	}
}

static enum consort_status deliver(struct aggregate *aggregate, uint32_t group, struct consort_error *error)
{
	const struct consort_step *step = aggregate->op.step;
	enum consort_status status = CONSORT_OK;
	uint32_t i;

	for (i = 0; i < step->nexprs && !status; i++)
		status = consort_batch_put(aggregate->batch, i,
					   &aggregate->groups.keys[(size_t)group * step->nexprs + i], error);
	for (i = 0; i < naggregates(aggregate) && !status; i++) {
		struct consort_value value;

		status = finish(state_of(aggregate, group, i), step->node->aggregates[i], &value, error);
		if (!status)
			status = consort_batch_put(aggregate->batch, step->nexprs + i, &value, error);
	}
	return status;
}

static enum consort_status aggregate_next(struct consort_operator *op, struct consort_batch **out_batch,
					  struct consort_error *error)
{
	struct aggregate *aggregate = (struct aggregate *)op;
	enum consort_status status = CONSORT_OK;
	bool full = false;

	if (!aggregate->finished)
		status = read_input(aggregate, error);
	if (status)
		return status;
	aggregate->finished = true;
	if (consort_batch_reset(aggregate->batch))
		return consort_error_no_memory(error);
	while (!status && !full && aggregate->delivered < aggregate->groups.count) {
		status = deliver(aggregate, aggregate->delivered++, error);
		full = !status && consort_batch_end_row(aggregate->batch);
	}
	*out_batch = aggregate->batch->nrows ? aggregate->batch : NULL;
	return status;
}

/* --- life --- */

static void aggregate_close(struct consort_operator *op)
{
	struct aggregate *aggregate = (struct aggregate *)op;
	uint32_t a, i;

	for (a = 0; a < naggregates(aggregate); a++) {
		uint32_t kind = op->step->node->aggregates[a]->kind;

		if (kind == CONSORT_AGGREGATE_MIN || kind == CONSORT_AGGREGATE_MAX)
			for (i = 0; i < aggregate->room; i++)
				free(state_of(aggregate, i, a)->as.best.owned);
		if (aggregate->distinct)
			consort_hash_clear(&aggregate->distinct[a]);
	}
	consort_exec_discharge(op->exec, aggregate->charged);
	consort_eval_clear(&aggregate->eval);
	consort_batch_free(aggregate->batch);
	consort_hash_clear(&aggregate->groups);
	free(aggregate->states);
	free(aggregate->distinct);
	free(aggregate->keys);
	free(aggregate->tuple);
	free(aggregate);
}

enum consort_status consort_aggregate_open(struct consort_exec *exec, const struct consort_step *step,
					   struct consort_operator **out_operator,
					   struct consort_error *error)
{
	static const struct consort_operator_ops operations = {.next = aggregate_next,
							       .close = aggregate_close};
	struct aggregate *aggregate = calloc(1, sizeof(*aggregate));
	uint32_t a;

	if (!aggregate)
		return consort_error_no_memory(error);
	aggregate->op.ops = &operations;
	aggregate->op.exec = exec;
	aggregate->op.step = step;
	consort_eval_init(&aggregate->eval, exec->parameters, exec->nparameters);
	consort_hash_init(&aggregate->groups, exec, step->nexprs);
	aggregate->batch = consort_batch_for_fields(step->fields, step->nfields, CONSORT_BATCH_ROWS);
	aggregate->distinct = calloc((size_t)naggregates(aggregate) + 1, sizeof(*aggregate->distinct));
	aggregate->keys = calloc((size_t)step->nexprs * CONSORT_BATCH_ROWS + 1, sizeof(*aggregate->keys));
	aggregate->tuple = calloc((size_t)step->nexprs + 1, sizeof(*aggregate->tuple));
	if (!aggregate->batch || !aggregate->distinct || !aggregate->keys || !aggregate->tuple) {
		aggregate_close(&aggregate->op);
		return consort_error_no_memory(error);
	}
	for (a = 0; a < naggregates(aggregate); a++)
		consort_hash_init(&aggregate->distinct[a], exec, 2);
	*out_operator = &aggregate->op;
	return CONSORT_OK;
}
