/* SPDX-License-Identifier: Apache-2.0 */
/* Features that are off: each bit of the mask, taken away by the manifest. */
#include "drive.h"

#include <stdio.h>

static enum consort_status ask_query(struct world *world, const char *where, struct consort_error *error)
{
	struct consort_query *query = consort_query_new(world->c, world->item);
	struct consort_cursor *rows = NULL;
	enum consort_status status;

	if (where)
		consort_query_where(query, where);
	status = consort_query_run(query, CONSORT_NO_ARGS, &rows, error);
	consort_cursor_close(rows);
	consort_query_free(query);
	return status;
}

static enum consort_status ask_transaction(struct world *world, bool savepoint, struct consort_error *error)
{
	struct consort_error ignored;
	struct consort *in = NULL;
	enum consort_status status = consort_begin(world->c, "subject", &in, error);

	if (!status && savepoint)
		status = consort_savepoint(in, "one", error);
	if (in)
		consort_rollback(in, &ignored);
	return status;
}

/* By a record of ours that is not there. */
static enum consort_status ask_write(struct world *world, int feature, struct consort_error *error)
{
	struct consort_value *row = world_new_row(world, 900);
	struct consort_record *record = consort_record_new(world->c, world->item);
	enum consort_status status;
	uint32_t i;

	for (i = 0; i < world->resource->nattributes; i++)
		consort_record_set(record, world->resource->attributes[i]->name, row[i]);
	if (feature == CONSORT_FEATURE_CREATE)
		status = consort_create(world->c, record, error);
	else if (feature == CONSORT_FEATURE_UPDATE)
		status = consort_update(world->c, record, error);
	else if (feature == CONSORT_FEATURE_UPSERT)
		status = consort_upsert(world->c, record, error);
	else
		status = consort_delete(world->c, world->item, world_key(world, row), error);
	consort_record_free(record);
	return status;
}

/* What a program gets that asks for it all the same; false: no call asks for that feature, or here it cannot.
 */
static bool ask(struct world *world, int feature, enum consort_status *out_status,
		struct consort_error *error)
{
	const struct consort_features *has = &world->conform->facts.features;
	struct consort_cursor *rows = NULL;

	if (!world->resource && feature < CONSORT_FEATURE_TRANSACTIONS)
		return false;
	switch (feature) {
	case CONSORT_FEATURE_READ:
		*out_status = ask_query(world, NULL, error);
		return true;
	case CONSORT_FEATURE_FULL_TEXT:
		*out_status = ask_query(world, "match('a', 'b')", error);
		return consort_features_has(has, CONSORT_FEATURE_READ) != 0;
	case CONSORT_FEATURE_CREATE:
	case CONSORT_FEATURE_UPDATE:
	case CONSORT_FEATURE_UPSERT:
	case CONSORT_FEATURE_DELETE:
		if (feature != CONSORT_FEATURE_CREATE && !world->resource->nkeys)
			return false; /* there is nothing to write by */
		*out_status = ask_write(world, feature, error);
		return true;
	case CONSORT_FEATURE_TRANSACTIONS:
	case CONSORT_FEATURE_SAVEPOINTS:
		*out_status = ask_transaction(world, feature == CONSORT_FEATURE_SAVEPOINTS, error);
		return feature == CONSORT_FEATURE_TRANSACTIONS ||
		       consort_features_has(has, CONSORT_FEATURE_TRANSACTIONS);
	case CONSORT_FEATURE_DEFINE:
		if (!world_is_declared(world))
			return false; /* there is nothing to define */
		*out_status = consort_define(world->c, world->item, CONSORT_DEFINE_DRY_RUN, NULL, error);
		return true;
	case CONSORT_FEATURE_NATIVE:
		*out_status = consort_native(world->c, "subject", "x", CONSORT_NO_ARGS, &rows, NULL, error);
		return true;
	default:
		return false;
	}
}

static void expect_off(struct world *world, int feature)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	const char *name = consort_feature_name((uint32_t)feature), *why = NULL;
	enum consort_status status;

	if (ask(world, feature, &status, &error)) {
		REQUIRE(status == CONSORT_EUNSUPPORTED,
			"a call answers status %u, though the feature %s is off", status, name);
		REQUIRE(strstr(error.message, name), "what needs %s is refused without naming it: %s", name,
			error.message);
	}
	REQUIRE(!consort_supports(world->c, "subject", (uint32_t)feature, &why) && conform_is_text(why) &&
			*why,
		"the feature %s is off, and the library does not say so, and why", name);
}

/* Each bit: with the manifest taking it away, if the adapter has it. What is not refused the library does by
 * itself, as the tests of that feature look at. */
static void test_clear(struct conform *conform)
{
	const bool reads = consort_features_has(&conform->facts.features, CONSORT_FEATURE_READ);
	int feature;

	for (feature = 0; feature < CONSORT_FEATURE_COUNT; feature++) {
		char features[64];
		struct world world;

		snprintf(features, sizeof(features), "-%s", consort_feature_name((uint32_t)feature));
		world_open(&world, conform, features);
		/* what cannot be known without introspection, or defined, is not there to be asked for */
		if (reads && (feature != CONSORT_FEATURE_INTROSPECT || world_is_declared(&world)) &&
		    (feature != CONSORT_FEATURE_DEFINE || !world.item))
			world_make(&world);
		expect_off(&world, feature);
		world_close(&world);
	}
}

const struct conform_test conform_clear_tests[] = {
	TEST("features-clear", test_clear, ALWAYS, 0, 0,
	     "What a feature that is off is for is refused, naming it."),
	CONFORM_END,
};
