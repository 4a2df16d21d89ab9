/* SPDX-License-Identifier: Apache-2.0 */
/* Queries: the tree of nodes that clauses become, names of columns, groups, orders, paging, writes. */
#include "query-helpers.h"
#include "testing.h"

#include <stdio.h>

#define NO_RECORDS INT64_MAX

/* A query of `flight` and without limit, unless it says otherwise. */
static const struct consort_clauses *with(struct consort_clauses clauses)
{
	static struct consort_clauses completed;

	completed = clauses;
	if (!clauses.resource)
		completed.resource = "flight";
	if (!clauses.limit || clauses.limit == NO_RECORDS)
		completed.limit = clauses.limit ? 0 : -1;
	return &completed;
}

#define CLAUSES(...) with((struct consort_clauses){__VA_ARGS__})
#define TREE(expected, ...) TESTING_TEXT(query_tree(CLAUSES(__VA_ARGS__)), expected)
#define AFTER(expected, ...) TESTING_TEXT(query_after(CLAUSES(__VA_ARGS__)), expected)
#define UPDATE(expected, ...) TESTING_TEXT(query_write(CLAUSES(__VA_ARGS__), false), expected)
#define DELETE(expected, ...) TESTING_TEXT(query_write(CLAUSES(__VA_ARGS__), true), expected)
#define WHERE(...)                                   \
	.where = (const char *const[]){__VA_ARGS__}, \
	.nwhere = (uint32_t)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void test_whole(void)
{
	TREE("project id, delay_min, city as id!=, delay_min, city | "
	     "limit 10 offset 0 | "
	     "sort delay_min desc nulls last, id nulls last | "
	     "join destination = iata (scan airport: iata!, city!) | "
	     "filter origin = $1 AND delay_min > $2 | "
	     "scan flight: id!=, delay_min, destination, origin",
	     .select = "id, delay_min, destination_airport.city", WHERE("origin = $1 and delay_min > $2"),
	     .order = "delay_min desc nulls last, id", .limit = 10);
	TREE("project origin, id as origin, id!= | "
	     "limit -1 offset 5 | "
	     "filter id = 1 AND id = 2 AND id = 3 | "
	     "scan flight: origin, id!=",
	     .select = "origin, id", WHERE("id = 1", "id = 2 and id = 3"), .offset = 5);
	TREE("project id, name as id!, name | scan local.trip: id!, name", .resource = "local.trip");
	TREE("project name as name | scan local.trip: name", .resource = "local.trip",
	     .select = "local.trip.name");
	TREE("project 1 as 1! | scan flight: id!=", .select = "1");
	TREE("project 1 as 1! | scan country: id!", .resource = "country", .select = "1");
	TREE("project name as name | limit 0 offset 0 | scan country: name", .resource = "country",
	     .select = "name", .limit = NO_RECORDS);
	TREE("ENAME no resource 'flihgt'", .resource = "flihgt");
	TREE("ENAME empty has no attributes", .resource = "empty");
	TREE("ERANGE a limit is not negative", .select = "id", .limit = -2);
	TREE("ERANGE an offset is not negative", .select = "id", .offset = -1);
}

