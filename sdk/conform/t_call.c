/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every call: flags, deadline and token, errors, and that the process stays as it is. */
#include "drive.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNKNOWN 0x40000000u /* a flag that no header has */

/* --- operations, each called as it should be but for what the test changes --- */

struct attempt {
	struct subject *subject;
	struct world *world;
	struct reading reading; /* a cursor that is open */
	void *out;		/* what an out-parameter holds before, and must hold after a failure */
};

static uint32_t try_open(struct attempt *attempt)
{
	struct subject *subject = attempt->subject;
	uint32_t status = subject->plugin->connection->open(subject->database, subject->call, &attempt->out,
							    subject_error(subject));

	if (!status)
		subject->plugin->connection->close(attempt->out, subject->call);
	return status;
}

static uint32_t try_ping(struct attempt *attempt)
{
	struct subject *subject = attempt->subject;

	return CALL(subject, connection, ping);
}

static uint32_t try_reset(struct attempt *attempt)
{
	struct subject *subject = attempt->subject;

	return CALL(subject, connection, reset);
}

static uint32_t introspect(struct subject *subject, const char *source)
{
	const struct consort_resource_sink sink = {NULL, conform_ignore_resource};

	return CALL(subject, schema, introspect, source, NULL, 0, &sink);
}

static uint32_t try_introspect(struct attempt *attempt)
{
	return introspect(attempt->subject, NULL);
}

static uint32_t try_query(struct attempt *attempt)
{
	struct subject *subject = attempt->subject;
	const struct consort_query_ops *query = subject->plugin->query;
	uint32_t status = query->open(subject->connection, subject->call, attempt->reading.compiled,
				      STRUCT(struct consort_run), &attempt->out, subject_error(subject));

	if (!status)
		query->close(attempt->out);
	return status;
}

static uint32_t try_next(struct attempt *attempt)
{
	return subject_next(attempt->subject, &attempt->reading);
}

static uint32_t try_insert(struct attempt *attempt)
{
	const struct consort_resource *resource = attempt->world->resource;
	struct consort_value *row = conform_frozen((resource->nattributes + 1) * sizeof(*row));
	struct writing writing = {0};

	world_row(attempt->world, 1, row);
	return subject_write(attempt->subject, attempt->subject->plugin->write->insert, resource, &writing,
			     row, 1);
}

static uint32_t try_begin(struct attempt *attempt)
{
	struct subject *subject = attempt->subject;

	return CALL(subject, transaction, begin, STRUCT(struct consort_transaction_options));
}

static uint32_t try_define(struct attempt *attempt)
{
	struct subject *subject = attempt->subject;

	return CALL(subject, schema, define, attempt->world->resource, CONSORT_SCHEMA_DRY_RUN, NULL);
}

