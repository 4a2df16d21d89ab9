/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions: what each text of the grammar becomes, printed back, and every error with its place. */
#include "query-helpers.h"
#include "testing.h"

#include <stdio.h>

struct example {
	const char *text;
	const char *expected;
};

/* A text that is refused: why, and the character that the message points to, 0 for none. */
struct refusal {
	const char *text;
	const char *sentence;
	int at;
};

static void check(const struct example *examples, size_t count, const char *(*query)(const char *))
{
	size_t i;

	for (i = 0; i < count; i++)
		TESTING_TEXT(query(examples[i].text), examples[i].expected);
}

static void refuse(const struct refusal *refusals, size_t count, const char *(*query)(const char *))
{
	char expected[1024];
	size_t i;

	for (i = 0; i < count; i++) {
		const struct refusal *refusal = &refusals[i];
		const char *actual = query(refusal->text);

		if (refusal->at)
			snprintf(expected, sizeof(expected), "%s (at %d in \"%s\")", refusal->sentence,
				 refusal->at, refusal->text);
		else
			snprintf(expected, sizeof(expected), "%s", refusal->sentence);
		TESTING_TEXT(actual, expected);
		CU_ASSERT_EQUAL(query_position(), refusal->at);
	}
}

#define EACH(function, type, query, ...)                                      \
	do {                                                                  \
		static const struct type all[] = {__VA_ARGS__};               \
		function(all, sizeof(all) / sizeof(*all), query);             \
	} while (0)
#define CHECK(query, ...) EACH(check, example, query, __VA_ARGS__)
#define REFUSE(query, ...) EACH(refuse, refusal, query, __VA_ARGS__)

/* clang-format off: an example a line */

static void test_names(void)
{
	CHECK(query_select,
	      {"id", "id: int64!"},
	      {"ID", "id: int64!"},
	      {"\"id\"", "id: int64!"},
	      {"Upper", "\"Upper\": text"},
	      {"\"Gate No\"", "\"Gate No\": text"},
	      {"\"order\"", "order: int64"},
	      {"flight.order", "order: int64"},
	      {"flight.id", "id: int64!"},
	      {"FLIGHT.ID", "id: int64!"},
	      {"contact.phone", "\"contact.phone\": text"},
	      {"Contact.Phone", "\"contact.phone\": text"},
	      {"\"contact.phone\"", "\"contact.phone\": text"},
	      {"origin_airport.city", "city: text"},
	      {"Origin_Airport . City", "city: text"},
	      {"origin_airport /* there */ . city", "city: text"},
	      {"flight.origin_airport.country.name", "name: text"},
	      {"legs.fuel", "fuel: float64"},
	      {"a_name_of_more_than_sixty_three_characters_that_the_parser_would_cut_off",
	       "a_name_of_more_than_sixty_three_characters_that_the_parser_would_cut_off: text"},
	      {"\"a_name_of_more_than_sixty_three_characters_that_the_parser_would_cut_off\" || 'x'",
	       "a_name_of_more_than_sixty_three_characters_that_the_parser_would_cut_off || 'x': text"});
	REFUSE(query_where,
	      {"dealy_min > 5", "ENAME flight: no attribute 'dealy_min'; did you mean 'delay_min'?", 1},
	      {"\"ID\" = 1", "ENAME flight: no attribute 'ID'; did you mean 'id'?", 1},
	      {"zzzzzz = 1", "ENAME flight: no attribute 'zzzzzz'", 1},
	      {"id = 1 and orign_airport.city = 'x'",
	       "ENAME flight: no attribute or relationship 'orign_airport'; did you mean 'origin_airport'?",
	       12},
	      {"origin_airport.cty = 'x'", "ENAME airport: no attribute 'cty'; did you mean 'city'?", 16},
	      {"origin_airport = 'x'",
	       "ENAME flight.origin_airport is a relationship: name an attribute behind it, like "
	       "origin_airport.iata", 1},
	      {"origin.city = 'x'", "ENAME flight.origin: text has nothing inside, like 'city'", 8},
	      {"lost.id = 1", "ENAME relationship flight.lost: no resource 'nowhere'", 0},
	      {"wrong.city = 'x'", "ENAME relationship flight.wrong: airport has no attribute 'icao'", 1},
	      {"mixed.city = 'x'",
	       "ETYPE relationship flight.mixed: flight.carrier_id is an integer, but airport.iata is "
	       "text: declare one type for both", 1},
	      {"id = 1 and * > 2", "ESYNTAX syntax error at or near \"*\"", 12},
	      {"flight.* = 1", "ESYNTAX * stands for columns in select and in count(*) only", 1},
	      {"U&\"id\" = 1", "ESYNTAX a name with U& is not understood: write it in plain quotes", 1});
}

