/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets out of texts: known ones in every spelling, passwords by their place, and where a text was cut. */
#include "base/base.h"
#include "testing.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const int owner, other;

static const char *scrubbed(const char *text)
{
	struct consort_buffer out = CONSORT_BUFFER_INIT;

	consort_scrub(text, &out);
	return testing_keep(consort_buffer_steal(&out));
}

static void shows(const char *text, const char *expected)
{
	TESTING_TEXT(scrubbed(text), expected);
}

static void keeps(const char *text)
{
	TESTING_TEXT(scrubbed(text), text);
}

/* --- known secrets --- */

static void test_known(void)
{
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "hunter22"));
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "hunter22-longer"));
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, ""));
	shows("login with hunter22 failed", "login with *** failed");
	shows("hunter22", "***");
	shows("<hunter22><hunter22>", "<***><***>");
	shows("hunter22hunter22", "***");
	shows("xhunter22-longerx", "x***x");
	keeps("Hunter22 hunter2 2");
	keeps("");
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "overlap-ping"));
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "pingpong"));
	shows("an overlap-pingpong b", "an *** b");
}

/* White space at the ends may be missing where it is shown. */
static void test_trimmed(void)
{
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, " first\nsecond \n\n"));
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, " \n"));
	shows("is 'first\nsecond' right?", "is '***' right?");
	keeps("a \n b");
}

static void test_spellings(void)
{
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "a'b\"c\\d/e@f g%h\xc3\xa9\xf0\x9f\x94\x91+\n"));
	shows("is a'b\"c\\d/e@f g%h\xc3\xa9\xf0\x9f\x94\x91+.", "is ***.");
	shows("is a%27b%22c%5Cd%2Fe%40f%20g%25h%C3%A9%F0%9F%94%91+.", "is ***.");
	shows("is a%27b%22c%5cd/e%40f+g%25h%c3%a9%f0%9f%94%91%2b.", "is ***.");
	shows("is \"a'b\\\"c\\\\d\\/e@f g%h\\u00e9\\uD83D\\uDD11\\u002b\".", "is \"***\".");
	shows("is 'a\\'b\"c\\\\d/e@f g%h\xc3\xa9\xf0\x9f\x94\x91+'.", "is '***'.");
	shows("is 'a''b\"c\\d/e@f g%h\xc3\xa9\xf0\x9f\x94\x91+'.", "is '***'.");
	shows("is \"a'b\"\"c\\d/e@f g%h\xc3\xa9\xf0\x9f\x94\x91+\".", "is \"***\".");
	keeps("a%27b%22 %zz %2 \\u00 \\ud83d\\u0041 \\");
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "two\nlines\tand\rmore"));
	shows("{\"k\":\"two\\nlines\\tand\\u000dmore\"}", "{\"k\":\"***\"}");
	/* what looks like a spelling may be the secret itself */
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "100%25\\n''"));
	shows("is 100%25\\n''!", "is ***!");
	shows("is 100%2525%5Cn''!", "is ***!");
}

/* One that could be a part of any word is hidden as a whole value only. */
static void test_short(void)
{
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "a"));
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "not"));
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "x'y"));
	keeps("a database cannot be opened: not a file");
	shows("login with 'a' or \"not\" failed", "login with '***' or \"***\" failed");
	shows("host=h key=not, n=a", "host=h key=***, n=***");
	shows("select 'x''y'", "select '***'");
	keeps("'about' it's=nothing");
	shows("not", "***");
	keeps("not.");
}

static void test_owners(void)
{
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "secret of one"));
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&other, "secret of two"));
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&other, "secret of both"));
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "secret of both"));
	shows("a secret of one, a secret of two, a secret of both", "a ***, a ***, a ***");
	consort_secrets_forget(&owner);
	shows("a secret of one, a secret of two, a secret of both", "a secret of one, a ***, a ***");
	consort_secrets_forget(&other);
	keeps("a secret of one, a secret of two, a secret of both");
	consort_secrets_forget(&owner);
}

/* --- by their place --- */

