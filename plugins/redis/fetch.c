/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading items. Constants that one is found by are a command each, many at once; a range of positions,
 * scores or times is asked for as such; else all are read, a page at a time. What is found is looked at again
 * by the core.
 */
#include "items.h"
#include "tx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FOUND_MOST 100000 /* items of a range of scores, which are asked for at one moment */

/* --- the cursor --- */

struct item {
	struct consort_view text;	  /* a value, a member, an id */
	const struct redis_reply *second; /* a score, or a stream's fields */
	int64_t position;
};

struct items {
	struct redis_cursor base;
	struct redis_connection *conn;
	const struct redis_compiled *compiled;
	struct consort_arena arena;
	struct consort_view *points; /* what single items are found by, in the arena */
	uint32_t npoints, room, next;
	bool one, ranged, over;
	int64_t low, high;  /* positions that are still to be read; milliseconds of a stream */
	double least, most; /* scores */
	char place[48];	    /* of a scan; the next id of a stream */
	struct redis_seen seen;
	struct redis_pipe pipe;	 /* with the items that were read */
	struct redis_link *link; /* to the node that is scanned */
	struct item *items;
	uint64_t nitems, at;
};

static enum redis_role role_of(const struct items *items, uint32_t attribute)
{
	const struct redis_layout *layout = items->compiled->layout;

	return redis_role_of(layout->record, layout->resource->attributes[attribute]);
}

/* --- what is asked for --- */

/* Is it an id as Redis writes it? Others it would take for the same, or refuse. */
static bool is_id(const struct consort_buffer *text)
{
	char again[48], *end;
	unsigned long long ms;

	if (!text->size)
		return false;
	ms = strtoull(text->data, &end, 10);
	snprintf(again, sizeof(again), "%llu-%llu", ms, *end ? strtoull(end + 1, NULL, 10) : 0);
	return strlen(again) == text->size && !memcmp(again, text->data, text->size);
}

static uint32_t add_point(struct items *items, uint32_t attribute, const struct consort_value *value,
			  struct consort_error *error)
{
	struct consort_buffer *text = &items->conn->text;
	enum redis_role role = role_of(items, attribute);
	struct consort_view *points = items->points;
	uint32_t status;
	bool fresh = false;

	if (consort_value_is_null(value) || (role == REDIS_POSITION && value->as.int64 < 0))
		return CONSORT_OK;
	consort_buffer_reset(text);
	status = redis_encode(items->compiled->layout, attribute, value, text, error);
	if (!status && (role != REDIS_ID || is_id(text)))
		status = redis_seen_add(&items->seen, text->data, text->size, &fresh, error);
	if (status || !fresh)
		return status;
	if (items->npoints == items->room) {
		uint32_t room = items->room ? 2 * items->room : 64;

		points = consort_arena_array(&items->arena, room, sizeof(*points));
		if (points && items->npoints)
			memcpy(points, items->points, items->npoints * sizeof(*points));
		items->points = points;
		items->room = points ? room : 0;
	}
	if (!points)
		return consort_error_no_memory(error);
	points[items->npoints] =
		(struct consort_view){consort_arena_copy(&items->arena, text->data, text->size), text->size};
	return points[items->npoints++].data ? CONSORT_OK : consort_error_no_memory(error);
}

/* Both ends belong to the range: what is too much the core leaves out. */
static void narrow(struct items *items, enum redis_role role, uint32_t op, const struct consort_value *value)
{
	bool above = op == CONSORT_OP_EQ || op == CONSORT_OP_GT || op == CONSORT_OP_GE;
	bool below = op == CONSORT_OP_EQ || op == CONSORT_OP_LT || op == CONSORT_OP_LE;
	int64_t number = value->as.int64;
	double score;

	if (role == REDIS_SCORE) {
		score = value->type.id == CONSORT_TYPE_INT64 ? (double)number : value->as.float64;
		if (above && !(score <= items->least))
			items->least = isnan(score) ? (double)INFINITY : score;
		if (below && score < items->most)
			items->most = score;
		return;
	}
	if (role == REDIS_ID_TIME)
		number = number / 1000 - (number % 1000 < 0);
	if (above && number > items->low)
		items->low = number;
	if (below && number < items->high)
		items->high = number;
}

