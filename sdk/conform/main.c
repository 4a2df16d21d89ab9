/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, and which tests are run: a test that needs what another one has found not to hold is not
 * tried. */
#include "drive.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct conform_test *const lists[] = {
	conform_file_tests,	conform_life_tests,   conform_call_tests,	 conform_memory_tests,
	conform_offer_tests,	conform_read_tests,   conform_write_tests,	 conform_type_tests,
	conform_agree_tests,	conform_schema_tests, conform_transaction_tests, conform_wait_tests,
	conform_keyvalue_tests, conform_change_tests, conform_feature_tests,	 conform_clear_tests,
};

/* The n-th of all tests, or NULL. */
static const struct conform_test *test_at(size_t n)
{
	const struct conform_test *test = NULL;
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (test = lists[i]; test->clause; test++)
			if (!n--)
				return test;
	return NULL;
}

static const char usage[] =
	"usage: consort-conform --plugin FILE [OPTION]... [TEST]...\n"
	"\n"
	"Proves that an adapter keeps the contract, or shows where it does not.\n"
	"\n"
	"  -p, --plugin FILE      the adapter's file\n"
	"  -o NAME=VALUE          an option of the database, as in a manifest\n"
	"  -R, --resource SOURCE  a resource to use, where the adapter does not define; may be given again.\n"
	"                         'SOURCE:NAME TYPE [not null], ...' declares its attributes, the key first\n"
	"  -r NAME=VALUE          an option of each resource\n"
	"      --native TEXT      a statement in the engine's own language that gives rows\n"
	"      --aggregate TEXT   what the option continuous_aggregate of a resource says; %s: of which one\n"
	"      --client-aborts    the client library ends the process where memory runs out\n"
	"      --seed NUMBER      where values and queries grow from; each run has its own, unless it is "
	"given\n"
	"      --timeout SECONDS  the most that a test may take (30)\n"
	"      --tap, --json      the report in that form\n"
	"      --list             the tests, each with the clause of the contract that it is about\n"
	"      --features         the features, each with the tests that are about it\n"
	"      --help, --version\n"
	"\n"
	"Tests write to resources of their own where the adapter defines; else to the one that is named, or "
	"to one\n"
	"that is there, and remove what they have written. Exit status: 0 if no test failed, 1 if one did, 2 "
	"otherwise.\n";

static void __attribute__((__noreturn__, __format__(__printf__, 1, 2))) give_up(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("consort-conform: ", stderr);
	vfprintf(stderr, format, arguments);
	fputs("\n", stderr);
	exit(2);
}

struct run {
	struct conform conform;
	enum conform_format format;
	char *const *names; /* of the tests to run; none: all */
	size_t nnames, ntests;
	bool lives;	    /* some are about more than the file */
	const char *broken; /* the test that failed, so that those which need it are not tried */
	size_t counts[3];
};

static bool is_named(const struct run *run, const char *clause)
{
	size_t i;

	for (i = 0; i < run->nnames; i++)
		if (!strcmp(run->names[i], clause))
			return true;
	return !run->nnames;
}

static bool is_known(const char *name)
{
	const struct conform_test *test;
	size_t i;

	for (i = 0; (test = test_at(i)); i++)
		if (!strcmp(test->clause, name))
			return true;
	return false;
}

/* --- running --- */

/* NULL: it can be tried. */
static const char *why_not(const struct run *run, const struct conform_test *test, char *text, size_t size)
{
	const struct consort_features *features = &run->conform.facts.features;
	const uint64_t about = test->feature < 64 ? CONSORT_FEATURE_BIT(test->feature) : 0;
	uint32_t feature;

	/* the looks at the file are apart from each other; all else needs a file that can be loaded */
	if (run->broken && (!(test->flags & CONFORM_FILE) || (test->flags & CONFORM_FIRST))) {
		snprintf(text, size, "not tried, since %s failed", run->broken);
		return text;
	}
	for (feature = 0; feature < CONSORT_FEATURE_COUNT; feature++) {
		if (!((test->needs | about) >> feature & 1) || consort_features_has(features, feature))
			continue;
		snprintf(text, size, "it does not have %s", consort_feature_name(feature));
		return text;
	}
	return NULL;
}

/* What comes back from the tests that later ones build on. */
static void *answer_of(struct run *run, const struct conform_test *test, size_t *out_size)
{
	if (!(test->flags & CONFORM_FIRST))
		return NULL;
	*out_size = test->flags & CONFORM_FILE ? sizeof(run->conform.claims) : sizeof(run->conform.facts);
	return test->flags & CONFORM_FILE ? (void *)&run->conform.claims : (void *)&run->conform.facts;
}

