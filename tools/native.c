/* SPDX-License-Identifier: Apache-2.0 */
/* native: a statement in the engine's own language. */
#include "tools.h"

static const char help[] =
	"Usage: consort native DATABASE TEXT [PARAM]...\n"
	"Runs one statement in the database's own language.\n"
	"\n"
	"PARAMs fill the statement's parameters, as that engine marks them, in order.\n"
	"They are texts unless --types says otherwise.\n"
	"\n"
	"  -t, --types TYPES      their types: int64,text,decimal(12,2),...\n"
	"      --null             the next parameter is NULL\n"
	"  -f, --format FORMAT    table, csv, json, jsonl or expanded\n"
	"\n"
	"'--' stands before parameters that start with '-'.\n"
	"\n"
	"Example: consort native core 'select * from orders where id = ?' 17\n";

static const struct option options[] = {
	{"types", required_argument, NULL, 't'}, {"null", no_argument, NULL, QUERY_NULL}, {NULL, 0, NULL, 0}};

/* The next of "int64,decimal(12,2)", in a buffer; moves *text behind it. */
static enum consort_status next_type(const char **text, struct consort_type *out_type,
				     struct consort_error *error)
{
	size_t size = 0, depth = 0;
	char name[64];

	for (; (*text)[size] && ((*text)[size] != ',' || depth); size++)
		depth += (*text)[size] == '(' ? 1 : (*text)[size] == ')' && depth ? (size_t)-1 : 0;
	snprintf(name, sizeof(name), "%.*s", (int)(size < sizeof(name) ? size : sizeof(name) - 1), *text);
	*text += size + ((*text)[size] == ',');
	return consort_type_parse(name, out_type, error);
}

static enum consort_status native(struct tool *tool, const char *types, const char *const *words,
				  size_t nwords, struct consort_error *error)
{
	size_t nparameters = nwords - 2, i;
	struct consort_value *values = NULL;
	struct consort_cursor *rows = NULL;
	struct consort_args parameters;
	char number[REPORT_NUMBER_SIZE];
	struct consort_arena arena;
	enum consort_status status = CONSORT_OK;
	int64_t affected = -1;

	consort_arena_init(&arena, 0);
	values = consort_arena_array(&arena, nparameters, sizeof(*values));
	if (!values)
		status = consort_error_no_memory(error);
	for (i = 0; !status && i < nparameters; i++) {
		struct consort_type type = consort_type_of(CONSORT_TYPE_TEXT);

		if (types && *types)
			status = next_type(&types, &type, error);
		if (!status)
			status = row_parameter(&arena, type, words[i + 2], i + 1, &values[i], error);
	}
	parameters.values = values;
	parameters.count = nparameters;
	if (!status)
		status = consort_native(tool->c, words[0], words[1], parameters, &rows, &affected, error);
	/* Its own syntax: the engine refused it, not we. */
	if (status == CONSORT_ESYNTAX) {
		status = CONSORT_EENGINE;
		error->status = CONSORT_EENGINE;
	}
	if (!status && consort_cursor_columns(rows))
		status = output_rows(tool, rows, NULL, error);
	else if (!status && affected >= 0)
		report_note(tool, "%s changed", report_records((uint64_t)affected, number));
	consort_cursor_close(rows);
	consort_arena_clear(&arena);
	return status;
}

static enum consort_status run(struct tool *tool, struct args *args, struct consort_error *error)
{
	const char **words = NULL, *types = NULL;
	enum consort_status status = CONSORT_OK;
	size_t nwords = 0, i;
	int option;

	args->in_order = true;
	while ((option = args_next(args, error)) > 0) {
		if (option == 't')
			types = args->value;
		else
			status = args_push(&words, &nwords, option == QUERY_NULL ? NULL : args->value, error);
		if (status)
			goto out;
	}
	status = args->status;
	if (option < 0)
		goto out;
	for (i = 0; !status && i < args->noperands; i++)
		status = args_push(&words, &nwords, args->operands[i], error);
	if (!status && (nwords < 2 || !words[0] || !words[1]))
		status = args_usage(args, error, "a database and a statement are needed");
	if (!status)
		status = session_open(tool, error);
	if (!status)
		status = native(tool, types, words, nwords, error);
out:
	free(words);
	return status;
}

const struct command command_native = {
	.name = "native", .help = help, .letters = "t:", .options = options, .run = run};
