/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL adapter: statements that the server's own clock, or an administrator, ends. */
#include "postgres-adapter.h"

#include <pthread.h>
#include <unistd.h>

static struct adapter_test test;

#define OK(call) ADAPTER_OK(&test, call)
#define FAILS(call, status) CU_ASSERT_EQUAL(call, status)
#define SLEEP "SELECT pg_sleep(60)"

/* The server's own clock. */
static void test_statement_timeout(void)
{
	postgres_test_open(&test, NULL, ADAPTER_LIST("options=-cstatement_timeout=50"));
	FAILS(adapter_do(&test, SLEEP), CONSORT_ETIMEOUT);
	TESTING_TEXT(test.error.sqlstate, "57014");
	OK(adapter_do(&test, "SELECT 1"));
	postgres_test_close(&test);
}

/* It says so in its own language. */
static void test_statement_timeout_in_another_language(void)
{
	postgres_test_open(
		&test,
		"CREATE FUNCTION schlafe() RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(3600);"
		" EXCEPTION WHEN query_canceled THEN RAISE EXCEPTION USING ERRCODE = '57014',"
		" MESSAGE = 'storniere Anfrage wegen Zeitüberschreitung der Anfrage'; END$$",
		ADAPTER_LIST("options=-cstatement_timeout=50"));
	FAILS(adapter_do(&test, "SELECT schlafe()"), CONSORT_ETIMEOUT);
	TESTING_TEXT(test.error.sqlstate, "57014");
	TESTING_CONTAINS(test.error.message, "Zeitüberschreitung");
	postgres_test_close(&test);
}

/* An administrator's cancel is told apart from a limit, also where there is one. */
static void *cancel_from_outside(void *pid)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = %s AND state = 'active'"
		 " AND wait_event = 'PgSleep'",
		 (const char *)pid);
	while (strcmp(postgres_test_raw(sql), "t"))
		usleep(1000);
	return NULL;
}

static void test_cancelled_from_outside(void)
{
	static const char *const limits[] = {"options=-cstatement_timeout=0",
					     "options=-cstatement_timeout=1h"};
	pthread_t thread;
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		char pid[32];

		postgres_test_open(&test, NULL, ADAPTER_LIST(limits[i]));
		OK(adapter_do(&test, "SELECT pg_backend_pid()"));
		snprintf(pid, sizeof(pid), "%s", adapter_text(&test));
		pthread_create(&thread, NULL, cancel_from_outside, pid);
		FAILS(adapter_do(&test, SLEEP), CONSORT_ECANCELLED);
		pthread_join(thread, NULL);
		TESTING_TEXT(test.error.sqlstate, "57014");
		OK(adapter_do(&test, "SELECT 1"));
		postgres_test_close(&test);
	}
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"statement-timeout", test_statement_timeout},
		{"statement-timeout-in-another-language", test_statement_timeout_in_another_language},
		{"cancelled-from-outside", test_cancelled_from_outside},
		{NULL, NULL},
	};

	return testing_main("postgres-limits", cases, argc, argv);
}
