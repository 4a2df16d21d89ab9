/* SPDX-License-Identifier: Apache-2.0 */
/* The queries that every placement must answer alike. */
#include "shapes.h"

#include <stddef.h>

#define FLIGHT .resource = "flight"
#define AIRPORT .resource = "airport"
#define WEATHER .resource = "weather"
#define STRIKE .resource = "strike"
#define EDGE .resource = "edge"
#define JOIN_TO " FROM flights f LEFT JOIN airports t ON f.destination = t.iata"
#define JOIN_FROM_TO                                                                                         \
	" FROM flights f LEFT JOIN airports o ON f.origin = o.iata LEFT JOIN airports t ON f.destination = " \
	"t.iata"
#define EDGE_BY(column) " FROM edge e LEFT JOIN other o ON e." column " = o." column

const struct shape shapes[] = {
	/* --- conditions --- */
	{FLIGHT, .select = "id, delay_min", .where = "delay_min > 60",
	 .sql = "SELECT id, delay_min FROM flights WHERE delay_min > 60"},
	{FLIGHT, .select = "id", .where = "not delay_min > 0",
	 .sql = "SELECT id FROM flights WHERE NOT delay_min > 0"},
	{FLIGHT, .select = "id", .where = "origin = 'SFO' and destination <> 'LAX'",
	 .sql = "SELECT id FROM flights WHERE origin = 'SFO' AND destination <> 'LAX'"},
	{FLIGHT, .select = "id", .where = "origin = 'sfo' or origin = 'SFO '",
	 .sql = "SELECT id FROM flights WHERE 0"},
	{FLIGHT, .select = "id", .where = "origin in ('SFO', 'OAK', 'SJC', null)",
	 .sql = "SELECT id FROM flights WHERE origin IN ('SFO', 'OAK', 'SJC')"},
	{FLIGHT, .select = "id", .where = "origin not in ('SFO', null)",
	 .sql = "SELECT id FROM flights WHERE 0"},
	{FLIGHT, .select = "id", .where = "delay_min between 10 and 20 or delay_min not between -100 and 200",
	 .sql = "SELECT id FROM flights WHERE delay_min BETWEEN 10 AND 20 OR delay_min NOT BETWEEN -100 AND "
		"200"},
	{FLIGHT, .select = "id",
	 .where = "departed_at >= '2001-01-02' and departed_at < '2001-01-03T12:00:00Z'",
	 .sql = "SELECT id FROM flights WHERE departed_at >= 978393600000000 AND departed_at < "
		"978523200000000"},
	{FLIGHT, .select = "id", .where = "origin like 'S%' and destination like '_A_'",
	 .sql = "SELECT id FROM flights WHERE origin LIKE 'S%' AND destination LIKE '_A_'"},
	{FLIGHT, .select = "id", .where = "origin < destination",
	 .sql = "SELECT id FROM flights WHERE origin < destination"},
	{FLIGHT, .select = "id",
	 .where = "delay_min = -7 or distance_mi % 100 = 0 and delay_min * 2 > distance_mi - 100",
	 .sql = "SELECT id FROM flights WHERE delay_min = -7 OR distance_mi % 100 = 0 AND delay_min * 2 > "
		"distance_mi - 100"},
	{FLIGHT, .where = "id in (3, 5, 7, 99999)", .order = "id", .flags = SHAPE_ORDERED,
	 .sql = "SELECT * FROM flights WHERE id IN (3, 5, 7, 99999) ORDER BY id"},
	{FLIGHT, .select = "id", .where = "true", .order = "id", .flags = SHAPE_ORDERED,
	 .sql = "SELECT id FROM flights ORDER BY id"},
	{FLIGHT, .select = "id", .where = "false", .sql = "SELECT id FROM flights WHERE 0"},
	{FLIGHT, .select = "id", .where = "null", .sql = "SELECT id FROM flights WHERE 0"},
	{AIRPORT, .select = "iata, latitude", .where = "latitude > 60.5 and latitude < 61",
	 .sql = "SELECT iata, latitude FROM airports WHERE latitude > 60.5 AND latitude < 61"},
	{AIRPORT, .select = "iata", .where = "city is null or state is not null and country <> 'USA'",
	 .sql = "SELECT iata FROM airports WHERE city IS NULL OR state IS NOT NULL AND country <> 'USA'"},
	{AIRPORT, .select = "iata", .where = "name ilike '%INTERNATIONAL%'",
	 .sql = "SELECT iata FROM airports WHERE lower(name) LIKE '%international%'"},
	{AIRPORT, .select = "iata, name", .where = "name like '%''%' or name like '%.%'",
	 .sql = "SELECT iata, name FROM airports WHERE name LIKE '%''%' OR name LIKE '%.%'"},
	{AIRPORT, .select = "iata", .where = "latitude = 31.95376472",
	 .sql = "SELECT iata FROM airports WHERE latitude = 31.95376472"},

	/* --- three-valued logic and the seeded values --- */
	{EDGE, .select = "id, i", .where = "i = 9007199254740993",
	 .sql = "SELECT id, i FROM edge WHERE i = 9007199254740993"},
	{EDGE, .select = "id, i", .where = "i = f", .sql = "SELECT id, i FROM edge WHERE i = f"},
	{EDGE, .select = "id", .where = "i < f", .sql = "SELECT id FROM edge WHERE i < f"},
	{EDGE, .select = "id", .where = "f >= i or i is null",
	 .sql = "SELECT id FROM edge WHERE f >= i OR i IS NULL"},
	{EDGE, .select = "id", .where = "not (i = 1 or f = 1.5)",
	 .sql = "SELECT id FROM edge WHERE NOT (i = 1 OR f = 1.5)"},
	{EDGE, .select = "id", .where = "(i > 0) = b", .sql = "SELECT id FROM edge WHERE (i > 0) = b"},
	{EDGE, .select = "id", .where = "(i > 0) is true or (f > 0) is not true",
	 .sql = "SELECT id FROM edge WHERE (i > 0) IS TRUE OR (f > 0) IS NOT TRUE"},
	{EDGE, .select = "id", .where = "b is false or b is unknown",
	 .sql = "SELECT id FROM edge WHERE b = 0 OR b IS NULL"},
	{EDGE, .select = "id", .where = "i is distinct from 1",
	 .sql = "SELECT id FROM edge WHERE i IS NOT 1"},
	{EDGE, .select = "id", .where = "s is not distinct from null or f is not distinct from 0",
	 .sql = "SELECT id FROM edge WHERE s IS NULL OR f IS 0"},
	{EDGE, .select = "id", .where = "b and not i in (1, 2, null)",
	 .sql = "SELECT id FROM edge WHERE b AND NOT i IN (1, 2, NULL)"},
	{EDGE, .select = "id", .where = "f = 0 or f = 9007199254740993",
	 .sql = "SELECT id FROM edge WHERE f = 0 OR f = 9007199254740993"},
	{EDGE, .select = "id, f", .where = "f > 1e299 or f < -1e299",
	 .sql = "SELECT id, f FROM edge WHERE f > 1e299 OR f < -1e299"},
	{EDGE, .select = "id", .where = "s = 'a'", .sql = "SELECT id FROM edge WHERE s = 'a'"},
	{EDGE, .select = "id", .where = "s <> 'a'", .sql = "SELECT id FROM edge WHERE s <> 'a'"},
	{EDGE, .select = "id", .where = "s in ('A', 'a ', '\xc3\xa9', '')",
	 .sql = "SELECT id FROM edge WHERE s IN ('A', 'a ', '\xc3\xa9', '')"},
	{EDGE, .select = "id", .where = "s > 'a' and s <= '\xf0\x9f\x98\x80'",
	 .sql = "SELECT id FROM edge WHERE s > 'a' AND s <= '\xf0\x9f\x98\x80'"},
	{EDGE, .select = "id", .where = "s between 'A' and 'a'",
	 .sql = "SELECT id FROM edge WHERE s BETWEEN 'A' AND 'a'"},
	{EDGE, .select = "id", .where = "s like '_'", .sql = "SELECT id FROM edge WHERE s LIKE '_'"},
	{EDGE, .select = "id", .where = "s like 'a_b' or s like '%\xef\xbf\xbd%'",
	 .sql = "SELECT id FROM edge WHERE s LIKE 'a_b' OR s LIKE '%\xef\xbf\xbd%'"},
	{EDGE, .select = "id", .where = "s like '\\%' or s like '\\_' or s like 'a\\\\b' or s like '%[a]%'",
	 .sql = "SELECT id FROM edge WHERE s LIKE '\\%' ESCAPE '\\' OR s LIKE '\\_' ESCAPE '\\' OR s LIKE "
		"'a\\\\b' ESCAPE '\\' OR "
		"s LIKE '%[a]%'"},
	{EDGE, .select = "id", .where = "s not like '%a%'",
	 .sql = "SELECT id FROM edge WHERE s NOT LIKE '%a%'"},
	{EDGE, .select = "id", .where = "s ilike '\xc3\x89' or s ilike 's' or s ilike 'aB'"},
	{EDGE, .select = "id, d", .where = "d = 1.5 or d > 9007199254740992",
	 .sql = "SELECT id, d FROM edge WHERE d IN ('1.5000', '9007199254740993.0000', "
		"'9999999999999999999999999999999999.9999')"},
	{EDGE, .select = "id", .where = "d < 10",
	 .sql = "SELECT id FROM edge WHERE d IN ('0.0000', '1.5000', '-1.5000', '2.0000', '3.0000', "
		"'0.0001', "
		"'9.0000', "
		"'-9999999999999999999999999999999999.9999')"},
	{EDGE, .select = "id", .where = "d = i"},
	{EDGE, .select = "id, moment", .where = "moment < '1970-01-01'",
	 .sql = "SELECT id, moment FROM edge WHERE moment < 0"},
	{EDGE, .select = "id",
	 .where = "moment = '1969-12-31T23:59:59.999001Z' or moment = '1970-01-01T01:00:00+01:00'",
	 .sql = "SELECT id FROM edge WHERE moment IN (-999, 0)"},
	{EDGE, .select = "id",
	 .where = "moment between '1969-12-31T23:59:59.999Z' and '1969-12-31T23:59:59.999999Z'",
	 .sql = "SELECT id FROM edge WHERE moment BETWEEN -1000 AND -1"},
	{EDGE, .select = "id, day", .where = "day <= '1970-01-01'",
	 .sql = "SELECT id, day FROM edge WHERE day <= '1970-01-01'"},
	{EDGE, .select = "id", .where = "day < moment"},
	{EDGE, .select = "id", .where = "tm > '12:00' and tm <> '23:59:59.999999'",
	 .sql = "SELECT id FROM edge WHERE tm > 43200000000 AND tm <> 86399999999"},
	{EDGE, .select = "id, u", .where = "u > '7f000000-0000-4000-8000-000000000001'",
	 .sql = "SELECT id, u FROM edge WHERE u > x'7f000000000040008000000000000001'"},
	{EDGE, .select = "id, raw", .where = "raw >= '\\x00' and raw < '\\xff'",
	 .sql = "SELECT id, raw FROM edge WHERE raw >= x'00' AND raw < x'ff'"},
	{EDGE, .sql = "SELECT * FROM edge"},

	/* --- expressions --- */
	{EDGE, .select = "id, coalesce(s, 'none'), nullif(s, 'a'), s || '!' || s, length(s)",
	 .sql = "SELECT id, coalesce(s, 'none'), nullif(s, 'a'), s || '!' || s, length(s) FROM edge"},
	{EDGE,
	 .select = "id, case when i > 0 then 'more' when i = 0 then 'none' else s end, case b when true then "
		   "1 end",
	 .sql = "SELECT id, CASE WHEN i > 0 THEN 'more' WHEN i = 0 THEN 'none' ELSE s END, CASE b WHEN 1 "
		"THEN 1 END FROM edge"},
	{EDGE, .select = "id, f + 1.5, f * 2.0, -f", .where = "f between -10 and 10",
	 .sql = "SELECT id, f + 1.5, f * 2.0, -f FROM edge WHERE f BETWEEN -10 AND 10"},
	{EDGE, .select = "id, i / 2, i % 2, -i + 5", .where = "i between -10 and 100",
	 .sql = "SELECT id, i / 2, i % 2, -i + 5 FROM edge WHERE i BETWEEN -10 AND 100"},
	{EDGE, .select = "id, lower(s), upper(s)"},
	{EDGE, .select = "id, d + 1, d * 2.5, d / 3", .where = "d between -10 and 10"},
	{EDGE, .select = "id, i::text, (f + 0.0)::text, d::text, moment::text, day::text, tm::text, b::text, "
			 "u::text, raw::text"},
	{EDGE, .select = "id, day::timestamp, moment::date", .where = "moment is not null"},
	{EDGE, .select = "id, i > 0 or b, i is null, s = 'a' and b",
	 .sql = "SELECT id, i > 0 OR b, i IS NULL, s = 'a' AND b FROM edge"},
	{EDGE, .select = "id", .where = "i + 1 > 0", .flags = SHAPE_FAILS},
	{EDGE, .select = "id", .where = "i * 2 > 0", .flags = SHAPE_FAILS},
	{EDGE, .select = "id, i / 0", .flags = SHAPE_FAILS},
	{EDGE, .select = "id", .where = "i <> 0 and i between -10 and 100 and 10 / i > 1",
	 .sql = "SELECT id FROM edge WHERE i <> 0 AND i BETWEEN -10 AND 100 AND 10 / i > 1"},
	{EDGE, .select = "sum(i)", .where = "i > 0", .flags = SHAPE_FAILS},
	{FLIGHT, .select = "id, distance_mi / delay_min", .flags = SHAPE_FAILS},
	{FLIGHT, .select = "id, lower(origin) || '-' || destination as route", .where = "id < 50",
	 .sql = "SELECT id, lower(origin) || '-' || destination FROM flights WHERE id < 50"},

	/* --- order, limit, pages --- */
	{FLIGHT, .select = "id", .order = "delay_min desc nulls last, id", .limit = 25,
	 .flags = SHAPE_ORDERED,
	 .sql = "SELECT id FROM flights ORDER BY delay_min DESC NULLS LAST, id LIMIT 25"},
	{FLIGHT, .select = "id, origin", .order = "origin, departed_at desc, id", .limit = 30, .offset = 1000,
	 .flags = SHAPE_ORDERED,
	 .sql = "SELECT id, origin FROM flights ORDER BY origin, departed_at DESC, id LIMIT 30 OFFSET 1000"},
	{FLIGHT, .select = "id", .order = "id", .limit = 5, .offset = 100000, .flags = SHAPE_ORDERED,
	 .sql = "SELECT id FROM flights WHERE 0"},
	{FLIGHT, .select = "id", .order = "id desc", .offset = 2990, .flags = SHAPE_ORDERED,
	 .sql = "SELECT id FROM flights ORDER BY id DESC LIMIT -1 OFFSET 2990"},
	{EDGE, .select = "id, i", .order = "i, id", .flags = SHAPE_ORDERED,
	 .sql = "SELECT id, i FROM edge ORDER BY i NULLS LAST, id"},
	{EDGE, .select = "id, i", .order = "i desc, id desc", .flags = SHAPE_ORDERED,
	 .sql = "SELECT id, i FROM edge ORDER BY i DESC NULLS FIRST, id DESC"},
	{EDGE, .select = "id, f", .order = "f nulls first, id", .flags = SHAPE_ORDERED,
	 .sql = "SELECT id, f FROM edge ORDER BY f NULLS FIRST, id"},
	{EDGE, .select = "id, s", .order = "s desc nulls last, id", .flags = SHAPE_ORDERED,
	 .sql = "SELECT id, s FROM edge ORDER BY s DESC NULLS LAST, id"},
	{EDGE, .select = "id, d", .order = "d, id", .flags = SHAPE_ORDERED},
	{EDGE, .select = "id", .order = "moment, day desc, tm, b desc, u, raw, id", .flags = SHAPE_ORDERED,
	 .sql = "SELECT id FROM edge ORDER BY moment NULLS LAST, day DESC NULLS FIRST, tm NULLS LAST, b DESC "
		"NULLS FIRST, "
		"u NULLS LAST, raw NULLS LAST, id"},
	{EDGE, .select = "id, lower(s)", .order = "lower(s) desc, id", .flags = SHAPE_ORDERED},
	{EDGE, .select = "id", .order = "upper(s), s nulls first, id", .limit = 40, .flags = SHAPE_ORDERED},
	{EDGE, .select = "id", .where = "i between -10 and 100", .order = "i % 3 desc, -i, id",
	 .flags = SHAPE_ORDERED,
	 .sql = "SELECT id FROM edge WHERE i BETWEEN -10 AND 100 ORDER BY i % 3 DESC, -i, id"},
	{EDGE, .select = "id", .order = "coalesce(s, 'b') desc, 1", .flags = SHAPE_ORDERED,
	 .sql = "SELECT id FROM edge ORDER BY coalesce(s, 'b') DESC, id"},
	{EDGE, .select = "id", .order = "case when b then 1 else 0 end, coalesce(null, 'x'), i > 0 desc, id",
	 .flags = SHAPE_ORDERED,
	 .sql = "SELECT id FROM edge ORDER BY CASE WHEN b THEN 1 ELSE 0 END, i > 0 DESC NULLS FIRST, id"},
	{EDGE, .select = "id", .order = "f + 0.5 nulls first, i::text, id", .flags = SHAPE_ORDERED,
	 .sql = "SELECT id FROM edge ORDER BY f + 0.5 NULLS FIRST, CAST(i AS TEXT) NULLS LAST, id"},
	{EDGE, .select = "lower(s), count(*), max(length(s))", .group = "lower(s)",
	 .order = "lower(s) nulls first", .flags = SHAPE_ORDERED},
	{EDGE, .select = "i % 5, min(f), count(distinct lower(s))", .where = "i between -10 and 100",
	 .group = "i % 5", .having = "count(*) > 2", .order = "max(i) - 1, 1", .flags = SHAPE_ORDERED},
	{FLIGHT, .select = "id", .order = "lower(to_airport.city) desc nulls last, id", .limit = 30,
	 .flags = SHAPE_ORDERED,
	 .sql = "SELECT f.id" JOIN_TO " ORDER BY lower(t.city) DESC NULLS LAST, f.id LIMIT 30"},
	{EDGE, .select = "id", .order = "i is null desc, length(s) nulls first, id", .flags = SHAPE_ORDERED,
	 .sql = "SELECT id FROM edge ORDER BY i IS NULL DESC, length(s) NULLS FIRST, id"},
	{EDGE, .select = "id", .order = "s, id", .limit = 10, .offset = 7, .where = "b",
	 .flags = SHAPE_ORDERED,
	 .sql = "SELECT id FROM edge WHERE b ORDER BY s NULLS LAST, id LIMIT 10 OFFSET 7"},
	{EDGE, .select = "id, s", .order = "s", .after = "i:17", .limit = 20, .flags = SHAPE_ORDERED,
	 .sql = "SELECT id, s FROM edge ORDER BY s NULLS LAST, id LIMIT 20 OFFSET 1 + "
		"(SELECT p FROM (SELECT id, row_number() OVER (ORDER BY s NULLS LAST, id) - 1 AS p FROM "
		"edge) WHERE "
		"id = 17)"},
	{EDGE, .select = "id, i", .order = "i desc nulls last", .after = "i:100", .limit = 50,
	 .flags = SHAPE_ORDERED,
	 .sql = "SELECT id, i FROM edge ORDER BY i DESC NULLS LAST, id LIMIT 50 OFFSET 1 + "
		"(SELECT p FROM (SELECT id, row_number() OVER (ORDER BY i DESC NULLS LAST, id) - 1 AS p FROM "
		"edge) "
		"WHERE id = 100)"},
	{EDGE, .select = "id, moment", .order = "moment nulls first", .after = "i:31", .flags = SHAPE_ORDERED,
	 .sql = "SELECT id, moment FROM edge ORDER BY moment NULLS FIRST, id LIMIT -1 OFFSET 1 + "
		"(SELECT p FROM (SELECT id, row_number() OVER (ORDER BY moment NULLS FIRST, id) - 1 AS p "
		"FROM edge) "
		"WHERE id = 31)"},
	{EDGE, .select = "id", .after = "i:230", .where = "id <> 235", .flags = SHAPE_ORDERED,
	 .sql = "SELECT id FROM edge WHERE id > 230 AND id <> 235 ORDER BY id"},
	{EDGE, .select = "id", .after = "i:100000", .flags = SHAPE_FAILS},

	/* --- aggregates and groups --- */
	{FLIGHT,
	 .select = "count(*), count(delay_min), sum(delay_min), min(departed_at), max(destination), "
		   "avg(distance_mi)",
	 .sql = "SELECT count(*), count(delay_min), sum(delay_min), min(departed_at), max(destination), "
		"avg(distance_mi) FROM flights"},
	{FLIGHT, .select = "count(*), sum(delay_min), avg(delay_min), min(origin)", .where = "id < 0",
	 .sql = "SELECT 0, NULL, NULL, NULL"},
	{FLIGHT, .select = "origin, count(*) as n, avg(delay_min)", .group = "origin",
	 .order = "n desc, origin", .limit = 12, .flags = SHAPE_ORDERED,
	 .sql = "SELECT origin, count(*) n, avg(delay_min) FROM flights GROUP BY origin ORDER BY n DESC, "
		"origin LIMIT 12"},
	{FLIGHT, .select = "origin, destination, count(*)", .group = "origin, destination",
	 .having = "count(*) >= 4",
	 .sql = "SELECT origin, destination, count(*) FROM flights GROUP BY origin, destination HAVING "
		"count(*) >= 4"},
	{FLIGHT, .select = "count(distinct origin), count(distinct delay_min)", .where = "delay_min > 0",
	 .sql = "SELECT count(DISTINCT origin), count(DISTINCT delay_min) FROM flights WHERE delay_min > 0"},
	{FLIGHT, .select = "delay_min > 0, max(distance_mi) - min(distance_mi)", .group = "1",
	 .sql = "SELECT delay_min > 0, max(distance_mi) - min(distance_mi) FROM flights GROUP BY 1"},
	{FLIGHT, .select = "distance_mi / 500 as band, count(*)", .group = "band",
	 .having = "sum(delay_min) > 100 and count(*) > 3", .order = "band", .flags = SHAPE_ORDERED,
	 .sql = "SELECT distance_mi / 500 AS band, count(*) FROM flights GROUP BY band HAVING sum(delay_min) "
		"> 100 AND count(*) > 3 "
		"ORDER BY band"},
	{FLIGHT, .select = "origin", .group = "origin",
	 .having = "max(delay_min) is null or origin like 'A%'",
	 .sql = "SELECT origin FROM flights GROUP BY origin HAVING max(delay_min) IS NULL OR origin LIKE "
		"'A%'"},
	{WEATHER, .select = "avg(temperature_c), sum(wind_ms), min(pressure_hpa), max(pressure_hpa)",
	 .flags = SHAPE_ROUNDED,
	 .sql = "SELECT avg(temperature_c), sum(wind_ms), min(pressure_hpa), max(pressure_hpa) FROM weather"},
	{WEATHER, .select = "wind_ms, count(*), max(temperature_c)", .group = "wind_ms",
	 .having = "count(*) > 10",
	 .sql = "SELECT wind_ms, count(*), max(temperature_c) FROM weather GROUP BY wind_ms HAVING count(*) "
		"> 10"},
	{WEATHER, .where = "temperature_c < 2.5 and observed_at > '2010-02-01'", .order = "observed_at",
	 .flags = SHAPE_ORDERED,
	 .sql = "SELECT * FROM weather WHERE temperature_c < 2.5 AND observed_at > 1264982400000000 ORDER BY "
		"observed_at"},
	{WEATHER, .select = "wind_ms",
	 .where = "observed_at = '2010-01-01T01:00:00.5Z' or observed_at = '2010-01-01T02:00:00Z'",
	 .sql = "SELECT wind_ms FROM weather WHERE observed_at = 1262311200000000"},
	{WEATHER, .select = "count(*)", .where = "observed_at = $1", .args = "t:2010-01-01T01:00:00.5Z",
	 .sql = "SELECT 0"},
	{WEATHER, .select = "count(*)", .where = "observed_at > $1 and observed_at <= $2",
	 .args = "t:2010-01-01T01:00:00.5Z|t:2010-01-01T05:00:00.000001Z", .sql = "SELECT 4"},
	{EDGE, .select = "count(*)", .where = "day = '+10000-01-01'", .sql = "SELECT 0"},
	{EDGE, .select = "count(*)", .where = "day < '+10000-01-01' and day > '-0001-01-01'",
	 .sql = "SELECT count(day) FROM edge"},
	{EDGE, .select = "f, count(*)", .group = "f", .sql = "SELECT f, count(*) FROM edge GROUP BY f"},
	{EDGE, .select = "s, count(*), count(distinct i)", .group = "s",
	 .sql = "SELECT s, count(*), count(DISTINCT i) FROM edge GROUP BY s"},
	{EDGE, .select = "i, b, count(*)", .group = "i, b",
	 .sql = "SELECT i, b, count(*) FROM edge GROUP BY i, b"},
	{EDGE, .select = "moment, day, tm, u, raw, count(*)", .group = "moment, day, tm, u, raw",
	 .sql = "SELECT moment, day, tm, u, raw, count(*) FROM edge GROUP BY moment, day, tm, u, raw"},
	{EDGE, .select = "d, count(*)", .group = "d", .sql = "SELECT d, count(*) FROM edge GROUP BY d"},
	{EDGE,
	 .select = "min(i), max(i), min(f), max(f), min(s), max(s), min(moment), max(day), max(tm), min(u), "
		   "max(raw)",
	 .sql = "SELECT min(i), max(i), min(f), max(f), min(s), max(s), min(moment), max(day), max(tm), "
		"min(u), max(raw) FROM edge"},
	{EDGE, .select = "min(d), max(d), count(distinct d), sum(d)", .where = "d between -10 and 10"},
	{EDGE,
	 .select = "count(distinct i), count(distinct f), count(distinct s), count(distinct moment), "
		   "count(distinct b), "
		   "count(distinct raw)",
	 .sql = "SELECT count(DISTINCT i), count(DISTINCT f), count(DISTINCT s), count(DISTINCT moment), "
		"count(DISTINCT b), "
		"count(DISTINCT raw) FROM edge"},
	{EDGE, .select = "min(b), max(b)", .sql = "SELECT min(b), max(b) FROM edge"},
	{EDGE, .select = "sum(case when b then 1 else 0 end), count(nullif(s, 'a'))",
	 .sql = "SELECT sum(CASE WHEN b THEN 1 ELSE 0 END), count(nullif(s, 'a')) FROM edge"},

	/* --- documents --- */
	{STRIKE, .select = "id, aircraft.model, wildlife.species", .where = "cost.total > 100000",
	 .sql = "SELECT id, aircraft -> 'model', wildlife -> 'species' FROM strikes WHERE cost ->> 'total' > "
		"100000"},
	{STRIKE, .select = "id", .where = "aircraft ->> 'model' like 'B-7%' and damage <> 'None'",
	 .sql = "SELECT id FROM strikes WHERE aircraft ->> 'model' LIKE 'B-7%' AND damage <> 'None'"},
	{STRIKE, .select = "wildlife ->> 'size' as size, count(*), avg(speed_knots)", .group = "size",
	 .sql = "SELECT wildlife ->> 'size' AS size, count(*), avg(speed_knots) FROM strikes GROUP BY 1"},
	{STRIKE, .select = "id", .where = "aircraft.nothing is null and aircraft.model is not null",
	 .order = "id", .limit = 9, .flags = SHAPE_ORDERED,
	 .sql = "SELECT id FROM strikes WHERE aircraft ->> 'model' IS NOT NULL ORDER BY id LIMIT 9"},
	{STRIKE, .select = "id, flight_date, speed_knots",
	 .where = "flight_date < '1990-02-01' and speed_knots is not null",
	 .sql = "SELECT id, flight_date, speed_knots FROM strikes WHERE flight_date < '1990-02-01' AND "
		"speed_knots IS NOT NULL"},
	{STRIKE, .select = "id, (cost ->> 'total')::int64 + 1", .where = "id < 100",
	 .sql = "SELECT id, (cost ->> 'total') + 1 FROM strikes WHERE id < 100"},
	{STRIKE, .select = "state, max(flight_date)", .group = "state", .where = "state <> 'louisiana'",
	 .sql = "SELECT state, max(flight_date) FROM strikes WHERE state <> 'louisiana' GROUP BY state"},

	/* --- relationships --- */
	{FLIGHT, .select = "id, to_airport.city", .where = "delay_min > 100", .order = "id",
	 .flags = SHAPE_ORDERED,
	 .sql = "SELECT f.id, t.city" JOIN_TO " WHERE f.delay_min > 100 ORDER BY f.id"},
	{FLIGHT, .select = "id, from_airport.state, to_airport.state",
	 .where = "from_airport.state = to_airport.state",
	 .sql = "SELECT f.id, o.state, t.state" JOIN_FROM_TO " WHERE o.state = t.state"},
	{FLIGHT, .select = "id", .where = "to_airport.latitude > 45 and from_airport.latitude < 30",
	 .sql = "SELECT f.id" JOIN_FROM_TO " WHERE t.latitude > 45 AND o.latitude < 30"},
	{FLIGHT, .select = "id", .where = "to_airport.iata is null",
	 .sql = "SELECT f.id" JOIN_TO " WHERE t.iata IS NULL"},
	{FLIGHT, .select = "to_airport.state as state, count(*), max(delay_min)", .group = "to_airport.state",
	 .having = "count(*) > 20",
	 .sql = "SELECT t.state, count(*), max(f.delay_min)" JOIN_TO
		" GROUP BY t.state HAVING count(*) > 20"},
	{FLIGHT, .select = "id, to_airport.name", .order = "to_airport.latitude desc nulls last, id",
	 .limit = 15, .flags = SHAPE_ORDERED,
	 .sql = "SELECT f.id, t.name" JOIN_TO " ORDER BY t.latitude DESC NULLS LAST, f.id LIMIT 15"},
	{AIRPORT, .select = "iata, departures.id", .where = "state = 'CA'",
	 .sql = "SELECT a.iata, f.id FROM airports a LEFT JOIN flights f ON f.origin = a.iata WHERE a.state "
		"= 'CA'"},
	{AIRPORT, .select = "iata, count(departures.id)", .where = "state = 'TX'", .group = "iata",
	 .sql = "SELECT a.iata, count(f.id) FROM airports a LEFT JOIN flights f ON f.origin = a.iata WHERE "
		"a.state = 'TX' GROUP BY 1"},
	{AIRPORT, .select = "iata, departures.to_airport.city", .where = "iata in ('SFO', 'OAK', '00M')",
	 .sql = "SELECT a.iata, t.city FROM airports a LEFT JOIN flights f ON f.origin = a.iata LEFT JOIN "
		"airports t ON "
		"f.destination = t.iata WHERE a.iata IN ('SFO', 'OAK', '00M')"},
	{AIRPORT, .select = "count(*)",
	 .where = "departures.delay_min > 30 and arrivals.delay_min < 0 and iata = 'BOI'",
	 .sql = "SELECT count(*) FROM airports a JOIN flights d ON d.origin = a.iata JOIN flights f ON "
		"f.destination = a.iata "
		"WHERE d.delay_min > 30 AND f.delay_min < 0 AND a.iata = 'BOI'"},
	{EDGE, .select = "id, by_i.id", .sql = "SELECT e.id, o.id" EDGE_BY("i")},
	{EDGE, .select = "id, by_f.id", .sql = "SELECT e.id, o.id" EDGE_BY("f")},
	{EDGE, .select = "id, by_s.id", .sql = "SELECT e.id, o.id" EDGE_BY("s")},
	{EDGE, .select = "id, by_d.id", .sql = "SELECT e.id, o.id" EDGE_BY("d")},
	{EDGE, .select = "id, by_moment.id", .sql = "SELECT e.id, o.id" EDGE_BY("moment")},
	{EDGE, .select = "id, by_day.id", .where = "b",
	 .sql = "SELECT e.id, o.id" EDGE_BY("day") " WHERE e.b"},
	{EDGE, .select = "id, by_tm.id", .where = "b", .sql = "SELECT e.id, o.id" EDGE_BY("tm") " WHERE e.b"},
	{EDGE, .select = "id, by_b.id", .where = "i = 1",
	 .sql = "SELECT e.id, o.id" EDGE_BY("b") " WHERE e.i = 1"},
	{EDGE, .select = "id, by_u.id", .where = "i = 1",
	 .sql = "SELECT e.id, o.id" EDGE_BY("u") " WHERE e.i = 1"},
	{EDGE, .select = "id, by_raw.id", .where = "i = 1",
	 .sql = "SELECT e.id, o.id" EDGE_BY("raw") " WHERE e.i = 1"},
	{EDGE, .select = "id, by_both.id", .sql = "SELECT e.id, o.id" EDGE_BY("i") " AND e.b = o.b"},
	{EDGE, .select = "id, by_s.back.id", .where = "b and by_s.i > 0 and by_s.back.b",
	 .sql = "SELECT e.id, x.id" EDGE_BY("s") " JOIN edge x ON x.i = o.i WHERE e.b AND o.i > 0 AND x.b"},
	{EDGE, .select = "id", .where = "by_i.s is null or by_i.s <> s", .order = "id, by_i.id",
	 .flags = SHAPE_ORDERED,
	 .sql = "SELECT e.id" EDGE_BY("i") " WHERE o.s IS NULL OR o.s <> e.s ORDER BY e.id, o.id NULLS LAST"},
	{EDGE, .select = "by_s.b, count(*), count(by_s.id), sum(by_i.id)", .group = "by_s.b",
	 .sql = "SELECT o.b, count(*), count(o.id), sum(x.id)" EDGE_BY(
		 "s") " LEFT JOIN other x ON e.i = x.i GROUP BY o.b"},

	/* --- parameters --- */
	{FLIGHT, .select = "id", .where = "origin = $1 and delay_min > $2", .args = "t:SFO|i:10",
	 .sql = "SELECT id FROM flights WHERE origin = 'SFO' AND delay_min > 10"},
	{FLIGHT, .select = "id", .where = "origin = $1 or destination = $1 or delay_min in ($2, $3)",
	 .args = "t:PDX|i:3|n:",
	 .sql = "SELECT id FROM flights WHERE origin = 'PDX' OR destination = 'PDX' OR delay_min = 3"},
	{FLIGHT, .select = "id", .where = "departed_at between $1 and $2",
	 .args = "t:2001-01-02T00:00:00Z|t:2001-01-02T12:00:00Z",
	 .sql = "SELECT id FROM flights WHERE departed_at BETWEEN 978393600000000 AND 978436800000000"},
	{EDGE, .select = "id, $1::text, $2::int64", .where = "i > $2 or s = $1",
	 .args = "t:it's; drop table edge|i:9007199254740991",
	 .sql = "SELECT id, 'it''s; drop table edge', 9007199254740991 FROM edge WHERE i > 9007199254740991 "
		"OR s = 'it''s; drop table edge'"},
	{EDGE, .select = "id", .where = "s like $1 or f < $2 or i is distinct from $3",
	 .args = "t:%b|f:-1.25|n:",
	 .sql = "SELECT id FROM edge WHERE s LIKE '%b' OR f < -1.25 OR i IS NOT NULL"},
	{EDGE, .select = "id", .where = "f = $1", .args = "f:nan", .sql = "SELECT id FROM edge WHERE 0"},
	{EDGE, .select = "id", .where = "f < $1", .args = "f:nan",
	 .sql = "SELECT id FROM edge WHERE f IS NOT NULL"},
	{EDGE, .select = "id", .where = "f <> $1 and f > $2", .args = "f:nan|f:-inf",
	 .sql = "SELECT id FROM edge WHERE f > -9e999"},
	{EDGE, .select = "s, count(*) as n", .group = "s", .having = "count(*) > $1 and s >= $2",
	 .order = "n desc, s", .args = "i:5|t:a", .flags = SHAPE_ORDERED,
	 .sql = "SELECT s, count(*) n FROM edge GROUP BY s HAVING n > 5 AND s >= 'a' ORDER BY n DESC, s"},
	{FLIGHT, .select = "id", .where = "to_airport.city = $1", .args = "t:Chicago", .order = "id",
	 .limit = 10, .flags = SHAPE_ORDERED,
	 .sql = "SELECT f.id" JOIN_TO " WHERE t.city = 'Chicago' ORDER BY f.id LIMIT 10"},
	{.resource = NULL},
};
