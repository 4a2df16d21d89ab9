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

static enum consort_status set_number(const struct args *args, int64_t *place, const char *name,
				      struct consort_error *error)
{
	if (*place >= 0)
		return args_usage(args, error, "%s is given twice", name);
	return args_number(args, name, 0, place, error);
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
		return set_number(args, &options->limit, "--limit", error);
	case QUERY_OFFSET:
		return set_number(args, &options->offset, "--offset", error);
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

enum consort_status query_options_read(struct query_options *options, struct args *args,
				       struct consort_error *error)
{
	enum consort_status status = CONSORT_OK;
	int option;

	while (!status && (option = args_next(args, error)) > 0)
		status = query_option(options, args, option, error);
	return status ? status : args->status;
}

/* --after's values by the types of the key. */
static enum consort_status set_after(struct tool *tool, struct consort_query *q, const char *resource,
				     const struct query_options *options, struct consort_error *error)
{
	struct consort_args key;
	struct row row;
	enum consort_status status;

	status = row_init_key(&row, tool, resource, options->after, options->nafter, &key, error);
	if (status)
		return status;
	consort_query_after(q, key);
	row_clear(&row);
	return CONSORT_OK;
}

/* A query of the resource with all of the options but the parameters. */
static enum consort_status make(struct tool *tool, const char *resource, const struct query_options *options,
				struct consort_query **out_query, struct consort_error *error)
{
	struct consort_query *q = consort_query_new(tool->c, resource);

	if (!q)
		return consort_error_no_memory(error);
	*out_query = q;
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
	return options->nafter ? set_after(tool, q, resource, options, error) : CONSORT_OK;
}

static enum consort_status set_parameters(struct query *query, const struct query_options *options, bool bare,
					  struct consort_error *error)
{
	uint32_t wanted = consort_plan_parameters(query->plan);
	struct consort_value *values = consort_arena_array(&query->arena, wanted, sizeof(*values));
	enum consort_status status;
	size_t i;

	if (!values)
		return consort_error_no_memory(error);
	query->parameters.values = values;
	query->parameters.count = wanted;
	if (bare && !options->nparameters)
		return CONSORT_OK;
	if (options->nparameters != wanted)
		return consort_error_set(error, CONSORT_EINVAL,
					 "the query takes %u parameter%s (-p), %zu %s given", wanted,
					 wanted == 1 ? "" : "s", options->nparameters,
					 options->nparameters == 1 ? "is" : "are");
	for (i = 0; i < wanted; i++) {
		status = row_parameter(&query->arena, consort_plan_parameter_type(query->plan, (uint32_t)i),
				       options->parameters[i], i + 1, &values[i], error);
		if (status)
			return status;
	}
	return CONSORT_OK;
}

enum consort_status query_begin(struct query *query, struct tool *tool, const char *resource,
				const struct query_options *options, bool bare, struct consort_error *error)
{
	enum consort_status status;

	memset(query, 0, sizeof(*query));
	consort_arena_init(&query->arena, 0);
	status = make(tool, resource, options, &query->query, error);
	if (!status)
		status = consort_query_prepare(query->query, &query->plan, error);
	if (!status)
		status = set_parameters(query, options, bare, error);
	return status;
}

void query_end(struct query *query)
{
	consort_plan_free(query->plan);
	consort_query_free(query->query);
	consort_arena_clear(&query->arena);
}

enum consort_status query_run(struct tool *tool, const char *resource, const struct query_options *options,
			      struct consort_cursor **out_rows, struct consort_error *error)
{
	struct query query;
	enum consort_status status = query_begin(&query, tool, resource, options, false, error);

	if (!status)
		status = consort_plan_run(tool->c, query.plan, query.parameters, out_rows, error);
	query_end(&query);
	return status;
}
