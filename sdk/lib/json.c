/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON without a tree. The events of one pass go by; the values that are asked for are picked out of
 * them, and of an object or array a compact text is written meanwhile. All four ways of reading differ only
 * in which values they take and where these go.
 */
#include "json_keys.h"
#include "json_scan.h"

#include <consort/convert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum mode { COMPACT, AT, MEMBERS, ELEMENTS };

struct consort_json_reader {
	struct consort_json_scan scan;
	struct consort_buffer text;    /* the value delivered, if it is not where it was read */
	struct consort_json_keys keys; /* MEMBERS: those seen */
	int busy;                      /* a pass is under way */

	/* of one pass */
	enum mode mode;
	struct consort_error *error;
	uint32_t depth;      /* objects and arrays that are open */
	uint32_t path_depth; /* the outermost of them that lead to what is wanted */
	int is_object;       /* the innermost of those */
	int done;            /* there is nothing more to take */

	/* the value being written */
	struct consort_buffer *out; /* NULL: none */
	size_t out_start;
	uint32_t out_depth;         /* `depth` in front of it */
	uint32_t out_kind;

	/* AT */
	const struct consort_json_step *steps;
	uint32_t nsteps;
	int64_t first;       /* the position that steps[0] means, if it is one */
	int64_t position;    /* of the next element */
	int key_matches;
	uint64_t array_start; /* of the array whose length a negative position waits for */
	uint64_t array_end;   /* 0: none */
	struct consort_json_value found;

	/* MEMBERS, ELEMENTS */
	uint32_t (*member)(void *context, struct consort_view key, const struct consort_json_value *value);
	uint32_t (*element)(void *context, const struct consort_json_value *value);
	void *context;
	uint32_t root_kind;
};

struct consort_json_reader *consort_json_reader_new(void)
{
	struct consort_json_reader *reader = calloc(1, sizeof(*reader));

	if (reader)
		consort_json_scan_init(&reader->scan);
	return reader;
}

void consort_json_reader_free(struct consort_json_reader *reader)
{
	if (!reader)
		return;
	consort_json_scan_clear(&reader->scan);
	consort_buffer_clear(&reader->text);
	consort_json_keys_clear(&reader->keys);
	free(reader);
}

const char *consort_json_noun(uint32_t kind)
{
	static const char *const nouns[] = {
		[CONSORT_JSON_NONE] = "nothing", [CONSORT_JSON_NULL] = "null",
		[CONSORT_JSON_BOOL] = "a boolean", [CONSORT_JSON_NUMBER] = "a number",
		[CONSORT_JSON_STRING] = "a string", [CONSORT_JSON_OBJECT] = "an object",
		[CONSORT_JSON_ARRAY] = "an array",
	};

	return kind <= CONSORT_JSON_ARRAY ? nouns[kind] : "unknown";
}

/* --- writing --- */

/* In front of a key or value: the last token tells whether one of the same object or array stands before. */
static void write_comma(struct consort_json_reader *reader)
{
	const struct consort_buffer *out = reader->out;

	if (out->size > reader->out_start && !strchr("{[:", out->data[out->size - 1]))
		consort_buffer_char(reader->out, ',');
}

static void write_event(struct consort_json_reader *reader, const struct consort_json_event *event)
{
	struct consort_buffer *out = reader->out;

	if (event->kind != CONSORT_JSON_OBJECT_END && event->kind != CONSORT_JSON_ARRAY_END)
		write_comma(reader);
	switch (event->kind) {
	case CONSORT_JSON_OBJECT:
		consort_buffer_char(out, '{');
		break;
	case CONSORT_JSON_ARRAY:
		consort_buffer_char(out, '[');
		break;
	case CONSORT_JSON_OBJECT_END:
		consort_buffer_char(out, '}');
		break;
	case CONSORT_JSON_ARRAY_END:
		consort_buffer_char(out, ']');
		break;
	case CONSORT_JSON_KEY:
		consort_json_quote(out, event->text.data, event->text.size);
		consort_buffer_char(out, ':');
		break;
	case CONSORT_JSON_STRING:
		consort_json_quote(out, event->text.data, event->text.size);
		break;
	default:
		consort_buffer_append(out, event->text.data, event->text.size);
	}
}

/* --- what is wanted --- */

enum choice { SKIP, DESCEND, TAKE };

static int is_container(uint32_t kind)
{
	return kind == CONSORT_JSON_OBJECT || kind == CONSORT_JSON_ARRAY;
}

static int64_t wanted_position(const struct consort_json_reader *reader, uint32_t step)
{
	return step ? reader->steps[step].index : reader->first;
}

/* Does a value in the innermost object or array of the path go on with it? */
static int step_matches(struct consort_json_reader *reader)
{
	uint32_t step = reader->path_depth - 1;

	if (reader->is_object)
		return reader->key_matches;
	return reader->position++ == wanted_position(reader, step) && !reader->steps[step].key;
}