static void test_columns(void)
{
	TREE("project id, id, city, city, lower(origin), id + 1, doc -> 'a' -> 'b', doc -> 'b', origin, "
	     "origin, \"Upper\" as id!=, origin_airport.id, city, x, lower(origin), id + 1!, b, (doc).b, "
	     "N, say \"it\", Upper | "
	     "join destination = iata (scan airport: iata!, city!) | "
	     "join origin = iata (scan airport: iata!, id!, city!) | "
	     "scan flight: id!=, origin, destination, doc, Upper",
	     .select = "id, origin_airport.id, destination_airport.city, origin_airport.city x, "
		       "lower(origin), id + 1 , doc.a.b, (doc).b, origin as N, origin \"say \"\"it\"\"\", "
		       "Upper");
	TREE("project city, city as destination_airport.city, origin_airport.city | "
	     "join origin = iata (scan airport: iata!, city!) | "
	     "join destination = iata (scan airport: iata!, city!) | "
	     "scan flight: destination, origin",
	     .select = "destination_airport.city, origin_airport.city");
	TREE("project id, id as id!, id! | scan airport: id!", .resource = "airport", .select = "id, id");
	TREE("project doc -> 'a', doc -> 'b' -> 'a' as doc.a, doc . b . a | scan flight: doc",
	     .select = "doc.a, doc . b . a");
	TREE("project id, name as id, name | "
	     "join country_id = id (scan country: id!, name) | "
	     "scan airport: country_id",
	     .resource = "airport", .select = "country.*");
	TREE("project id, id, name as id!, country.id, name | "
	     "join country_id = id (scan country: id!, name) | "
	     "scan airport: id!, country_id",
	     .resource = "airport", .select = "id, country . *");
	TREE("project fuel, flight_id, no as fuel, flight_id!, no! | scan leg: fuel, flight_id!, no!",
	     .resource = "leg", .select = "leg.*");
	TREE("project fuel, fuel, flight_id, no as a, fuel, flight_id!, no! | "
	     "scan leg: fuel, flight_id!, no!",
	     .resource = "leg", .select = "fuel as a, *");
	TREE("ENAME flight: no attribute or relationship 'orign_airport'; did you mean 'origin_airport'? "
	     "(at 5 in \"id, orign_airport.*\")",
	     .select = "id, orign_airport.*");
	TREE("ESYNTAX select distinct is not understood: group by the columns (at 1 in \"distinct id\")",
	     .select = "distinct id");
	TREE("ESYNTAX the text of select is empty", .select = "");
	TREE("ESYNTAX the text of where is empty", .select = "id", WHERE(" -- nothing"));
}

static void test_joins(void)
{
	TREE("project id as id!= | "
	     "filter name is not null AND 1 / delay_min > 0 | "
	     "join country_id = id (scan country: id!, name) | "
	     "filter city = 'x' | "
	     "join origin = iata (scan airport: iata!, city!, country_id) | "
	     "filter delay_min = 1 | "
	     "scan flight: id!=, delay_min, origin",
	     .select = "id",
	     WHERE("1 / delay_min > 0 and delay_min = 1", "origin_airport.city = 'x'",
		   "origin_airport.country.name is not null"));
	TREE("project city, name as city, name | "
	     "filter name = 'x' | "
	     "join country_id = id (scan country: id!, name) | "
	     "join country_id = id (scan country: id!, name) | "
	     "join iata = iata (scan airport: iata!, city!, country_id) | "
	     "scan airport: iata!, country_id",
	     .resource = "airport", .select = "self.city, country.name", WHERE("self.country.name = 'x'"));
	TREE("project fuel as fuel | "
	     "sort name nulls last | "
	     "join country_id = id (scan country: id!, name) | "
	     "join origin = iata (scan airport: iata!, country_id) | "
	     "join id = flight_id (scan leg: flight_id!, fuel) | "
	     "scan flight: id!=, origin",
	     .select = "legs.fuel", .order = "origin_airport.country.name");
}

