/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a query, shared by find, export, explain, update -w and delete -w. */
#include "tools.h"

void query_options_init(struct query_options *options)
{
	memset(options, 0, sizeof(*options));
	options->limit = options->offset = -1;
}

void query_options_clear(struct query_options *options)
{
	free(options->after);
	free(options->parameters);
	memset(options, 0, sizeof(*options));
}

static enum consort_status set_once(const struct args *args, const char **place, const char *name,
				    struct consort_error *error)
{
	if (*place)
		return args_usage(args, error, "%s is given twice", name);
	*place = args->value;
	return CONSORT_OK;
}

enum consort_status query_option(struct query_options *options, const struct args *args, int option,
				 struct consort_error *error)
{
	switch (option) {
	case 's':
		return set_once(args, &options->select, "--select", error);
	case 'w':
		return set_once(args, &options->where, "--where", error);
	case 'g':
		return set_once(args, &options->group, "--group", error);
	case QUERY_HAVING:
		return set_once(args, &options->having, "--having", error);
	case 'o':
		return set_once(args, &options->order, "--order", error);
	case 'n':
		return args_number(args, "--limit", 0, &options->limit, error);
	case QUERY_OFFSET:
		return args_number(args, "--offset", 0, &options->offset, error);
	case QUERY_AFTER:
		return args_push(&options->after, &options->nafter, args->value, error);
	case 'p':
		return args_push(&options->parameters, &options->nparameters, args->value, error);
	case QUERY_NULL:
		return args_push(&options->parameters, &options->nparameters, NULL, error);
	default:
		return args_usage(args, error, "this option is not for it");
	}
}

/* --after's values by the types of the key. */
static enum consort_status set_after(struct tool *tool, struct consort_query *q, const char *resource,
				     const struct query_options *options, struct consort_error *error)
{
	const struct consort_resource *described;
	struct consort_args key;
	struct row row = {0};
	enum consort_status status;

	status = consort_describe(tool->c, resource, &described, error);
	if (status)
		return status;
	status = row_init(&row, described, error);
	if (status)
		return status;
	status = row_key(&row, options->after, options->nafter, &key, error);
	if (!status)
		consort_query_after(q, key);
	row_clear(&row);
	return status;
}

enum consort_status query_make(struct tool *tool, const char *resource, const struct query_options *options,
			       struct consort_query **out_query, struct consort_error *error)
{
	struct consort_query *q = consort_query_new(tool->c, resource);
	enum consort_status status = CONSORT_OK;

	if (!q)
		return consort_error_no_memory(error);
	if (options->select)
		consort_query_select(q, options->select);
	if (options->where)
		consort_query_where(q, options->where);
	if (options->group)
		consort_query_group(q, options->group);
	if (options->having)
		consort_query_having(q, options->having);
	if (options->order)
		consort_query_order(q, options->order);
	if (options->limit >= 0)
		consort_query_limit(q, options->limit);
	if (options->offset >= 0)
		consort_query_offset(q, options->offset);
	if (options->nafter)
		status = set_after(tool, q, resource, options, error);
	if (status)
		consort_query_free(q);
	else
		*out_query = q;
	return status;
}

enum consort_status query_parameters(const struct consort_plan *plan, const struct query_options *options,
				     struct consort_arena *arena, struct consort_value **out_values,
				     struct consort_error *error)
{
	uint32_t wanted = consort_plan_parameters(plan);
	struct consort_value *values;
	enum consort_status status;
	size_t i;

	if (options->nparameters != wanted)
		return consort_error_set(error, CONSORT_EINVAL,
					 "the query takes %u parameter%s (-p), %zu %s given", wanted,
					 wanted == 1 ? "" : "s", options->nparameters,
					 options->nparameters == 1 ? "is" : "are");
	values = consort_arena_array(arena, options->nparameters, sizeof(*values));
	if (!values)
		return consort_error_no_memory(error);
	for (i = 0; i < options->nparameters; i++) {
		status = row_parameter(arena, consort_plan_parameter_type(plan, (uint32_t)i),
				       options->parameters[i], i + 1, &values[i], error);
		if (status)
			return status;
	}
	*out_values = values;
	return CONSORT_OK;
}

enum consort_status query_run(struct tool *tool, const char *resource, const struct query_options *options,
			      struct consort_cursor **out_rows, struct consort_error *error)
{
	struct consort_query *q = NULL;
	struct consort_plan *plan = NULL;
	struct consort_value *values;
	struct consort_args parameters;
	struct consort_arena arena;
	enum consort_status status;

	consort_arena_init(&arena, 0);
	status = query_make(tool, resource, options, &q, error);
	if (!status)
		status = consort_query_prepare(q, &plan, error);
	if (!status)
		status = query_parameters(plan, options, &arena, &values, error);
	if (!status) {
		parameters.values = values;
		parameters.count = options->nparameters;
		status = consort_plan_run(tool->c, plan, parameters, out_rows, error);
	}
	consort_plan_free(plan);
	consort_query_free(q);
	consort_arena_clear(&arena);
	return status;
}
