/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes of queries that PostgreSQL must be given whole: explain tells one step, with nothing left out and
 * nothing checked again. The answer is the one that the library finds in the same rows when the manifest
 * allows the adapter nothing but to read them.
 */
#include "api.h"
#include "servers.h"
#include "shapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <consort/buffer.h>

/* Ten customers, four of them without this or that, and forty purchases. Sums of these doubles are exact. */
static const char *const schema[] = {
	"CREATE TYPE grade AS ENUM ('bronze', 'silver', 'gold')",
	"CREATE DOMAIN zip AS varchar(10) CHECK (value <> '')",
	"CREATE TABLE customer(id bigint PRIMARY KEY, name text NOT NULL, country varchar(2), zip zip, "
	"born date, wakes time, vip boolean, score double precision, rank smallint, token uuid UNIQUE, "
	"level grade, tags text[], profile jsonb, referrer bigint REFERENCES customer)",
	"INSERT INTO customer SELECT i, (ARRAY['Ada', 'Bob', 'Çelik', 'ada', 'Äda', 'Zoë', 'M%n', 'M_n', '', "
	"'Mo\\n'])[i], (ARRAY['CH', 'DE', NULL, 'CH', 'TR'])[1 + i % 5], CASE WHEN i % 3 > 0 THEN '80' || i "
	"END, "
	"date '1960-01-01' + i * 1000, time '06:00' + i * interval '7 minutes', "
	"CASE i % 3 WHEN 0 THEN true WHEN 1 THEN false END, CASE i WHEN 4 THEN 'NaN' WHEN 5 THEN NULL "
	"WHEN 6 THEN '-0' ELSE i * 1.25 - 6 END, i - 5, md5(i::text)::uuid, "
	"(enum_range(NULL::grade))[1 + i % 3], ARRAY['t' || i, 'u'], "
	"CASE i % 4 WHEN 3 THEN NULL ELSE jsonb_build_object('city', (ARRAY['Bern', 'Ulm', NULL])[1 + i % "
	"3], "
	"'address', jsonb_build_object('street', 's' || i, 'numbers', jsonb_build_array(i, i + 1))) END, "
	"nullif((i * 7) % 10, 0) FROM generate_series(1, 10) i",
	"CREATE TABLE purchase(id bigint PRIMARY KEY, customer bigint NOT NULL REFERENCES customer, "
	"at timestamptz NOT NULL, amount numeric(12, 2), units integer, note text, photo bytea, paid "
	"timestamp)",
	"INSERT INTO purchase SELECT i, 1 + (i * 3) % 10, timestamptz '2024-02-27 22:00Z' + i * interval '3 "
	"hours 1 second', CASE WHEN i % 7 > 0 THEN i * 12.35 - 100 END, CASE WHEN i % 11 > 0 THEN i % 6 - 2 "
	"END, "
	"CASE WHEN i % 5 > 0 THEN 'note ' || i % 8 END, decode(lpad(to_hex(i * 37), 4, '0'), 'hex'), "
	"timestamp '2024-01-01' + i * interval '1 day' FROM generate_series(1, 40) i",
	"CREATE TABLE \"Odd Table\"(\"Key\" bigint PRIMARY KEY, \"The \"\"Value\" text)",
	"INSERT INTO \"Odd Table\" VALUES (1, 'one'), (2, NULL), (3, 'three')",
};

#define RESOURCES(database, prefix)                                                   \
	"[resource " prefix "customer]\ndatabase = " database "\nsource = customer\n" \
	"relationship.introduced_by = " prefix "customer, referrer -> id\n"           \
	"relationship.bought = " prefix "purchase, id -> customer\n"                  \
	"[resource " prefix "purchase]\ndatabase = " database "\nsource = purchase\n" \
	"relationship.buyer = " prefix "customer, customer -> id\n"                   \
	"[resource " prefix "odd]\ndatabase = " database "\nsource = \"\"\"Odd Table\"\"\"\n"

static const char *schema_name(void)
{
	static char name[32];

	snprintf(name, sizeof(name), "pushdown_%d", (int)getpid());
	return name;
}

/* Runs a statement in the database's own language. */
static void run(struct consort *c, const char *database, const char *sql)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;

	API_OK(consort_native(c, database, sql, CONSORT_NO_ARGS, &rows, NULL, &error));
	consort_cursor_close(rows);
}

/* Two databases that are one: of `plain` only rows are wanted. */
static struct consort *open_both(void)
{
	const char *dsn = servers_get("postgres", "DSN");
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	char sql[64];
	struct consort *c;
	size_t i;