static void test_groups(void)
{
	TREE("project origin, \"count(*)\", \"sum(delay_min)\" + 1 as origin, count(*)!, s | "
	     "limit 10 offset 3 | "
	     "sort \"sum(delay_min)\" + 1 desc nulls first, origin nulls last, lower(origin) nulls last | "
	     "filter \"count(*)\" > 1 AND origin <> 'x' | "
	     "aggregate origin, count(*)!, sum(delay_min) | "
	     "filter id > 5 | "
	     "scan flight: origin, delay_min, id!=",
	     .select = "origin, count(*), sum(delay_min) + 1 as s", WHERE("id > 5"), .group = "origin",
	     .having = "count(*) > 1 and origin <> 'x'", .order = "s desc, 1, lower(origin)", .limit = 10,
	     .offset = 3);
	TREE("project \"lower(origin)\", \"count(distinct origin)\", \"avg(price)\", \"sum(price)\", "
	     "\"min(day)\", \"max(origin)\", \"count(origin)\", \"avg(delay_min)\", \"avg(price)\" as x, "
	     "a!, b, c, d, e, f!, g, h | "
	     "aggregate lower(origin), count(distinct origin)!, avg(price), sum(price), min(day), "
	     "max(origin), count(origin)!, avg(delay_min) | "
	     "scan flight: origin, price, day, delay_min",
	     .select = "lower(origin) as x, count(distinct origin) a, avg(price) b, sum(price) c, min(day) "
		       "d, max(origin) e, count(origin) f, avg(delay_min) g, avg(price) h",
	     .group = "X");
	TREE("project \"count(*)\" as count(*)! | aggregate count(*)! | scan flight: id!=",
	     .select = "count(*)");
	TREE("project 1 as 1! | filter \"count(*)\" > 1 | aggregate count(*)! | scan flight: id!=",
	     .select = "1", .having = "count(*) > 1");
	TREE("project 1 as one! | filter true | aggregate count(*)! | scan flight: id!=",
	     .select = "1 as one", .having = "true");
	TREE("project lower(origin), \"count(*)\" as origin, n! | "
	     "aggregate origin, count(*)! | "
	     "scan flight: origin",
	     .select = "lower(origin) as origin, count(*) n", .group = "origin");
	TREE("project \"delay_min + 1\" * 2 as x | aggregate delay_min + 1 | scan flight: delay_min",
	     .select = "(delay_min + 1) * 2 as x", .group = "delay_min + 1");
	TREE("project \"doc -> 'a'\", \"count(*)\" as a, count(*)! | "
	     "aggregate doc -> 'a', count(*)! | "
	     "scan flight: doc",
	     .select = "doc.a, count(*)", .group = "doc.a");
	TREE("project id as id! | aggregate id! | scan flight: id!=", .select = "id", .group = "id");
	TREE("project \"count(*)\" as count(*)! | "
	     "sort city nulls last | "
	     "aggregate city, count(*)! | "
	     "join origin = iata (scan airport: iata!, city!) | "
	     "scan flight: origin",
	     .select = "count(*)", .group = "origin_airport.city", .order = "origin_airport.city");
}

static void test_group_errors(void)
{
	TREE("ETYPE flight.id: must appear in group, or inside an aggregate (at 12 in \"count(*) + id\")",
	     .select = "count(*) + id");
	TREE("ETYPE flight.id: must appear in group, or inside an aggregate (at 9 in \"origin, id\")",
	     .select = "origin, id", .group = "origin");
	TREE("ETYPE flight.id: must appear in group, or inside an aggregate (at 1 in \"id > 1\")",
	     .select = "origin", .group = "origin", .having = "id > 1");
	TREE("ETYPE flight.id: must appear in group, or inside an aggregate (at 9 in \"origin, id\")",
	     .select = "origin", .group = "origin", .order = "origin, id");
	TREE("ETYPE flight.origin: must appear in group, or inside an aggregate (at 1 in \"*\")",
	     .select = "*", .group = "id");
	TREE("ESYNTAX a query with group needs select", .group = "origin");
	TREE("ETYPE flight.id: must appear in group, or inside an aggregate", .having = "count(*) > 1");
	TREE("ESYNTAX count is an aggregate, which cannot stand in where: use having (at 1 in \"count(*) > "
	     "1\")",
	     .select = "id", WHERE("count(*) > 1"));
	TREE("ESYNTAX count is an aggregate, which cannot stand inside another aggregate (at 5 in "
	     "\"sum(count(*))\")",
	     .select = "sum(count(*))");
	TREE("ESYNTAX sum is an aggregate, which cannot stand in group (at 1 in \"sum(id)\")", .select = "id",
	     .group = "sum(id)");
	TREE("ESYNTAX column 1 of select is an aggregate, which cannot stand in group (at 1 in \"n\")",
	     .select = "count(*) as n", .group = "n");
	TREE("ESYNTAX grouping sets are not understood (at 5 in \"id, cube(id, origin)\")", .select = "id",
	     .group = "id, cube(id, origin)");
	TREE("ETYPE flight.tags: group by a list is not understood (at 1 in \"tags\")", .select = "tags",
	     .group = "tags");
	TREE("ESYNTAX distinct is understood in count only (at 1 in \"sum(distinct id)\")",
	     .select = "sum(distinct id)");
	TREE("ESYNTAX count takes one value (at 1 in \"count(id, origin)\")", .select = "count(id, origin)");
	TREE("ESYNTAX sum takes one value (at 1 in \"sum(*)\")", .select = "sum(*)");
	TREE("ESYNTAX sum takes a value and nothing else (at 1 in \"sum(variadic id)\")",
	     .select = "sum(variadic id)");
	TREE("ESYNTAX window functions are not understood (at 1 in \"sum(id) over ()\")",
	     .select = "sum(id) over ()");
	TREE("ESYNTAX 'where' does not belong in an expression; if it is a name, write \"where\" (at 17 in "
	     "\"sum(id) filter (where true)\")",
	     .select = "sum(id) filter (where true)");
	TREE("ESYNTAX 'order' does not belong in an expression; if it is a name, write \"order\" (at 8 in "
	     "\"sum(id order by id)\")",
	     .select = "sum(id order by id)");
	TREE("ETYPE flight.doc: max does not take JSON (at 5 in \"max(doc)\")", .select = "max(doc)");
	TREE("ETYPE flight.tags: count does not take a list (at 16 in \"count(distinct tags)\")",
	     .select = "count(distinct tags)");
	TREE("ETYPE flight.origin: cannot calculate with text (at 5 in \"sum(origin)\")",
	     .select = "sum(origin)");
}

