/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Indexes in Redis: what is found by them, asserted through explain and beside what the core finds without
 * them, over hashes and documents, on a server and in a cluster; and how they are defined.
 */
#include "redis-indexes.h"

#include <consort/buffer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALONE "redis@indexes"
#define CLUSTER "redis-cluster@indexes"

/* --- what is given to them --- */

static void pushed_shapes(const char *server, const char *resources)
{
	/* each with an index that it could be read from; NULL: none */
	static const char *const shapes[][2] = {
		{"t = 'a'", "t"},
		{"'a' = t", "t"},
		{"t in ('a', 'z', 'a', null)", "t"},
		{"t > 'a'", "t"},
		{"t >= 'a' and t < 'b'", "t"},
		{"t between 'a' and 'ab'", "t"},
		{"t like 'a%'", "t"},
		{"t like 'a\\%%'", "t"},
		{"t = null", "t"},
		{"i = -1", "i"},
		{"i < 0", "i"},
		{"0 > i", "i"},
		{"i >= 9007199254740993", "i"},
		{"i in (256, 1)", "i"},
		{"f > 1.5", "f"},
		{"f = 0", "f"},
		{"f >= cast('-inf' as float8) and f <= -1.5", "f"},
		{"b = true", "b"},
		{"p < 0.005::decimal(4,3)", "p"},
		{"p = 1.5::decimal(3,1)", "p"},
		{"m > '1970-01-01T00:00:00Z'", "m"},
		{"d <= '2000-01-01'", "d"},
		{"u = '00000000-0000-0000-0000-000000000001'", "u"},
		{"u > '7fffffff-0000-0000-0000-000000000000'", "u"},
		{"r = '\\x0000'", "r"},
		{"r > '\\x00' and r < '\\x01'", "r"},
		{"t = 'a' and i = 1", "i"},
		{"t = 'a' and length(t) = 1", "t"},
		{"t <> 'a'", NULL},
		{"t is null", NULL},
		{"t = 'a' or i = 1", NULL},
		{"not t = 'a'", NULL},
		{"t ilike 'a%'", NULL},
		{"lower(t) = 'a'", NULL},
		{"id = 3 and t = 'a'", NULL},
	};
	struct consort *c = redis_open(server, NULL, NULL, resources);
	char wanted[128], key[64];
	size_t i;

	redis_index_begin(42);
	api_import(c, "x", redis_index_records(120));
	snprintf(key, sizeof(key), "{%s}:", testing_name());
	for (i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		const char *plan = redis_explain(c, "x", NULL, shapes[i][0]);

		if (shapes[i][1]) {
			snprintf(wanted, sizeof(wanted), "consort.index:%zu:%s%s", strlen(key), key,
				 shapes[i][1]);
			TESTING_CONTAINS(plan, "ZRANGEBYLEX ");
			TESTING_CONTAINS(plan, wanted);
			CU_ASSERT_PTR_NULL(strstr(plan, "SCAN MATCH"));
		} else if (strstr(plan, "ZRANGEBYLEX")) {
			testing_text(plan, shapes[i][0], __FILE__, __LINE__);
		}
		TESTING_TEXT(api_find(c, "x", NULL, shapes[i][0], "id"),
			     api_find(c, "y", NULL, shapes[i][0], "id"));
	}
	/* a relationship's other side, by sets of what is indexed */
	api_import(c, "z", "1,a\n2,z\n3,none\n");
	TESTING_CONTAINS(redis_explain(c, "z", "id, x.id", NULL), "ZRANGEBYLEX");
	TESTING_TEXT(api_find(c, "z", "count(x.id)", NULL, NULL),
		     api_find(c, "y", "count(*)", "t in ('a', 'z')", NULL));
	redis_index_check(c, server);
	consort_close(c);
}

static void test_shapes(void)
{
	pushed_shapes(ALONE, redis_index_variants[0]);
}

static void test_shapes_documents(void)
{
	pushed_shapes(ALONE, redis_index_variants[1]);
}

static void test_shapes_cluster(void)
{
	pushed_shapes(CLUSTER, redis_index_variants[0]);
}