static void test_literals(void)
{
	CHECK(query_select,
	      {"1", "1: int64!"},
	      {"-1", "-1: int64!"},
	      {"- - 1", "1: int64!"},
	      {"+1", "1: int64!"},
	      {"9223372036854775807", "9223372036854775807: int64!"},
	      {"-9223372036854775808", "-9223372036854775808: int64!"},
	      {"9223372036854775808", "9223372036854775808: decimal(19,0)!"},
	      {"1.50", "1.50: decimal(3,2)!"},
	      {"-1.5", "-1.5: decimal(2,1)!"},
	      {".5", "0.5: decimal(1,1)!"},
	      {"1e3", "1000.0: float64!"},
	      {"1.5E-3", "0.0015: float64!"},
	      {"'x'", "'x': text!"},
	      {"'it''s'", "'it''s': text!"},
	      {"E'a\\tb'", "'a\tb': text!"},
	      {"$$x'y$$", "'x''y': text!"},
	      {"'é'", "'é': text!"},
	      {"true", "true: bool!"},
	      {"FALSE", "false: bool!"},
	      {"null", "null: text"},
	      {"null::int64", "null: int64"},
	      {"date '2001-01-01'", "date '2001-01-01': date!"},
	      {"timestamp '2001-01-01 00:47'", "timestamp '2001-01-01T00:47:00Z': timestamp!"},
	      {"timestamp with time zone '2001-01-01 02:00+02:00'",
	       "timestamp '2001-01-01T00:00:00Z': timestamp!"},
	      {"time '00:47'", "time '00:47:00': time!"},
	      {"'12'::int64", "12: int64!"},
	      {"cast('1.5' as float64)", "1.5: float64!"},
	      {"'true'::bool", "true: bool!"},
	      {"'1.50'::decimal(5,2)", "1.50: decimal(5,2)!"},
	      {"1::decimal(5,2)", "1.00: decimal(5,2)!"},
	      {"1.5::float64", "1.5: float64!"},
	      {"2.0::int64", "2: int64!"},
	      {"1e3::decimal(5,1)", "1000.0: decimal(5,1)!"},
	      {"'\\x00ff'::bytes", "bytes '\\x00ff': bytes!"},
	      {"'0123456789012345678901234567890123456789'",
	       "'0123456789012345678901234567890123456789': text!"},
	      {"'01234567890123456789012345678901234567890'", "'…': text!"});
	REFUSE(query_select,
	      {"1e400", "ERANGE 1e400 is too great for float64", 1},
	      {"id, 123456789012345678901234567890123456789",
	       "ERANGE '123456789012345678901234567890123456789' has more than the 38 digits of a decimal",
	       5},
	      {"id, date 'soon'", "ETYPE 'soon' is not a date", 10},
	      {"'x'::int64", "ETYPE 'x' is not an integer", 1},
	      {"B'01'", "ESYNTAX a bit string is not understood", 1},
	      {"E'a\\000b'", "ESYNTAX select: invalid byte sequence for encoding \"UTF8\": 0x00", 0},
	      {"E'\\xff'", "ESYNTAX select: invalid byte sequence for encoding \"UTF8\": 0xff", 0});
}

