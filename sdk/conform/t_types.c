/* SPDX-License-Identifier: Apache-2.0 */
/* Values of each type, written and read again: the same, or refused, and never another. */
#include "drive.h"

/* Ordinary values, the first of each type's edges, must be taken. */
#define ORDINARY 3

static uint32_t find_attribute(const struct world *world, uint16_t type)
{
	uint32_t i, found = UINT32_MAX;

	for (i = 0; i < world->resource->nattributes; i++)
		if (world->resource->attributes[i]->type.id == type &&
		    !(world->resource->attributes[i]->flags & CONSORT_ATTRIBUTE_READ_ONLY) &&
		    (found == UINT32_MAX || world_is_key(world, found)))
			found = i;
	return found;
}

static void check_read(struct world *world, const struct consort_value *row, uint32_t attribute)
{
	struct consort_buffer was = CONSORT_BUFFER_INIT, is = CONSORT_BUFFER_INIT;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *record = NULL;
	struct consort_value value;

	conform_value_print(&row[attribute], &was);
	if (consort_get(world->c, world->item, world_key(world, row), &record, &error))
		conform_fail("%s is written, and its record cannot be read: %s", was.data, error.message);
	value = consort_record_value(record, attribute);
	conform_value_print(&value, &is);
	REQUIRE(conform_value_equal(&value, &row[attribute]), "%s is written, and %s is read", was.data,
		is.data);
	consort_record_free(record);
	consort_buffer_clear(&was);
	consort_buffer_clear(&is);
}

/* Writes a record with this value and reads it again; false: it was refused. */
static bool round_trip(struct world *world, uint32_t attribute, struct consort_value value, size_t nth,
		       bool ordinary)
{
	struct consort_value *row =
		consort_arena_array(&world->arena, world->resource->nattributes + 1, sizeof(*row));
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_error error = CONSORT_ERROR_INIT;
	enum consort_status status;

	NEED(row);
	world_row(world, nth, row);
	row[attribute] = value;
	status = world_create(world, world->item, row, &error);
	conform_value_print(&value, &text);
	if (status)
		REQUIRE(!ordinary, "%s is an ordinary value, and refused: %s", text.data, error.message);
	if (status)
		REQUIRE(status == CONSORT_ERANGE || status == CONSORT_ETYPE ||
				status == CONSORT_EUNSUPPORTED || status == CONSORT_ECONSTRAINT ||
				status == CONSORT_EENGINE,
			"%s is refused with status %u: %s", text.data, status, error.message);
	consort_buffer_clear(&text);
	if (status)
		return false;
	check_read(world, row, attribute);
	if (!world->made && consort_features_has(&world->conform->facts.features, CONSORT_FEATURE_DELETE))
		consort_delete(world->c, world->item, world_key(world, row), &error);
	return true;
}

static void test_type(struct conform *conform, uint16_t id)
{
	const struct consort_attribute *attribute;
	struct world world;
	uint32_t at, n;

	world_open(&world, conform, NULL);
	world_make(&world);
	world_need_writes(&world);
	at = find_attribute(&world, id);
	if (at == UINT32_MAX)
		conform_skip("there is no attribute of that type");
	attribute = world.resource->attributes[at];
	for (n = 0;; n++) {
		const struct consort_value value = conform_edge(attribute->type, n, &world.arena);

		if (consort_value_is_null(&value))
			break;
		round_trip(&world, at, value, n, n < ORDINARY);
	}
	if (!(attribute->flags & CONSORT_ATTRIBUTE_NOT_NULL) && !world_is_key(&world, at))
		round_trip(&world, at, consort_null(), n, true);
	world_close(&world);
}

#define TYPE(name, id)                                   \
	static void test_##name(struct conform *conform) \
	{                                                \
		test_type(conform, CONSORT_TYPE_##id);   \
	}
TYPE(bool, BOOL)
TYPE(int64, INT64)
TYPE(float64, FLOAT64)
TYPE(decimal, DECIMAL)
TYPE(text, TEXT)
TYPE(bytes, BYTES)
TYPE(timestamp, TIMESTAMP)
TYPE(date, DATE)
TYPE(time, TIME)
TYPE(uuid, UUID)
TYPE(objectid, OBJECTID)
TYPE(json, JSON)
TYPE(list, LIST)

#define ENTRY(name)                                    \
	TEST("type-" #name, test_##name, CREATE, 0, 0, \
	     "Every " #name " that is written is read again as it was.")

const struct conform_test conform_type_tests[] = {
	ENTRY(bool),	 ENTRY(int64),	   ENTRY(float64), ENTRY(decimal), ENTRY(text),
	ENTRY(bytes),	 ENTRY(timestamp), ENTRY(date),	   ENTRY(time),	   ENTRY(uuid),
	ENTRY(objectid), ENTRY(json),	   ENTRY(list),	   CONFORM_END,
};