	consort_buffer_printf(&text,
			      "[database db]\ntype = postgres\ndsn = \"%s\"\noptions = -c search_path=%s\n"
			      "[database plain]\ntype = postgres\ndsn = \"%s\"\noptions = -c search_path=%s\n"
			      "features = -filter -sort -limit -aggregate -group -join -nested_paths\n%s%s",
			      dsn, schema_name(), dsn, schema_name(), RESOURCES("db", ""),
			      RESOURCES("plain", "plain_"));
	c = api_open(text.data);
	consort_buffer_clear(&text);
	snprintf(sql, sizeof(sql), "CREATE SCHEMA %s", schema_name());
	run(c, "db", sql);
	for (i = 0; i < sizeof(schema) / sizeof(*schema); i++)
		run(c, "db", schema[i]);
	return c;
}

static void close_both(struct consort *c)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "DROP SCHEMA %s CASCADE", schema_name());
	run(c, "db", sql);
	consort_close(c);
}

static void test_columns(void)
{
	SHAPES({.resource = "customer", .order = "id"}, {.resource = "purchase", .order = "id"},
	       {.resource = "odd", .order = "Key"},
	       {.resource = "purchase", .select = "units, id, units", .order = "id"},
	       {.resource = "customer", .select = "tags, profile, level", .order = "id"},
	       {.resource = "odd",
		.select = "\"The \"\"Value\", Key",
		.where = "\"The \"\"Value\" = 'three'"});
}

static void test_numbers(void)
{
	SHAPES(PURCHASE("id = 7"), PURCHASE("id in (3, 4, 4711)"), PURCHASE("id not in (3, 4)"),
	       PURCHASE("id between 10 and 12"), PURCHASE("units > 1 and amount < 100.00"),
	       PURCHASE("not (units = 1 or amount >= 250.5) or note is null"), PURCHASE("units <> 2"),
	       PURCHASE("amount between -50 and 50.25"), PURCHASE("amount = 23.5"),
	       PURCHASE("units = 3000000000 or id = 1"), CUSTOMER("rank = 100000 or rank > 2"),
	       CUSTOMER("score > 1.5"), CUSTOMER("score = 0"),
	       CUSTOMER("score <= 'NaN'::float8 and score is not null"),
	       CUSTOMER("score is distinct from -1.0"), PURCHASE("units is not distinct from null"));
}

static void test_texts(void)
{
	SHAPES(CUSTOMER("name = 'Ada'"), CUSTOMER("name <> 'Ada'"), CUSTOMER("name >= 'M' and name < 'N'"),
	       CUSTOMER("name > 'z'"), CUSTOMER("name like 'M%'"), CUSTOMER("name like 'M\\%_'"),
	       CUSTOMER("name like '%d_'"), CUSTOMER("name not like '_d%'"), CUSTOMER("name in ('', 'Zoë')"),
	       CUSTOMER("country = 'CH'"), CUSTOMER("zip > '804'"), CUSTOMER("level = 'gold'"),
	       CUSTOMER("length(name) > 3"), CUSTOMER("name || country = 'AdaDE'"),
	       CUSTOMER("coalesce(country, name) like '%o%'"));
}

static void test_other_types(void)
{
	SHAPES(CUSTOMER("born > '1970-01-01'"), CUSTOMER("born = '1968-03-19'"),
	       CUSTOMER("wakes < '06:30:00'"), CUSTOMER("token = '1679091c-5a88-0faf-6fb5-e6087eb1b2dc'"),
	       CUSTOMER("token > '80000000-0000-0000-0000-000000000000'"), CUSTOMER("vip"),
	       CUSTOMER("not vip"), CUSTOMER("vip is not true"), CUSTOMER("vip is unknown"),
	       PURCHASE("at >= '2024-02-29 00:00:00' and at < '2024-03-01T12:00:00.5Z'"),
	       PURCHASE("at::date = '2024-02-29'"), PURCHASE("paid > '2024-02-01 00:00:00'"),
	       PURCHASE("photo > '\\x0200'"), PURCHASE("photo = '\\x0025'"));
}

static void test_calculating(void)
{
	SHAPES(PURCHASE("id % 7 = 3"), PURCHASE("id / 8 = 2"), PURCHASE("amount + 1.5 > 100"),
	       PURCHASE("case when units > 0 then amount else 1.00 end > 50"),
	       PURCHASE("coalesce(units, 9) > 3"),
	       {.resource = "purchase",
		.select = "id, coalesce(note, '-'), case when units > 1 then 'many' else 'few' end",
		.order = "id"},
	       {.resource = "customer",
		.select = "id, name || '!', length(name), born is null",
		.order = "id"});
}

static void test_documents(void)
{
	SHAPES(CUSTOMER("profile ->> 'city' = 'Bern'"), CUSTOMER("profile.city is null"),
	       CUSTOMER("profile.address.street = 's4'"),
	       CUSTOMER("profile -> 'address' -> 'numbers' ->> 1 = '6'"),
	       {.resource = "customer",
		.select = "id, profile ->> 'city', profile.address.street",
		.order = "id"});
}

