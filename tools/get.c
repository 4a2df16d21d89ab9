/* SPDX-License-Identifier: Apache-2.0 */
/* get: one record by its key. */
#include "tools.h"

static const char help[] =
	"Usage: consort get RESOURCE KEY...\n"
	"The record with that key: a value for each attribute of the key, in its order.\n"
	"\n"
	"  -f, --format FORMAT    table, csv, json, jsonl or expanded\n"
	"\n"
	"'--' stands before keys that start with '-'.\n"
	"Exit status: 0, or 1 if there is no such record, or as in consort(1).\n"
	"\n"
	"Example: consort get airport SFO -f expanded\n";

static enum consort_status get(struct tool *tool, const struct args *args, struct consort_error *error)
{
	struct consort_record *record = NULL;
	struct consort_args key;
	enum consort_status status;
	struct row row;

	status = row_init_key(&row, tool, args->operands[0], args->operands + 1, args->noperands - 1, &key,
			      error);
	if (status)
		return status;
	status = consort_get(tool->c, row.resource->name, key, &record, error);
	if (!status)
		status = output_records(tool, row.resource, &record, 1, error);
	consort_record_free(record);
	row_clear(&row);
	return status;
}

static enum consort_status run(struct tool *tool, struct args *args, struct consort_error *error)
{
	enum consort_status status;

	if (args_next(args, error))
		return args->status;
	status = args_count(args, 2, SIZE_MAX, "a resource and a key are", error);
	if (!status)
		status = session_open(tool, error);
	if (!status)
		status = get(tool, args, error);
	return status;
}

const struct command command_get = {.name = "get", .help = help, .run = run};
