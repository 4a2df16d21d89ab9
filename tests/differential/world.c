/* SPDX-License-Identifier: Apache-2.0 */
/* Files and SQLite databases with the same data, and the seeded values. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FLIGHTS 3000
#define WEATHER 1500
#define STRIKES 800

/* --- seeded values --- */

#define NONE                       \
	{                          \
		NULL, "NULL", NULL \
	}
#define SAME(text)               \
	{                        \
		text, text, NULL \
	}
#define TEXT(text)                       \
	{                                \
		text, "'" text "'", NULL \
	}

static const struct world_value integers[] = {
	NONE,
	SAME("0"),
	SAME("1"),
	SAME("-1"),
	SAME("2"),
	SAME("3"),
	SAME("7"),
	SAME("42"),
	SAME("9007199254740991"),
	SAME("9007199254740992"),
	SAME("9007199254740993"),
	SAME("-9007199254740993"),
	SAME("9223372036854775807"),
	{"-9223372036854775808", "(-9223372036854775807 - 1)", NULL},
};
static const struct world_value floats[] = {
	NONE,
	SAME("0.0"),
	SAME("-0.0"),
	SAME("0.1"),
	SAME("1.5"),
	SAME("-1.5"),
	SAME("2.0"),
	SAME("3.0"),
	SAME("7.0"),
	SAME("-1.0"),
	SAME("9007199254740992.0"),
	SAME("1e300"),
	SAME("-1e300"),
	SAME("5e-324"),
	{"inf", "9e999", NULL},
	{"-inf", "-9e999", NULL},
};
static const struct world_value texts[] = {
	NONE,
	TEXT(""),
	TEXT("a"),
	TEXT("A"),
	TEXT("a "),
	TEXT(" a"),
	TEXT("b"),
	TEXT("ab"),
	TEXT("aB"),
	TEXT("AB"),
	TEXT("\xc3\xa9"),
	TEXT("\xc3\x89"),
	TEXT("e\xcc\x81"),
	TEXT("\xc3\x9f"),
	TEXT("\xc5\xbf"),
	TEXT("\xef\xbf\xbd"),
	TEXT("\xf0\x9f\x98\x80"),
	TEXT("\xf0\x9f\x98\x80"
	     "a"),
	TEXT("10"),
	TEXT("9"),
	TEXT("1.0"),
	TEXT("%"),
	TEXT("_"),
	TEXT("a\\b"),
	TEXT("a*b"),
	TEXT("[a]"),
	TEXT("a\nb"),
	TEXT("x\"y\""),
	TEXT("null"),
	{"it's", "'it''s'", NULL},
};
static const struct world_value decimals[] = {
	NONE,
	TEXT("0.0000"),
	TEXT("1.5000"),
	TEXT("-1.5000"),
	TEXT("2.0000"),
	TEXT("3.0000"),
	TEXT("0.0001"),
	TEXT("9007199254740993.0000"),
	TEXT("10.0000"),
	TEXT("9.0000"),
	TEXT("9999999999999999999999999999999999.9999"),
	TEXT("-9999999999999999999999999999999999.9999"),
};
static const struct world_value timestamps[] = {
	NONE,
	{"1970-01-01T00:00:00Z", "0", "'1970-01-01 00:00:00'"},
	{"1969-12-31T23:59:59.999999Z", "-1", "'1969-12-31T23:59:59.999999Z'"},
	{"1969-12-31T23:59:59.999001Z", "-999", "'1969-12-31 23:59:59.999001'"},
	{"1969-12-31T23:59:59.999Z", "-1000", "'1969-12-31T22:59:59.999-01:00'"},
	{"1970-01-01T00:00:00.000001Z", "1", "'1970-01-01T00:00:00.000001'"},
	{"2001-01-01T00:00:00Z", "978307200000000", "'2001-01-01'"},
	{"2024-02-29T00:00:00Z", "1709164800000000", "'2024-02-29T02:00:00+02:00'"},
	{"0001-01-01T00:00:00Z", "-62135596800000000", "'0001-01-01T00:00:00Z'"},
	{"9999-12-31T23:59:59.999999Z", "253402300799999999", "'9999-12-31T23:59:59.999999Z'"},
};
static const struct world_value dates[] = {
	NONE,
	TEXT("1970-01-01"),
	TEXT("1969-12-31"),
	TEXT("2000-02-29"),
	TEXT("2024-02-29"),
	TEXT("0001-01-01"),
	TEXT("9999-12-31"),
};
static const struct world_value times[] = {
	NONE,
	{"00:00:00", "0", "'00:00'"},
	{"00:00:00.000001", "1", "'00:00:00.000001'"},
	{"23:59:59.999999", "86399999999", "'23:59:59.999999'"},
	{"12:34:56", "45296000000", "'12:34:56'"},
};
static const struct world_value bools[] = {NONE, {"false", "0", NULL}, {"true", "1", NULL}};
static const struct world_value uuids[] = {
	NONE,
	{"00000000-0000-0000-0000-000000000000", "x'00000000000000000000000000000000'",
	 "'00000000-0000-0000-0000-000000000000'"},
	{"ffffffff-ffff-ffff-ffff-ffffffffffff", "x'ffffffffffffffffffffffffffffffff'",
	 "'ffffffff-ffff-ffff-ffff-ffffffffffff'"},
	{"80000000-0000-4000-8000-000000000000", "x'80000000000040008000000000000000'",
	 "'80000000-0000-4000-8000-000000000000'"},
	{"7f000000-0000-4000-8000-000000000001", "x'7f000000000040008000000000000001'",
	 "'7f000000-0000-4000-8000-000000000001'"},
};
static const struct world_value blobs[] = {
	NONE,
	{"\\x", "x''", NULL},
	{"\\x00", "x'00'", NULL},
	{"\\xff", "x'ff'", NULL},
	{"\\x00ff", "x'00ff'", NULL},
	{"\\x6162", "x'6162'", NULL},
};