static void test_comparisons(void)
{
	CHECK(query_where,
	      {"delay_min = 5", "delay_min = 5"},
	      {"delay_min <> 5", "delay_min <> 5"},
	      {"delay_min != 5", "delay_min <> 5"},
	      {"5 < delay_min", "5 < delay_min"},
	      {"delay_min <= 5", "delay_min <= 5"},
	      {"delay_min >= 5.0", "delay_min >= 5"},
	      {"delay_min > 5.5", "delay_min > 5.5"},
	      {"distance > 5", "distance > 5.0"},
	      {"distance > 0.1", "distance > 0.1"},
	      {"distance = 9007199254740993", "distance = 9007199254740993"},
	      {"price = 5", "price = 5.00"},
	      {"price = 5.125", "price = 5.125"},
	      {"price > tax", "price > tax"},
	      {"price = 1e2", "price = 100.00"},
	      {"delay_min > distance", "delay_min > distance"},
	      {"delay_min < price", "delay_min < price"},
	      {"origin = 'SFO'", "origin = 'SFO'"},
	      {"departed_at >= '2001-01-01'", "departed_at >= timestamp '2001-01-01T00:00:00Z'"},
	      {"departed_at >= date '2001-01-01'", "departed_at >= timestamp '2001-01-01T00:00:00Z'"},
	      {"departed_at >= day", "departed_at >= day::timestamp"},
	      {"day < departed_at", "day::timestamp < departed_at"},
	      {"day = '2001-01-01'", "day = date '2001-01-01'"},
	      {"starts < '12:00'", "starts < time '12:00:00'"},
	      {"ref = '00112233-4455-6677-8899-aabbccddeeff'",
	       "ref = uuid '00112233-4455-6677-8899-aabbccddeeff'"},
	      {"oid = '00112233445566778899aabb'", "oid = objectid '00112233445566778899aabb'"},
	      {"raw = '\\x00'", "raw = bytes '\\x00'"},
	      {"doc = '{\"a\":1}'", "doc = json '{\"a\":1}'"},
	      {"cancelled = true", "cancelled = true"},
	      {"cancelled", "cancelled"},
	      {"not cancelled", "not cancelled"},
	      {"delay_min = null", "delay_min = null"},
	      {"null = null", "null = null"},
	      {"delay_min is distinct from 5", "delay_min is distinct from 5"},
	      {"delay_min is not distinct from null", "delay_min is not distinct from null"},
	      {"delay_min is null", "delay_min is null"},
	      {"delay_min isnull", "delay_min is null"},
	      {"tags is not null", "tags is not null"},
	      {"cancelled is true", "cancelled is true"},
	      {"cancelled is not true", "not cancelled is true"},
	      {"cancelled is false", "cancelled is false"},
	      {"cancelled is not false", "not cancelled is false"},
	      {"cancelled is unknown", "cancelled is null"},
	      {"cancelled is not unknown", "cancelled is not null"},
	      {"$1 is null or origin = $1", "$1 is null or origin = $1"});
	REFUSE(query_where,
	      {"delay_min > 'x'", "ETYPE flight.delay_min: cannot compare an integer with text 'x'", 13},
	      {"'5' = delay_min", "ETYPE flight.delay_min: cannot compare an integer with text '5'", 1},
	      {"origin = 5", "ETYPE flight.origin: cannot compare text with an integer", 10},
	      {"origin = delay_min", "ETYPE flight.origin: cannot compare text with an integer", 10},
	      {"origin = $1 and delay_min = $1",
	       "ETYPE flight.delay_min: cannot compare an integer with text $1", 29},
	      {"departed_at > 'x'", "ETYPE flight.departed_at: 'x' is not a timestamp", 15},
	      {"price = distance",
	       "ETYPE flight.price: cannot compare a decimal with a float64: cast one of them", 9},
	      {"cancelled = 'true'", "ETYPE flight.cancelled: cannot compare a boolean with text 'true'", 13},
	      {"tags = tags", "ETYPE flight.tags: lists cannot be compared", 1},
	      {"doc < '{}'",
	       "ETYPE flight.doc: JSON is neither less nor greater: compare a part of it as text or number",
	       1},
	      {"departed_at = starts",
	       "ETYPE flight.departed_at: cannot compare a timestamp with a time", 15},
	      {"$1 = $2", "ETYPE cannot tell the type of $1: write $1::text, or what type it is", 1},
	      {"$1 is null", "ETYPE cannot tell the type of $1: write $1::text, or what type it is", 1},
	      {"id + 1", "ETYPE a condition needs a boolean, not an integer", 4},
	      {"delay_min", "ETYPE flight.delay_min: a condition needs a boolean, not an integer", 1},
	      {"not 'x'", "ETYPE a condition needs a boolean, not text 'x'", 5},
	      {"delay_min is true", "ETYPE flight.delay_min: a condition needs a boolean, not an integer", 1},
	      {"id = 1 and delay_min or true",
	       "ETYPE flight.delay_min: a condition needs a boolean, not an integer", 12});
}