/* `ends`: what deadlines and tokens end, since it may take long. */
static const struct {
	const char *name;
	int feature; /* -1: always */
	uint32_t (*run)(struct attempt *attempt);
	bool ends;
} operations[] = {
	{"connection.open", -1, try_open, false},
	{"connection.ping", -1, try_ping, true},
	{"connection.reset", -1, try_reset, false},
	{"schema.introspect", CONSORT_FEATURE_INTROSPECT, try_introspect, true},
	{"query.open", CONSORT_FEATURE_READ, try_query, false},
	{"query.next", CONSORT_FEATURE_READ, try_next, true},
	{"write.insert", CONSORT_FEATURE_CREATE, try_insert, true},
	{"transaction.begin", CONSORT_FEATURE_TRANSACTIONS, try_begin, true},
	{"schema.define", CONSORT_FEATURE_DEFINE, try_define, false},
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static bool applies(const struct attempt *attempt, size_t i)
{
	const struct consort_resource *resource = attempt->world->resource;
	const int feature = operations[i].feature;

	if (feature >= 0 && !subject_has(attempt->subject, feature))
		return false;
	if (feature == CONSORT_FEATURE_READ)
		return attempt->reading.cursor != NULL;
	if (feature == CONSORT_FEATURE_CREATE)
		return resource && resource->nkeys && !(resource->flags & CONSORT_RESOURCE_READ_ONLY);
	return feature != CONSORT_FEATURE_DEFINE || attempt->world->made;
}

/* Opens all, with a cursor where the adapter reads. */
static void begin(struct attempt *attempt, struct subject *subject, struct world *world,
		  struct conform *conform)
{
	memset(attempt, 0, sizeof(*attempt));
	attempt->subject = subject;
	attempt->world = world;
	world_open(world, conform, NULL);
	if (consort_features_has(&conform->facts.features, CONSORT_FEATURE_READ))
		world_fill(world, 5);
	subject_open(subject, conform);
	world_lend(world, subject, true);
	if (subject_has(subject, CONSORT_FEATURE_READ))
		subject_need(
			subject,
			subject_read(subject, tree_scan(world->resource), NULL, 0, NULL, &attempt->reading),
			"opening a cursor");
}

static void end(struct attempt *attempt)
{
	subject_end(attempt->subject, &attempt->reading);
	subject_close(attempt->subject);
	world_close(attempt->world);
}

/* Every operation answers with that status. */
static void expect_all(struct attempt *attempt, bool only_long, uint32_t expected, const char *what)
{
	size_t i;

	for (i = 0; i < OPERATIONS; i++) {
		uint32_t status;

		if (!applies(attempt, i) || (only_long && !operations[i].ends))
			continue;
		status = operations[i].run(attempt);
		REQUIRE(status == expected, "%s with %s answers status %u, not %u", operations[i].name, what,
			status, expected);
	}
}

static void test_flags(struct conform *conform)
{
	struct attempt attempt;
	struct subject subject;
	struct world world;

	begin(&attempt, &subject, &world, conform);
	subject.call->flags = UNKNOWN;
	expect_all(&attempt, false, CONSORT_EUNSUPPORTED, "an unknown flag");
	subject.call->flags = CONSORT_CALL_NONBLOCK;
	expect_all(&attempt, false, CONSORT_EUNSUPPORTED, "CONSORT_CALL_NONBLOCK, which is reserved,");
	subject.call->flags = 0;
	end(&attempt);
}

static void test_deadline(struct conform *conform)
{
	struct attempt attempt;
	struct subject subject;
	struct world world;

	begin(&attempt, &subject, &world, conform);
	subject.call->deadline = conform_now() - 1000000000;
	expect_all(&attempt, true, CONSORT_ETIMEOUT, "a deadline that has passed");
	subject.call->deadline = conform_now() + (int64_t)3600 * 1000000000;
	subject_need(&subject, try_ping(&attempt), "ping with a deadline in an hour");
	subject.call->deadline = 0;
	end(&attempt);
}

static void test_cancelled(struct conform *conform)
{
	struct attempt attempt;
	struct subject subject;
	struct world world;
	uint32_t *cancelled = conform_frozen(sizeof(*cancelled));

	begin(&attempt, &subject, &world, conform);
	subject.call->cancelled = cancelled;
	subject_need(&subject, try_ping(&attempt), "ping with a token that did not fire");
	*cancelled = 1;
	expect_all(&attempt, true, CONSORT_ECANCELLED, "a token that has fired");
	*cancelled = 0;
	end(&attempt);
}

/* --- errors --- */

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) && consort_utf8_valid(text, strlen(text), NULL);
}

/* Is it filled as errors are? */
static void check_error(const struct consort_error *error, uint32_t status, const char *what)
{
	REQUIRE(status > CONSORT_OK && status < CONSORT_STATUS_COUNT, "%s answers %u, which is no status",
		what, status);
	REQUIRE(error->status == status, "%s answers status %u, and its error says %u", what, status,
		error->status);
	REQUIRE(is_text(error->message, sizeof(error->message)) && *error->message, "%s fills no message",
		what);
	REQUIRE(is_text(error->sqlstate, sizeof(error->sqlstate)) &&
			(!*error->sqlstate || strlen(error->sqlstate) == 5),
		"%s fills an sqlstate that is none", what);
	REQUIRE(is_text(error->origin, sizeof(error->origin)) &&
			is_text(error->resource, sizeof(error->resource)) &&
			is_text(error->attribute, sizeof(error->attribute)) &&
			is_text(error->constraint, sizeof(error->constraint)),
		"%s fills a text of its error that is none", what);
	REQUIRE(!(error->flags &
		  ~(CONSORT_ERROR_RETRYABLE | CONSORT_ERROR_TX_ABORTED | CONSORT_ERROR_CONNECTION_DEAD)),
		"%s fills unknown flags of its error", what);
}

