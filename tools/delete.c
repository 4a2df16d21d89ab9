/* SPDX-License-Identifier: Apache-2.0 */
/* delete: a record by its key, or all that meet a condition. */
#include "tools.h"

static const char help[] =
	"Usage: consort delete RESOURCE KEY...\n"
	"       consort delete RESOURCE -w EXPR [-p VALUE]...\n"
	"Removes the record with that key, or all that meet the condition.\n"
	"\n"
	"  -w, --where EXPR       which records; $1, $2, ... stand for parameters;\n"
	"                         'true' for all\n"
	"  -p, --param VALUE      the next parameter;  --null  the next one is NULL\n"
	"\n"
	"'--' stands before keys that start with '-'.\n"
	"Exit status: 0, or 1 if there is no such record, or as in consort(1).\n"
	"\n"
	"Example: consort delete flight -w 'departed_at < $1' -p 2001-02-01\n";

static const struct option options[] = {
	{"where", required_argument, NULL, 'w'}, {"param", required_argument, NULL, 'p'},
	{"null", no_argument, NULL, QUERY_NULL}, {NULL, 0, NULL, 0},
};

static enum consort_status delete_key(struct tool *tool, const struct args *args, struct consort_error *error)
{
	struct consort_args key;
	enum consort_status status;
	struct row row;

	status = row_init_key(&row, tool, args->operands[0], args->operands + 1, args->noperands - 1, &key,
			      error);
	if (status)
		return status;
	status = consort_delete(tool->c, row.resource->name, key, error);
	if (!status)
		report_note(tool, "deleted 1 record of %s", row.resource->name);
	row_clear(&row);
	return status;
}

static enum consort_status delete_where(struct tool *tool, const char *resource,
					const struct query_options *choice, struct consort_error *error)
{
	char number[REPORT_NUMBER_SIZE];
	enum consort_status status;
	int64_t affected = 0;
	struct query query;

	status = query_begin(&query, tool, resource, choice, false, error);
	if (!status)
		status = consort_delete_where(query.query, query.parameters, &affected, error);
	if (!status) {
		report_note(tool, "deleted %s of %s", report_records((uint64_t)affected, number), resource);
		tool->nothing = !affected;
	}
	query_end(&query);
	return status;
}

static enum consort_status run(struct tool *tool, struct args *args, struct consort_error *error)
{
	struct query_options query;
	enum consort_status status;

	query_options_init(&query);
	status = query_options_read(&query, args, error);
	if (status || args->helped)
		goto out;
	status = args_count(args, 1, query.where ? 1 : SIZE_MAX, "a resource is", error);
	if (!status && !query.where && args->noperands < 2)
		status = args_usage(args, error, "a key or a condition (-w) is needed");
	if (!status && query.nparameters && !query.where)
		status = args_usage(args, error, "-p belongs to a condition (-w)");
	if (!status)
		status = session_open(tool, error);
	if (!status)
		status = query.where ? delete_where(tool, args->operands[0], &query, error)
				     : delete_key(tool, args, error);
out:
	query_options_clear(&query);
	return status;
}

const struct command command_delete = {
	.name = "delete", .help = help, .letters = "w:p:", .options = options, .run = run};