static void test_lists(void)
{
	CHECK(query_where,
	      {"id in (1, 2, 3.0)", "id in (1, 2, 3)"},
	      {"id not in (1)", "not id in (1)"},
	      {"origin in ('SFO', $1, null, destination)", "origin in ('SFO', $1, null, destination)"},
	      {"'SFO' in (origin, destination)", "'SFO' in (origin, destination)"},
	      {"distance in (1, 2.5)", "distance in (1.0, 2.5)"},
	      {"price in (1, 2.5)", "price in (1.00, 2.50)"},
	      {"day in ('2001-01-01', null)", "day in (date '2001-01-01', null)"},
	      {"id between 1 and 5", "id >= 1 AND id <= 5"},
	      {"id not between 1 and 5", "id < 1 or id > 5"},
	      {"id between 1 and 5 or cancelled", "id >= 1 and id <= 5 or cancelled"},
	      {"departed_at between '2001-01-01' and $1",
	       "departed_at >= timestamp '2001-01-01T00:00:00Z' AND departed_at <= $1"},
	      {"price in (0.125::decimal(4,3), null::decimal(2,1))", "price::decimal(11,3) in (0.125, null)"},
	      {"origin like 'S%'", "origin like 'S%'"},
	      {"origin not like $1", "not origin like $1"},
	      {"origin ilike 's_o'", "origin ilike 's_o'"},
	      {"origin not ilike 's'", "not origin ilike 's'"},
	      {"doc.a like 'x%'", "doc ->> 'a' like 'x%'"});
	REFUSE(query_where,
	      {"id in (1, 'x')", "ETYPE flight.id: cannot mix an integer and text 'x'", 11},
	      {"id in (1, 2.5)", "ERANGE flight.id: 2.5 does not fit int64", 11},
	      {"price in (0.125)", "ERANGE flight.price: 0.125 does not fit decimal(10,2)", 11},
	      {"id in (delay_min, distance)",
	       "ETYPE flight.id: cannot mix an integer and a float64: cast one of them", 19},
	      {"tags in (tags)", "ETYPE flight.tags: lists cannot be compared", 1},
	      {"id in (select 1)", "ESYNTAX a sub-select is not understood here", 8},
	      {"(id, origin) in ((1, 'x'))",
	       "ESYNTAX rows of values are not understood: compare one by one", 1},
	      {"id = any('{1}')", "ESYNTAX any and all are not understood: use in (…)", 4},
	      {"id between symmetric 5 and 1", "ESYNTAX between symmetric is not understood", 4},
	      {"origin similar to 'x'", "ESYNTAX similar to is not understood: use like", 8},
	      {"origin like 'x' escape '!'",
	       "ESYNTAX escape is not understood: a backslash escapes in like", 8},
	      {"id like '5%'", "ETYPE flight.id: like needs text, not an integer", 1},
	      {"origin like '\\\\\\'", "ESYNTAX a pattern must not end with a backslash", 13},
	      {"origin ilike 5", "ETYPE ilike needs text, not an integer", 14},
	      {"origin ~ 'x'", "ESYNTAX the operator ~ is not understood", 8});
}

static void test_logic(void)
{
	CHECK(query_where,
	      {"id = 1 and id = 2 and id = 3", "id = 1 AND id = 2 AND id = 3"},
	      {"id = 1 and (id = 2 and id = 3)", "id = 1 AND id = 2 AND id = 3"},
	      {"id = 1 or id = 2 and id = 3", "id = 1 or id = 2 and id = 3"},
	      {"(id = 1 or id = 2) and id = 3", "id = 1 or id = 2 AND id = 3"},
	      {"not (id = 1 and id = 2)", "not (id = 1 and id = 2)"},
	      {"not id = 1 or not cancelled", "not id = 1 or not cancelled"},
	      {"(id = 1) = (id = 2)", "(id = 1) = (id = 2)"},
	      {"(id = 1) is null", "id = 1 is null"},
	      {"cancelled = (id is null)", "cancelled = (id is null)"},
	      {"null", "null"},
	      {"$1", "$1"},
	      {"true and null", "true AND null"});
}