/* --- conditions at random --- */

static void print_constant(struct consort_buffer *out, size_t column)
{
	const char *text = REDIS_INDEX_ANY(redis_index_values[column]);

	if (!*text)
		consort_buffer_text(out, "null");
	else if (column == 0) /* the smallest is no literal */
		consort_buffer_text(out, strlen(text) > 19 ? "(-9223372036854775807 - 1)" : text);
	else if (column == 1)
		consort_buffer_printf(out, "cast('%s' as float8)", text);
	else if (column == 3)
		consort_buffer_text(out, text);
	else if (column == 4)
		consort_buffer_printf(out, "%s::decimal(20,%u)", text, 2 + redis_index_pick(2));
	else
		consort_buffer_printf(out, "'%s'", text);
}

static void print_condition(struct consort_buffer *out, int depth)
{
	static const char *const operators[] = {"=", "<", "<=", ">", ">=", "<>"};
	size_t column = redis_index_pick(REDIS_INDEX_COUNT);
	uint32_t kind = redis_index_pick(depth ? 8 : 5);

	switch (kind) {
	case 0:
		consort_buffer_printf(out, "%s in (", redis_indexes[column]);
		print_constant(out, column);
		consort_buffer_text(out, ", ");
		print_constant(out, column);
		consort_buffer_char(out, ')');
		return;
	case 1:
		consort_buffer_printf(out, "t like '%s%%'", REDIS_INDEX_ANY(redis_index_values[2]));
		return;
	case 5:
	case 6:
		print_condition(out, depth - 1);
		consort_buffer_text(out, " and ");
		print_condition(out, depth - 1);
		return;
	case 7:
		consort_buffer_char(out, '(');
		print_condition(out, depth - 1);
		consort_buffer_text(out, " or ");
		print_condition(out, depth - 1);
		consort_buffer_char(out, ')');
		return;
	default:
		consort_buffer_printf(out, "%s %s ", redis_indexes[column], REDIS_INDEX_ANY(operators));
		print_constant(out, column);
	}
}

static void random_conditions(const char *server, const char *resources)
{
	struct consort *c = redis_open(server, NULL, NULL, resources);
	struct consort_buffer where = CONSORT_BUFFER_INIT;
	int i, found = 0, indexed = 0;

	redis_index_begin(4711);
	api_import(c, "x", redis_index_records(150));
	for (i = 0; i < 400 && !CU_get_number_of_failures(); i++) {
		const char *rows;

		consort_buffer_reset(&where);
		print_condition(&where, 3);
		rows = api_find(c, "y", "id", where.data, "id");
		if (!strncmp(rows, "status", 6))
			fprintf(stderr, "%s: %s\n", where.data, rows);
		TESTING_TEXT(api_find(c, "x", "id", where.data, "id"), rows);
		found += *rows != '\0';
		indexed += strstr(redis_explain(c, "x", "id", where.data), "ZRANGEBYLEX") != NULL;
		if (CU_get_number_of_failures())
			fprintf(stderr, "%s\n", where.data);
	}
	CU_ASSERT(found > 100);
	CU_ASSERT(indexed > 200);
	consort_buffer_clear(&where);
	consort_close(c);
}

static void test_conditions(void)
{
	random_conditions(ALONE, redis_index_variants[0]);
}

static void test_conditions_documents(void)
{
	random_conditions(CLUSTER, redis_index_variants[1]);
}

/* --- define and drop --- */

static const char person[] = "[resource person]\ndatabase = db\nsource = %s\nkey = id\nattribute.id = int64\n"
			     "attribute.city = text\nattribute.age = int64\nindex.by_city = city\n"
			     "index.by_age = age\n";

