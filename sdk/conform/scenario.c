/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything once, as far as the features go. Tests run it while memory runs out, with structs of other
 * sizes, and with slots taken away; so nothing here ends the test but what the kit itself does wrong.
 */
#include "drive.h"

struct scenario {
	struct subject subject;
	struct world *world;
	struct consort_value *row; /* a record of our own, in the resource's order */
};

static uint32_t count_rows(struct scenario *scenario, const struct consort_node *root,
			   const struct consort_value *parameters, uint32_t nparameters)
{
	struct subject *subject = &scenario->subject;
	struct reading reading;
	uint32_t status = subject_read(subject, root, parameters, nparameters, NULL, &reading);

	while (!status) {
		status = subject_next(subject, &reading);
		if (!reading.batch->nrows || (reading.batch->flags & CONSORT_BATCH_LAST))
			break;
	}
	subject_end(subject, &reading);
	return status;
}

static uint32_t do_ping(struct scenario *scenario)
{
	struct subject *subject = &scenario->subject;

	return CALL(subject, connection, ping);
}

static uint32_t do_tell(struct scenario *scenario)
{
	const struct consort_feature_sink sink = {NULL, conform_ignore_missing};
	struct subject *subject = &scenario->subject;
	struct consort_features mask = subject->plugin->features;

	subject->plugin->connection->info(subject->connection, STRUCT(struct consort_connection_info));
	subject->plugin->connection->features(subject->connection, &mask, &sink);
	return CONSORT_OK;
}

static uint32_t do_introspect(struct scenario *scenario)
{
	struct consort_resource_sink *sink = conform_frozen(sizeof(*sink));
	struct subject *subject = &scenario->subject;

	sink->resource = conform_ignore_resource;
	return CALL(subject, schema, introspect, NULL, NULL, 0, sink);
}

/* Where each database is a store of its own, the resource has to be made in this one. */
static uint32_t do_define(struct scenario *scenario)
{
	struct subject *subject = &scenario->subject;

	if (scenario->world->conform->facts.shared || !scenario->world->made)
		return CONSORT_OK;
	return CALL(subject, schema, define, scenario->world->resource, CONSORT_SCHEMA_IF_NEEDED, NULL);
}

static uint32_t write(struct scenario *scenario, write_slot *slot, uint32_t nkeys, const uint32_t *attributes,
		      uint32_t nattributes, const struct consort_value *row)
{
	struct writing writing = {.nkeys = nkeys, .attributes = attributes, .nattributes = nattributes};
	uint32_t status =
		subject_write(&scenario->subject, slot, scenario->world->resource, &writing, row, 1);

	/* a row that failed is what failed, as it is for the core */
	return status ? status : writing.nfailed ? writing.failure.status : CONSORT_OK;
}

static uint32_t do_insert(struct scenario *scenario)
{
	return write(scenario, scenario->subject.plugin->write->insert, 0, NULL, 0, scenario->row);
}

/* The attribute that an update changes: the first that is no key; nattributes if there is none. */
static uint32_t changed(const struct world *world)
{
	uint32_t i;

	for (i = 0; i < world->resource->nattributes; i++)
		if (!world_is_key(world, i) &&
		    !(world->resource->attributes[i]->flags & CONSORT_ATTRIBUTE_READ_ONLY))
			break;
	return i;
}

/* One attribute if `first` is there, then the key. */
static uint32_t write_key(struct scenario *scenario, write_slot *slot, uint32_t first)
{
	const struct consort_resource *resource = scenario->world->resource;
	uint32_t *attributes = conform_frozen((resource->nkeys + 1) * sizeof(*attributes)), count = 0, i;
	struct consort_value *row = conform_frozen((resource->nkeys + 1) * sizeof(*row));

	if (first < resource->nattributes)
		attributes[count++] = first;
	for (i = 0; i < resource->nkeys; i++)
		attributes[count++] = resource->keys[i];
	for (i = 0; i < count; i++)
		row[i] = scenario->row[attributes[i]];
	return write(scenario, slot, resource->nkeys, attributes, count, row);
}

static uint32_t do_update(struct scenario *scenario)
{
	const uint32_t first = changed(scenario->world);

	if (first == scenario->world->resource->nattributes)
		return CONSORT_OK;
	return write_key(scenario, scenario->subject.plugin->write->update, first);
}