static void test_filled(struct conform *conform)
{
	struct attempt attempt;
	struct subject subject;
	struct world world;
	struct writing writing = {0};
	uint32_t status;
	size_t i;

	begin(&attempt, &subject, &world, conform);
	subject.call->flags = UNKNOWN;
	for (i = 0; i < OPERATIONS; i++) {
		status = applies(&attempt, i) ? operations[i].run(&attempt) : CONSORT_OK;
		if (status)
			check_error(subject.error, status, operations[i].name);
	}
	subject.call->flags = 0;
	if (subject_has(&subject, CONSORT_FEATURE_INTROSPECT)) {
		status = introspect(&subject, "conform has no such resource");
		if (status)
			check_error(subject.error, status, "schema.introspect of what is not there");
	}
	if (world.wrote && world.nrows) { /* a record that is there */
		writing.flags = 0;
		status = subject_write(&subject, subject.plugin->write->insert, world.resource, &writing,
				       world.rows, 1);
		if (status)
			check_error(subject.error, status, "write.insert of a record that is there");
		if (writing.nfailed)
			check_error(&writing.failure, writing.failure.status,
				    "the row that write.insert refused");
	}
	end(&attempt);
}

/* Flags that are refused leave what comes out as it was. */
static void test_outputs(struct conform *conform)
{
	static int untouched;
	struct attempt attempt;
	struct subject subject;
	struct world world;
	size_t i;

	begin(&attempt, &subject, &world, conform);
	subject.call->flags = UNKNOWN;
	for (i = 0; i < OPERATIONS; i++) {
		attempt.out = &untouched;
		if (applies(&attempt, i) && operations[i].run(&attempt))
			REQUIRE(attempt.out == &untouched, "%s fails, and has written to what it gives out",
				operations[i].name);
	}
	subject.call->flags = 0;
	if (subject_has(&subject, CONSORT_FEATURE_READ)) {
		struct consort_statement *statement = subject_statement(tree_scan(world.resource), NULL, 0);
		void *compiled = &untouched;

		statement->flags = UNKNOWN;
		if (subject.plugin->query->compile(subject.database, statement, &compiled,
						   subject_error(&subject)))
			REQUIRE(compiled == &untouched,
				"query.compile fails, and has written to what it gives out");
	}
	end(&attempt);
}

/* --- other flags --- */

static void test_statement_flags(struct conform *conform)
{
	struct consort_statement *statement;
	struct subject subject;
	struct world world;
	void *compiled = NULL;

	world_open(&world, conform, NULL);
	world_make(&world);
	subject_open(&subject, conform);
	statement = subject_statement(tree_scan(world.resource), NULL, 0);
	statement->flags = UNKNOWN;
	EXPECT(subject.plugin->query->compile(subject.database, statement, &compiled,
					      subject_error(&subject)),
	       EUNSUPPORTED, "query.compile of a statement with an unknown flag");
	subject_close(&subject);
	world_close(&world);
}

static void test_request_flags(struct conform *conform)
{
	struct consort_transaction_options *options = STRUCT(struct consort_transaction_options);
	struct attempt attempt;
	struct subject subject;
	struct world world;

	begin(&attempt, &subject, &world, conform);
	subject_end(&subject, &attempt.reading);
	if (subject_has(&subject, CONSORT_FEATURE_TRANSACTIONS)) {
		options->flags = UNKNOWN;
		EXPECT(CALL(&subject, transaction, begin, options), EUNSUPPORTED,
		       "transaction.begin with an unknown flag");
	}
	if (world.made) {
		EXPECT(CALL(&subject, schema, define, world.resource, UNKNOWN | CONSORT_SCHEMA_DRY_RUN, NULL),
		       EUNSUPPORTED, "schema.define with an unknown flag");
		EXPECT(CALL(&subject, schema, drop, world.resource, UNKNOWN | CONSORT_SCHEMA_DRY_RUN, NULL),
		       EUNSUPPORTED, "schema.drop with an unknown flag");
	}
	if (applies(&attempt, 6)) {
		struct consort_value *row = conform_frozen((world.resource->nattributes + 1) * sizeof(*row));
		struct writing writing = {.flags = UNKNOWN};

		world_row(&world, 1, row);
		EXPECT(subject_write(&subject, subject.plugin->write->insert, world.resource, &writing, row,
				     1),
		       EUNSUPPORTED, "write.insert with an unknown flag");
	}
	end(&attempt);
}