static uint32_t take_condition(struct items *items, const struct redis_condition *condition,
			       const struct consort_run *run, struct consort_error *error)
{
	uint32_t i, status = CONSORT_OK;

	for (i = 0; !status && i < condition->count; i++) {
		const struct consort_expr *constant = condition->constants[i];
		const struct consort_value *value;

		if (constant->kind == CONSORT_EXPR_PARAMETER && constant->index >= run->nparameters)
			return consort_error_set(error, CONSORT_EINVAL, "parameter $%u is missing",
						 constant->index + 1);
		value = consort_run_value(run, constant);
		if (items->one)
			status = add_point(items, condition->attribute, value, error);
		else if (consort_value_is_null(value))
			items->over = true;
		else
			narrow(items, role_of(items, condition->attribute), condition->op, value);
	}
	return status;
}

static uint32_t take_key_set(struct items *items, const struct consort_batch *keys,
			     struct consort_error *error)
{
	const struct redis_compiled *compiled = items->compiled;
	uint32_t status = CONSORT_OK;
	int64_t row;

	if (!keys || keys->ncolumns <= *compiled->from)
		return consort_error_set(error, CONSORT_EINVAL, "the key set is missing or of another width");
	for (row = 0; !status && row < keys->nrows; row++) {
		struct consort_value value = consort_column_value(&keys->columns[*compiled->from], row);

		status = add_point(items, compiled->conditions->attribute, &value, error);
	}
	return status;
}

static uint32_t start(struct items *items, const struct consort_run *run, struct consort_error *error)
{
	const struct redis_compiled *compiled = items->compiled;
	const struct redis_condition *condition = redis_items_condition(compiled, &items->one);
	uint32_t i, status = CONSORT_OK;

	items->high = INT64_MAX;
	items->least = -INFINITY;
	items->most = INFINITY;
	items->ranged = condition && !items->one;
	if (compiled->access == REDIS_ACCESS_INDEX_KEYED)
		status = take_key_set(items, run->keys, error);
	else if (items->one)
		status = take_condition(items, condition, run, error);
	for (i = 0; items->ranged && !status && i < compiled->nconditions; i++)
		if (compiled->conditions[i].attribute == condition->attribute)
			status = take_condition(items, &compiled->conditions[i], run, error);
	if (items->low > items->high)
		items->over = true;
	snprintf(items->place, sizeof(items->place), "%lld",
		 (long long)(compiled->layout->record == REDIS_STREAM ? items->low : 0));
	return status;
}

static void add(struct items *items, uint32_t nargs, const char *word)
{
	const struct redis_layout *layout = items->compiled->layout;

	redis_add(items->conn, redis_slot(items->conn, layout->head, layout->head_size), nargs);
	redis_arg_text(items->conn, word);
	redis_arg(items->conn, layout->head, layout->head_size);
}

static void ask_for_one(struct items *items, const struct consort_view *point)
{
	static const char *const words[] = {[REDIS_LIST] = "LINDEX",
					    [REDIS_SET] = "SISMEMBER",
					    [REDIS_SORTED_SET] = "ZSCORE",
					    [REDIS_STREAM] = "XRANGE"};
	enum redis_record record = items->compiled->layout->record;

	add(items, record == REDIS_STREAM ? 4 : 3, words[record]);
	redis_arg(items->conn, point->data, (size_t)point->size);
	if (record == REDIS_STREAM)
		redis_arg(items->conn, point->data, (size_t)point->size);
}

static void ask_for_scores(struct items *items)
{
	char text[32];

	add(items, 8, "ZRANGEBYSCORE");
	redis_arg(items->conn, text, (size_t)snprintf(text, sizeof(text), "%.17g", items->least));
	redis_arg(items->conn, text, (size_t)snprintf(text, sizeof(text), "%.17g", items->most));
	redis_arg_text(items->conn, "WITHSCORES");
	redis_arg_text(items->conn, "LIMIT");
	redis_arg_text(items->conn, "0");
	redis_arg_int(items->conn, FOUND_MOST + 1);
}