static void test_orders(void)
{
	TREE("project id as N!= | "
	     "sort id nulls last, id desc nulls first, id desc nulls last, id nulls first, origin nulls "
	     "last | "
	     "scan flight: id!=, origin",
	     .select = "id as N", .order = "n, N desc, 1 desc nulls last, id asc nulls first, \"origin\"");
	TREE("project delay_min * 2 as delay_min | sort delay_min * 2 nulls last | scan flight: delay_min",
	     .select = "delay_min * 2 as delay_min", .order = "delay_min");
	TREE("ERANGE order by a number means a column of select, 1 to 1 (at 1 in \"2\")", .select = "id",
	     .order = "2");
	TREE("ERANGE order by a number means a column of select, 1 to 1 (at 5 in \"id, 0\")", .select = "id",
	     .order = "id, 0");
	TREE("ERANGE order by a number means a column of select, 1 to 1 (at 1 in \"'x'\")", .select = "id",
	     .order = "'x'");
	TREE("ETYPE flight.tags: order by a list is not understood (at 1 in \"tags\")", .select = "id",
	     .order = "tags");
	TREE("ESYNTAX using is not understood: write asc or desc (at 10 in \"id using <\")", .select = "id",
	     .order = "id using <");
	TREE("ETYPE cannot tell the type of $1: write $1::text, or what type it is (at 1 in \"$1\")",
	     .select = "id", .order = "$1");
}

