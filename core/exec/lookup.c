/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LOOKUP: joins outer rows with the inner rows that have their keys. Outer rows are gathered, few first and
 * then up to a batch, their keys that are not known yet are asked for in sets, and the joined rows are
 * delivered in the order of the outer ones. Keys stay known with their rows, up to a bound, so that a few
 * thousand outer rows that refer to the same few hundred inner ones ask once. An inner side that takes no key
 * sets is read whole, once.
 */
#include "exec/tables.h"

#define FIRST_GATHERED 64u /* outer rows before the first keys are asked for; four times as many each time */
#define MOST_KNOWN 10000u
#define MOST_KNOWN_BYTES ((uint64_t)32 << 20)
#define NO_LINK UINT32_MAX

/* An inner row, and the next one with the same key. */
struct link {
	struct consort_row place;
	uint32_t next;
};

/* The inner rows of a key, in the order in which they came. */
struct match {
	uint32_t first;
	uint32_t last;
};

struct lookup {
	struct consort_operator op;
	struct consort_batch *batch;     /* what is delivered */

	/* outer rows [outer_first, outer_end) of `outer`, an input's batch or `gathered` */
	struct consort_batch *gathered;
	uint32_t wanted;                 /* rows to gather */
	struct consort_batch *input;     /* being gathered from, from row input_next on */
	int64_t input_next;
	bool input_ended;
	struct consort_batch *outer;
	uint32_t outer_first;
	uint32_t outer_end;
	uint32_t outer_at;               /* the row to deliver next */
	uint32_t link_at;                /* and which of its matches; NO_LINK: the first */
	uint32_t numbers[CONSORT_BATCH_ROWS]; /* of the outer rows' keys, or CONSORT_HASH_NONE */

	/* what is known of the inner side */
	bool whole;                      /* all of it */
	struct consort_batch *keys;      /* a key set */
	struct consort_hash known;
	struct match *matches;           /* [room] */
	uint32_t room;
	struct consort_rows rows;
	struct link *links;              /* [rows.count] */
	uint32_t links_room;
	uint64_t charged;
	struct consort_value *tuple;     /* [nkeys] */
};

static enum consort_status charge(struct lookup *lookup, uint64_t bytes, struct consort_error *error)
{
	enum consort_status status = consort_exec_charge(lookup->op.exec, bytes, error);

	if (!status)
		lookup->charged += bytes;
	return status;
}

/* --- the inner side --- */

/* Reads a row's key; false if a part of it is NULL, which matches nothing. */
static bool read_key(struct lookup *lookup, const struct consort_batch *batch, const uint32_t *columns,
		     int64_t row)
{
	uint32_t k;

	for (k = 0; k < lookup->op.step->nkeys; k++) {
		lookup->tuple[k] = consort_column_value(&batch->columns[columns[k]], row);
		if (consort_value_is_null(&lookup->tuple[k]))
			return false;
	}
	return true;
}

/* The number of the key in lookup->tuple, which is known from then on. */
static enum consort_status know_key(struct lookup *lookup, uint32_t *out_number, struct consort_error *error)
{
	uint32_t room = lookup->room;
	struct match *matches;
	enum consort_status status = consort_hash_put(&lookup->known, lookup->tuple, out_number, error);

	if (status || lookup->known.count <= room)
		return status;
	room = room ? room * 2 : 256;
	status = charge(lookup, (room - lookup->room) * sizeof(*matches), error);
	if (status)
		return status;
	matches = realloc(lookup->matches, room * sizeof(*matches));
	if (!matches)
		return consort_error_no_memory(error);
	memset(matches + lookup->room, 0xff, (room - lookup->room) * sizeof(*matches)); /* NO_LINK */
	lookup->matches = matches;
	lookup->room = room;
	return CONSORT_OK;
}