static void test_uris(void)
{
	shows("postgres://me:hunter@h:5432/db?x=1 is down", "postgres://me:***@h:5432/db?x=1 is down");
	shows("redis://:pw@h", "redis://:***@h");
	shows("mongodb://u:p@ss@h1:1,h2:2/d", "mongodb://u:***@h1:1,h2:2/d");
	shows("\"a://u:p1@h\" and b://u:p2@h", "\"a://u:***@h\" and b://u:***@h");
	shows("pg://u:with/slash?and#more@h/db", "pg://u:***@h/db");
	keeps("http://host:8080/path?mail=a@b and http://user@host/ and file:///a:b");
	keeps("pg://u:open");
}

static void test_keywords(void)
{
	shows("password=x user=y", "password=*** user=y");
	shows("password = x, user = y", "password = ***, user = y");
	shows("PASSWORD='a b' x", "PASSWORD='***' x");
	shows("host=h password='it\\'s' port=1", "host=h password='***' port=1");
	shows("set password = 'it''s' where 1", "set password = '***' where 1");
	shows("{\"password\":\"x\",\"user\":\"y\"}", "{\"password\":\"***\",\"user\":\"y\"}");
	shows("{\"password\": \"a\\\"b\\\\\", \"n\": 1}", "{\"password\": \"***\", \"n\": 1}");
	shows("\"{\\\"password\\\":\\\"a\\\\\\\"b\\\",\\\"n\\\":1}\"",
	      "\"{\\\"password\\\":\\\"***\\\",\\\"n\\\":1}\"");
	shows("{'pwd': 12345}", "{'pwd': ***}");
	shows("h/?sslpassword=x&a=b", "h/?sslpassword=***&a=b");
	shows("PGPASSWORD=x psql", "PGPASSWORD=*** psql");
	shows("secret_access_key := \"x y\"", "secret_access_key := \"***\"");
	shows("ALTER ROLE r PASSWORD 'x' LOGIN", "ALTER ROLE r PASSWORD '***' LOGIN");
	shows("identified by 'x'", "identified by '***'");
	shows("password='never closed", "password='***");
	shows("passwd=abcdefgh", "passwd=***");
	keeps("password authentication failed for user \"me\"");
	keeps("unknown option 'password'; did you mean 'passfile'?");
	keeps("consort.ini:7: password: the environment variable 'X' is not set");
	keeps("where token = $1 and secret = ? and pwd = ?2");
	keeps("tokens=4 tokenize=porter, no password");
	keeps("password=, password=''");
}

/* Passwords inside other options' values are known from then on. */
static void test_within(void)
{
	CU_ASSERT_TRUE_FATAL(consort_secret_add_within(&owner, "postgres://me:p%40ss%2Fword@h/db"));
	CU_ASSERT_TRUE_FATAL(consort_secret_add_within(&owner, "host=h password='it\\'s me' port=5"));
	CU_ASSERT_TRUE_FATAL(consort_secret_add_within(&owner, "no password at all"));
	shows("is p%40ss%2Fword or p@ss/word", "is *** or ***");
	shows("is it\\'s me or it's me", "is *** or ***");
	keeps("no password at all");
	consort_secrets_forget(&owner);
	keeps("p@ss/word");
}

/* --- errors, where texts are cut --- */

static struct consort_error error_of(const char *text)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	consort_error_set(&error, CONSORT_EENGINE, "%s", text);
	consort_scrub_error(&error);
	return error;
}

/* A secret at every place around the end: nothing of it may be left. */
static void test_cut(void)
{
	static const char secret[] = "S\xc3\xa9\"cret-42";
	static const char *const spelled[] = {secret, "S%C3%A9%22cret-42", "S\\u00e9\\\"cret-42",
					      "postgres://u:S%C3%A9%22cret-42@h", "password='Unknown-42'"};
	size_t before, i;

	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, secret));
	for (i = 0; i < sizeof(spelled) / sizeof(spelled[0]); i++) {
		for (before = 980; before < 1030; before++) {
			char text[1200];
			struct consort_error error;

			memset(text, '.', before);
			strcpy(text + before, spelled[i]);
			strcat(text, ".................................");
			error = error_of(text);
			CU_ASSERT_PTR_NULL(strpbrk(error.message, "S\xc3%42"));
			CU_ASSERT_PTR_NULL(strstr(error.message, "Un"));
			CU_ASSERT_TRUE(strlen(error.message) >= before || strlen(error.message) >= 1000);
		}
	}
}