static void ask(struct items *items)
{
	struct redis_connection *conn = items->conn;
	enum redis_record record = items->compiled->layout->record;
	int64_t page = conn->database->page;
	uint32_t i;

	redis_begin(conn);
	if (items->one) {
		for (i = 0; i < page && items->next + i < items->npoints; i++)
			ask_for_one(items, &items->points[items->next + i]);
	} else if (record == REDIS_LIST) {
		add(items, 4, "LRANGE");
		redis_arg_int(conn, items->low);
		redis_arg_int(conn, items->high - items->low < page ? items->high : items->low + page - 1);
	} else if (record == REDIS_STREAM) {
		add(items, 6, "XRANGE");
		redis_arg_text(conn, items->place);
		if (items->high == INT64_MAX)
			redis_arg_text(conn, "+");
		else
			redis_arg_int(conn, items->high);
		redis_arg_text(conn, "COUNT");
		redis_arg_int(conn, page);
	} else if (record == REDIS_SORTED_SET && items->ranged) {
		ask_for_scores(items);
	} else {
		add(items, 5, record == REDIS_SET ? "SSCAN" : "ZSCAN");
		redis_arg_text(conn, items->place);
		redis_arg_text(conn, "COUNT");
		redis_arg_int(conn, page);
	}
}

/* --- what was answered --- */

static void add_item(struct items *items, struct consort_view text, const struct redis_reply *second,
		     int64_t position)
{
	items->items[items->nitems++] = (struct item){text, second, position};
}

static struct consort_view view_of(const struct redis_reply *reply)
{
	return redis_is_text(reply) ? (struct consort_view){reply->as.text, reply->size}
				    : (struct consort_view){"", 0};
}

/* [[id, [field, value, …]], …] */
static void take_entries(struct items *items, const struct redis_reply *entries)
{
	uint64_t i;

	for (i = 0; entries->kind == REDIS_REPLY_ARRAY && i < entries->size; i++) {
		const struct redis_reply *entry = &entries->as.items[i];

		if (entry->kind == REDIS_REPLY_ARRAY && entry->size == 2)
			add_item(items, view_of(&entry->as.items[0]), &entry->as.items[1], 0);
	}
}

/* What a single item's command answered. */
static void take_one(struct items *items, const struct consort_view *point, const struct redis_reply *reply)
{
	switch (items->compiled->layout->record) {
	case REDIS_LIST:
		if (redis_is_text(reply))
			add_item(items, view_of(reply), NULL, strtoll(point->data, NULL, 10));
		break;
	case REDIS_SET:
		if (reply->kind == REDIS_REPLY_INTEGER && reply->as.integer == 1)
			add_item(items, *point, NULL, 0);
		break;
	case REDIS_SORTED_SET:
		if (redis_is_text(reply))
			add_item(items, *point, reply, 0);
		break;
	default:
		take_entries(items, reply);
	}
}

static void take_list(struct items *items, const struct redis_reply *reply)
{
	uint64_t i;

	for (i = 0; i < reply->size; i++)
		add_item(items, view_of(&reply->as.items[i]), NULL, items->low++);
	items->over = reply->size < (uint64_t)items->conn->database->page || items->low > items->high;
}

/* The id behind the last one. */
static void take_stream(struct items *items, const struct redis_reply *reply)
{
	unsigned long long ms, sequence;
	const struct item *last;
	char *end;

	take_entries(items, reply);
	items->over = items->nitems < (uint64_t)items->conn->database->page;
	if (items->over)
		return;
	last = &items->items[items->nitems - 1];
	ms = strtoull(last->text.data, &end, 10);
	sequence = *end ? strtoull(end + 1, NULL, 10) : 0;
	items->over = ms == UINT64_MAX && sequence == UINT64_MAX;
	ms += sequence == UINT64_MAX;
	snprintf(items->place, sizeof(items->place), "%llu-%llu", ms, sequence + 1);
}

/* Members with scores: in pairs, or, as RESP3 has them, each in a list of its own. */
static uint32_t take_scores(struct items *items, const struct redis_reply *reply, bool met_once,
			    struct consort_error *error)
{
	uint64_t i;

	for (i = 0; i < reply->size;) {
		const struct redis_reply *pair = &reply->as.items[i];
		bool fresh = true;

		if (pair->kind == REDIS_REPLY_ARRAY && pair->size == 2) {
			pair = pair->as.items;
			i++;
		} else {
			i += 2;
		}
		if (i > reply->size || !redis_is_text(&pair[0]) || !redis_is_text(&pair[1]))
			return redis_fail_protocol(items->conn, "members without scores", error);
		if (!met_once &&
		    redis_seen_add(&items->seen, pair[0].as.text, (size_t)pair[0].size, &fresh, error))
			return error->status;
		if (fresh)
			add_item(items, view_of(&pair[0]), &pair[1], 0);
	}
	return CONSORT_OK;
}