/* Keeps an inner row as one of the key's. */
static enum consort_status keep_row(struct lookup *lookup, const struct consort_batch *batch, uint32_t row,
				    uint32_t number, struct consort_error *error)
{
	uint32_t index = (uint32_t)lookup->rows.count, room = lookup->links_room;
	struct match *match = &lookup->matches[number];
	enum consort_status status;
	struct link *links;

	if (lookup->rows.count >= NO_LINK / 2)
		return consort_error_no_memory(error);
	if (index == room) {
		room = room ? room * 2 : 256;
		status = charge(lookup, (room - lookup->links_room) * sizeof(*links), error);
		if (status)
			return status;
		links = realloc(lookup->links, room * sizeof(*links));
		if (!links)
			return consort_error_no_memory(error);
		lookup->links = links;
		lookup->links_room = room;
	}
	status = consort_rows_add(&lookup->rows, batch, row, &lookup->links[index].place, error);
	if (status)
		return status;
	lookup->links[index].next = NO_LINK;
	if (match->first == NO_LINK)
		match->first = index;
	else
		lookup->links[match->last].next = index;
	match->last = index;
	return CONSORT_OK;
}

/* Takes the inner rows whose keys have the numbers [first, end): those that were asked for just now. Of the
 * whole inner side it takes all. */
static enum consort_status read_inner(struct lookup *lookup, uint32_t first, uint32_t end,
				      struct consort_error *error)
{
	const struct consort_step *step = lookup->op.step;
	struct consort_batch *batch = NULL;
	enum consort_status status;
	uint32_t number;
	int64_t i;

	do {
		status = consort_operator_next(lookup->op.inputs[1], &batch, error);
		for (i = 0; !status && batch && i < batch->nrows; i++) {
			if (!read_key(lookup, batch, step->inner_keys, i))
				continue;
			number = CONSORT_HASH_NONE;
			if (lookup->whole)
				status = know_key(lookup, &number, error);
			else
				number = consort_hash_find(&lookup->known, lookup->tuple);
			if (!status && number >= first && number < end)
				status = keep_row(lookup, batch, (uint32_t)i, number, error);
		}
	} while (!status && batch);
	return status;
}

/* Asks for the keys with numbers [first, known.count), in sets. */
static enum consort_status ask(struct lookup *lookup, uint32_t first, struct consort_error *error)
{
	const uint32_t nkeys = lookup->op.step->nkeys, max_keys = lookup->op.step->inputs[1]->max_keys;
	const uint32_t most = max_keys && max_keys < CONSORT_LOOKUP_KEYS ? max_keys : CONSORT_LOOKUP_KEYS;
	enum consort_status status = CONSORT_OK;
	uint32_t at, i, k;

	for (; first < lookup->known.count && !status; first = at) {
		if (consort_batch_reset(lookup->keys))
			return consort_error_no_memory(error);
		for (at = first, i = 0; at < lookup->known.count && i < most && !status; at++, i++) {
			const struct consort_value *key = &lookup->known.keys[(size_t)at * nkeys];

			for (k = 0; k < nkeys && !status; k++)
				status = consort_batch_put(lookup->keys, k, &key[k], error);
			consort_batch_end_row(lookup->keys);
		}
		if (!status)
			status = consort_remote_restart(lookup->op.inputs[1], lookup->keys, error);
		if (!status)
			status = read_inner(lookup, first, at, error);
	}
	return status;
}

static void forget(struct lookup *lookup)
{
	consort_hash_clear(&lookup->known);
	consort_rows_clear(&lookup->rows);
	free(lookup->matches);
	free(lookup->links);
	lookup->matches = NULL;
	lookup->links = NULL;
	lookup->room = lookup->links_room = 0;
	consort_exec_discharge(lookup->op.exec, lookup->charged);
	lookup->charged = 0;
}

/* --- the outer side --- */

/* Copies rows of inputs until there are as many as wanted, or no more. */
static enum consort_status gather(struct lookup *lookup, struct consort_error *error)
{
	struct consort_batch *to = lookup->gathered;
	enum consort_status status = CONSORT_OK;
	bool full = false;

