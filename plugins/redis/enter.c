/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records that are there, for define and drop: keys page by page, and their entries in indexes. A record
 * is entered only if it still is what was read; one that others have changed is read again.
 */
#include "define.h"

#define ROWS_MOST 256u /* of one call of a script */
#define TRIES_MOST 100

/* --- pages of keys --- */

/* The keys of a page that are the resource's: every item, or every second one. */
static uint32_t take_keys(struct redis_define *define, const struct redis_reply *page, uint32_t step)
{
	struct redis_connection *conn = define->conn;
	const struct redis_layout *layout = define->layout;
	uint32_t status = CONSORT_OK;
	uint64_t i;

	consort_arena_reset(&define->arena);
	define->nkeys = 0;
	define->keys = consort_arena_array(&define->arena, (size_t)page->size, sizeof(*define->keys));
	if (!define->keys)
		return consort_error_no_memory(define->error);
	for (i = 0; !status && i < page->size; i += step) {
		const struct redis_reply *key = &page->as.items[i];
		struct consort_view *view = &define->keys[define->nkeys];
		struct consort_value *values;
		bool ours = false;

		consort_arena_reset(&conn->scratch);
		values = consort_arena_array(&conn->scratch, layout->nkeys, sizeof(*values));
		if (!values)
			return consort_error_no_memory(define->error);
		status = redis_key_parse(layout, key->as.text, key->size, &conn->scratch, &conn->text, values,
					 &ours, define->error);
		if (status || !ours)
			continue;
		*view = (struct consort_view){
			consort_arena_copy(&define->arena, key->as.text, (size_t)key->size), key->size};
		if (!view->data)
			return consort_error_no_memory(define->error);
		define->nkeys++;
	}
	return status;
}

uint32_t redis_each_page(struct redis_define *define, uint32_t (*fn)(struct redis_define *define))
{
	struct redis_connection *conn = define->conn;
	const struct redis_reply *page = NULL;
	struct redis_scan scan = {.node = 0};
	uint32_t status = redis_scan_begin(conn, define->layout, &scan, define->error);

	while (!status && !redis_scan_is_over(&scan)) {
		redis_begin(conn);
		redis_scan_ask(conn, define->layout, &scan);
		status = redis_run(conn, define->error);
		if (!status)
			status = redis_scan_take(conn, &scan, redis_reply(conn, 0), &page, define->error);
		if (!status)
			status = take_keys(define, page, 1);
		if (!status && define->nkeys)
			status = fn(define);
		if (!status && redis_scan_is_over(&scan))
			status = redis_scan_close_pass(conn, &scan, define->error);
	}
	redis_scan_end(&scan);
	return status;
}

/* --- entering records --- */

static void ask_for(struct redis_define *define, const struct consort_view *key)
{
	struct redis_connection *conn = define->conn;
	const struct redis_layout *layout = define->layout;
	int32_t slot = redis_slot(conn, key->data, (size_t)key->size);
	uint32_t i;

	if (layout->record == REDIS_JSON || !define->nfields) {
		redis_add(conn, slot, 2);
		redis_arg_text(conn, layout->record == REDIS_JSON ? "GET" : "TYPE");
		redis_arg(conn, key->data, (size_t)key->size);
		return;
	}
	redis_add(conn, slot, 2 + define->nfields);
	redis_arg_text(conn, "HMGET");
	redis_arg(conn, key->data, (size_t)key->size);
	for (i = 0; i < define->nfields; i++) {
		const struct redis_attribute *own =
			&layout->attributes[layout->indexes[define->fields[i]].attribute];

		redis_arg(conn, own->field, own->field_size);
	}
}

/* The entries of one record, in the connection's scratch; without a text: none. */
struct entries {
	struct redis_define *define;
	struct consort_view *views; /* [nindexes] */
};

static uint32_t set_entry(struct entries *entries, uint32_t index, const struct consort_value *value)
{
	struct redis_define *define = entries->define;
	struct consort_view *view = &entries->views[index];

	consort_buffer_reset(&define->text);
	redis_index_value(value, &define->text);
	view->size = define->text.size;
	view->data = define->text.failed ? NULL
					 : consort_arena_copy(&define->conn->scratch, define->text.data,
							      define->text.size);
	return view->data ? CONSORT_OK : consort_error_no_memory(define->error);
}

/* Of the field at that position of define->fields. */
static uint32_t take_field(void *context, uint32_t field, struct consort_view text,
			   struct consort_error *error)
{
	struct entries *entries = context;
	const struct redis_define *define = entries->define;
	uint32_t index = define->fields[field];
	struct consort_value value;
	uint32_t status = redis_decode(define->layout, define->layout->indexes[index].attribute, text.data,
				       text.size, &define->conn->scratch, &value, error);

