/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: values by name, as read, set, or told by the database after a write. One that could not be made,
 * NULL, goes through the setters to what writes it, which tells that there was no memory.
 */
#include "handle/handle.h"

#include <assert.h>

enum consort_status consort_record_make(struct consort *c, struct consort_access *access,
					struct consort_record **out_record, struct consort_error *error)
{
	uint32_t count = access ? access->resource->nattributes : 0;
	struct consort_record *r = calloc(1, sizeof(*r) + count * (sizeof(*r->values) + sizeof(*r->states)));

	if (!r)
		return consort_error_no_memory(error);
	r->values = (struct consort_value *)(void *)(r + 1);
	r->states = (uint8_t *)(r->values + count);
	r->access = access;
	r->handle = c;
	consort_arena_init(&r->arena, 0);
	if (c)
		consort_handle_hold(c);
	*out_record = r;
	return CONSORT_OK;
}

static void keep_error(struct consort_record *r, const struct consort_error *error)
{
	if (r->error || r->no_memory)
		return;
	r->error = malloc(sizeof(*r->error));
	r->no_memory = !r->error;
	if (r->error)
		*r->error = *error;
}

struct consort_record *consort_record_new(struct consort *c, const char *resource)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_handle_session session;
	struct consort_access *access = NULL;
	struct consort_record *r = NULL;

	if (!CONSORT_NEED(&error, c, resource) && !consort_handle_check(c, &error)) {
		consort_session_begin(&session, c);
		consort_access_open(&session, resource, &access, &error);
		consort_session_end(&session);
	}
	if (consort_record_make(c, access, &r, NULL))
		return NULL;
	if (error.status)
		keep_error(r, &error);
	return r;
}

void consort_record_free(struct consort_record *r)
{
	if (!r)
		return;
	consort_batch_free(r->row);
	consort_batch_free(r->written);
	consort_arena_clear(&r->arena);
	if (r->handle)
		consort_handle_drop(r->handle);
	free(r->error);
	free(r);
}

void consort_record_clear(struct consort_record *r)
{
	if (!r || !r->access)
		return;
	memset(r->states, CONSORT_FROM_ROW, r->access->resource->nattributes);
	r->touched = false;
	r->has_row = false;
	consort_arena_reset(&r->arena);
	free(r->error);
	r->error = NULL;
	r->no_memory = false;
}

/* The attribute's position. Programs set attributes in their order, so the one behind the last is looked at
 * first. */
static uint32_t position_of(struct consort_record *r, const char *attribute)
{
	const struct consort_resource *resource = r->access->resource;
	uint32_t at = r->next < resource->nattributes ? r->next : 0;

	if (at >= resource->nattributes || strcmp(resource->attributes[at]->name, attribute))
		at = consort_access_attribute(r->access, attribute);
	r->next = at + 1;
	return at;
}

void consort_record_set(struct consort_record *r, const char *attribute, struct consort_value value)
{
	struct consort_error error;
	uint32_t position;

	if (!r || r->error || r->no_memory || !r->access)
		return;
	if (CONSORT_NEED(&error, attribute)) {
		keep_error(r, &error);
		return;
	}
	position = position_of(r, attribute);
	if (position == CONSORT_NO_ATTRIBUTE) {
		consort_access_unknown(r->access, attribute, &error);
		keep_error(r, &error);
		return;
	}
	if (consort_access_settable(r->access, position, &error)) {
		keep_error(r, &error);
		return;
	}
	if (consort_value_accept(&value, r->access->resource->attributes[position]->type, &r->arena,
				 &r->values[position], &error)) {
		consort_error_blame(&error, r->access->resource->name, attribute);
		keep_error(r, &error);
		return;
	}
	r->states[position] = CONSORT_CHANGED;
	r->touched = true;
}

enum consort_status consort_record_status(const struct consort_record *r, struct consort_error *error)
{
	if (!r || r->no_memory)
		return (enum consort_status)consort_error_no_memory(error);
	if (!r->error)
		return r->access ? CONSORT_OK : (enum consort_status)consort_error_no_memory(error);
	if (error)
		*error = *r->error;
	return (enum consort_status)r->error->status;
}

