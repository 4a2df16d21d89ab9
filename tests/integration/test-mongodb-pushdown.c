/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes of queries that MongoDB must be given whole: explain tells one step, with nothing left out and
 * nothing checked again. The answer is the one that the library finds in the same records when the manifest
 * allows the adapter nothing but to read them.
 */
#include "api.h"
#include "servers.h"
#include "shapes.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <consort/buffer.h>

/* Ten customers, some without this or that, and forty purchases. Sums of these doubles are exact. */
static void fill(struct consort *c)
{
	static const char *const names[] = {"Ada", "Bob", "Çelik", "ada", "Äda",
					    "Zoë", "M%n", "M_n",   "",	  "Mo\\\\n"};
	static const char *const countries[] = {"CH", "DE", NULL, "CH", "TR"};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_cursor *rows = NULL;
	int i;

	consort_buffer_text(&text, "{\"insert\": \"customer\", \"documents\": [");
	for (i = 1; i <= 10; i++) {
		consort_buffer_printf(&text, "%s{\"_id\": %d, \"name\": \"%s\"", i > 1 ? ", " : "", i,
				      names[i - 1]);
		if (countries[i % 5])
			consort_buffer_printf(&text, ", \"country\": \"%s\"", countries[i % 5]);
		if (i % 3 < 2)
			consort_buffer_printf(&text, ", \"vip\": %s", i % 3 ? "false" : "true");
		if (i == 4)
			consort_buffer_text(&text, ", \"score\": {\"$numberDouble\": \"NaN\"}");
		else if (i != 5)
			consort_buffer_printf(&text, ", \"score\": %.2f", i * 1.25 - 6);
		consort_buffer_printf(&text,
				      ", \"rank\": %d, \"born\": {\"$date\": {\"$numberLong\": \"%lld\"}}"
				      ", \"token\": {\"$uuid\": \"%02x000000-0000-0000-0000-0000000000%02x\"}"
				      ", \"tags\": [\"t%d\", \"u\"], \"referrer\": %d, \"level\": null",
				      i - 5, (i - 5) * 86400000000LL, i * 25, i, i, (i * 7) % 10);
		if (i == 9)
			consort_buffer_text(&text, ", \"info\": [{\"size\": \"Large\", \"total\": 900}]");
		else if (i != 10)
			consort_buffer_printf(&text,
					      ", \"info\": {\"size\": \"%s\", \"total\": %d, \"fair\": %s, "
					      "\"home\": {\"city\": %s}, \"place\": [%d.5, %d]}",
					      i % 4 ? "Large" : "small", i * 100, i % 2 ? "true" : "false",
					      i % 3 ? "\"Bern\"" : "null", i, i % 3);
		consort_buffer_char(&text, '}');
	}
	consort_buffer_text(&text, "]}");
	API_OK(consort_native(c, "db", text.data, CONSORT_NO_ARGS, &rows, NULL, &error));
	consort_cursor_close(rows);
	consort_buffer_reset(&text);
	consort_buffer_text(&text, "{\"insert\": \"purchase\", \"documents\": [");
	for (i = 1; i <= 40; i++) {
		consort_buffer_printf(&text, "%s{\"_id\": %d, \"customer\": %d", i > 1 ? ", " : "", i,
				      1 + (i * 3) % 12);
		consort_buffer_printf(&text, ", \"at\": {\"$date\": {\"$numberLong\": \"%lld\"}}",
				      1709071200000LL + i * 10801000LL);
		if (i % 7)
			consort_buffer_printf(&text, ", \"amount\": {\"$numberDecimal\": \"%d.%02d\"}",
					      i * 12, (i * 35) % 100);
		if (i % 11)
			consort_buffer_printf(&text, ", \"units\": %d", i % 6 - 2);
		if (i % 5)
			consort_buffer_printf(&text, ", \"note\": \"note %d\"", i % 8);
		consort_buffer_text(&text, "}");
	}
	consort_buffer_text(&text, "]}");
	API_OK(consort_native(c, "db", text.data, CONSORT_NO_ARGS, &rows, NULL, &error));
	consort_cursor_close(rows);
	consort_buffer_clear(&text);
}

#define RESOURCES(database, prefix)                                                                      \
	"[resource " prefix "customer]\ndatabase = " database "\nsource = customer\nkey = id\n"          \
	"attribute.id = int64 not null from _id\nattribute.name = text\nattribute.country = text\n"      \
	"attribute.vip = bool\nattribute.score = float64\nattribute.rank = int64\nattribute.born = "     \
	"timestamp\n"                                                                                    \
	"attribute.token = uuid\nattribute.tags = list of text\nattribute.referrer = int64\n"            \
	"attribute.info = json\n"                                                                        \
	"relationship.introduced_by = " prefix "customer, referrer -> id\n"                              \
	"[resource " prefix "purchase]\ndatabase = " database "\nsource = purchase\nkey = id\n"          \
	"attribute.id = int64 not null from _id\nattribute.customer = int64\nattribute.at = timestamp\n" \
	"attribute.amount = decimal(12,2)\nattribute.units = int64\nattribute.note = text\n"             \
	"relationship.buyer = " prefix "customer, customer -> id\n"