	if (consort_batch_reset(to))
		return consort_error_no_memory(error);
	while (!full && !lookup->input_ended) {
		if (!lookup->input || lookup->input_next >= lookup->input->nrows) {
			lookup->input = NULL;
			lookup->input_next = 0;
			status = consort_operator_next(lookup->op.inputs[0], &lookup->input, error);
			if (status)
				return status;
			lookup->input_ended = !lookup->input;
			continue;
		}
		/* enough in this batch alone: no copy */
		if (!to->nrows && lookup->input->nrows - lookup->input_next >= lookup->wanted / 2)
			return CONSORT_OK;
		status = consort_batch_copy_row(to, 0, lookup->input, lookup->input_next++);
		if (status)
			return consort_batch_failed(status, error);
		full = consort_batch_end_row(to) || to->nrows >= lookup->wanted;
	}
	return CONSORT_OK;
}

/* The next outer rows; none at the end. */
static enum consort_status take_outer(struct lookup *lookup, struct consort_error *error)
{
	enum consort_status status = gather(lookup, error);
	int64_t left;

	if (status)
		return status;
	lookup->outer = lookup->gathered;
	lookup->outer_first = 0;
	lookup->outer_end = (uint32_t)lookup->gathered->nrows;
	if (!lookup->outer_end && lookup->input) {
		left = lookup->input->nrows - lookup->input_next;
		lookup->outer = lookup->input;
		lookup->outer_first = (uint32_t)lookup->input_next;
		lookup->outer_end = lookup->outer_first +
				    (uint32_t)(left < CONSORT_BATCH_ROWS ? left : CONSORT_BATCH_ROWS);
		lookup->input_next = lookup->outer_end;
	}
	lookup->outer_at = lookup->outer_first;
	lookup->link_at = NO_LINK;
	if (lookup->wanted < CONSORT_BATCH_ROWS)
		lookup->wanted *= 4;
	return CONSORT_OK;
}

/* Numbers the outer rows' keys, and sees to it that their inner rows are known. */
static enum consort_status find_matches(struct lookup *lookup, struct consort_error *error)
{
	const bool keyed = lookup->op.step->inputs[1]->keyed;
	enum consort_status status = CONSORT_OK;
	uint32_t known, i;

	if (keyed && (lookup->known.count > MOST_KNOWN || lookup->rows.charged > MOST_KNOWN_BYTES))
		forget(lookup);
	if (!keyed && !lookup->whole) {
		lookup->whole = true;
		status = read_inner(lookup, 0, CONSORT_HASH_NONE, error);
	}
	known = lookup->known.count;
	for (i = lookup->outer_first; i < lookup->outer_end && !status; i++) {
		uint32_t *number = &lookup->numbers[i - lookup->outer_first];

		*number = CONSORT_HASH_NONE;
		if (!read_key(lookup, lookup->outer, lookup->op.step->outer_keys, i))
			continue;
		if (keyed)
			status = know_key(lookup, number, error);
		else
			*number = consort_hash_find(&lookup->known, lookup->tuple);
	}
	return status ? status : ask(lookup, keyed ? known : lookup->known.count, error);
}

/* --- delivery --- */

/* Appends the current outer row with an inner one, or without: NO_LINK. */
static enum consort_status join_row(struct lookup *lookup, uint32_t link, struct consort_error *error)
{
	const uint32_t nouter = lookup->op.step->inputs[0]->nfields;
	struct consort_batch *batch = lookup->batch;
	enum consort_status status = consort_batch_copy_row(batch, 0, lookup->outer, lookup->outer_at);
	uint32_t i;

	if (!status && link != NO_LINK) {
		const struct consort_row place = lookup->links[link].place;

		status = consort_batch_copy_row(batch, nouter, lookup->rows.batches[place.batch], place.row);
	}
	for (i = nouter; link == NO_LINK && i < batch->ncolumns; i++)
		consort_append_null(&batch->columns[i]);
	return status ? consort_batch_failed(status, error) : CONSORT_OK;
}