static uint32_t do_delete(struct scenario *scenario)
{
	return write_key(scenario, scenario->subject.plugin->write->remove, UINT32_MAX);
}

static uint32_t do_upsert(struct scenario *scenario)
{
	return write(scenario, scenario->subject.plugin->write->upsert, 0, NULL, 0, scenario->row);
}

static uint32_t do_scan(struct scenario *scenario)
{
	return count_rows(scenario, tree_scan(scenario->world->resource), NULL, 0);
}

static uint32_t do_filter(struct scenario *scenario)
{
	const struct consort_resource *resource = scenario->world->resource;
	const struct consort_node *scan = tree_scan(resource);
	const uint32_t column = resource->nkeys ? resource->keys[0] : 0;
	const struct consort_type type = resource->attributes[column]->type;
	struct consort_node *root =
		tree_filter(scan, tree_call(CONSORT_OP_EQ, consort_type_of(CONSORT_TYPE_BOOL),
					    tree_column(scan, column), tree_parameter(0, type)));
	struct consort_offer *offer;
	uint32_t status;

	status = tree_offer(&scenario->subject, root, &offer);
	if (status || !tree_is_taken(offer, root))
		return status;
	return count_rows(scenario, root, &scenario->row[column], 1);
}

static uint32_t do_explain(struct scenario *scenario)
{
	const struct consort_query_ops *query = scenario->subject.plugin->query;
	struct consort_text_sink *sink = conform_frozen(sizeof(*sink));
	struct subject *subject = &scenario->subject;
	struct consort_error *error = subject_error(subject);
	void *compiled = NULL;
	uint32_t status = query->compile(subject->database,
					 subject_statement(tree_scan(scenario->world->resource), NULL, 0),
					 &compiled, error);

	sink->write = conform_append_text;
	if (!status)
		status = query->explain(subject->database, compiled, sink, error);
	if (compiled)
		query->compiled_free(subject->database, compiled);
	return status;
}

static uint32_t do_transaction(struct scenario *scenario)
{
	struct subject *subject = &scenario->subject;
	const struct consort_transaction_ops *ops = subject->plugin->transaction;
	struct consort_error *error = subject_error(subject);
	uint32_t status = ops->begin(subject->connection, subject->call,
				     STRUCT(struct consort_transaction_options), error);

	if (!status && subject_has(subject, CONSORT_FEATURE_SAVEPOINTS)) {
		status = ops->savepoint(subject->connection, subject->call, "a", error);
		if (!status)
			status = ops->rollback_to(subject->connection, subject->call, "a", error);
		if (!status)
			status = ops->release(subject->connection, subject->call, "a", error);
	}
	if (!status)
		return ops->commit(subject->connection, subject->call, error);
	ops->rollback(subject->connection, subject->call, conform_frozen(sizeof(struct consort_error)));
	return status;
}

/* Writes in one, and takes it back. */
static uint32_t do_rollback(struct scenario *scenario)
{
	struct subject *subject = &scenario->subject;
	const struct consort_transaction_ops *ops = subject->plugin->transaction;
	uint32_t status, undone;

	if (!subject_has(subject, CONSORT_FEATURE_CREATE) || !subject_has(subject, CONSORT_FEATURE_DELETE) ||
	    !scenario->world->resource->nkeys ||
	    scenario->world->resource->flags & CONSORT_RESOURCE_READ_ONLY)
		return CONSORT_OK; /* the record may be there, or none may */
	status = ops->begin(subject->connection, subject->call, STRUCT(struct consort_transaction_options),
			    subject_error(subject));
	if (status)
		return status;
	status = do_insert(scenario);
	undone =
		ops->rollback(subject->connection, subject->call,
			      status ? conform_frozen(sizeof(struct consort_error)) : subject_error(subject));
	return status ? status : undone;
}

static uint32_t do_keyvalue(struct scenario *scenario)
{
	const struct consort_keyvalue_ops *ops = scenario->subject.plugin->keyvalue;
	struct subject *subject = &scenario->subject;
	const struct consort_view key = {"conform scenario", 16}, value = {"a value", 7};
	struct consort_error *error = subject_error(subject);
	struct consort_view got;
	int64_t left;
	uint32_t status = ops->set(subject->connection, subject->call, key, value, 0, error);

	if (!status)
		status = ops->get(subject->connection, subject->call, key, &got, &left, error);
	if (!status)
		status = ops->remove(subject->connection, subject->call, key, error);
	return status;
}