static const char *const papers[] = {
	NULL,
	"{}",
	"{\"n\": 1, \"t\": \"a\", \"m\": \"x\", \"b\": true}",
	"{\"n\": 1.5, \"t\": \"A\", \"m\": 12}",
	"{\"n\": null, \"t\": null, \"m\": null, \"b\": null, \"o\": null, \"l\": null}",
	"{\"n\": -1, \"m\": true, \"o\": {\"t\": \"a\"}}",
	"{\"n\": 2, \"m\": [1], \"o\": {\"t\": null}}",
	"{\"n\": 9007199254740993, \"m\": {\"a\": 1}, \"l\": [1, 2]}",
	"{\"t\": \"\", \"m\": \"\", \"o\": {}, \"l\": []}",
	"{\"t\": \"12\", \"m\": \"12\", \"o\": {\"t\": \"\xc3\xa9\"}, \"l\": [2]}",
	"{\"t\": \"true\", \"m\": \"true\", \"b\": false, \"l\": [null, 1]}",
	"{\"t\": \"null\", \"m\": 1.5, \"o\": {\"t\": \"12\", \"u\": {\"v\": 3}}}",
	"{\"o\": [{\"t\": \"a\"}], \"t\": \"[1]\"}",
	"{\"a.b\": 1, \"$x\": 2, \"n\": 3, \"l\": {\"0\": 1}}",
	"{\"o\": {\"u\": [{\"v\": 1}], \"t\": \"A\"}, \"m\": false}",
	"[{\"n\": 1, \"t\": \"a\"}]",
};

#define POOL(name, type, values)                                         \
	{                                                                \
		name, type, values, sizeof(values) / sizeof((values)[0]) \
	}

const struct world_pool world_pools[WORLD_COLUMNS] = {
	[WORLD_I] = POOL("i", "int64", integers),
	[WORLD_F] = POOL("f", "float64", floats),
	[WORLD_S] = POOL("s", "text", texts),
	[WORLD_D] = POOL("d", "decimal(38,4)", decimals),
	[WORLD_AT] = POOL("moment", "timestamp", timestamps),
	[WORLD_DAY] = POOL("day", "date", dates),
	[WORLD_TM] = POOL("tm", "time", times),
	[WORLD_B] = POOL("b", "bool", bools),
	[WORLD_U] = POOL("u", "uuid", uuids),
	[WORLD_RAW] = POOL("raw", "bytes", blobs),
};

uint64_t world_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

unsigned world_below(uint64_t *state, unsigned limit)
{
	return (unsigned)(world_random(state) % limit);
}