static uint32_t take_scan(struct items *items, const struct redis_reply *reply, struct consort_error *error)
{
	const struct redis_reply *page = &reply->as.items[1];
	struct redis_link *link = items->pipe.commands->link;
	bool fresh, moved = items->link && items->link != link;
	uint32_t status = CONSORT_OK;
	uint64_t i;

	if (reply->size != 2 || !redis_is_text(&reply->as.items[0]) || page->kind != REDIS_REPLY_ARRAY)
		return redis_fail_protocol(items->conn, "a scan has another answer than a place and items",
					   error);
	/* on another node the place means something else */
	consort_copy_text(items->place, sizeof(items->place), moved ? "0" : reply->as.items[0].as.text);
	items->over = !moved && !strcmp(items->place, "0");
	items->link = link;
	if (items->compiled->layout->record == REDIS_SORTED_SET)
		return take_scores(items, page, false, error);
	for (i = 0; !status && i < page->size; i++) {
		status = redis_seen_add(&items->seen, view_of(&page->as.items[i]).data,
					(size_t)page->as.items[i].size, &fresh, error);
		if (!status && fresh)
			add_item(items, view_of(&page->as.items[i]), NULL, 0);
	}
	return status;
}

static uint32_t fail_reply(struct items *items, const struct redis_reply *reply, struct consort_error *error)
{
	const struct redis_layout *layout = items->compiled->layout;
	uint32_t status = redis_fail(items->conn, reply, layout->resource, error);

	if (redis_is_error(reply, "WRONGTYPE"))
		consort_error_set(error, status, "resource '%s': the key '%s' holds something else than a %s",
				  layout->resource->name, layout->head, redis_record_noun(layout->record));
	return status;
}

/* Room for all items of the replies. */
static bool make_room(struct items *items)
{
	const struct redis_pipe *pipe = &items->pipe;
	const struct redis_reply *reply = &pipe->commands->reply;
	uint64_t most = pipe->count;

	if (!items->one && reply->kind == REDIS_REPLY_ARRAY)
		most += reply->size == 2 && reply->as.items[1].kind == REDIS_REPLY_ARRAY
				? reply->as.items[1].size
				: reply->size;
	items->nitems = items->at = 0;
	items->items = consort_arena_array(&items->pipe.replies, (size_t)most, sizeof(*items->items));
	return items->items;
}

static uint32_t take(struct items *items, struct consort_error *error)
{
	const struct redis_pipe *pipe = &items->pipe;
	const struct redis_reply *reply = &pipe->commands->reply;
	enum redis_record record = items->compiled->layout->record;
	uint32_t i;

	for (i = 0; i < pipe->count; i++)
		if (pipe->commands[i].reply.kind == REDIS_REPLY_ERROR)
			return fail_reply(items, &pipe->commands[i].reply, error);
	if (!make_room(items))
		return consort_error_no_memory(error);
	for (i = 0; items->one && i < pipe->count; i++)
		take_one(items, &items->points[items->next++], &pipe->commands[i].reply);
	if (items->one)
		items->over = items->next == items->npoints;
	if (items->one)
		return CONSORT_OK;
	if (reply->kind != REDIS_REPLY_ARRAY)
		return redis_fail_protocol(items->conn, "items are no list", error);
	if (record == REDIS_LIST)
		take_list(items, reply);
	else if (record == REDIS_STREAM)
		take_stream(items, reply);
	else if (!items->ranged || record == REDIS_SET)
		return take_scan(items, reply, error);
	else if (reply->size >
		 FOUND_MOST * (reply->size && reply->as.items->kind == REDIS_REPLY_ARRAY ? 1u : 2u))
		items->ranged = false; /* too many at once: all are read */
	else {
		items->over = true;
		return take_scores(items, reply, true, error);
	}
	return CONSORT_OK;
}