/* A text that holds more than its clause, or less. */
static void test_more(void)
{
	TESTING_TEXT(query_where("id = 1 group by id"),
		     "ESYNTAX 'group' does not belong in an expression; if it is a name, write \"group\" "
		     "(at 8 in \"id = 1 group by id\")");
	TESTING_TEXT(query_where("id = 1; drop"),
		     "ESYNTAX ';' does not belong in an expression (at 7 in \"id = 1; drop\")");
	TESTING_TEXT(query_where("id = 1) or (id = 2"),
		     "ESYNTAX ')' closes nothing (at 7 in \"id = 1) or (id = 2\")");
	TESTING_TEXT(query_where("id = 1]"), "ESYNTAX ']' closes nothing (at 7 in \"id = 1]\")");
	TESTING_TEXT(query_where("id = 1 end"), "ESYNTAX 'end' closes nothing (at 8 in \"id = 1 end\")");
	TESTING_TEXT(query_where("(id = 1"), "ESYNTAX syntax error at end of input (at 8 in \"(id = 1\")");
	TESTING_TEXT(query_where("id = 1 -- comment"), "id = 1");
	TESTING_TEXT(query_where("/* a /* b */ */ id = 1"), "id = 1");
	TESTING_TEXT(query_where("id = 1 /*"),
		     "ESYNTAX unterminated /* comment at or near \"/*\" (at 8 in \"id = 1 /*\")");
	TESTING_TEXT(
		query_where("origin = 'é' and 'x"),
		"ESYNTAX unterminated quoted string at or near \"'x\" (at 18 in \"origin = 'é' and 'x\")");
	TESTING_TEXT(query_where("origin = 'é' and )"),
		     "ESYNTAX ')' closes nothing (at 18 in \"origin = 'é' and )\")");
	TESTING_TEXT(query_where("origin = 'é' and = 5"),
		     "ESYNTAX syntax error at or near \"=\" (at 18 in \"origin = 'é' and = 5\")");
	TESTING_TEXT(query_where("id = 7é"),
		     "ESYNTAX trailing junk after numeric literal at or near \"7?\" (at 6 in \"id = 7é\")");
	TESTING_TEXT(
		query_where("id = 1 'out of memory'"),
		"ESYNTAX syntax error at or near \"'out of memory'\" (at 8 in \"id = 1 'out of memory'\")");
	TESTING_TEXT(query_where("id = 1, id = 2"),
		     "ESYNTAX syntax error at or near \",\" (at 7 in \"id = 1, id = 2\")");
	TESTING_TEXT(query_where("id = 1 limit 5"), "ESYNTAX 'limit' does not belong in an expression; if it "
						    "is a name, write \"limit\" (at 8 in \"id = 1 limit "
						    "5\")");
	TESTING_TEXT(query_where("exists (select 1)"),
		     "ESYNTAX a sub-select is not understood here (at 9 in \"exists (select 1)\")");
	TESTING_TEXT(query_where("exists (values (1))"),
		     "ESYNTAX a sub-select is not understood here (at 1 in \"exists (values (1))\")");
	TESTING_TEXT(query_where("id = 1 union table x"),
		     "ESYNTAX 'union' does not belong in an expression; if it is a name, write \"union\" "
		     "(at 8 in \"id = 1 union table x\")");
	TREE("ESYNTAX 'from' does not belong in an expression; if it is a name, write \"from\" (at 4 in "
	     "\"id from flight\")",
	     .select = "id from flight");
	TREE("ESYNTAX 'limit' does not belong in an expression; if it is a name, write \"limit\" (at 4 in "
	     "\"id limit 1\")",
	     .select = "id", .order = "id limit 1");
	TREE("ESYNTAX syntax error at or near \"desc\" (at 4 in \"id desc\")", .select = "id",
	     .group = "id desc");
	TREE("project id, id as select!=, from!= | scan flight: id!=", .select = "id as select, id as from");
}

