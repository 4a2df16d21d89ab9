/* SPDX-License-Identifier: Apache-2.0 */
/* Plans to cursors: parameters, connections in the databases' order, the record to page after, operators. */
#include "exec/cursor.h"
#include "handle/handle.h"

/* What a cursor owns: all that its operators work with. */
struct run {
	struct consort_handle_session session;
	struct consort_exec exec;
	struct consort_arena arena; /* parameters */
	struct consort *handle;
	struct consort_plan *plan; /* NULL for a native statement */
	struct consort_value *parameters;
	struct consort_values values;
};

static void free_run(void *owner)
{
	struct run *run = owner;

	consort_session_end(&run->session);
	consort_values_clear(&run->values);
	consort_arena_clear(&run->arena);
	consort_plan_free(run->plan);
	consort_handle_drop(run->handle);
	free(run);
}

struct consort_handle_session *consort_cursor_session(const struct consort_cursor *rows)
{
	return &((struct run *)rows->owner)->session;
}

static struct run *new_run(struct consort *c, struct consort_plan *plan)
{
	struct run *run = calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	consort_arena_init(&run->arena, 0);
	run->handle = c;
	consort_handle_hold(c);
	run->plan = plan;
	if (plan)
		__atomic_add_fetch(&plan->references, 1, __ATOMIC_RELAXED);
	consort_session_begin(&run->session, c);
	run->exec.session = &run->session.base;
	run->exec.memory_limit = c->memory_limit;
	return run;
}

static enum consort_status set_parameters(struct run *run, struct consort_args args,
					  struct consort_error *error)
{
	const struct consort_logical *logical = &run->plan->logical;
	struct consort_value *values =
		consort_arena_array(&run->arena, logical->nparameters, sizeof(*values));
	enum consort_status status;

	if (!values)
		return consort_error_no_memory(error);
	status = consort_args_convert(args, logical->parameters, logical->nuser, &run->arena, values, error);
	if (status)
		return status;
	if (logical->nafter_key)
		memcpy(values + logical->nuser, run->plan->after_key, logical->nafter_key * sizeof(*values));
	run->exec.parameters = values;
	run->exec.nparameters = logical->nparameters;
	run->parameters = values;
	return CONSORT_OK;
}

/* All at once and always in the same order: taken one by one as operators open, two queries could wait for
 * each other's. */
static enum consort_status take_connections(struct run *run, struct consort_error *error)
{
	uint64_t i;

	for (i = 0; i < run->plan->ndatabases; i++) {
		struct consort_connection *connection;
		enum consort_status status = run->session.base.acquire(
			&run->session.base, run->plan->databases[i], &connection, error);

		if (status)
			return status;
	}
	run->exec.call = run->session.call;
	return CONSORT_OK;
}

/* Reads the order values of the record to page after into the last parameters. */
static enum consort_status read_after(struct run *run, struct consort_error *error)
{
	struct consort_value *values = run->parameters;
	const struct consort_logical *logical = &run->plan->logical;
	uint32_t first = logical->nuser + logical->nafter_key, i;
	struct consort_operator *op = NULL;
	struct consort_batch *batch = NULL;
	enum consort_status status = consort_operator_open(&run->exec, run->plan->after, &op, error);

	if (!status)
		status = consort_operator_next(op, &batch, error);
	if (!status && !batch)
		status = consort_error_set(error, CONSORT_ENOTFOUND,
					   "there is no record with the key to page after");
	for (i = first; !status && i < logical->nparameters; i++) {
		struct consort_value value = consort_batch_value(batch, i - first, 0, &run->arena);

		status = consort_value_accept(&value, logical->parameters[i], &run->arena, &values[i], error);
	}
	consort_operator_close(op);
	return status;
}

static enum consort_status open_once(struct run *run, struct consort_operator **out_op,
				     struct consort_error *error)
{
	enum consort_status status;

	run->exec.memory_used = 0;
	status = take_connections(run, error);
	if (!status && run->plan->after)
		status = read_after(run, error);
	if (!status)
		status = consort_operator_open(&run->exec, run->plan->step, out_op, error);
	return status;
}

/* Plans only read: another connection is as good as one that was lost. */
static enum consort_status open_plan(struct run *run, struct consort_operator **out_op,
				     struct consort_error *error)
{
	enum consort_status status;

	do
		status = open_once(run, out_op, error);
	while (status && consort_session_again(&run->session, error));
	return status;
}

/* The same where it shows when the first rows are read. */
static bool begin_again(void *owner, struct consort_operator **op, struct consort_error *error)
{
	struct run *run = owner;

	if (!consort_session_is_lost(&run->session, error))
		return false;
	consort_operator_close(*op);
	*op = NULL;
	consort_session_again(&run->session, error);
	open_once(run, op, error);
	return true;
}

/* A cursor that owns the run; frees the run if it cannot be made. */
static enum consort_status give_cursor(struct run *run, struct consort_operator *op,
				       const struct consort_field *const *fields, uint32_t nfields,
				       struct consort_cursor **out_rows, struct consort_error *error)
{
	struct consort_cursor *rows = consort_cursor_new(op, fields, nfields, run, free_run);

