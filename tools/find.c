/* SPDX-License-Identifier: Apache-2.0 */
/* find: a query, its rows to standard output. */
#include "tools.h"

#include <unistd.h>

static const char help[] =
	"Usage: consort find RESOURCE [OPTION]...\n"
	"The records of a resource that meet a condition. Expressions are SQL's.\n"
	"\n"
	"  -s, --select COLUMNS   what to show: 'id, total * 2 as twice, customer.name'\n"
	"                         (relationship.attribute crosses databases)\n"
	"  -w, --where EXPR       which records; $1, $2, ... stand for parameters\n"
	"  -p, --param VALUE      the next parameter, as a text of the type it is used as\n"
	"      --null             the next parameter is NULL\n"
	"  -g, --group EXPRS      group by;  --having EXPR  which groups\n"
	"  -o, --order ORDER      'delay desc nulls last, id'\n"
	"  -n, --limit N          at most N records;  --offset N  after the first N\n"
	"      --after VALUE      behind the record with this key, in the order given;\n"
	"                         once for each attribute of the key\n"
	"  -f, --format FORMAT    table, csv, json, jsonl or expanded\n"
	"\n"
	"Exit status: 0, or 1 if no record was found, or as in consort(1).\n"
	"\n"
	"Example: consort find flight -w 'origin = $1 and delay > $2' -p SFO -p 60 \\\n"
	"           -s 'id, delay, destination_airport.city' -o 'delay desc' -n 10\n";

static const struct option options[] = {QUERY_OPTIONS, {NULL, 0, NULL, 0}};

static enum consort_status run(struct tool *tool, struct args *args, struct consort_error *error)
{
	struct consort_cursor *rows = NULL;
	struct query_options query;
	enum consort_status status;
	uint64_t found = 0;

	query_options_init(&query);
	status = query_options_read(&query, args, error);
	if (status || args->helped)
		goto out;
	status = args_count(args, 1, 1, "a resource is", error);
	if (!status)
		status = session_open(tool, error);
	if (!status)
		status = query_run(tool, args->operands[0], &query, &rows, error);
	if (!status)
		status = output_rows(tool, rows, &found, error);
	tool->nothing = !status && !found;
	/* What reads csv or json sees that itself. */
	if (tool->nothing && output_format_for(tool, STDOUT_FILENO) == OUTPUT_TABLE)
		report_note(tool, "no record was found");
out:
	consort_cursor_close(rows);
	query_options_clear(&query);
	return status;
}

const struct command command_find = {
	.name = "find", .help = help, .letters = QUERY_LETTERS, .options = options, .run = run};