/* Delivers from the outer rows there are, until the batch is full. */
static enum consort_status join_rows(struct lookup *lookup, struct consort_error *error)
{
	bool full = false;

	while (!full && lookup->outer_at < lookup->outer_end) {
		uint32_t number = lookup->numbers[lookup->outer_at - lookup->outer_first],
			 link = lookup->link_at;
		enum consort_status status;

		if (link == NO_LINK && number != CONSORT_HASH_NONE)
			link = lookup->matches[number].first;
		if (link != NO_LINK || lookup->op.step->join == CONSORT_JOIN_LEFT) {
			status = join_row(lookup, link, error);
			if (status)
				return status;
			full = consort_batch_end_row(lookup->batch);
		}
		lookup->link_at = link == NO_LINK ? NO_LINK : lookup->links[link].next;
		if (lookup->link_at == NO_LINK)
			lookup->outer_at++;
	}
	return CONSORT_OK;
}

static enum consort_status lookup_next(struct consort_operator *op, struct consort_batch **out_batch,
				       struct consort_error *error)
{
	struct lookup *lookup = (struct lookup *)op;
	enum consort_status status;

	if (consort_batch_reset(lookup->batch))
		return consort_error_no_memory(error);
	*out_batch = NULL;
	for (;;) {
		status = join_rows(lookup, error);
		if (status)
			return status;
		if (lookup->batch->nrows)
			break;
		status = take_outer(lookup, error);
		if (status || lookup->outer_first == lookup->outer_end)
			return status;
		status = find_matches(lookup, error);
		if (status)
			return status;
	}
	*out_batch = lookup->batch;
	return CONSORT_OK;
}

/* --- life --- */

static void lookup_close(struct consort_operator *op)
{
	struct lookup *lookup = (struct lookup *)op;

	forget(lookup);
	consort_batch_free(lookup->batch);
	consort_batch_free(lookup->gathered);
	consort_batch_free(lookup->keys);
	free(lookup->tuple);
	free(lookup);
}

static bool make_batches(struct lookup *lookup)
{
	const struct consort_step *step = lookup->op.step, *outer = step->inputs[0];
	const struct consort_field **fields = calloc((size_t)step->nkeys + 1, sizeof(*fields));
	uint32_t i;

	if (!fields)
		return false;
	for (i = 0; i < step->nkeys; i++)
		fields[i] = outer->fields[step->outer_keys[i]];
	lookup->keys = consort_batch_for_fields(fields, step->nkeys, CONSORT_LOOKUP_KEYS);
	free(fields);
	lookup->batch = consort_batch_for_fields(step->fields, step->nfields, CONSORT_BATCH_ROWS);
	lookup->gathered = consort_batch_for_fields(outer->fields, outer->nfields, CONSORT_BATCH_ROWS);
	lookup->tuple = calloc((size_t)step->nkeys + 1, sizeof(*lookup->tuple));
	return lookup->keys && lookup->batch && lookup->gathered && lookup->tuple;
}

enum consort_status consort_lookup_open(struct consort_exec *exec, const struct consort_step *step,
					struct consort_operator **out_operator, struct consort_error *error)
{
	static const struct consort_operator_ops operations = {.next = lookup_next, .close = lookup_close};
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (!lookup)
		return consort_error_no_memory(error);
	lookup->op.ops = &operations;
	lookup->op.exec = exec;
	lookup->op.step = step;
	lookup->wanted = FIRST_GATHERED;
	lookup->link_at = NO_LINK;
	consort_hash_init(&lookup->known, exec, step->nkeys);
	consort_rows_init(&lookup->rows, exec, step->inputs[1]->fields, step->inputs[1]->nfields);
	if (!make_batches(lookup)) {
		lookup_close(&lookup->op);
		return consort_error_no_memory(error);
	}
	*out_operator = &lookup->op;
	return CONSORT_OK;
}
