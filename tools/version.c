/* SPDX-License-Identifier: Apache-2.0 */
/* version: of library and contract, and how they were built. */
#include "tools.h"

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

static const char help[] =
	"Usage: consort version\n"
	"The library's version, the range of the adapters' ABI that it takes, how it was\n"
	"built, and where it looks for adapters last.\n"
	"\n"
	"      --json             as JSON\n"
	"\n"
	"Example: consort version --json\n";

static enum consort_status run(struct tool *tool, struct args *args, struct consort_error *error)
{
	char abi[32] = "";
	const struct {
		const char *name, *text;
	} facts[] = {
		{"consort", PACKAGE_VERSION}, {"library", consort_version()}, {"abi", abi},
		{"adapters", CONSORT_PLUGIN_DIR}, {"compiler", COMPILER}, {"options", CONSORT_BUILD_OPTIONS},
	};
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	enum consort_status status;
	size_t i;

	if (args_next(args, error))
		return args->status;
	status = args_count(args, 0, 0, "nothing is", error);
	if (status)
		return status;
	snprintf(abi, sizeof(abi), "%d.0 to %d.%d", CONSORT_ABI_MAJOR, CONSORT_ABI_MAJOR, CONSORT_ABI_MINOR);
	for (i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		if (tool->format == OUTPUT_JSON)
			report_json_text(&text, i ? "," : "{", facts[i].name, facts[i].text);
		else
			consort_buffer_printf(&text, "%-9s %s\n", facts[i].name, facts[i].text);
	if (tool->format == OUTPUT_JSON)
		consort_buffer_text(&text, "}\n");
	status = report_print(tool, &text, error);
	consort_buffer_clear(&text);
	return status;
}

const struct command command_version = {.name = "version", .help = help, .run = run};
