/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Indexes in Redis agree with the records whoever writes meanwhile, whatever ends, and whoever is killed; and
 * a record that stays in a range is found, wherever in it others move it.
 */
#include "redis-indexes.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALONE "redis@writers"
#define CLUSTER "redis-cluster@writers"

/* --- writers --- */

static enum consort_status write_once(struct consort *c, struct consort_error *error)
{
	struct consort_record *r = consort_record_new(c, "x");
	int64_t id = 1 + (int64_t)redis_index_pick(40);
	enum consort_status status;
	uint32_t kind = redis_index_pick(5);

	consort_record_set(r, "id", consort_int64(id));
	consort_record_set(r, "i",
			   redis_index_pick(4) ? consort_int64((int64_t)redis_index_pick(5) - 2)
					       : consort_null());
	if (redis_index_pick(2))
		consort_record_set(r, "t",
				   redis_index_pick(4) ? consort_text(REDIS_INDEX_ANY(redis_index_values[2]))
						       : consort_null());
	if (kind == 0)
		status = consort_delete(c, "x", CONSORT_ARGS(consort_int64(id)), error);
	else if (kind == 1)
		status = consort_create(c, r, error);
	else if (kind == 2)
		status = consort_update(c, r, error);
	else
		status = consort_upsert(c, r, error);
	consort_record_free(r);
	return status == CONSORT_ENOTFOUND || status == CONSORT_ECONSTRAINT ? CONSORT_OK : status;
}

/* A process that writes until it is killed, or has written so often; its exit status is that of what failed.
 */
static pid_t start_writer(const char *manifest, uint64_t seed, int times)
{
	pid_t pid = fork();
	int i;

	if (pid)
		return pid;
	{
		struct consort_error error = CONSORT_ERROR_INIT;
		struct consort *c = NULL;
		enum consort_status status = consort_open(manifest, &c, &error);

		redis_index_begin(seed);
		for (i = 0; !status && i != times; i++)
			status = write_once(c, &error);
		if (status)
			fprintf(stderr, "a writer: %s\n", error.message);
		_exit(status ? 1 : 0);
	}
}

static int wait_for(pid_t pid)
{
	int code = 0;

	waitpid(pid, &code, 0);
	return code;
}