/* --- the process --- */

static void run_scenario(struct conform *conform)
{
	struct subject subject;
	struct world world;
	const char *step;
	uint32_t status;

	world_open(&world, conform, NULL);
	if (consort_features_has(&conform->facts.features, CONSORT_FEATURE_READ))
		world_make(&world);
	status = scenario_run(conform, &world, 1, &step, &subject);
	REQUIRE(!status, "%s failed (status %u): %s", step, status, consort_error_text(subject.error));
	world_close(&world);
}

static void test_prints(struct conform *conform)
{
	const char *printed;

	run_scenario(conform);
	printed = conform_printed();
	REQUIRE(!*printed, "it prints: %.500s", printed);
}

static void test_process(struct conform *conform)
{
	const char *locale = strdup(setlocale(LC_ALL, NULL));
	char before[4096], after[4096];
	struct sigaction old[32], now;
	mode_t mask = umask(022);
	int number;

	umask(mask);
	NEED(locale && getcwd(before, sizeof(before)));
	conform_load(conform);
	for (number = 1; number < 32; number++)
		sigaction(number, NULL, &old[number]);
	run_scenario(conform);
	REQUIRE(getcwd(after, sizeof(after)) && !strcmp(before, after),
		"the working folder is another one now");
	REQUIRE(!strcmp(locale, setlocale(LC_ALL, NULL)), "the locale is another one now: %s",
		setlocale(LC_ALL, NULL));
	REQUIRE(umask(mask) == mask, "the umask is another one now");
	for (number = 1; number < 32; number++) {
		sigaction(number, NULL, &now);
		REQUIRE(now.sa_handler == old[number].sa_handler, "it handles the signal %s",
			sigabbrev_np(number));
	}
}

/* --- struct sizes --- */

static void test_truncated(struct conform *conform)
{
	conform_layout = CONFORM_TRUNCATED;
	run_scenario(conform);
}

static void test_oversized(struct conform *conform)
{
	conform_layout = CONFORM_OVERSIZED;
	run_scenario(conform);
}

const struct conform_test conform_call_tests[] = {
	TEST("call-flags", test_flags, ALWAYS, 0, 0, "Unknown flags of a call are refused."),
	TEST("call-deadline", test_deadline, ALWAYS, 0, 0,
	     "A call whose deadline has passed ends with ETIMEOUT."),
	TEST("call-cancelled", test_cancelled, ALWAYS, 0, 0,
	     "A call whose token has fired ends with ECANCELLED."),
	TEST("statement-flags", test_statement_flags, READ, 0, 0,
	     "Unknown flags of a statement are refused."),
	TEST("request-flags", test_request_flags, ALWAYS, 0, 0,
	     "Unknown flags of a write, of define and drop, and of a transaction are refused."),
	TEST("error-filled", test_filled, ALWAYS, 0, 0,
	     "What fails fills the error: its status, and a message."),
	TEST("error-outputs", test_outputs, ALWAYS, 0, 0, "What fails leaves out-parameters as they are."),
	TEST("struct-truncated", test_truncated, ALWAYS, 0, 0,
	     "Nothing behind a struct's struct_size is read or written."),
	TEST("struct-oversized", test_oversized, ALWAYS, 0, 0,
	     "Structs of a newer host, with more fields, serve as well."),
	TEST("prints-nothing", test_prints, ALWAYS, 0, 0, "Nothing is printed."),
	TEST("process-untouched", test_process, ALWAYS, 0, 0,
	     "Working folder, locale, umask and signal handlers stay as they are."),
	CONFORM_END,
};