uint64_t world_seed(uint64_t otherwise)
{
	const char *text = getenv("CONSORT_TEST_SEED");

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* --- files --- */

/* The first lines of a file of the examples, written into the case's folder too. */
static char *copy_lines(const char *from, const char *to, unsigned lines)
{
	FILE *file = fopen(testing_source(from), "rb");
	char *text = calloc(1, 4 << 20), *end = text;
	size_t size;

	if (!file || !text)
		abort();
	size = fread(text, 1, (4 << 20) - 1, file);
	fclose(file);
	while (lines-- && end < text + size)
		end = strchr(end, '\n') + 1;
	*end = '\0';
	testing_write(to, text);
	return text;
}

/* The next field of a CSV record, in place; NULL for an empty one without quotes. *more: the record goes on.
 */
static const char *csv_field(char **at, int *more)
{
	char *from = *at, *to = *at;
	const char *field = from;

	if (*from == '"') {
		for (from++; *from != '"' || from[1] == '"'; *to++ = *from++)
			from += *from == '"';
		from++;
	} else {
		while (*from != ',' && *from != '\r' && *from != '\n')
			*to++ = *from++;
		field = to == field ? NULL : field;
	}
	from += *from == '\r';
	*more = *from == ',';
	*at = from + 1;
	*to = '\0';
	return field;
}

static void run(sqlite3 *db, const char *sql)
{
	char *message = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &message)) {
		fprintf(stderr, "%s: %s\n", sql, message);
		abort();
	}
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL)) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
		abort();
	}
	return stmt;
}

static void step(sqlite3_stmt *stmt)
{
	if (sqlite3_step(stmt) != SQLITE_DONE) {
		fprintf(stderr, "%s\n", sqlite3_errmsg(sqlite3_db_handle(stmt)));
		abort();
	}
	sqlite3_reset(stmt);
}

/* Each record's fields to the statement's parameters, as texts. */
static void load_csv(sqlite3 *db, const char *text, const char *sql)
{
	sqlite3_stmt *stmt = prepare(db, sql);
	char *copy = strdup(text), *at = strchr(copy, '\n') + 1;
	int more, i;

	while (*at) {
		for (i = 1, more = 1; more; i++) {
			const char *field = csv_field(&at, &more);

			sqlite3_bind_text(stmt, i, field, -1, SQLITE_STATIC);
		}
		step(stmt);
	}
	sqlite3_finalize(stmt);
	free(copy);
}

static void load_lines(sqlite3 *db, const char *text, const char *sql)
{
	sqlite3_stmt *stmt = prepare(db, sql);
	const char *end;

	for (; *text; text = end + 1) {
		end = strchr(text, '\n');
		sqlite3_bind_text(stmt, 1, text, (int)(end - text), SQLITE_STATIC);
		step(stmt);
	}
	sqlite3_finalize(stmt);
}

/* --- tables --- */

static const char strict_tables[] =
	"CREATE TABLE flights(id INTEGER PRIMARY KEY, departed_at INTEGER, delay_min INTEGER, distance_mi "
	"INTEGER,"
	" origin TEXT, destination TEXT) STRICT;"
	"CREATE INDEX flights_origin ON flights(origin);"
	"CREATE TABLE airports(iata TEXT PRIMARY KEY, name TEXT, city TEXT, state TEXT, country TEXT, "
	"latitude REAL,"
	" longitude REAL) STRICT;"
	"CREATE TABLE weather(observed_at INTEGER PRIMARY KEY, pressure_hpa REAL, temperature_c REAL, "
	"wind_ms REAL)"
	" STRICT;"
	"CREATE TABLE strikes(id INTEGER PRIMARY KEY, airport TEXT, state TEXT, flight_date TEXT, aircraft "
	"TEXT,"
	" phase TEXT, damage TEXT, wildlife TEXT, cost TEXT, speed_knots INTEGER) STRICT;";
static const char strict_columns[] =
	"(id INTEGER PRIMARY KEY, i INTEGER, f REAL, s TEXT, d TEXT, moment INTEGER,"
	" day TEXT, tm INTEGER, b INTEGER, u BLOB, raw BLOB) STRICT;";