/* Each test has random numbers of its own, so that one alone does what it does among the others. */
static uint64_t seed_of(const struct run *run, const char *clause)
{
	uint64_t state = run->conform.seed;

	for (; *clause; clause++)
		state = (state ^ (unsigned char)*clause) * 0x100000001b3u;
	return state;
}

/* --- what tests that failed have left behind --- */

static enum consort_status drop_ours(void *context, const struct consort_resource *resource,
				     const struct consort_error *error)
{
	const struct conform *conform = context;
	const char *source = strstr(resource->source, conform->prefix);

	(void)error;
	if (source && !strncmp(resource->name, "subject.", 8)) {
		struct consort_error ignored;
		struct consort *c = conform_open((struct conform *)(uintptr_t)conform, NULL, NULL);

		consort_drop(c, resource->name, CONSORT_DEFINE_IF_NEEDED, NULL, &ignored);
		consort_close(c);
	}
	return CONSORT_OK;
}

static void drop_tables(struct conform *conform)
{
	struct consort_error error;
	struct consort *c = conform_open(conform, NULL, NULL);

	consort_resources(c, 0, drop_ours, conform, &error);
	consort_close(c);
}

/* In a process of its own, as what made it necessary was. */
static void clean_up(struct run *run, void (*sweep)(struct conform *conform))
{
	const struct conform_test test = {"", "", sweep, CONSORT_FEATURE_ALWAYS, 0, 0};
	struct conform_outcome outcome;

	if (!run->conform.facts.found)
		return;
	conform_run(&run->conform, &test, NULL, 0, &outcome);
	consort_buffer_clear(&outcome.detail);
}

static void sweep(struct conform *conform)
{
	conform_end_branches(conform);
	world_sweep(conform);
}

/* --- a test --- */

static void run_test(struct run *run, const struct conform_test *test)
{
	struct conform_outcome outcome = {.result = CONFORM_SKIPPED};
	const bool named = is_named(run, test->clause);
	size_t size = 0;
	void *answer = answer_of(run, test, &size);
	char text[160];
	const char *why = why_not(run, test, text, sizeof(text));

	if (!named && !(answer && run->lives))
		return;
	if (why) {
		outcome.untried = run->broken != NULL;
		consort_buffer_text(&outcome.detail, why);
	} else {
		run->conform.random = seed_of(run, test->clause);
		conform_run(&run->conform, test, answer, size, &outcome);
	}
	if (outcome.result == CONFORM_FAILED && test->flags & (CONFORM_FILE | CONFORM_FIRST))
		run->broken = test->clause;
	if (!why && outcome.result != CONFORM_PASSED) /* it ended where it was */
		clean_up(run, sweep);
	if (named || outcome.result == CONFORM_FAILED) {
		run->counts[outcome.result]++;
		conform_report_test(run->format, ++run->ntests, test, &outcome);
	}
	consort_buffer_clear(&outcome.detail);
}

static size_t count_named(struct run *run)
{
	const struct conform_test *test;
	size_t count = 0, i;

	for (i = 0; (test = test_at(i)); i++)
		if (is_named(run, test->clause)) {
			run->lives |= !(test->flags & CONFORM_FILE);
			count++;
		}
	return count;
}

static int run_all(struct run *run)
{
	const struct conform_test *test;
	size_t i;

	conform_report_begin(run->format, &run->conform, count_named(run));
	for (i = 0; (test = test_at(i)); i++)
		run_test(run, test);
	if (run->counts[CONFORM_FAILED] &&
	    consort_features_has(&run->conform.facts.features, CONSORT_FEATURE_DEFINE) &&
	    consort_features_has(&run->conform.facts.features, CONSORT_FEATURE_INTROSPECT))
		clean_up(run, drop_tables);
	rmdir(run->conform.folder);
	conform_report_end(run->format, &run->conform, run->counts);
	return run->counts[CONFORM_FAILED] > 0;
}

/* --- the command line --- */

static void list_tests(void)
{
	const struct conform_test *test;
	size_t i;

	for (i = 0; (test = test_at(i)); i++)
		printf("%s\t%s\n", test->clause, test->says);
}

/* Each feature, with the tests that are about it. */
static void list_features(void)
{
	const struct conform_test *test;
	uint32_t feature;
	size_t i;

	for (feature = 0; feature < CONSORT_FEATURE_COUNT; feature++) {
		fputs(consort_feature_name(feature), stdout);
		for (i = 0; (test = test_at(i)); i++)
			if (test->feature == feature)
				printf(" %s", test->clause);
		putchar('\n');
	}
}

/* Appends to a list that has room for all arguments. */
static void add(const char ***list, size_t *count, const char *item, size_t room)
{
	if (!*list)
		*list = calloc(room, sizeof(**list));
	if (!*list)
		give_up("out of memory");
	(*list)[(*count)++] = item;
}