struct consort_value consort_record_at(const struct consort_record *r, uint32_t position)
{
	if (r->states[position] != CONSORT_FROM_ROW)
		return r->values[position];
	if (!r->has_row)
		return consort_null();
	/* lists need room for their values; the arena only grows while the record is not changed */
	return consort_batch_value(r->row, position, 0, (struct consort_arena *)(uintptr_t)&r->arena);
}

enum consort_status consort_record_keep(struct consort_record *r, uint32_t position,
					const struct consort_value *value, struct consort_error *error)
{
	enum consort_status status =
		consort_value_accept(value, r->access->resource->attributes[position]->type, &r->arena,
				     &r->values[position], error);

	if (!status) {
		r->states[position] = CONSORT_KEPT;
		r->touched = true;
	}
	return status;
}

/* --- reading --- */

static inline uint32_t count_of(const struct consort_record *r)
{
	return r && r->access ? r->access->resource->nattributes : 0;
}

uint32_t consort_record_attributes(const struct consort_record *r)
{
	return count_of(r);
}

const char *consort_record_name(const struct consort_record *r, uint32_t index)
{
	return index < count_of(r) ? r->access->resource->attributes[index]->name : "";
}

struct consort_value consort_record_value(const struct consort_record *r, uint32_t index)
{
	return index < count_of(r) ? consort_record_at(r, index) : consort_null();
}

/* The value by name, if it is of that type; NULL otherwise. */
static struct consort_value value_of(const struct consort_record *r, const char *attribute, uint32_t types)
{
	struct consort_value value;
	uint32_t position;

	if (!r || !r->access || !attribute)
		return consort_null();
	position = consort_access_attribute(r->access, attribute);
	assert(position != CONSORT_NO_ATTRIBUTE);
	if (position == CONSORT_NO_ATTRIBUTE)
		return consort_null();
	value = consort_record_at(r, position);
	assert(consort_value_is_null(&value) || (types >> value.type.id & 1));
	return types >> value.type.id & 1 ? value : consort_null();
}

#define TYPE(name) (1u << CONSORT_TYPE_##name)

int consort_record_is_null(const struct consort_record *r, const char *attribute)
{
	const struct consort_value value = value_of(r, attribute, ~0u);

	return consort_value_is_null(&value);
}

int consort_record_bool(const struct consort_record *r, const char *attribute)
{
	return value_of(r, attribute, TYPE(BOOL)).as.int64 != 0;
}

int64_t consort_record_int64(const struct consort_record *r, const char *attribute)
{
	return value_of(r, attribute, TYPE(INT64)).as.int64;
}

double consort_record_float64(const struct consort_record *r, const char *attribute)
{
	const struct consort_value value = value_of(r, attribute, TYPE(FLOAT64));

	return consort_value_is_null(&value) ? 0 : value.as.float64;
}

struct consort_decimal consort_record_decimal(const struct consort_record *r, const char *attribute)
{
	return value_of(r, attribute, TYPE(DECIMAL)).as.decimal;
}

struct consort_view consort_record_bytes(const struct consort_record *r, const char *attribute)
{
	const struct consort_value value = value_of(r, attribute, TYPE(BYTES) | TYPE(TEXT) | TYPE(JSON));
	const struct consort_view empty = {"", 0};

	return consort_value_is_null(&value) ? empty : value.as.view;
}

const char *consort_record_text(const struct consort_record *r, const char *attribute)
{
	const struct consort_value value = value_of(r, attribute, TYPE(TEXT) | TYPE(JSON));
	const char *text;

	if (consort_value_is_null(&value))
		return "";
	if (r->states[consort_access_attribute(r->access, attribute)] != CONSORT_FROM_ROW)
		return value.as.view.data; /* the arena's copies end with a NUL */
	text = consort_arena_copy((struct consort_arena *)(uintptr_t)&r->arena, value.as.view.data,
				  value.as.view.size);
	return text ? text : "";
}

int64_t consort_record_timestamp(const struct consort_record *r, const char *attribute)
{
	return value_of(r, attribute, TYPE(TIMESTAMP)).as.int64;
}

int32_t consort_record_date(const struct consort_record *r, const char *attribute)
{
	return (int32_t)value_of(r, attribute, TYPE(DATE)).as.int64;
}

int64_t consort_record_time(const struct consort_record *r, const char *attribute)
{
	return value_of(r, attribute, TYPE(TIME)).as.int64;
}