static void test_arithmetic(void)
{
	CHECK(query_select,
	      {"delay_min + 1", "delay_min + 1: int64?"},
	      {"id - 1 - 2", "id - 1 - 2: int64!?"},
	      {"id - (1 - 2)", "id - (1 - 2): int64!?"},
	      {"(id + 1) * 2", "(id + 1) * 2: int64!?"},
	      {"id + 1 * 2", "id + 1 * 2: int64!?"},
	      {"delay_min / 60", "delay_min / 60: int64"},
	      {"delay_min / -1", "delay_min / -1: int64?"},
	      {"60 / delay_min", "60 / delay_min: int64?"},
	      {"id % 7", "id % 7: int64!"},
	      {"id % delay_min", "id % delay_min: int64?"},
	      {"distance / 2", "distance / 2.0: float64"},
	      {"distance / 0", "distance / 0.0: float64?"},
	      {"distance + delay_min", "distance + delay_min::float64: float64?"},
	      {"distance * 1.5", "distance * 1.5: float64"},
	      {"delay_min / 60.0", "delay_min::decimal(19,0) / 60.0: decimal(38,6)?"},
	      {"delay_min * 1.5", "delay_min::decimal(19,0) * 1.5: decimal(21,1)"},
	      {"delay_min * 1e0", "delay_min::float64 * 1.0: float64?"},
	      {"1 + 1.5", "1 + 1.5: decimal(3,1)!"},
	      {"price + 1", "price + 1: decimal(11,2)"},
	      {"price + tax", "price + tax: decimal(13,4)"},
	      {"price * tax", "price * tax: decimal(22,6)"},
	      {"price / tax", "price / tax: decimal(38,6)?"},
	      {"price % 3", "price % 3: decimal(10,2)?"},
	      {"-price", "-price: decimal(10,2)"},
	      {"price + delay_min", "price + delay_min::decimal(19,0): decimal(22,2)"},
	      {"-delay_min", "-delay_min: int64?"},
	      {"-distance", "-distance: float64"},
	      {"+delay_min", "delay_min: int64"},
	      {"- (id + 1)", "-(id + 1): int64!?"},
	      {"-(-5)::float64", "-(-5.0): float64!"},
	      {"id + $1", "id + $1: int64?"},
	      {"price * $1", "price * $1: decimal(20,4)"},
	      {"distance + null", "distance + null: float64"},
	      {"tax::decimal(38,30) * tax", "tax::decimal(38,30) * tax: decimal(38,34)?"});
	REFUSE(query_select,
	      {"id + 'x'", "ETYPE flight.id: cannot calculate with an integer and text 'x'", 6},
	      {"day + 1", "ETYPE flight.day: cannot calculate with a date", 1},
	      {"price * distance",
	       "ETYPE flight.price: cannot calculate with a decimal and a float64: cast one of them", 9},
	      {"distance * price",
	       "ETYPE flight.distance: cannot calculate with a float64 and a decimal: cast one of them", 12},
	      {"tax::decimal(38,36) * tax",
	       "ETYPE the product has 40 digits behind the point: cast one side to fewer", 21},
	      /* what was cast stays what it was cast to */
	      {"2.5::decimal(3,1) + distance",
	       "ETYPE cannot calculate with a decimal and a float64: cast one of them", 21},
	      {"2.5::float8 + price", "ETYPE cannot calculate with a float64 and a decimal: cast one of them",
	       15},
	      {"'2001-01-01'::text = day", "ETYPE cannot compare text '2001-01-01' with a date", 22},
	      {"-origin", "ETYPE flight.origin: cannot calculate with text", 2},
	      {"@ id", "ESYNTAX the operator @ is not understood", 1},
	      {"id ^ 2", "ESYNTAX the operator ^ is not understood", 4},
	      {"$1 + $2", "ETYPE cannot tell the type of $1: write $1::text, or what type it is", 1});
}

#define FUNCTIONS "there are lower, upper, length, match, count, sum, avg, min, max, coalesce, nullif"

static void test_texts(void)
{
	CHECK(query_select,
	      {"origin || '-' || destination", "origin || '-' || destination: text"},
	      {"origin || ('-' || destination)", "origin || ('-' || destination): text"},
	      {"lower(origin)", "lower(origin): text"},
	      {"UPPER('x')", "upper('x'): text!"},
	      {"length(origin) + 1", "length(origin) + 1: int64?"},
	      {"lower($1)", "lower($1): text"},
	      {"lower(null)", "lower(null): text"});
	REFUSE(query_select,
	      {"origin || id", "ETYPE flight.id: || needs text, not an integer", 11},
	      {"lower(id)", "ETYPE flight.id: lower needs text, not an integer", 7},
	      {"lower(origin, 'x')", "ESYNTAX lower takes one value", 1},
	      {"lower()", "ESYNTAX lower takes one value", 1},
	      {"lower(distinct origin)", "ESYNTAX lower takes one value", 1},
	      {"lower(x => 'y')", "ESYNTAX values have no names here", 7},
	      {"lenght(origin)", "ENAME no function 'lenght'; did you mean 'length'?", 1},
	      {"frobnicate(id)", "ENAME no function 'frobnicate'; " FUNCTIONS, 1},
	      /* what the parser turns into functions of its own is told as it was written */
	      {"id + extract(year from departed_at)", "ENAME no function 'extract'; " FUNCTIONS, 6},
	      {"Substring(origin from 1 for 2)", "ENAME no function 'substring'; " FUNCTIONS, 1},
	      {"trim(leading 'x' from lower(origin))", "ENAME no function 'trim'; " FUNCTIONS, 1},
	      {"trim(origin)", "ENAME no function 'trim'; " FUNCTIONS, 1},
	      {"position('a' in origin)", "ENAME no function 'position'; " FUNCTIONS, 1},
	      {"overlay(origin placing 'x' from 1)", "ENAME no function 'overlay'; " FUNCTIONS, 1},
	      {"normalize(origin)", "ENAME no function 'normalize'; " FUNCTIONS, 1},
	      {"treat(id as text)", "ENAME no function 'treat'; " FUNCTIONS, 1},
	      {"xmlexists('a' passing origin)", "ENAME no function 'xmlexists'; " FUNCTIONS, 1},
	      {"departed_at at time zone 'UTC'", "ESYNTAX at time zone is not understood: all times are UTC", 13},
	      {"(id, id) overlaps (id, id)", "ESYNTAX overlaps is not understood", 10},
	      {"origin is normalized",
	       "ESYNTAX is normalized is not understood: texts are equal when their bytes are", 8},
	      {"collation for (origin)",
	       "ESYNTAX collation for is not understood: texts compare by their bytes", 1},
	      {"(origin from 1)",
	       "ESYNTAX 'from' does not belong in an expression; if it is a name, write \"from\"", 9},
	      {"extract(id) from id",
	       "ESYNTAX 'from' does not belong in an expression; if it is a name, write \"from\"", 13},
	      {"length(trim(origin from 'x')) for id",
	       "ESYNTAX 'for' does not belong in an expression; if it is a name, write \"for\"", 31},
	      {"origin::char(3)", "ESYNTAX char takes no length here", 9},
	      {"grouping(id)", "ESYNTAX grouping is not understood", 1},
	      {"pg_catalog.lower(origin)", "ESYNTAX a function has no schema in front here", 1},
	      {"origin collate \"C\"", "ESYNTAX collate is not understood: texts compare by their bytes", 8},
	      {"day = Current_Date",
	       "ESYNTAX Current_Date is a function of SQL that is not understood: give its value as a "
	       "parameter; if it is a name, write \"Current_Date\"",
	       7},
	      {"greatest(id, 2)", "ESYNTAX greatest and least are not understood: use case", 1},
	      {"array[1]", "ESYNTAX array[…] is not understood: use in (…)", 1},
	      {"row(1)", "ESYNTAX rows of values are not understood: compare one by one", 1},
	      {"xmlforest(id)", "ESYNTAX XML is not understood", 1});
}