static enum choice choose_at(struct consort_json_reader *reader, const struct consort_json_event *event)
{
	if (reader->path_depth && !step_matches(reader))
		return SKIP;
	if (reader->path_depth == reader->nsteps)
		return TAKE;
	if (!is_container(event->kind)) {
		reader->done = 1;
		return SKIP;
	}
	reader->position = 0;
	reader->key_matches = 0;
	reader->array_start = event->end - 1;
	return DESCEND;
}

/* The root must be of one kind; of it, everything inside is wanted. */
static enum choice choose_child(struct consort_json_reader *reader, const struct consort_json_event *event,
				uint32_t kind)
{
	if (reader->path_depth)
		return TAKE;
	reader->root_kind = event->kind;
	reader->done = event->kind != kind;
	return reader->done ? SKIP : DESCEND;
}

static enum choice choose(struct consort_json_reader *reader, const struct consort_json_event *event)
{
	if (reader->done || reader->depth != reader->path_depth)
		return SKIP;
	switch (reader->mode) {
	case AT:
		return choose_at(reader, event);
	case MEMBERS:
		return choose_child(reader, event, CONSORT_JSON_OBJECT);
	case ELEMENTS:
		return choose_child(reader, event, CONSORT_JSON_ARRAY);
	default: /* COMPACT writes from the start */
		return SKIP;
	}
}

static uint32_t no_memory(struct consort_json_reader *reader)
{
	return consort_error_no_memory(reader->error);
}

static uint32_t deliver(struct consort_json_reader *reader, struct consort_json_value value)
{
	if (reader->mode == MEMBERS)
		return reader->member(reader->context, consort_json_keys_last(&reader->keys), &value);
	if (reader->mode == ELEMENTS)
		return reader->element(reader->context, &value);
	reader->found = value;
	reader->done = 1;
	return CONSORT_OK;
}

/* A string or another value that is one token. What AT delivers outlives the document. */
static uint32_t take_scalar(struct consort_json_reader *reader, const struct consort_json_event *event)
{
	struct consort_json_value value = {event->kind, event->boolean, {NULL, 0}};

	if (event->kind == CONSORT_JSON_STRING || event->kind == CONSORT_JSON_NUMBER)
		value.text = event->text;
	if (reader->mode == AT) {
		consort_buffer_append(&reader->text, value.text.data, value.text.size);
		if (reader->text.failed)
			return no_memory(reader);
		value.text.data = reader->text.data;
	}
	return deliver(reader, value);
}

/* --- events --- */

static void begin_writing(struct consort_json_reader *reader, uint32_t kind)
{
	consort_buffer_reset(&reader->text);
	reader->out = &reader->text;
	reader->out_start = 0;
	reader->out_depth = reader->depth;
	reader->out_kind = kind;
}

static uint32_t end_writing(struct consort_json_reader *reader)
{
	struct consort_buffer *out = reader->out;
	struct consort_json_value value = {reader->out_kind, 0, {NULL, 0}};

	if (out->failed)
		return no_memory(reader);
	value.text.data = out->data;
	value.text.size = out->size;
	reader->out = NULL;
	return deliver(reader, value);
}

static uint32_t on_value(struct consort_json_reader *reader, const struct consort_json_event *event)
{
	enum choice choice = reader->out ? SKIP : choose(reader, event);

	if (choice == TAKE && !is_container(event->kind))
		return take_scalar(reader, event);
	if (choice == TAKE)
		begin_writing(reader, event->kind);
	if (reader->out)
		write_event(reader, event);
	if (!is_container(event->kind))
		return CONSORT_OK;
	reader->depth++;
	if (choice == DESCEND) {
		reader->path_depth = reader->depth;
		reader->is_object = event->kind == CONSORT_JSON_OBJECT;
	}
	return CONSORT_OK;
}

static uint32_t on_key(struct consort_json_reader *reader, const struct consort_json_event *event)
{
	char shown[CONSORT_SHOWN_SIZE], what[CONSORT_SHOWN_SIZE + 64];

	if (reader->out) {
		write_event(reader, event);
		return CONSORT_OK;
	}
	if (reader->done || reader->depth != reader->path_depth)
		return CONSORT_OK;
	if (reader->mode == AT) {
		const struct consort_json_step *step = &reader->steps[reader->path_depth - 1];

		reader->key_matches = step->key && step->key_size == event->text.size &&
				      !memcmp(step->key, event->text.data, event->text.size);
		return CONSORT_OK;
	}
	switch (consort_json_keys_add(&reader->keys, event->text)) {
	case CONSORT_JSON_KEYS_FAILED:
		return no_memory(reader);
	case CONSORT_JSON_KEYS_OLD:
		snprintf(what, sizeof(what), "the member '%s' stands twice in one object",
			 consort_shown(event->text.data, event->text.size, shown));
		return consort_json_scan_wrong(&reader->scan, CONSORT_ERANGE, event->end, what);
	default:
		return CONSORT_OK;
	}
}