	return status ? status : set_entry(entries, index, &value);
}

static uint32_t take_hash(struct entries *entries, const struct redis_reply *reply)
{
	struct redis_define *define = entries->define;
	uint32_t i, status = CONSORT_OK;

	for (i = 0; !status && i < define->nfields; i++) {
		const struct redis_reply *item = &reply->as.items[i];

		consort_buffer_reset(&define->text);
		if (redis_is_text(item)) {
			consort_buffer_char(&define->text, '=');
			consort_buffer_append(&define->text, item->as.text, (size_t)item->size);
		}
		redis_append_arg(&define->args, define->text.data, define->text.size);
		if (redis_is_text(item))
			status = take_field(entries, i, (struct consort_view){item->as.text, item->size},
					    define->error);
	}
	return status;
}

static uint32_t take_document(struct entries *entries, const struct redis_reply *reply)
{
	struct redis_define *define = entries->define;
	const struct redis_layout *layout = define->layout;
	struct consort_view document = {reply->as.text, reply->size};
	uint32_t *attributes =
		consort_arena_array(&define->conn->scratch, define->nfields, sizeof(*attributes));
	uint32_t i;

	if (!attributes)
		return consort_error_no_memory(define->error);
	for (i = 0; i < define->nfields; i++)
		attributes[i] = layout->indexes[define->fields[i]].attribute;
	redis_append_arg(&define->args, document.data, (size_t)document.size);
	return redis_document_members(define->conn, layout, document, attributes, define->nfields, take_field,
				      entries, define->error);
}

/* Parts of the key are taken from the key. */
static uint32_t take_parts(struct entries *entries, const struct consort_view *key)
{
	struct redis_define *define = entries->define;
	const struct redis_layout *layout = define->layout;
	struct consort_arena *scratch = &define->conn->scratch;
	struct consort_value *values = consort_arena_array(scratch, layout->nkeys, sizeof(*values));
	uint32_t i, status;
	bool ours;

	if (!values)
		return consort_error_no_memory(define->error);
	status = redis_key_parse(layout, key->data, key->size, scratch, NULL, values, &ours, define->error);
	for (i = 0; !status && i < layout->nindexes; i++) {
		int32_t part = layout->attributes[layout->indexes[i].attribute].part;

		if (part >= 0)
			status = set_entry(entries, i, &values[part]);
	}
	return status;
}

/* Adds a record as it was read to the script's arguments. */
static uint32_t add_record(struct redis_define *define, const struct consort_view *key,
			   const struct redis_reply *reply)
{
	const struct redis_layout *layout = define->layout;
	struct entries entries = {define, NULL};
	uint32_t i, status;

	consort_arena_reset(&define->conn->scratch);
	entries.views = consort_arena_array(&define->conn->scratch, layout->nindexes, sizeof(*entries.views));
	if (!entries.views)
		return consort_error_no_memory(define->error);
	memset(entries.views, 0, layout->nindexes * sizeof(*entries.views));
	status = take_parts(&entries, key);
	if (!status && layout->record == REDIS_JSON)
		status = take_document(&entries, reply);
	else if (!status && define->nfields)
		status = take_hash(&entries, reply);
	for (i = 0; !status && i < layout->nindexes; i++) {
		const struct consort_view *view = &entries.views[i];

		redis_append_arg(&define->args, view->data ? view->data : "-",
				 view->data ? (size_t)view->size : 1);
	}
	return status;
}

static uint32_t run_enter(struct redis_define *define, const struct consort_view *keys, const uint32_t *rows,
			  uint32_t count)
{
	struct redis_connection *conn = define->conn;
	const struct redis_layout *layout = define->layout;
	bool document = layout->record == REDIS_JSON;
	uint32_t nkeys = count + 2 * layout->nindexes, each = document ? 1 : define->nfields, i;

	redis_begin(conn);
	redis_add_script(conn, redis_define_slot(define, layout->defined),
			 REDIS_SCRIPT_ARGS + nkeys + 3 + (document ? 0 : define->nfields) +
				 count * (each + layout->nindexes),
			 REDIS_SCRIPT_ENTER, nkeys);
	for (i = 0; i < count; i++)
		redis_arg(conn, keys[rows[i]].data, (size_t)keys[rows[i]].size);
	redis_index_keys(layout, &conn->pipe.bytes);
	redis_arg_int(conn, count);
	redis_arg_text(conn, document ? "string" : "hash");
	redis_arg_int(conn, document ? 0 : define->nfields);
	for (i = 0; !document && i < define->nfields; i++)
		redis_arg_text(conn, layout->attributes[layout->indexes[define->fields[i]].attribute].field);
	redis_arg_bytes(conn, define->args.data, define->args.size);
	conn->pipe.failed |= define->args.failed || define->text.failed;
	return redis_run_well(conn, define->error);
}