static void test_documents(void)
{
	CHECK(query_select,
	      {"doc", "doc: json"},
	      {"doc.a", "doc -> 'a': json"},
	      {"doc.a.B", "doc -> 'a' -> 'B': json"},
	      {"doc -> 'a'", "doc -> 'a': json"},
	      {"doc -> 0", "doc -> 0: json"},
	      {"doc ->> 'a'", "doc ->> 'a': text"},
	      {"doc -> 'a' -> 0 ->> 'b'", "doc -> 'a' -> 0 ->> 'b': text"},
	      {"doc.a ->> 'b'", "doc -> 'a' ->> 'b': text"},
	      {"(doc).a.b", "doc -> 'a' -> 'b': json"},
	      {"doc.a[0].b", "doc -> 'a' -> 0 -> 'b': json"},
	      {"origin_airport.doc.x", "doc -> 'x': json"},
	      {"doc.a = 'x'", "doc ->> 'a' = 'x': bool"},
	      {"doc -> 'a' = 'x'", "doc ->> 'a' = 'x': bool"},
	      {"doc -> 'a' -> 0 < 5", "(doc -> 'a' -> 0)::float64 < 5.0: bool?"},
	      {"doc.a = 'x' or price::float64 < 5", "doc ->> 'a' = 'x' or price::float64 < 5.0: bool"},
	      {"origin like 'x' or origin like $1", "origin like 'x' or origin like $1: bool"},
	      {"origin like destination", "origin like destination: bool?"},
	      {"doc.a = 5", "(doc -> 'a')::float64 = 5.0: bool?"},
	      {"2.5 > doc.a", "2.5 > (doc -> 'a')::float64: bool?"},
	      {"doc.a = 9007199254740993", "(doc -> 'a')::int64 = 9007199254740993: bool?"},
	      {"doc.a = id", "(doc -> 'a')::int64 = id: bool?"},
	      {"doc.a = price", "(doc -> 'a')::decimal(10,2) = price: bool?"},
	      {"doc.a = departed_at", "(doc -> 'a')::timestamp = departed_at: bool?"},
	      {"doc.a = date '2001-01-01'", "(doc -> 'a')::date = date '2001-01-01': bool?"},
	      {"doc.a = doc", "doc -> 'a' = doc: bool"},
	      {"doc.a = doc.b", "doc -> 'a' = doc -> 'b': bool"},
	      {"doc.a = $1::text", "doc ->> 'a' = $1: bool"},
	      {"doc.a > $1::float8", "(doc -> 'a')::float64 > $1: bool?"},
	      {"doc ->> 'a' = $1", "doc ->> 'a' = $1: bool"},
	      {"(doc ->> 'a')::int64 > $1", "(doc ->> 'a')::int64 > $1: bool?"},
	      {"doc.a in ('x', $1)", "doc ->> 'a' in ('x', $1): bool"},
	      {"doc.a + $1", "(doc -> 'a')::float64 + $1: float64?"},
	      {"doc.a = null", "doc ->> 'a' = null: bool"},
	      {"doc.a < null", "doc ->> 'a' < null: bool"},
	      {"coalesce(doc.a, null)", "coalesce(doc -> 'a', null): json"},
	      {"case when cancelled then doc.a end", "case when cancelled then doc -> 'a' else null end: json"},
	      {"doc.a = 5::int64", "(doc -> 'a')::int64 = 5: bool?"},
	      {"not doc.a", "not (doc -> 'a')::bool: bool?"},
	      {"doc.a is null", "doc -> 'a' is null: bool!"},
	      {"doc.a + 1", "(doc -> 'a')::float64 + 1.0: float64?"},
	      {"doc.a * doc.b", "(doc -> 'a')::float64 * (doc -> 'b')::float64: float64?"},
	      {"doc.a in ('x', 'y')", "doc ->> 'a' in ('x', 'y'): bool"},
	      {"doc.a in (1, 2)", "(doc -> 'a')::float64 in (1.0, 2.0): bool?"},
	      {"doc.a between 1 and 2",
	       "(doc -> 'a')::float64 >= 1.0 and (doc -> 'a')::float64 <= 2.0: bool?"},
	      {"coalesce(doc.a, 'x')", "coalesce(doc ->> 'a', 'x'): text!"},
	      {"upper(doc.a)", "upper(doc ->> 'a'): text"},
	      {"doc.a || 'x'", "doc ->> 'a' || 'x': text"},
	      {"doc.a::int64", "(doc -> 'a')::int64: int64?"},
	      {"(doc -> 'a')::int64", "(doc -> 'a')::int64: int64?"},
	      {"doc.a::text", "doc ->> 'a': text"},
	      {"doc::text", "doc::text: text"},
	      {"sum(doc.a)", "\"sum((doc -> 'a')::float64)\": float64"});
	REFUSE(query_select,
	      {"doc ->> 'a' = 5", "ETYPE flight.doc: cannot compare text with an integer", 15},
	      {"origin -> 'a'", "ETYPE flight.origin: -> needs JSON on its left, not text", 1},
	      {"doc ->> 'a' ->> 'b'", "ETYPE flight.doc: ->> needs JSON on its left, not text", 5},
	      {"doc -> origin", "ESYNTAX a step into a document is a name or a position, like 'a' or 0", 8},
	      {"doc -> $1", "ESYNTAX a step into a document is a name or a position, like 'a' or 0", 8},
	      {"doc -> 1.5", "ESYNTAX a step into a document is a name or a position, like 'a' or 0", 8},
	      {"doc -> -1", "ERANGE positions in a document count from 0, and never from its end", 8},
	      {"doc.a[-1]", "ERANGE positions in a document count from 0, and never from its end", 7},
	      {"doc[1:2]", "ESYNTAX a step into a document is a name or a position, like .a or [0]", 1},
	      {"tags[0]", "ETYPE flight.tags: a list has nothing inside", 1},
	      {"doc #>> '{a}'", "ESYNTAX the operator #>> is not understood", 5},
	      {"doc.a = tags", "ETYPE flight.tags: cannot compare a list with JSON", 1},
	      {"doc.a = $1",
	       "ETYPE cannot tell the type of $1, since a path into JSON is read as what it meets: write "
	       "$1::float8 for a number, $1::text for a text",
	       9},
	      {"doc -> 'a' between 1 and 2 or doc.a in ($1, $2)",
	       "ETYPE cannot tell the type of $1, since a path into JSON is read as what it meets: write "
	       "$1::float8 for a number, $1::text for a text",
	       41},
	      {"coalesce(doc.a, $1)",
	       "ETYPE cannot tell the type of $1, since a path into JSON is read as what it meets: write "
	       "$1::float8 for a number, $1::text for a text",
	       17},
	      {"doc.a < doc.b",
	       "ETYPE flight.doc: JSON is neither less nor greater: compare a part of it as text or number",
	       1});
}