/* Two databases that are one: of `plain` only records are wanted. */
static struct consort *open_both(void)
{
	const char *uri = servers_get("mongodb", "URI");
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_cursor *rows = NULL;
	struct consort *c;

	consort_buffer_printf(&text,
			      "[database db]\ntype = mongodb\nuri = \"%s\"\ndbname = pushdown_%d\n"
			      "[database plain]\ntype = mongodb\nuri = \"%s\"\ndbname = pushdown_%d\n"
			      "features = -filter -sort -limit -aggregate -group -join -nested_paths\n%s%s",
			      uri, (int)getpid(), uri, (int)getpid(), RESOURCES("db", ""),
			      RESOURCES("plain", "plain_"));
	c = api_open(text.data);
	consort_buffer_clear(&text);
	API_OK(consort_native(c, "db", "{\"dropDatabase\": 1}", CONSORT_NO_ARGS, &rows, NULL, &error));
	consort_cursor_close(rows);
	fill(c);
	return c;
}

static void close_both(struct consort *c)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;

	API_OK(consort_native(c, "db", "{\"dropDatabase\": 1}", CONSORT_NO_ARGS, &rows, NULL, &error));
	consort_cursor_close(rows);
	consort_close(c);
}

static void test_conditions(void)
{
	SHAPES(PURCHASE("id = 7"), PURCHASE("id in (3, 4, 4711)"), PURCHASE("id not in (3, 4)"),
	       PURCHASE("id between 10 and 12"), PURCHASE("units > 1 and amount < 100.00"),
	       PURCHASE("not (units = 1 or amount >= 250.5) or note is null"), PURCHASE("units <> 2"),
	       PURCHASE("units is not distinct from null"), PURCHASE("units is distinct from 2"),
	       PURCHASE("amount = 24.7"), PURCHASE("at >= '2024-02-29' and at < '2024-03-01T12:00:00.5Z'"),
	       CUSTOMER("score > 1.5"), CUSTOMER("score <= 'NaN'::float8"), CUSTOMER("not score < 2.0"),
	       CUSTOMER("name = 'Ada'"), CUSTOMER("name <> 'Ada'"), CUSTOMER("name >= 'M' and name < 'N'"),
	       CUSTOMER("name like 'M%'"), CUSTOMER("name like 'M\\%_'"), CUSTOMER("name not like '_d%'"),
	       CUSTOMER("name in ('', 'Zoë')"), CUSTOMER("vip"), CUSTOMER("not vip"),
	       CUSTOMER("vip is not true"), CUSTOMER("token > '80000000-0000-0000-0000-000000000000'"),
	       CUSTOMER("tags is not null"),
	       {.resource = "purchase",
		.select = "id",
		.where = "units = $1",
		.order = "id",
		.parameter = 3});
}

static void test_paths(void)
{
	SHAPES(CUSTOMER("info.size = 'Large'"), CUSTOMER("info ->> 'size' <> 'Large'"),
	       CUSTOMER("info ->> 'size' in ('Large', 'tiny')"),
	       CUSTOMER("info ->> 'size' not in ('Large', 'tiny')"), CUSTOMER("info ->> 'size' like 'L%'"),
	       CUSTOMER("info ->> 'size' not like 'L%'"), CUSTOMER("info.size is distinct from 'Large'"),
	       CUSTOMER("info -> 'home' is null"), CUSTOMER("info -> 'home' ->> 'city' is null"),
	       CUSTOMER("info -> 'home' ->> 'city' is not null"),
	       CUSTOMER("info.home.city = 'Bern' and (info.size = 'small' or rank > 0)"),
	       CUSTOMER("(info.size = 'Large') is not true"),
	       {.resource = "customer", .select = "count(*), max(rank)", .where = "info.size = 'Large'"},
	       {.resource = "customer",
		.select = "id",
		.where = "info.home.city = 'Bern'",
		.order = "rank desc",
		.limit = 2});
}

/* What is sent of a condition that the library checks again; the answer is the same. */
static void again(struct consort *c, const char *where, const char *sent, const char *why,
		  const char *expected)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = consort_query_new(c, "customer");
	char *text = NULL;

	consort_query_select(q, "id");
	consort_query_where(q, where);
	consort_query_order(q, "id");
	API_OK(consort_query_explain(q, CONSORT_EXPLAIN_TEXT, 0, CONSORT_NO_ARGS, &text, &error));
	TESTING_CONTAINS(text, sent);
	TESTING_CONTAINS(text, "- checked again: ");
	TESTING_CONTAINS(text, why);
	TESTING_TEXT(api_rows(q, CONSORT_NO_ARGS), expected);
	consort_free(text);
	consort_query_free(q);
}

