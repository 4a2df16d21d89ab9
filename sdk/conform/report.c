/* SPDX-License-Identifier: Apache-2.0 */
/* The outcome: for people, as TAP version 13, or as one JSON object. */
#include "conform.h"

#include <stdio.h>

#define PAGE "docs/contract.md"

static const char *const words[] = {"ok", "not ok", "skip"};

static void quote(const char *text)
{
	struct consort_buffer out = CONSORT_BUFFER_INIT;

	consort_json_quote(&out, text, strlen(text));
	fputs(out.data ? out.data : "\"\"", stdout);
	consort_buffer_clear(&out);
}

static const char *detail_of(const struct conform_outcome *outcome)
{
	return outcome->detail.data ? outcome->detail.data : "";
}

/* The text with something in front of its first line, and blanks in front of the others. */
static void print_lines(const char *front, const char *text)
{
	int width = 0;

	while (*text) {
		const size_t size = strcspn(text, "\n");

		printf("       %*s%.*s\n", width, width ? "" : front, (int)size, text);
		width = (int)strlen(front);
		text += size;
		text += *text == '\n';
	}
}

void conform_report_begin(enum conform_format format, const struct conform *conform, size_t ntests)
{
	switch (format) {
	case CONFORM_TAP:
		printf("TAP version 13\n1..%zu\n", ntests);
		break;
	case CONFORM_JSON:
		fputs("{\"plugin\":", stdout);
		quote(conform->path);
		printf(",\"seed\":%llu,\"tests\":[", (unsigned long long)conform->seed);
		break;
	default:
		break;
	}
}

static void report_tap(size_t number, const struct conform_test *test, const struct conform_outcome *outcome)
{
	printf("%s %zu - %s%s", outcome->result == CONFORM_FAILED ? "not ok" : "ok", number, test->clause,
	       outcome->result == CONFORM_SKIPPED ? " # SKIP " : "\n");
	if (outcome->result == CONFORM_SKIPPED)
		printf("%.*s\n", (int)strcspn(detail_of(outcome), "\n"), detail_of(outcome));
	if (outcome->result != CONFORM_FAILED)
		return;
	printf("  ---\n  clause: ");
	quote(test->says);
	printf("\n  page: %s#%s\n  detail: ", PAGE, test->clause);
	quote(detail_of(outcome));
	printf("\n  milliseconds: %lld\n  ...\n", (long long)outcome->milliseconds);
}

static void report_json(size_t number, const struct conform_test *test, const struct conform_outcome *outcome)
{
	static const char *const results[] = {"passed", "failed", "skipped"};

	printf("%s\n{\"name\":\"%s\",\"clause\":", number > 1 ? "," : "", test->clause);
	quote(test->says);
	printf(",\"result\":\"%s\",\"detail\":", results[outcome->result]);
	quote(detail_of(outcome));
	printf(",\"milliseconds\":%lld}", (long long)outcome->milliseconds);
}

static size_t untried; /* tests of which the report says at its end that they were not tried */
static char why_untried[200];

static void report_text(const struct conform_test *test, const struct conform_outcome *outcome)
{
	if (outcome->result == CONFORM_SKIPPED && outcome->untried) {
		untried++;
		consort_copy_text(why_untried, sizeof(why_untried), detail_of(outcome));
		return;
	}
	printf("%-6s %s\n", words[outcome->result], test->clause);
	if (outcome->result == CONFORM_SKIPPED)
		print_lines("  ", detail_of(outcome));
	if (outcome->result != CONFORM_FAILED)
		return;
	printf("       the contract: %s\n       (%s#%s)\n", test->says, PAGE, test->clause);
	print_lines("but ", detail_of(outcome));
}

void conform_report_test(enum conform_format format, size_t number, const struct conform_test *test,
			 const struct conform_outcome *outcome)
{
	switch (format) {
	case CONFORM_TAP:
		report_tap(number, test, outcome);
		break;
	case CONFORM_JSON:
		report_json(number, test, outcome);
		break;
	default:
		report_text(test, outcome);
	}
	fflush(stdout);
}

static void print_features(const struct consort_features *features)
{
	uint32_t feature;

	for (feature = 0; feature < CONSORT_FEATURE_COUNT; feature++)
		if (consort_features_has(features, feature))
			printf(" %s", consort_feature_name(feature));
	putchar('\n');
}

void conform_report_end(enum conform_format format, const struct conform *conform, const size_t counts[3])
{
	switch (format) {
	case CONFORM_TAP:
		break;
	case CONFORM_JSON:
		printf("\n],\"server\":");
		quote(conform->facts.server);
		printf(",\"client_aborts\":%s", conform->client_aborts ? "true" : "false");
		printf(",\"passed\":%zu,\"failed\":%zu,\"skipped\":%zu}\n", counts[CONFORM_PASSED],
		       counts[CONFORM_FAILED], counts[CONFORM_SKIPPED]);
		break;
	default:
		if (untried)
			printf("skip   %zu more: %s\n", untried, why_untried);
		if (conform->facts.found) {
			printf("\n%s, with", conform->facts.server);
			print_features(&conform->facts.features);
		}
		if (conform->client_aborts)
			puts("only the adapter's own allocations were made to fail");
		printf("conform: %zu passed, %zu failed, %zu skipped\n", counts[CONFORM_PASSED],
		       counts[CONFORM_FAILED], counts[CONFORM_SKIPPED]);
		if (counts[CONFORM_FAILED])
			printf("seed %llu; name a test to run it alone\n", (unsigned long long)conform->seed);
	}
	fflush(stdout);
}