/* Other words for the same, and texts that SQLite itself compares without case. */
static const char loose_tables[] =
	"CREATE TABLE flights(id INT PRIMARY KEY, departed_at DATETIME, delay_min INT, distance_mi BIGINT,"
	" origin VARCHAR(3) COLLATE NOCASE, destination VARCHAR(3) COLLATE RTRIM);"
	"CREATE TABLE airports(iata CHAR(3) COLLATE NOCASE PRIMARY KEY, name TEXT, city TEXT COLLATE NOCASE, "
	"state TEXT,"
	" country TEXT, latitude DOUBLE, longitude NUMERIC);"
	"CREATE TABLE weather(observed_at BIGINT PRIMARY KEY, pressure_hpa FLOAT, temperature_c NUMERIC, "
	"wind_ms REAL);"
	"CREATE TABLE strikes(id INTEGER PRIMARY KEY, airport TEXT, state TEXT COLLATE NOCASE, flight_date "
	"DATE,"
	" aircraft JSON, phase TEXT, damage TEXT, wildlife JSON, cost, speed_knots);";
static const char loose_columns[] =
	"(id INTEGER PRIMARY KEY, i INT, f DOUBLE, s VARCHAR(20) COLLATE NOCASE,"
	" d TEXT COLLATE RTRIM, moment DATETIME, day DATE, tm TIME, b BOOLEAN, u UUID,"
	" raw BLOB);";

#define SECONDS(text) "strftime('%s', " text ")"
#define MICROSECONDS(text) SECONDS(text) " * 1000000"
#define STRIKE                                                                                          \
	"INSERT INTO strikes SELECT ?1 ->> '$._id', ?1 ->> '$.airport', ?1 ->> '$.state', ?1 ->> "      \
	"'$.flight_date',"                                                                              \
	" ?1 -> '$.aircraft', ?1 ->> '$.phase', ?1 ->> '$.damage', ?1 -> '$.wildlife', ?1 -> '$.cost'," \
	" ?1 ->> '$.speed_knots'"

struct sources {
	char *flights, *airports, *weather, *strikes, *papers;
	struct consort_buffer edges[2], loose_edges[2]; /* INSERT statements of edge and other */
};

static void make_database(const char *name, int loose, const struct sources *from)
{
	const struct consort_buffer *edges = loose ? from->loose_edges : from->edges;
	struct consort_buffer tables = CONSORT_BUFFER_INIT;
	sqlite3 *db = NULL;

	if (sqlite3_open(testing_path(name), &db))
		abort();
	run(db, "PRAGMA synchronous = OFF; BEGIN");
	run(db, loose ? loose_tables : strict_tables);
	consort_buffer_printf(&tables,
			      "CREATE TABLE edge%s CREATE TABLE other%s CREATE TABLE paper(id INTEGER "
			      "PRIMARY KEY, doc TEXT)",
			      loose ? loose_columns : strict_columns, loose ? loose_columns : strict_columns);
	run(db, tables.data);
	consort_buffer_clear(&tables);
	load_csv(db, from->flights,
		 loose ? "INSERT INTO flights VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
		       : "INSERT INTO flights VALUES(?1, " MICROSECONDS("?2") ", ?3, ?4, ?5, ?6)");
	load_csv(db, from->papers, "INSERT INTO paper VALUES(?1, ?2)");
	load_csv(db, from->airports, "INSERT INTO airports VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)");
	load_csv(db, from->weather,
		 loose ? "INSERT INTO weather VALUES(" SECONDS("?1") ", ?2, ?3, ?4)"
		       : "INSERT INTO weather VALUES(" MICROSECONDS("?1") ", ?2, ?3, ?4)");
	load_lines(db, from->strikes, STRIKE);
	run(db, edges[0].data);
	run(db, edges[1].data);
	run(db, "COMMIT");
	if (!loose)
		run(db, "CREATE INDEX other_i ON other(i); CREATE INDEX other_s ON other(s)");
	sqlite3_close(db);
}

static void csv_quote(struct consort_buffer *csv, const char *text)
{
	if (text)
		consort_buffer_quoted(csv, text, strlen(text), '"');
}

/* The value, or NULL for a decimal of more than 34 digits where there is no room for it. */
static const struct world_value *choose(const struct world_pool *pool, int narrow, uint64_t *seed)
{
	const struct world_value *value = &pool->values[world_below(seed, pool->count)];

	return narrow && pool == &world_pools[WORLD_D] && value->text && strlen(value->text) > 35
		       ? &pool->values[0]
		       : value;
}