static void test_loose_paths(void)
{
	struct consort *c = open_both();

	again(c, "info.total > 650", "{\"info.total\":{\"$gt\":650.0}}", "an error, which the core tells",
	      "7;8");
	again(c, "info.total in (100, 800)", "{\"info.total\":{\"$in\":[100.0,800.0]}}",
	      "which the core tells", "1;8");
	again(c, "(info ->> 'total')::int8 between 200 and 300", "{\"info.total\":{\"$lte\":300}}",
	      "which the core tells", "2;3");
	again(c, "(info -> 'fair')::bool", "{\"info.fair\":{\"$eq\":true}}", "which the core tells",
	      "1;3;5;7");
	again(c, "info.place[0] > 6", "{\"info.place.0\":{\"$gt\":6.0}}", "which the core tells", "6;7;8");
	again(c, "info -> 'place' ->> 1 = '2'", "{\"info.place.1\":{\"$eq\":\"2\",\"$type\":\"string\"}}",
	      "a position for a key", "2;5;8");
	again(c, "info ->> 'total' = '400'", "{\"info.total\":{\"$eq\":\"400\",\"$type\":\"string\"}}",
	      "compared as its JSON", "4");
	again(c, "info ->> 'size' >= 'T'", "{\"info.size\":{\"$gte\":\"T\",\"$type\":\"string\"}}",
	      "compared as its JSON", "4;8");
	close_both(c);
}

static void test_order(void)
{
	SHAPES({.resource = "customer", .order = "id"},
	       {.resource = "customer", .select = "name", .order = "name desc"},
	       {.resource = "customer", .select = "country, id", .order = "country nulls first, id"},
	       {.resource = "customer", .select = "country, id", .order = "country, id desc"},
	       {.resource = "customer",
		.select = "country, id",
		.order = "country desc nulls last, id desc",
		.limit = 4,
		.offset = 2},
	       {.resource = "purchase",
		.select = "id, note",
		.where = "units > 0",
		.order = "note, amount desc nulls last, id",
		.limit = 7},
	       {.resource = "customer", .select = "id", .order = "score, id"},
	       {.resource = "customer", .select = "id", .order = "score desc, id"},
	       {.resource = "customer", .select = "id", .order = "vip desc, born desc, token"},
	       {.resource = "purchase", .select = "id", .order = "id", .offset = 35});
}

static void test_aggregates(void)
{
	SHAPES({.resource = "purchase", .select = "count(*)"},
	       {.resource = "purchase", .select = "count(*), count(note)"},
	       {.resource = "purchase", .select = "sum(units), min(units), max(units), avg(units)"},
	       {.resource = "purchase", .select = "min(amount), max(at), min(note)"},
	       {.resource = "customer", .select = "sum(score), avg(score)", .where = "id in (1, 2, 3)"},
	       {.resource = "purchase", .select = "count(*), sum(units), min(at)", .where = "id < 0"},
	       {.resource = "purchase", .select = "note, count(*)", .group = "note", .order = "note"},
	       {.resource = "purchase",
		.select = "note, units, sum(units)",
		.group = "note, units",
		.having = "count(*) > 1",
		.order = "note, units"},
	       {.resource = "customer", .select = "score, count(*)", .group = "score", .order = "score"},
	       {.resource = "purchase",
		.select = "customer, count(*) as n",
		.group = "customer",
		.order = "n desc, customer",
		.limit = 3});
}

static void test_joins(void)
{
	SHAPES({.resource = "purchase", .select = "id, buyer.name", .order = "id"},
	       {.resource = "purchase",
		.select = "id, units, buyer.country",
		.where = "units > 1",
		.order = "id"},
	       {.resource = "customer", .select = "id, introduced_by.name", .order = "id"});
}

/* --- what is not given --- */

/* Why a condition stays, or is checked again. */
static void stays_of(struct consort *c, const char *resource, const char *where, const char *why)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = consort_query_new(c, resource);
	char *text = NULL;

	consort_query_where(q, where);
	API_OK(consort_query_explain(q, CONSORT_EXPLAIN_TEXT, 0, CONSORT_NO_ARGS, &text, &error));
	TESTING_CONTAINS(text, why);
	consort_free(text);
	consort_query_free(q);
}

static void stays(struct consort *c, const char *where, const char *why)
{
	stays_of(c, "purchase", where, why);
}

static void test_kept(void)
{
	struct consort *c = open_both();

	stays(c, "units + 1 > 2", "it can fail");
	stays(c, "units = customer", "of a field with a constant");
	stays(c, "note ilike 'n%'", "no such operator");
	stays(c, "length(note) > 1", "not on what is computed");
	stays_of(c, "customer", "info ->> 'a.b' = 'x'", "for something else");
	stays_of(c, "customer", "info ->> '$where' = 'x'", "for something else");
	stays_of(c, "customer", "info ->> 'size' = name", "of a path with constants");
	stays_of(c, "customer", "(info -> 'total')::float8 < (info -> 'total')::float8", "it can fail");
	stays_of(c, "customer", "info -> 'place' ->> 0 <> 'x'", "at a position");
	stays_of(c, "customer", "(info ->> 'size')::timestamp > '2001-01-01'", "it can fail");
	close_both(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"conditions", test_conditions},
		{"paths", test_paths},
		{"loose-paths", test_loose_paths},
		{"order", test_order},
		{"aggregates", test_aggregates},
		{"joins", test_joins},
		{"kept", test_kept},
		{NULL, NULL},
	};

	return testing_main("mongodb-pushdown", cases, argc, argv);
}