/* Reads those records and enters them; leaves in `rows` those that have changed meanwhile. */
static uint32_t enter_some(struct redis_define *define, const struct consort_view *keys, uint32_t *rows,
			   uint32_t *count)
{
	struct redis_connection *conn = define->conn;
	const struct redis_reply *reply;
	uint32_t i, there = 0, status;

	redis_begin(conn);
	for (i = 0; i < *count; i++)
		ask_for(define, &keys[rows[i]]);
	status = redis_run(conn, define->error);
	consort_buffer_reset(&define->args);
	for (i = 0; !status && i < *count; i++) {
		reply = redis_reply(conn, i);
		if (reply->kind == REDIS_REPLY_NIL || redis_is_error(reply, "WRONGTYPE"))
			continue; /* it is gone */
		if (reply->kind == REDIS_REPLY_ERROR)
			return redis_fail(conn, reply, define->layout->resource, define->error);
		status = add_record(define, &keys[rows[i]], reply);
		rows[there++] = rows[i];
	}
	if (!status && there)
		status = run_enter(define, keys, rows, there);
	*count = 0;
	if (status || !there)
		return status;
	reply = redis_reply(conn, 0);
	if (reply->kind != REDIS_REPLY_ARRAY)
		return redis_fail_protocol(conn, "the script answers no list", define->error);
	for (i = 0; i < reply->size && i < there; i++)
		rows[(*count)++] = rows[reply->as.items[i].as.integer - 1];
	return CONSORT_OK;
}

uint32_t redis_enter_page(struct redis_define *define)
{
	uint32_t rows[ROWS_MOST], first, status = CONSORT_OK;

	for (first = 0; !status && first < define->nkeys; first += ROWS_MOST) {
		uint32_t count, i, tries;

		for (count = 0; count < ROWS_MOST && first + count < define->nkeys; count++)
			rows[count] = first + count;
		for (tries = 0; !status && count && tries < TRIES_MOST; tries++)
			status = enter_some(define, define->keys, rows, &count);
		for (i = 0; !status && i < count; i++)
			status = consort_error_set(define->error, CONSORT_ECONFLICT,
						   "resource '%s': others changed a record each time it was "
						   "to be entered into an index",
						   define->layout->resource->name);
	}
	return status;
}

/* --- what indexes have of records that are gone --- */

static uint32_t sweep_page(struct redis_define *define)
{
	uint32_t first, count, status = CONSORT_OK;

	for (first = 0; !status && first < define->nkeys; first += count) {
		count = define->nkeys - first < ROWS_MOST ? define->nkeys - first : ROWS_MOST;
		status = redis_forget(define->conn, define->layout, define->keys + first, count,
				      define->error);
	}
	return status;
}

uint32_t redis_sweep(struct redis_define *define, const struct redis_index *index)
{
	struct redis_connection *conn = define->conn;
	char position[24] = "0";
	uint32_t status = CONSORT_OK;

	do {
		const struct redis_reply *reply;

		redis_begin(conn);
		redis_add(conn, redis_define_slot(define, index->values), 5);
		redis_arg_text(conn, "HSCAN");
		redis_arg_text(conn, index->values);
		redis_arg_text(conn, position);
		redis_arg_text(conn, "COUNT");
		redis_arg_int(conn, conn->database->page);
		status = redis_run_well(conn, define->error);
		if (status)
			return status;
		reply = redis_reply(conn, 0);
		if (reply->kind != REDIS_REPLY_ARRAY || reply->size != 2 ||
		    !redis_is_text(&reply->as.items[0]))
			return redis_fail_protocol(conn, "HSCAN answers something else", define->error);
		consort_copy_text(position, sizeof(position), reply->as.items[0].as.text);
		status = take_keys(define, &reply->as.items[1], 2);
		if (!status)
			status = sweep_page(define);
	} while (!status && strcmp(position, "0"));
	return status;
}

uint32_t redis_define_fields(struct redis_define *define)
{
	const struct redis_layout *layout = define->layout;
	uint32_t i;

	define->fields =
		consort_arena_array(&define->layout->arena, layout->nindexes, sizeof(*define->fields));
	for (i = 0; define->fields && i < layout->nindexes; i++)
		if (layout->attributes[layout->indexes[i].attribute].part < 0)
			define->fields[define->nfields++] = i;
	return define->fields ? CONSORT_OK : consort_error_no_memory(define->error);
}