static int64_t number(const char *name, const char *text, int64_t least)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (!*text || *end || errno || value < least)
		give_up("%s takes a number from %lld on, not '%s'", name, (long long)least, text);
	return value;
}

static const char *assignment(const char *option, const char *text)
{
	if (!strchr(text, '=') || *text == '=')
		give_up("%s takes NAME=VALUE, not '%s'", option, text);
	return text;
}

enum long_option {
	OPTION_NATIVE = 256,
	OPTION_AGGREGATE,
	OPTION_CLIENT_ABORTS,
	OPTION_SEED,
	OPTION_TIMEOUT,
	OPTION_TAP,
	OPTION_JSON,
	OPTION_LIST,
	OPTION_FEATURES,
	OPTION_VERSION
};

static void parse(struct run *run, int argc, char **argv)
{
	static const struct option options[] = {
		{"plugin", required_argument, NULL, 'p'},
		{"resource", required_argument, NULL, 'R'},
		{"native", required_argument, NULL, OPTION_NATIVE},
		{"aggregate", required_argument, NULL, OPTION_AGGREGATE},
		{"client-aborts", no_argument, NULL, OPTION_CLIENT_ABORTS},
		{"seed", required_argument, NULL, OPTION_SEED},
		{"timeout", required_argument, NULL, OPTION_TIMEOUT},
		{"tap", no_argument, NULL, OPTION_TAP},
		{"json", no_argument, NULL, OPTION_JSON},
		{"list", no_argument, NULL, OPTION_LIST},
		{"features", no_argument, NULL, OPTION_FEATURES},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, OPTION_VERSION},
		{NULL, 0, NULL, 0},
	};
	struct conform *conform = &run->conform;
	const char **opts = NULL, **settings = NULL, **resources = NULL, *plugin = NULL;
	const size_t room = (size_t)argc;
	struct stat file;
	int option, i;

	while ((option = getopt_long(argc, argv, "p:o:R:r:h", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			plugin = optarg;
			break;
		case 'o':
			add(&opts, &conform->noptions, assignment("-o", optarg), room);
			break;
		case 'R':
			add(&resources, &conform->nresources, optarg, room);
			break;
		case 'r':
			add(&settings, &conform->nsettings, assignment("-r", optarg), room);
			break;
		case OPTION_NATIVE:
			conform->native = optarg;
			break;
		case OPTION_AGGREGATE:
			if (!strstr(optarg, "%s"))
				give_up("--aggregate takes a text with %%s in it, not '%s'", optarg);
			conform->aggregate = optarg;
			break;
		case OPTION_CLIENT_ABORTS:
			conform->client_aborts = true;
			break;
		case OPTION_SEED:
			conform->seed = (uint64_t)number("--seed", optarg, 0);
			break;
		case OPTION_TIMEOUT:
			conform->timeout = number("--timeout", optarg, 1) * 1000;
			break;
		case OPTION_TAP:
			run->format = CONFORM_TAP;
			break;
		case OPTION_JSON:
			run->format = CONFORM_JSON;
			break;
		case OPTION_LIST:
			list_tests();
			exit(0);
		case OPTION_FEATURES:
			list_features();
			exit(0);
		case 'h':
			fputs(usage, stdout);
			exit(0);
		case OPTION_VERSION:
			printf("consort-conform %s\n", consort_version());
			exit(0);
		default:
			exit(2);
		}
	}
	if (!plugin)
		give_up("--plugin FILE is missing; see --help");
	conform->path = realpath(plugin, NULL);
	if (!conform->path)
		give_up("%s: %s", plugin, strerror(errno));
	if (stat(conform->path, &file) || !S_ISREG(file.st_mode))
		give_up("%s is no file", plugin);
	conform->options = opts;
	conform->settings = settings;
	conform->resources = resources;
	run->names = argv + optind;
	run->nnames = (size_t)(argc - optind);
	for (i = optind; i < argc; i++)
		if (!is_known(argv[i]))
			give_up("there is no test '%s'; --list tells them", argv[i]);
}

int main(int argc, char **argv)
{
	const char *temporary = getenv("TMPDIR");
	static struct run run;

	run.conform.seed = (uint64_t)conform_now() >> 10;
	run.conform.timeout = 30000;
	parse(&run, argc, argv);
	snprintf(run.conform.prefix, sizeof(run.conform.prefix), "conform_%d_", (int)getpid());
	snprintf(run.conform.folder, sizeof(run.conform.folder), "%s/consort-conform-XXXXXX",
		 temporary && strlen(temporary) < 32 ? temporary : "/tmp");
	if (!mkdtemp(run.conform.folder))
		give_up("%s: %s", run.conform.folder, strerror(errno));
	return run_all(&run);
}