static void test_bounds(void)
{
	struct consort_clauses clauses = query_of("flight");
	static char text[128 * 1024];
	const char *result;
	int i, used;

	for (i = 0, used = snprintf(text, sizeof(text), "id in (0"); i < 10000; i++)
		used += snprintf(text + used, sizeof(text) - (size_t)used, ",%d", i);
	snprintf(text + used, sizeof(text) - (size_t)used, ")");
	CU_ASSERT_EQUAL(strlen(query_where(text)), 8 + 10000 * 2 + 38890 + 1);
	for (i = 0, used = snprintf(text, sizeof(text), "id = 0"); i < 5000; i++)
		used += snprintf(text + used, sizeof(text) - (size_t)used, " or id = %d", i % 10);
	CU_ASSERT_EQUAL(strlen(query_where(text)), strlen(text));
	memset(text, 'x', 65537);
	text[65537] = '\0';
	TESTING_TEXT(query_where(text), "ESYNTAX the text of where is longer than 65536 bytes");
	text[65536] = '\0';
	result = query_where(text);
	TESTING_CONTAINS(result, "ENAME flight: no attribute 'xxxx");
	CU_ASSERT_TRUE(strlen(result) < 1024);
	TESTING_TEXT(query_where("origin = 'a\xff'"), "ESYNTAX the text of where is not UTF-8 (at byte 12)");
	for (used = 0; used < 60000; used += 10)
		memcpy(text + used, used ? "+ id      " : "id = id   ", 11);
	TESTING_CONTAINS(query_where(text),
			 "ESYNTAX nested deeper than 100 levels of parentheses and operators (at ");
	CU_ASSERT_EQUAL(query_position(), 1001);
	memset(text, '(', 101);
	text[101] = '\0';
	TESTING_CONTAINS(query_where(text), "ESYNTAX nested deeper than 100 levels (at 101 in \"…((((");
	memset(text, 0, sizeof(text));
	for (i = 0; i < 256; i++)
		memcpy(text + 3 * i, "id,", 3);
	clauses.select = "id";
	clauses.order = strcpy(text + 3 * 256, "id") - 3 * 256;
	TESTING_TEXT(query_tree(&clauses), "ESYNTAX order takes up to 256 items");
	clauses.order = NULL;
	clauses.select = "$65536";
	TESTING_TEXT(query_tree(&clauses), "ESYNTAX parameters are $1 to $65535 (at 1 in \"$65536\")");
	clauses.select = "id, $99999999999999999999";
	TESTING_TEXT(query_tree(&clauses),
		     "ESYNTAX parameters are $1 to $65535 (at 5 in \"id, $99999999999999999999\")");
	TESTING_TEXT(query_where("a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a"),
		     "ESYNTAX a name has at most 32 words (at 1 in "
		     "\"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a\")");
}

/* What repeats its argument does not grow without bound. */
static void test_growth(void)
{
	char text[8192] = "origin", longer[8192];
	int i;

	for (i = 0; i < 40; i++) {
		snprintf(longer, sizeof(longer), "nullif(%s,'x')", text);
		memcpy(text, longer, sizeof(text));
	}
	TESTING_CONTAINS(query_select(text),
			 "ESYNTAX the expression is too long when between, nullif and case are written out");
}

static void test_parameters(void)
{
	struct consort_clauses clauses = query_of("flight");
	const char *where[] = {"departed_at > $3 and price = $1"};

	clauses.select = "id";
	clauses.where = where;
	clauses.nwhere = 1;
	TESTING_TEXT(query_parameters(&clauses), "3+0: decimal(10,2) - timestamp");
	clauses.nafter = 1;
	clauses.order = "origin, day";
	TESTING_TEXT(query_parameters(&clauses), "3+1: decimal(10,2) - timestamp int64 text date int64");
	where[0] = "$2 is null or $2 = origin";
	clauses.select = "id + $1";
	TESTING_TEXT(query_parameters(&clauses), "2+1: int64 text int64 text date int64");
	clauses = query_of("flight");
	clauses.select = "id";
	TESTING_TEXT(query_parameters(&clauses), "0+0:");
	clauses.select = "$1 * 1.5, coalesce($2, 2.25), $3 > 0.12345678";
	TESTING_TEXT(query_parameters(&clauses), "3+0: decimal(38,6) decimal(38,6) decimal(38,8)");
}