static void test_order(void)
{
	SHAPES({.resource = "customer", .select = "name", .order = "name desc"},
	       {.resource = "customer", .select = "country, id", .order = "country nulls first, id"},
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
	       {.resource = "customer", .select = "id", .order = "vip desc, born desc, token"},
	       {.resource = "purchase", .select = "id", .order = "units * -1, id", .limit = 10},
	       {.resource = "customer", .select = "id", .order = "length(name) desc, id"},
	       {.resource = "purchase", .select = "photo, id", .order = "photo desc", .limit = 3},
	       {.resource = "purchase", .select = "id", .order = "id", .offset = 35});
}

static void test_aggregates(void)
{
	SHAPES({.resource = "purchase", .select = "count(*)"},
	       {.resource = "purchase", .select = "count(*), count(note), count(distinct note)"},
	       {.resource = "purchase", .select = "sum(units), min(units), max(units), avg(units)"},
	       {.resource = "purchase",
		.select = "sum(amount), avg(amount), min(amount), max(at), min(note)"},
	       {.resource = "customer", .select = "sum(score), avg(score)", .where = "id in (1, 2, 3)"},
	       {.resource = "customer", .select = "min(name), max(born), max(score)"},
	       {.resource = "purchase", .select = "sum(units), avg(amount), min(at)", .where = "id < 0"},
	       {.resource = "purchase", .select = "note, count(*)", .group = "note", .order = "note"},
	       {.resource = "purchase",
		.select = "note, units, sum(amount)",
		.group = "note, units",
		.having = "count(*) > 1",
		.order = "note, units"},
	       {.resource = "purchase",
		.select = "at::date as day, count(*) as n",
		.group = "at::date",
		.order = "n desc, day",
		.limit = 3},
	       {.resource = "purchase",
		.select = "units % 2 as odd, max(amount) - min(amount)",
		.where = "amount is not null",
		.group = "units % 2",
		.order = "odd"},
	       {.resource = "customer",
		.select = "country, count(*), max(name)",
		.group = "country",
		.having = "max(name) > 'B'",
		.order = "country"},
	       {.resource = "customer",
		.select = "vip, level, count(distinct country)",
		.group = "vip, level",
		.order = "vip, level"});
}

static void test_joins(void)
{
	SHAPES({.resource = "purchase", .select = "id, buyer.name", .order = "id"},
	       PURCHASE("buyer.country = 'CH' and units > 0"),
	       {.resource = "purchase",
		.select = "id, buyer.name as who",
		.order = "buyer.name desc, id",
		.limit = 5},
	       {.resource = "purchase",
		.select = "buyer.country as country, count(*), sum(amount)",
		.group = "buyer.country",
		.order = "country"},
	       {.resource = "purchase",
		.select = "id, buyer.introduced_by.name",
		.where = "buyer.introduced_by.name is not null",
		.order = "id"},
	       {.resource = "customer",
		.select = "id, introduced_by.name, introduced_by.introduced_by.name",
		.order = "id"},
	       {.resource = "customer",
		.select = "id, bought.id as purchase",
		.where = "bought.units = 3",
		.order = "purchase"},
	       {.resource = "customer",
		.select = "name, count(bought.id) as n, max(bought.at)",
		.group = "id, name",
		.order = "n desc, name"},
	       {.resource = "customer", .select = "count(*)", .where = "introduced_by.vip is true"});
}

static void test_parameters(void)
{
	SHAPES({.resource = "purchase", .select = "id", .where = "units > $1", .order = "id", .parameter = 2},
	       {.resource = "purchase",
		.select = "id",
		.where = "amount < $1 and id > $1",
		.order = "id",
		.parameter = 3},
	       {.resource = "purchase",
		.select = "id, coalesce(units, $1)",
		.where = "id in ($1, 3)",
		.order = "id",
		.parameter = 5},
	       {.resource = "purchase",
		.select = "note, count(*)",
		.where = "id <> $1",
		.group = "note",
		.having = "count(*) >= $1",
		.order = "note",
		.parameter = 4},
	       {.resource = "purchase",
		.select = "id, buyer.name",
		.where = "buyer.id = $1",
		.order = "id",
		.parameter = 4});
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"columns", test_columns},
		{"numbers", test_numbers},
		{"texts", test_texts},
		{"other-types", test_other_types},
		{"calculating", test_calculating},
		{"documents", test_documents},
		{"order", test_order},
		{"aggregates", test_aggregates},
		{"joins", test_joins},
		{"parameters", test_parameters},
		{NULL, NULL},
	};

	return testing_main("postgres-pushdown", cases, argc, argv);
}