static void test_conditional(void)
{
	CHECK(query_select,
	      {"case when cancelled then 1 end", "case when cancelled then 1 else null end: int64"},
	      {"case when cancelled then 1 else 2 end", "case when cancelled then 1 else 2 end: int64!"},
	      {"case when cancelled then 'a' when id = 1 then origin else $1 end",
	       "case when cancelled then 'a' when id = 1 then origin else $1 end: text"},
	      {"case origin when 'a' then 1 when 'b' then 2 end",
	       "case when origin = 'a' then 1 when origin = 'b' then 2 else null end: int64"},
	      {"case doc.a when 5 then 1 when 'x' then 2 end",
	       "case when (doc -> 'a')::float64 = 5.0 then 1 when doc ->> 'a' = 'x' then 2 else null end: "
	       "int64?"},
	      {"case when cancelled then day else departed_at end",
	       "case when cancelled then day::timestamp else departed_at end: timestamp?"},
	      {"case when cancelled then price else tax end",
	       "case when cancelled then price::decimal(12,4) else tax end: decimal(12,4)"},
	      {"case when cancelled then distance else 1 end",
	       "case when cancelled then distance else 1.0 end: float64"},
	      {"case when cancelled then null else null end",
	       "case when cancelled then null else null end: text"},
	      {"nullif(origin, 'x')", "case when origin = 'x' then null else origin end: text"},
	      {"coalesce(delay_min, 0)", "coalesce(delay_min, 0): int64!"},
	      {"coalesce(delay_min, $1)", "coalesce(delay_min, $1): int64"},
	      {"coalesce(day, '2001-01-01')", "coalesce(day, date '2001-01-01'): date!"},
	      {"coalesce(null, 1, 2.5)", "coalesce(null, 1.0, 2.5): decimal(20,1)!"});
	REFUSE(query_select,
	      {"case when delay_min then 1 end",
	       "ETYPE flight.delay_min: a condition needs a boolean, not an integer", 11},
	      {"case when cancelled then 1 else 'x' end", "ETYPE cannot mix an integer and text 'x'", 33},
	      {"coalesce(delay_min, distance)",
	       "ETYPE flight.delay_min: cannot mix an integer and a float64: cast one of them", 21},
	      {"coalesce(delay_min, 0.5)", "ERANGE flight.delay_min: 0.5 does not fit int64", 21},
	      {"nullif(id, 'x')", "ETYPE flight.id: cannot compare an integer with text 'x'", 12});
}