/* Rows of seeded values, as a file and as statements. */
static void make_edges(struct sources *to, int narrow, uint64_t seed)
{
	unsigned table, row, i;

	for (table = 0; table < 2; table++) {
		const char *name = table ? "other" : "edge";
		struct consort_buffer csv = CONSORT_BUFFER_INIT;

		consort_buffer_text(&csv, "id,i,f,s,d,moment,day,tm,b,u,raw\n");
		for (row = 0; row < WORLD_EDGES / (table + 1); row++) {
			consort_buffer_printf(&csv, "%u", row);
			consort_buffer_printf(&to->edges[table], "INSERT INTO %s VALUES(%u", name, row);
			consort_buffer_printf(&to->loose_edges[table], "INSERT INTO %s VALUES(%u", name, row);
			for (i = 0; i < WORLD_COLUMNS; i++) {
				const struct world_value *value = choose(&world_pools[i], narrow, &seed);

				consort_buffer_char(&csv, ',');
				csv_quote(&csv, value->text);
				consort_buffer_printf(&to->edges[table], ", %s", value->sql);
				consort_buffer_printf(&to->loose_edges[table], ", %s",
						      value->loose ? value->loose : value->sql);
			}
			consort_buffer_char(&csv, '\n');
			consort_buffer_text(&to->edges[table], ");");
			consort_buffer_text(&to->loose_edges[table], ");");
		}
		testing_write(table ? "other.csv" : "edge.csv", csv.data);
		consort_buffer_clear(&csv);
	}
}

/* Each document, twice. */
static char *make_papers(void)
{
	struct consort_buffer csv = CONSORT_BUFFER_INIT;
	unsigned i;

	consort_buffer_text(&csv, "id,doc\n");
	for (i = 0; i < 2 * sizeof(papers) / sizeof(*papers); i++) {
		consort_buffer_printf(&csv, "%u,", i);
		csv_quote(&csv, papers[i / 2]);
		consort_buffer_char(&csv, '\n');
	}
	testing_write("paper.csv", csv.data);
	return consort_buffer_steal(&csv);
}

void world_make_files(uint64_t seed, int narrow)
{
	struct sources from = {0};
	unsigned i;

	from.flights = copy_lines("examples/data/flights.csv", "flights.csv", FLIGHTS + 1);
	from.airports = copy_lines("examples/data/airports.csv", "airports.csv", UINT32_MAX);
	from.weather = copy_lines("examples/data/seattle-weather-hourly.csv", "weather.csv", WEATHER + 1);
	from.strikes = copy_lines("examples/data/birdstrikes.jsonl", "strikes.jsonl", STRIKES);
	from.papers = make_papers();
	make_edges(&from, narrow, seed);
	make_database("strict.db", 0, &from);
	make_database("other.db", 0, &from);
	make_database("loose.db", 1, &from);
	for (i = 0; i < 2; i++) {
		consort_buffer_clear(&from.edges[i]);
		consort_buffer_clear(&from.loose_edges[i]);
	}
	free(from.flights);
	free(from.airports);
	free(from.weather);
	free(from.strikes);
	free(from.papers);
}

sqlite3 *world_oracle(void)
{
	sqlite3 *db = NULL;

	if (sqlite3_open(testing_path("strict.db"), &db))
		abort();
	run(db, "PRAGMA case_sensitive_like = ON");
	return db;
}

sqlite3_stmt *world_rows(sqlite3 *from, const struct world_resource *of)
{
	struct consort_buffer sql = CONSORT_BUFFER_INIT;
	const struct world_attribute *attribute;
	sqlite3_stmt *stmt;

	for (attribute = of->attributes; attribute->name; attribute++)
		consort_buffer_printf(&sql, "%s %s", attribute == of->attributes ? "SELECT" : ",",
				      attribute->name);
	consort_buffer_printf(&sql, " FROM %s", of->table);
	stmt = prepare(from, sql.data);
	consort_buffer_clear(&sql);
	return stmt;
}

int64_t world_days(const char *date)
{
	struct tm tm = {0};

	if (sscanf(date, "%d-%d-%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday) != 3)
		abort();
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return timegm(&tm) / 86400;
}