static uint32_t do_reset(struct scenario *scenario)
{
	struct subject *subject = &scenario->subject;

	return CALL(subject, connection, reset);
}

#define ALWAYS (-1)

static const struct {
	const char *name;
	int feature;
	uint32_t (*run)(struct scenario *scenario);
	bool resource; /* it needs one */
} steps[] = {
	{"connection.ping", ALWAYS, do_ping, false},
	{"connection.features and info", ALWAYS, do_tell, false},
	{"schema.introspect", CONSORT_FEATURE_INTROSPECT, do_introspect, false},
	{"schema.define", CONSORT_FEATURE_DEFINE, do_define, true},
	{"write.insert", CONSORT_FEATURE_CREATE, do_insert, true},
	{"write.update", CONSORT_FEATURE_UPDATE, do_update, true},
	{"reading all", CONSORT_FEATURE_READ, do_scan, true},
	{"reading with a filter", CONSORT_FEATURE_FILTER, do_filter, true},
	{"query.explain", CONSORT_FEATURE_EXPLAIN, do_explain, true},
	{"write.upsert", CONSORT_FEATURE_UPSERT, do_upsert, true},
	{"write.remove", CONSORT_FEATURE_DELETE, do_delete, true},
	{"a transaction", CONSORT_FEATURE_TRANSACTIONS, do_transaction, false},
	{"a write that is rolled back", CONSORT_FEATURE_TRANSACTIONS, do_rollback, true},
	{"keys and values", CONSORT_FEATURE_KEY_VALUE, do_keyvalue, false},
	{"connection.reset", ALWAYS, do_reset, false},
};

/* Writes are left out where the resource takes none. */
static bool applies(const struct scenario *scenario, size_t step)
{
	const struct consort_resource *resource = scenario->world ? scenario->world->resource : NULL;
	const int feature = steps[step].feature;

	if (feature != ALWAYS && !subject_has(&scenario->subject, feature))
		return false;
	if (steps[step].resource && !resource)
		return false;
	if (feature == CONSORT_FEATURE_EXPLAIN || feature == CONSORT_FEATURE_FILTER)
		return subject_has(&scenario->subject, CONSORT_FEATURE_READ);
	return feature < CONSORT_FEATURE_CREATE || feature > CONSORT_FEATURE_UPSERT ||
	       (resource->nkeys && !(resource->flags & CONSORT_RESOURCE_READ_ONLY) &&
		subject_has(&scenario->subject, CONSORT_FEATURE_CREATE));
}

uint32_t scenario_run(struct conform *conform, struct world *world, size_t nth, const char **out_step,
		      struct subject *out_subject)
{
	struct scenario scenario = {.subject = {.conform = conform}, .world = world};
	struct subject *subject = &scenario.subject;
	struct consort_arena arena = {0};
	uint32_t status;
	size_t i;

	/* what is ours neither counts nor fails, nor does it stay */
	conform_memory_hold();
	if (world) {
		arena = world->arena;
		consort_arena_init(&world->arena, 0);
	}
	subject->plugin = conform_load(conform);
	subject->call = STRUCT(struct consort_call);
	if (world && world->resource) {
		scenario.row = conform_frozen((world->resource->nattributes + 1) * sizeof(*scenario.row));
		world_row(world, nth, scenario.row);
	}
	conform_memory_release();
	*out_step = "init";
	status = subject->plugin->init(conform_host(), &subject->context, subject_error(subject));
	subject->begun = !status;
	if (!status) {
		*out_step = "database.open";
		status = subject->plugin->database->open(subject->context, conform_config(conform, "subject"),
							 &subject->database, subject_error(subject));
	}
	if (!status) {
		*out_step = "connection.open";
		status = subject->plugin->connection->open(subject->database, subject->call,
							   &subject->connection, subject_error(subject));
	}
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]) && !status; i++) {
		if (!applies(&scenario, i))
			continue;
		*out_step = steps[i].name;
		status = steps[i].run(&scenario);
	}
	*out_subject = *subject;
	subject_close(subject);
	if (world) {
		consort_arena_clear(&world->arena);
		world->arena = arena;
	}
	return status;
}