/* Writers of the same records, while indexes are defined again and again. */
static void several_writers(const char *server, const char *resources)
{
	struct consort *c = redis_open(server, NULL, NULL, resources);
	struct consort_error error = CONSORT_ERROR_INIT;
	const char *manifest = testing_path("consort.ini");
	pid_t pids[3];
	int i;

	API_OK(consort_define(c, "x", 0, NULL, &error));
	for (i = 0; i < 3; i++)
		pids[i] = start_writer(manifest, (uint64_t)i + 1, 600);
	for (i = 0; i < 10; i++)
		API_OK(consort_define(c, "x", CONSORT_DEFINE_IF_NEEDED, NULL, &error));
	for (i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(wait_for(pids[i]), 0);
	redis_index_check(c, server);
	CU_ASSERT(redis_index_entries(server, "i") > 5);
	consort_close(c);
}

static void test_writers(void)
{
	several_writers(ALONE, redis_index_variants[0]);
}

static void test_writers_documents(void)
{
	several_writers(ALONE, redis_index_variants[1]);
}

static void test_writers_cluster(void)
{
	several_writers(CLUSTER, redis_index_variants[0]);
}

static void test_killed(void)
{
	struct consort *c = redis_open(ALONE, NULL, NULL, redis_index_variants[0]);
	struct consort_error error = CONSORT_ERROR_INIT;
	int round;

	for (round = 0; round < 5; round++) {
		pid_t pid;

		API_OK(consort_drop(c, "x", CONSORT_DEFINE_IF_NEEDED, NULL, &error));
		API_OK(consort_define(c, "x", 0, NULL, &error));
		pid = start_writer(testing_path("consort.ini"), (uint64_t)round + 9, -1);
		while (redis_index_entries(ALONE, "i") < 5)
			;
		kill(pid, SIGKILL);
		CU_ASSERT(WIFSIGNALED(wait_for(pid)));
		redis_index_check(c, ALONE);
	}
	consort_close(c);
}

/* A record that is in the range all the time is found, wherever in it others move it. */
static void test_moving(void)
{
	struct consort *c = redis_open(ALONE, NULL, "page = 2", redis_index_variants[0]);
	struct consort_error error = CONSORT_ERROR_INIT;
	pid_t pid;
	int i;

	redis_index_begin(5);
	api_import(c, "x", "1,1,,a,,,,,,\n2,2,,a,,,,,,\n3,3,,a,,,,,,\n4,4,,a,,,,,,\n");
	pid = fork();
	if (!pid) {
		struct consort *own = NULL;

		if (consort_open(testing_path("consort.ini"), &own, &error))
			_exit(1);
		for (i = 0; i < 3000; i++) {
			struct consort_record *r = consort_record_new(own, "x");

			consort_record_set(r, "id", consort_int64(1 + i % 4));
			consort_record_set(r, "t", consort_text(redis_index_pick(2) ? "a" : "z"));
			if (consort_update(own, r, &error))
				_exit(1);
			consort_record_free(r);
		}
		_exit(0);
	}
	for (i = 0; i < 300; i++) {
		TESTING_TEXT(api_find(c, "x", "id", "t in ('a', 'z')", "id"), "1;2;3;4");
		TESTING_TEXT(api_find(c, "x", "id", "t >= 'a'", "id"), "1;2;3;4");
	}
	CU_ASSERT_EQUAL(wait_for(pid), 0);
	consort_close(c);
}

/* --- records that end --- */

static void ending(const char *record)
{
	char resources[512];
	struct consort *c;
	int i;

	snprintf(resources, sizeof(resources),
		 "[resource x]\ndatabase = db\nsource = %%s\nrecord = %s\nkey = id\nhash_tag = source\n"
		 "ttl = 100ms\nattribute.id = int64\nattribute.i = int64\nattribute.t = text\n"
		 "index.t = t, i\n",
		 record);
	c = redis_open(ALONE, NULL, NULL, resources);
	api_import(c, "x", "1,5,a\n2,6,b\n");
	for (i = 0;
	     i < 100 &&
	     strcmp(redis_ask(ALONE, "exists '{%s}:1' '{%s}:2'", testing_name(), testing_name()), "0;");
	     i++)
		usleep(20000);
	CU_ASSERT_EQUAL(redis_index_entries(ALONE, "t"), 2);
	/* who meets an entry of what is gone removes it, and what other indexes have of that */
	TESTING_TEXT(api_find(c, "x", NULL, "t = 'a'", NULL), "");
	CU_ASSERT_EQUAL(redis_index_entries(ALONE, "t"), 1);
	CU_ASSERT_EQUAL(redis_index_entries(ALONE, "i"), 1);
	/* one that comes again has only what it is made of now */
	{
		struct consort_error error = CONSORT_ERROR_INIT;
		struct consort_record *r = consort_record_new(c, "x");

		consort_record_set(r, "id", consort_int64(2));
		consort_record_set(r, "t", consort_text("new"));
		API_OK(consort_upsert(c, r, &error));
		consort_record_free(r);
	}
	TESTING_TEXT(api_find(c, "x", NULL, "t > 'a'", NULL), "2,-,new");
	CU_ASSERT_EQUAL(redis_index_entries(ALONE, "t"), 1);
	CU_ASSERT_EQUAL(redis_index_entries(ALONE, "i"), 0);
	consort_close(c);
}

static void test_ending(void)
{
	ending("hash");
}

static void test_ending_documents(void)
{
	ending("json");
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"writers", test_writers},
		{"writers-documents", test_writers_documents},
		{"writers-cluster", test_writers_cluster},
		{"killed", test_killed},
		{"moving", test_moving},
		{"ending", test_ending},
		{"ending-documents", test_ending_documents},
		{NULL, NULL},
	};
	int code = testing_main("redis-writers", cases, argc, argv);

	servers_remove(ALONE);
	servers_remove(CLUSTER);
	return code;
}