static uint32_t fetch(struct items *items, struct consort_error *error)
{
	const struct redis_layout *layout = items->compiled->layout;
	const struct consort_view key = {layout->head, layout->head_size};
	struct redis_connection *conn = items->conn;
	struct redis_pipe pipe;
	uint32_t status;

	items->nitems = items->at = 0;
	if (items->one && items->next == items->npoints)
		items->over = true;
	if (items->over)
		return CONSORT_OK;
	status = conn->tx ? redis_tx_watch(conn, &key, 1, REDIS_ASK_NOTHING, error) : CONSORT_OK;
	if (!status) {
		ask(items);
		status = redis_run(conn, error);
	}
	if (status)
		return status;
	pipe = conn->pipe;
	conn->pipe = items->pipe;
	items->pipe = pipe;
	return take(items, error);
}

/* --- rows --- */

/* The last of the fields with that name. */
static struct consort_view find_field(const struct redis_reply *fields, const struct redis_attribute *own)
{
	uint64_t i;

	for (i = fields->kind == REDIS_REPLY_ARRAY ? fields->size / 2 : 0; i > 0; i--) {
		const struct redis_reply *pair = &fields->as.items[2 * (i - 1)];

		if (redis_is_text(pair) && pair->size == own->field_size &&
		    !memcmp(pair->as.text, own->field, own->field_size))
			return view_of(&pair[1]);
	}
	return (struct consort_view){NULL, 0};
}

static uint32_t append_cell(struct items *items, uint32_t at, struct consort_batch *batch,
			    struct consort_error *error)
{
	const struct redis_layout *layout = items->compiled->layout;
	const struct item *item = &items->items[items->at];
	uint32_t attribute = items->compiled->attributes[at];
	struct consort_column *column = &batch->columns[at];
	struct consort_view text = item->text;
	const char *hyphen;

	switch (role_of(items, attribute)) {
	case REDIS_POSITION:
		consort_append_int64(column, item->position);
		return CONSORT_OK;
	case REDIS_SCORE:
		text = view_of(item->second);
		break;
	case REDIS_ID_TIME:
		hyphen = memchr(text.data, '-', (size_t)text.size);
		text.size = hyphen ? (uint64_t)(hyphen - text.data) : text.size;
		break;
	case REDIS_FIELD:
		text = find_field(item->second, &layout->attributes[attribute]);
		break;
	default:
		break;
	}
	if (text.data)
		return redis_decode_into(layout, attribute, text.data, text.size, &items->conn->scratch,
					 batch, column, error);
	consort_append_null(column);
	return CONSORT_OK;
}

static uint32_t items_next(struct redis_cursor *base, const struct consort_call *call,
			   struct consort_batch *batch, struct consort_error *error)
{
	struct items *items = (struct items *)base;
	uint32_t i, status = redis_enter(items->conn, call, error);
	bool full = false;

	while (!status && !full) {
		for (; !status && !full && items->at < items->nitems; items->at++) {
			consort_arena_reset(&items->conn->scratch);
			for (i = 0; !status && i < items->compiled->ncolumns; i++)
				status = append_cell(items, i, batch, error);
			full = !status && consort_batch_end_row(batch);
		}
		if (status || full || items->over)
			break;
		status = fetch(items, error);
	}
	if (!status && items->over && items->at == items->nitems)
		batch->flags |= CONSORT_BATCH_LAST;
	redis_leave(items->conn);
	return status;
}

static void items_close(struct redis_cursor *base)
{
	struct items *items = (struct items *)base;

	redis_pipe_free(&items->pipe);
	redis_seen_clear(&items->seen);
	consort_arena_clear(&items->arena);
	free(items);
}

uint32_t redis_items_open(struct redis_connection *conn, const struct redis_compiled *compiled,
			  const struct consort_run *run, void **out_cursor, struct consort_error *error)
{
	struct items *items = calloc(1, sizeof(*items));
	uint32_t status;

	if (!items)
		return consort_error_no_memory(error);
	consort_arena_init(&items->arena, 0);
	consort_arena_init(&items->pipe.replies, 0);
	items->base.next = items_next;
	items->base.close = items_close;
	items->conn = conn;
	items->compiled = compiled;
	status = start(items, run, error);
	if (!status)
		status = fetch(items, error);
	if (status) {
		items_close(&items->base);
		return status;
	}
	*out_cursor = items;
	return CONSORT_OK;
}