static void test_define(void)
{
	struct consort *c = redis_open(ALONE, NULL, NULL, person);
	struct consort_error error = CONSORT_ERROR_INIT;
	const char *name = testing_name();
	char *script = NULL;
	int i;

	for (i = 0; i < 1500; i++)
		if (i % 500 == 0)
			redis_ask(ALONE,
				  "eval \"for i=%d,%d do "
				  "redis.call('HSET',ARGV[1]..':'..i,'city','c'..i%%3,'age',i) "
				  "end\" 0 %s",
				  i, i + 499, name);
	redis_ask(ALONE, "set %s:text x", name);
	redis_ask(ALONE, "set %s:7000 x", name);
	redis_ask(ALONE, "hset %s:07 city c1", name);
	/* without an index that is complete all are read */
	TESTING_TEXT(api_find(c, "person", "count(*)", "city = 'c1'", NULL), "500");
	API_OK(consort_define(c, "person", CONSORT_DEFINE_DRY_RUN, &script, &error));
	TESTING_CONTAINS(script, "ZADD consort.index:7:define:city");
	free(script);
	TESTING_TEXT(redis_ask(ALONE, "keys 'consort*:define:*'"), ";");
	API_OK(consort_define(c, "person", 0, NULL, &error));
	CU_ASSERT_EQUAL(strtol(redis_ask(ALONE, "zcard consort.index:7:define:city"), NULL, 10), 1501);
	TESTING_TEXT(api_find(c, "person", "count(*)", "city = 'c1'", NULL), "500");
	TESTING_TEXT(api_find(c, "person", "id", "age between 5 and 7", "id"), "5;6;7");
	CU_ASSERT_EQUAL(consort_define(c, "person", 0, NULL, &error), CONSORT_ECONFLICT);
	TESTING_CONTAINS(error.message, "is defined already");
	/* what others write is found once it was defined again; what they have changed is not found wrongly
	 */
	redis_ask(ALONE, "hset %s:9000 city c1 age 9000", name);
	redis_ask(ALONE, "hset %s:1 city other", name);
	redis_ask(ALONE, "del %s:4", name);
	TESTING_TEXT(api_find(c, "person", "count(*)", "city = 'c1'", NULL), "498");
	API_OK(consort_define(c, "person", CONSORT_DEFINE_IF_NEEDED, NULL, &error));
	TESTING_TEXT(api_find(c, "person", "count(*)", "city = 'c1'", NULL), "499");
	TESTING_TEXT(api_find(c, "person", "id", "city = 'other'", NULL), "1");
	CU_ASSERT_EQUAL(strtol(redis_ask(ALONE, "zcard consort.index:7:define:city"), NULL, 10), 1501);
	/* the records go too, and nothing else */
	API_OK(consort_drop(c, "person", CONSORT_DEFINE_DRY_RUN, &script, &error));
	TESTING_CONTAINS(script, "UNLINK consort.index:7:define:city");
	free(script);
	TESTING_TEXT(api_find(c, "person", "count(*)", NULL, NULL), "1500");
	API_OK(consort_drop(c, "person", 0, NULL, &error));
	TESTING_TEXT(redis_ask(ALONE, "keys 'consort*:define:*'"), ";");
	TESTING_TEXT(api_find(c, "person", "count(*)", NULL, NULL), "0");
	TESTING_TEXT(redis_ask(ALONE, "get %s:7000", name), "x;");
	TESTING_TEXT(redis_ask(ALONE, "hget %s:07 city", name), "c1;");
	CU_ASSERT_EQUAL(consort_drop(c, "person", 0, NULL, &error), CONSORT_ENOTFOUND);
	API_OK(consort_drop(c, "person", CONSORT_DEFINE_IF_NEEDED, NULL, &error));
	consort_close(c);
}

/* Where more would be found than an index gives at one moment, all records are read. */
static void test_many(void)
{
	struct consort *c = redis_open(ALONE, NULL, "page = 10000", person);
	struct consort_error error = CONSORT_ERROR_INIT;

	redis_ask(ALONE,
		  "eval \"for i=1,100001 do redis.call('HSET',ARGV[1]..':'..i,'city','c','age',i) end\" 0 %s",
		  testing_name());
	API_OK(consort_define(c, "person", 0, NULL, &error));
	TESTING_TEXT(api_find(c, "person", "count(*)", "age > 1", NULL), "100000");
	TESTING_TEXT(api_find(c, "person", "count(*), count(distinct id)", "city = 'c'", NULL),
		     "100001,100001");
	/* the index that finds less is taken */
	TESTING_TEXT(api_find(c, "person", "id", "city = 'c' and age in (7, 5)", "id"), "5;7");
	consort_close(c);
}

