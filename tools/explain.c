/* SPDX-License-Identifier: Apache-2.0 */
/* explain: what runs where for a query, what each engine is sent, and why the rest stays in the core. */
#include "tools.h"

#include <unistd.h>

static const char help[] =
	"Usage: consort explain [--analyze] [--json|--dot] find RESOURCE [OPTION]...\n"
	"The plan of a query: what runs where, what each engine is sent in its own\n"
	"language, and what was not pushed down to it, with the reason.\n"
	"\n"
	"      --analyze          run it too, and tell rows, batches and time\n"
	"      --json             as JSON\n"
	"      --dot              as a graph for Graphviz\n"
	"\n"
	"The options of the query are those of 'consort find'. With --analyze the\n"
	"parameters' values are needed, without it they may be left out.\n"
	"\n"
	"Example: consort explain find flight -w 'delay > 60' -s id\n";

enum { EXPLAIN_ANALYZE = QUERY_END, EXPLAIN_DOT };

static const struct option options[] = {
	{"analyze", no_argument, NULL, EXPLAIN_ANALYZE}, {"dot", no_argument, NULL, EXPLAIN_DOT},
	QUERY_OPTIONS, {NULL, 0, NULL, 0},
};

/* Parameters that were left out are NULL where nothing is run. */
static enum consort_status explain(struct tool *tool, const char *resource,
				   const struct query_options *choice, uint32_t format, uint32_t flags,
				   char **out_text, struct consort_error *error)
{
	enum consort_status status;
	struct query query;

	status = query_begin(&query, tool, resource, choice, !flags, error);
	if (!status)
		status = consort_query_explain(query.query, format, flags, query.parameters, out_text, error);
	query_end(&query);
	return status;
}

static enum consort_status print(struct tool *tool, const char *text, struct consort_error *error)
{
	struct consort_buffer shown = CONSORT_BUFFER_INIT;
	enum consort_status status;
	size_t size = strlen(text);

	consort_buffer_append(&shown, text, size);
	if (!size || text[size - 1] != '\n')
		consort_buffer_char(&shown, '\n');
	status = report_print(tool, &shown, error);
	consort_buffer_clear(&shown);
	return status;
}

static enum consort_status run(struct tool *tool, struct args *args, struct consort_error *error)
{
	uint32_t format = CONSORT_EXPLAIN_TEXT, flags = 0;
	struct query_options query;
	enum consort_status status;
	char *text = NULL;
	int option;

	query_options_init(&query);
	while ((option = args_next(args, error)) > 0) {
		status = CONSORT_OK;
		if (option == EXPLAIN_ANALYZE)
			flags |= CONSORT_EXPLAIN_ANALYZE;
		else if (option == EXPLAIN_DOT)
			format = CONSORT_EXPLAIN_DOT;
		else
			status = query_option(&query, args, option, error);
		if (status)
			goto out;
	}
	status = args->status;
	if (option < 0)
		goto out;
	if (tool->format == OUTPUT_JSON && format == CONSORT_EXPLAIN_DOT) {
		status = args_usage(args, error, "--json and --dot exclude each other");
		goto out;
	}
	if (tool->format == OUTPUT_JSON)
		format = CONSORT_EXPLAIN_JSON;
	if (!args->noperands || strcmp(args->operands[0], "find")) {
		status = args_usage(args, error, "'find' and a resource are needed");
		goto out;
	}
	status = args_count(args, 2, 2, "a resource is", error);
	if (!status)
		status = session_open(tool, error);
	if (!status)
		status = explain(tool, args->operands[1], &query, format, flags, &text, error);
	if (!status)
		status = print(tool, text, error);
out:
	consort_free(text);
	query_options_clear(&query);
	return status;
}

const struct command command_explain = {
	.name = "explain", .help = help, .letters = QUERY_LETTERS, .options = options, .run = run};