static void test_after(void)
{
	AFTER("project id as id!= | "
	      "filter id = $1 | "
	      "scan flight: id!=\n"
	      "project origin as origin | "
	      "limit 5 offset 0 | "
	      "sort id nulls last | "
	      "filter id > $2 | "
	      "scan flight: origin, id!=",
	      .select = "origin", .nafter = 1, .limit = 5);
	AFTER("project delay_min, origin, id as delay_min, origin, id!= | "
	      "filter id = $2 | "
	      "scan flight: id!=, delay_min, origin\n"
	      "project id as id!= | "
	      "sort delay_min desc nulls first, origin nulls last, id nulls last | "
	      "filter delay_min > $1 AND (delay_min < $3 or $3 is null and delay_min is not null) or "
	      "delay_min is not distinct from $3 and (origin > $4 or origin is null and $4 is not null) or "
	      "delay_min is not distinct from $3 and origin is not distinct from $4 and id > $5 | "
	      "scan flight: id!=, delay_min, origin",
	      .select = "id", .nafter = 1, .order = "delay_min desc, origin", WHERE("delay_min > $1"));
	AFTER("project fuel, no, flight_id as fuel, no!, flight_id! | "
	      "filter flight_id = $1 AND no = $2 | "
	      "scan leg: fuel, no!, flight_id!\n"
	      "project fuel as fuel | "
	      "sort fuel nulls first, no desc nulls first, flight_id nulls last | "
	      "filter (fuel > $3 or $3 is null and fuel is not null) or fuel is not distinct from $3 and "
	      "no < $4 or fuel is not distinct from $3 and no = $4 and flight_id > $5 | "
	      "scan leg: fuel, no!, flight_id!",
	      .resource = "leg", .nafter = 2, .select = "fuel", .order = "fuel nulls first, no desc");
	AFTER("project city, id as city, id!= | "
	      "join origin = iata (scan airport: iata!, city!) | "
	      "filter id = $1 | "
	      "scan flight: id!=, origin\n"
	      "project id as id!= | "
	      "sort city desc nulls last, id nulls last | "
	      "filter (city < $2 or city is null and $2 is not null) or city is not distinct from $2 and "
	      "id > $3 | "
	      "join origin = iata (scan airport: iata!, city!) | "
	      "scan flight: id!=, origin",
	      .select = "id", .nafter = 1, .order = "origin_airport.city desc nulls last, id");
	/* several legs of a flight are several rows: which of them is the one with its key? */
	AFTER("EINVAL a query that follows flight.legs cannot be paged after a key: that may lead to several "
	      "records of leg, which has no key or unique index in 'flight_id' alone",
	      .select = "id, legs.fuel", .nafter = 1);
	AFTER("EINVAL a query that follows flight.legs cannot be paged after a key: that may lead to several "
	      "records of leg, which has no key or unique index in 'flight_id' alone",
	      .select = "id", .nafter = 1, .order = "legs.no");
	AFTER("EINVAL a query that follows airport.country cannot be paged after a key: that may lead to "
	      "several records of country, which has no key or unique index in 'id' alone",
	      .select = "id", .nafter = 1, WHERE("origin_airport.country.name = 'x'"));
	AFTER("ETYPE flight.doc: paging in the order of JSON is not understood: order by a part of it as "
	      "text or "
	      "number",
	      .select = "id", .order = "doc", .nafter = 1);
	AFTER("EINVAL country has no key to page after", .resource = "country", .nafter = 1);
	AFTER("EINVAL the key of leg has 2 attributes, but 1 was given", .resource = "leg", .nafter = 1);
	AFTER("ESYNTAX a query with groups or aggregates has no key to page after", .select = "count(*)",
	      .nafter = 1);
}