static void test_casts(void)
{
	CHECK(query_select,
	      {"id::text", "id::text: text!"},
	      {"id::varchar", "id::text: text!"},
	      {"id::float8", "id::float64: float64!?"},
	      {"id::double precision", "id::float64: float64!?"},
	      {"delay_min::int", "delay_min: int64"},
	      {"delay_min::bigint", "delay_min: int64"},
	      {"origin::int64", "origin::int64: int64?"},
	      {"distance::int64", "distance::int64: int64?"},
	      {"id::numeric(5,2)", "id::decimal(5,2): decimal(5,2)!?"},
	      {"id::decimal(21,2)", "id::decimal(21,2): decimal(21,2)!"},
	      {"price::decimal(12,4)", "price::decimal(12,4): decimal(12,4)"},
	      {"price::decimal(5)", "price::decimal(5,0): decimal(5,0)?"},
	      {"departed_at::date", "departed_at::date: date!"},
	      {"cancelled::int64", "cancelled::int64: int64"},
	      {"id::bool", "id::bool: bool!?"},
	      {"id::json", "id::json: json!"},
	      {"doc::int64", "doc::int64: int64?"},
	      {"(doc -> 'a' ->> 'b')::int64", "(doc -> 'a' ->> 'b')::int64: int64?"},
	      {"departed_at::time", "departed_at::time: time!"},
	      {"day::timestamptz", "day::timestamp: timestamp?"},
	      {"origin::jsonb", "origin::json: json?"},
	      {"origin::uuid", "origin::uuid: uuid?"},
	      {"origin::bytea", "origin::bytes: bytes?"},
	      {"tags::text", "tags::text: text"},
	      {"$1::int64", "$1: int64"},
	      {"($1)::text || $1", "$1 || $1: text"},
	      {"5.7::int64", "5.7::int64: int64!?"},
	      {"- (5::text)::int64", "-5::text::int64: int64!?"});
	REFUSE(query_select,
	      {"id::interval", "ETYPE unknown type 'interval'", 5},
	      {"id::txet", "ETYPE unknown type 'txet'; did you mean 'text'?", 5},
	      {"id::decimal",
	       "ETYPE a decimal needs its digits, from 1 to 38, and how many stand behind the point, like "
	       "decimal(12,2)", 5},
	      {"id::decimal(39,2)",
	       "ETYPE a decimal needs its digits, from 1 to 38, and how many stand behind the point, like "
	       "decimal(12,2)", 5},
	      {"origin::varchar(5)", "ESYNTAX varchar takes no length here", 9},
	      {"id::int64[]", "ESYNTAX a cast to a list is not understood", 5},
	      {"cancelled::date", "ETYPE flight.cancelled: cannot cast a boolean to a date", 12},
	      {"5::date", "ETYPE cannot cast an integer to a date", 4});
}

/* clang-format on */

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"names", test_names},
		{"literals", test_literals},
		{"comparisons", test_comparisons},
		{"lists", test_lists},
		{"logic", test_logic},
		{"arithmetic", test_arithmetic},
		{"texts", test_texts},
		{"documents", test_documents},
		{"conditional", test_conditional},
		{"casts", test_casts},
		{NULL, NULL},
	};

	return testing_main("query-expr", cases, argc, argv);
}