static void test_cut_by_others(void)
{
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "correct horse battery"));
	shows("near \"correct horse b", "near \"***");
	keeps("near \"cor");
}

static void test_error(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "s3cret"));
	consort_error_set(&error, CONSORT_EENGINE, "s3cret is wrong");
	consort_copy_text(error.resource, sizeof(error.resource), "t-s3cret");
	consort_copy_text(error.attribute, sizeof(error.attribute), "s3cret");
	consort_copy_text(error.constraint, sizeof(error.constraint), "fine");
	consort_scrub_error(&error);
	TESTING_TEXT(error.message, "*** is wrong");
	TESTING_TEXT(error.resource, "t-***");
	TESTING_TEXT(error.attribute, "***");
	TESTING_TEXT(error.constraint, "fine");
	CU_ASSERT_EQUAL(error.status, CONSORT_EENGINE);
	/* a mask may be longer than what it hides */
	consort_secrets_forget(&owner);
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "a"));
	memset(error.attribute, '"', sizeof(error.attribute) - 1);
	memcpy(error.attribute + 100, "'a''a''a''a'", 12);
	consort_scrub_error(&error);
	CU_ASSERT_PTR_NULL(strchr(error.attribute, 'a'));
	CU_ASSERT_EQUAL(strlen(error.attribute), sizeof(error.attribute) - 1);
}

/* --- threads and forks --- */

static void *scrub_much(void *failed)
{
	int i;

	for (i = 0; i < 2000; i++) {
		struct consort_buffer out = CONSORT_BUFFER_INIT;

		consort_scrub("it is the constant one", &out);
		if (out.failed || strcmp(out.data, "it is the *** one"))
			*(int *)failed = 1;
		consort_buffer_clear(&out);
	}
	return failed;
}

/* Manifests open and close while others' texts are looked through. */
static void test_threads(void)
{
	pthread_t threads[3];
	int failed[3] = {0}, i;

	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "constant"));
	for (i = 0; i < 3; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, scrub_much, &failed[i]), 0);
	for (i = 0; i < 2000; i++) {
		CU_ASSERT_TRUE(consort_secret_add(&other, "comes and goes"));
		consort_secrets_forget(&other);
	}
	for (i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		CU_ASSERT_FALSE(failed[i]);
	}
}

/* A child can go on, whatever the parent's threads were doing. */
static void test_forks(void)
{
	pthread_t thread;
	int failed = 0, status, i;
	pid_t child;

#ifdef __SANITIZE_ADDRESS__
	testing_skip("AddressSanitizer's malloc stands still in the child if another thread was in it");
#endif
	CU_ASSERT_TRUE_FATAL(consort_secret_add(&owner, "constant"));
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, scrub_much, &failed), 0);
	for (i = 0; i < 50; i++) {
		child = fork();
		if (!child) {
			alarm(30);
			failed = !consort_secret_add(&other, "x") || strcmp(scrubbed("a constant"), "a ***");
			/* not _exit(), which for ThreadSanitizer is where it counts the parent's thread as lost */
			syscall(SYS_exit_group, failed);
		}
		CU_ASSERT_TRUE_FATAL(child > 0);
		CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
		CU_ASSERT_EQUAL(status, 0);
	}
	pthread_join(thread, NULL);
	CU_ASSERT_FALSE(failed);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"known", test_known},
		{"trimmed", test_trimmed},
		{"spellings", test_spellings},
		{"short", test_short},
		{"owners", test_owners},
		{"uris", test_uris},
		{"keywords", test_keywords},
		{"within", test_within},
		{"cut", test_cut},
		{"cut_by_others", test_cut_by_others},
		{"error", test_error},
		{"threads", test_threads},
		{"forks", test_forks},
		{NULL, NULL},
	};

	return testing_main("secrets", cases, argc, argv);
}