static uint32_t on_end(struct consort_json_reader *reader, const struct consort_json_event *event)
{
	reader->depth--;
	if (reader->out) {
		write_event(reader, event);
		return reader->depth == reader->out_depth ? end_writing(reader) : CONSORT_OK;
	}
	if (reader->depth >= reader->path_depth)
		return CONSORT_OK;
	/* The innermost of the path is over. Only one value of the one around it could go on with the path,
	 * and of a key the first: so this is the end, unless a position counts from here. */
	if (reader->mode == AT && !reader->done && !reader->is_object && !reader->steps[reader->depth].key &&
	    wanted_position(reader, reader->depth) < 0)
		reader->array_end = event->end;
	reader->done = 1;
	return CONSORT_OK;
}

static uint32_t on_event(void *context, const struct consort_json_event *event)
{
	struct consort_json_reader *reader = context;

	switch (event->kind) {
	case CONSORT_JSON_KEY:
		return on_key(reader, event);
	case CONSORT_JSON_OBJECT_END:
	case CONSORT_JSON_ARRAY_END:
		return on_end(reader, event);
	default:
		return on_value(reader, event);
	}
}

/* --- the calls --- */

static uint32_t in_use(struct consort_error *error)
{
	return consort_error_set(error, CONSORT_EINVAL, "a JSON reader is used within its own callback");
}

static uint32_t pass_over(struct consort_json_reader *reader, enum mode mode, struct consort_view document,
			  struct consort_error *error)
{
	uint32_t status;

	reader->mode = mode;
	reader->error = error;
	reader->depth = 0;
	reader->path_depth = 0;
	reader->done = 0;
	reader->array_end = 0;
	reader->busy = 1;
	status = consort_json_scan_run(&reader->scan, document, on_event, reader, error);
	reader->busy = 0;
	reader->out = NULL;
	return status;
}

uint32_t consort_json_at(struct consort_json_reader *reader, struct consort_view document,
			 const struct consort_json_step *steps, uint32_t nsteps,
			 struct consort_json_value *out_value, struct consort_error *error)
{
	uint32_t status;

	if (reader->busy)
		return in_use(error);
	memset(&reader->found, 0, sizeof(reader->found));
	consort_buffer_reset(&reader->text);
	reader->steps = steps;
	reader->nsteps = nsteps;
	reader->first = nsteps ? steps[0].index : 0;
	while (!(status = pass_over(reader, AT, document, error)) && reader->array_end) {
		/* the length of the array with the position from its end is known now: again, from there */
		uint32_t step = reader->path_depth - 1;
		int64_t position = wanted_position(reader, step) + reader->position;

		if (position < 0)
			break;
		document.data += reader->array_start;
		document.size = reader->array_end - reader->array_start;
		reader->steps += step;
		reader->nsteps -= step;
		reader->first = position;
	}
	if (!status)
		*out_value = reader->found;
	return status;
}

static uint32_t wrong_root(const struct consort_json_reader *reader, const char *wanted,
			   struct consort_error *error)
{
	return consort_error_set(error, CONSORT_ETYPE, "the JSON text is %s, not %s",
				 consort_json_noun(reader->root_kind), wanted);
}

uint32_t consort_json_members(struct consort_json_reader *reader, struct consort_view document,
			      uint32_t (*member)(void *context, struct consort_view key,
						 const struct consort_json_value *value),
			      void *context, struct consort_error *error)
{
	uint32_t status;

	if (reader->busy)
		return in_use(error);
	reader->member = member;
	reader->context = context;
	consort_json_keys_reset(&reader->keys);
	status = pass_over(reader, MEMBERS, document, error);
	if (!status && reader->root_kind != CONSORT_JSON_OBJECT)
		status = wrong_root(reader, "an object", error);
	return status;
}

uint32_t consort_json_elements(struct consort_json_reader *reader, struct consort_view document,
			       uint32_t (*element)(void *context, const struct consort_json_value *value),
			       void *context, struct consort_error *error)
{
	uint32_t status;

	if (reader->busy)
		return in_use(error);
	reader->element = element;
	reader->context = context;
	status = pass_over(reader, ELEMENTS, document, error);
	if (!status && reader->root_kind != CONSORT_JSON_ARRAY)
		status = wrong_root(reader, "an array", error);
	return status;
}

uint32_t consort_json_compact(struct consort_json_reader *reader, struct consort_view document,
			      struct consort_buffer *out, struct consort_error *error)
{
	size_t start = out->size;
	uint32_t status;

	if (reader->busy)
		return in_use(error);
	reader->out = out;
	reader->out_start = start;
	reader->out_depth = UINT32_MAX; /* to the document's end */
	status = pass_over(reader, COMPACT, document, error);
	if (!status && out->failed)
		status = consort_error_no_memory(error);
	if (status && out->data) {
		out->size = start;
		out->data[start] = '\0';
	}
	return status;
}