static void test_writes(void)
{
	UPDATE("update flight set delay_min = delay_min + $1, origin = 'SFO', price = 3.00, departed_at = "
	       "timestamp '2001-01-01T00:00:00Z', distance = 5.0, tax = price::decimal(12,4), doc = json "
	       "'{}', Upper = null, cancelled = (doc -> 'x')::bool, "
	       "a_name_of_more_than_sixty_three_characters_that_the_parser_would_cut_off = $2 | "
	       "filter id = $3 AND 1 / id > 0 | "
	       "scan flight: id!=, delay_min, price, doc",
	       .assignments = "delay_min = delay_min + $1, ORIGIN='SFO', price = 3, departed_at = date "
			      "'2001-01-01', distance = 5, tax = price, doc = '{}', Upper = null, "
			      "cancelled = doc.x, "
			      "a_name_of_more_than_sixty_three_characters_that_the_parser_would_cut_off = "
			      "$2",
	       WHERE("1 / id > 0", "id = $3"));
	UPDATE("update leg set fuel = no::float64 | scan leg: flight_id!, no!", .resource = "leg",
	       .assignments = "fuel = no");
	DELETE("delete flight | filter origin = 'x' | scan flight: id!=, origin", WHERE("origin = 'x'"));
	DELETE("delete leg | scan leg: flight_id!, no!", .resource = "leg");
	UPDATE("EINVAL an update by query needs assignments", .select = "id");
	UPDATE("ENAME flight: no attribute 'dealy_min'; did you mean 'delay_min'? (at 1 in \"dealy_min = "
	       "1\")",
	       .assignments = "dealy_min = 1");
	UPDATE("EINVAL flight.id is of the key, which cannot be changed by query (at 1 in \"id = 1\")",
	       .assignments = "id = 1");
	UPDATE("EREADONLY flight.seen cannot be set (at 15 in \"distance = 1, seen = 1\")",
	       .assignments = "distance = 1, seen = 1");
	UPDATE("ESYNTAX flight.origin is set twice (at 15 in \"origin = 'a', Origin = 'b'\")",
	       .assignments = "origin = 'a', Origin = 'b'");
	UPDATE("ETYPE flight.delay_min: an integer cannot be set to text 'x' (at 13 in \"delay_min = 'x'\")",
	       .assignments = "delay_min = 'x'");
	UPDATE("ETYPE flight.delay_min: an integer cannot be set to a float64 (at 13 in \"delay_min = "
	       "distance\")",
	       .assignments = "delay_min = distance");
	UPDATE("ERANGE flight.delay_min: 2.5 does not fit int64 (at 13 in \"delay_min = 2.5\")",
	       .assignments = "delay_min = 2.5");
	UPDATE("ETYPE flight.day: 'soon' is not a date (at 7 in \"day = 'soon'\")",
	       .assignments = "day = 'soon'");
	UPDATE("ESYNTAX default is not understood (at 10 in \"origin = default\")",
	       .assignments = "origin = default");
	UPDATE("ESYNTAX attributes are set one by one (at 1 in \"(origin, day) = (1, 2)\")",
	       .assignments = "(origin, day) = (1, 2)");
	UPDATE("ESYNTAX only whole attributes can be set (at 1 in \"doc.a = 1\")",
	       .assignments = "doc.a = 1");
	UPDATE("ESYNTAX 'where' does not belong in an expression; if it is a name, write \"where\" (at 14 "
	       "in \"origin = 'x' where id = 1\")",
	       .assignments = "origin = 'x' where id = 1");
	UPDATE("ESYNTAX count is an aggregate, which cannot stand in assignments (at 13 in \"delay_min = "
	       "count(*)\")",
	       .assignments = "delay_min = count(*)");
	UPDATE("ESYNTAX a write by query cannot follow relationships, like flight.origin_airport (at 10 in "
	       "\"origin = origin_airport.city\")",
	       .assignments = "origin = origin_airport.city");
	DELETE("ESYNTAX a write by query cannot follow relationships, like flight.legs (at 1 in "
	       "\"legs.fuel > 1\")",
	       WHERE("legs.fuel > 1"));
	DELETE("EREADONLY country cannot be written", .resource = "country");
	DELETE("EINVAL a delete by query takes conditions only: no limit, offset, paging, group or having",
	       .offset = 1);
	UPDATE("EINVAL an update by query takes conditions only: no limit, offset, paging, group or having",
	       .nafter = 1, .assignments = "origin = 'x'");
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"whole", test_whole},
		{"columns", test_columns},
		{"joins", test_joins},
		{"groups", test_groups},
		{"group_errors", test_group_errors},
		{"orders", test_orders},
		{"more", test_more},
		{"bounds", test_bounds},
		{"growth", test_growth},
		{"parameters", test_parameters},
		{"after", test_after},
		{"writes", test_writes},
		{NULL, NULL},
	};

	return testing_main("query", cases, argc, argv);
}