	if (!rows) {
		consort_operator_close(op);
		free_run(run);
		return consort_error_no_memory(error);
	}
	rows->stamp = &run->handle->root->stamp;
	rows->again = run->plan ? begin_again : NULL;
	*out_rows = rows;
	return CONSORT_OK;
}

enum consort_status consort_plan_check(const struct consort *c, const struct consort_plan *plan,
				       struct consort_error *error)
{
	enum consort_status status = consort_handle_check(c, error);

	if (!status && plan->root != c->root)
		status = consort_error_set(error, CONSORT_EINVAL,
					   "the plan was prepared with another manifest's handle");
	return status;
}

enum consort_status consort_plan_start(struct consort *c, struct consort_plan *plan, struct consort_args args,
				       bool analyze, struct consort_cursor **out_rows,
				       struct consort_operator **out_op, struct consort_error *error)
{
	enum consort_status status = consort_plan_check(c, plan, error);
	struct consort_operator *op = NULL;
	struct consort_error spare;
	struct run *run;

	if (status)
		return status;
	consort_error_need(&error, &spare);
	run = new_run(c, plan);
	if (!run)
		return consort_error_no_memory(error);
	run->exec.analyze = analyze;
	status = set_parameters(run, args, error);
	if (!status)
		status = open_plan(run, &op, error);
	if (status) {
		free_run(run);
		return status;
	}
	status = give_cursor(run, op, plan->logical.root->fields, plan->logical.root->nfields, out_rows,
			     error);
	if (!status && out_op) { /* its operators are looked at afterwards: there are no others */
		(*out_rows)->again = NULL;
		*out_op = op;
	}
	return status;
}

enum consort_status consort_plan_start_values(struct consort *c, struct consort_plan *plan,
					      struct consort_values *values, struct consort_cursor **out_rows,
					      struct consort_error *error)
{
	enum consort_status status = consort_plan_check(c, plan, error);
	struct consort_operator *op = NULL;
	struct consort_error spare;
	struct run *run;

	if (status)
		return status;
	consort_error_need(&error, &spare);
	run = new_run(c, plan);
	if (!run)
		return consort_error_no_memory(error);
	run->values = *values;
	*values = (struct consort_values){0};
	run->exec.values = run->values.batches;
	run->exec.nvalues = run->values.count;
	status = open_plan(run, &op, error);
	if (status) {
		free_run(run);
		return status;
	}
	return give_cursor(run, op, plan->logical.root->fields, plan->logical.root->nfields, out_rows, error);
}

/* The adapter's live only as long as its cursor, which is closed when it has no more rows. NULL: no memory.
 */
static const struct consort_field *const *copy_fields(struct consort_arena *arena,
						      const struct consort_field *const *fields,
						      uint32_t count)
{
	const struct consort_field **copies = consort_arena_array(arena, count, sizeof(*copies));
	uint32_t i;

	for (i = 0; copies && i < count; i++) {
		const char *name = consort_arena_text(arena, fields[i]->name);

		copies[i] = name ? consort_make_field(arena, name, fields[i]->type, fields[i]->flags) : NULL;
		if (!copies[i])
			return NULL;
	}
	return copies;
}

enum consort_status consort_native(struct consort *c, const char *database, const char *text,
				   struct consort_args args, struct consort_cursor **out_rows,
				   int64_t *out_affected, struct consort_error *error)
{
	enum consort_status status =
		CONSORT_NEED(error, c, database, text, CONSORT_GIVEN(args.values || !args.count), out_rows);
	const struct consort_field *const *fields = NULL;
	struct consort_operator *op = NULL;
	struct consort_database *found;
	struct consort_value *values;
	int64_t affected = -1;
	uint32_t nfields = 0, i;
	struct consort_error spare;
	struct run *run;

	consort_error_need(&error, &spare);
	if (!status)
		status = consort_handle_check(c, error);
	if (!status)
		status = consort_catalog_database(&c->root->catalog, database, &found, error);
	if (status)
		return status;
	run = new_run(c, NULL);
	if (!run)
		return consort_error_no_memory(error);
	values = consort_arena_array(&run->arena, args.count, sizeof(*values));
	if (!values)
		status = consort_error_no_memory(error);
	for (i = 0; !status && i < args.count; i++) {
		status = consort_value_accept(&args.values[i], args.values[i].type, &run->arena, &values[i],
					      error);
		if (status)
			consort_error_prefix(error, "parameter %u", i + 1);
	}
	run->exec.parameters = values;
	run->exec.nparameters = (uint32_t)args.count;
	consort_session_limit(&run->session, found);
	run->exec.call = run->session.call;
	if (!status)
		status = consort_native_open(&run->exec, found, text, &op, &fields, &nfields, &affected,
					     error);
	if (status) {
		free_run(run);
		return status;
	}
	fields = copy_fields(&run->arena, fields, nfields);
	if (!fields) {
		consort_operator_close(op);
		free_run(run);
		return consort_error_no_memory(error);
	}
	if (out_affected)
		*out_affected = affected;
	return give_cursor(run, op, fields, nfields, out_rows, error);
}