/* An index of another type than it was, and one that is declared no more. */
static void test_redeclared(void)
{
	static const char other[] = "[resource person]\ndatabase = db\nsource = %s\nkey = id\n"
				    "attribute.id = int64\nattribute.city = text\nattribute.age = text\n"
				    "index.by_age = age\n";
	struct consort *c = redis_open(ALONE, NULL, NULL, person);
	struct consort_error error = CONSORT_ERROR_INIT;

	api_import(c, "person", "1,Rome,7\n2,Ulm,30\n");
	consort_close(c);
	c = redis_open(ALONE, NULL, NULL, other);
	TESTING_TEXT(api_find(c, "person", "id", "age > '4'", NULL), "1");
	API_OK(consort_define(c, "person", CONSORT_DEFINE_IF_NEEDED, NULL, &error));
	TESTING_TEXT(api_find(c, "person", "id", "age > '4'", NULL), "1");
	TESTING_TEXT(
		redis_ask(ALONE, "exists consort.index:11:redeclared:city consort.value:11:redeclared:city"),
		"0;");
	TESTING_TEXT(redis_ask(ALONE, "zcard consort.index:11:redeclared:age"), "3;");
	consort_close(c);
}

static void refuse(const char *server, const char *lines, const char *why)
{
	static const char with[] =
		"[resource x]\ndatabase = db\nsource = %%s\nkey = id\nattribute.id = int64\n%s";
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r;
	char resources[512];
	struct consort *c;

	snprintf(resources, sizeof(resources), with, lines);
	c = redis_open(server, NULL, NULL, resources);
	CU_ASSERT_EQUAL(consort_define(c, "x", 0, NULL, &error), CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(error.message, why);
	r = consort_record_new(c, "x");
	consort_record_set(r, "id", consort_int64(1));
	CU_ASSERT_EQUAL(consort_create(c, r, &error), CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(error.message, why);
	consort_record_free(r);
	consort_close(c);
}

static void test_refused(void)
{
	refuse(CLUSTER, "attribute.t = text\nindex.t = t\n", "hash_tag = source");
	refuse(ALONE, "attribute.t = json\nindex.t = t\n", "json");
	refuse(ALONE, "attribute.t = timestamp codec expires\nindex.t = t\n", "expiry");
	refuse(ALONE, "attribute.t = text\nindex.t = t unique\n", "unique");
}

/* Who may not run scripts, or not load them, reads without indexes. */
static void test_rights(void)
{
	static const char *const denied[] = {"-evalsha", "-script"};
	struct consort *c = redis_open(ALONE, NULL, NULL, person);
	char lines[64];
	size_t i;

	api_import(c, "person", "1,Rome,7\n2,Ulm,30\n");
	consort_close(c);
	for (i = 0; i < sizeof(denied) / sizeof(*denied); i++) {
		redis_ask(ALONE, "acl setuser reader%zu on '>x' allkeys +@all %s", i, denied[i]);
		snprintf(lines, sizeof(lines), "user = reader%zu\npassword = x", i);
		c = redis_open(ALONE, NULL, lines, person);
		TESTING_TEXT(api_find(c, "person", "id", "city = 'Ulm'", NULL), "2");
		consort_close(c);
	}
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"shapes", test_shapes},
		{"shapes-documents", test_shapes_documents},
		{"shapes-cluster", test_shapes_cluster},
		{"conditions", test_conditions},
		{"conditions-documents", test_conditions_documents},
		{"define", test_define},
		{"many", test_many},
		{"redeclared", test_redeclared},
		{"refused", test_refused},
		{"rights", test_rights},
		{NULL, NULL},
	};
	int code = testing_main("redis-indexes", cases, argc, argv);

	servers_remove(ALONE);
	servers_remove(CLUSTER);
	return code;
}
