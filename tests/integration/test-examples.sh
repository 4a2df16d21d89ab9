#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The examples do what they say, with the real data; what is expected is computed from the data's files.
. "$CONSORT_TEST_SOURCE/tests/testing.sh"
examples=$testing_source/examples
consort=$testing_build/consort
unset CONSORT_CONFIG

# A copy of the example manifest with its databases filled.
setup() {
	cp "$examples/consort.ini" .
	ln -s "$examples/data" data
	fill flight correction airport
}

# fill RESOURCE…: makes what the resources need, and imports the data.
fill() {
	check "$consort" define "$@"
	for resource; do
		case $resource in
		airport) check "$consort" import airport data/airports.csv ;;
		flight) check "$consort" import flight data/flights.csv ;;
		weather) check "$consort" import weather data/seattle-weather-hourly.csv ;;
		strike) check "$consort" import strike data/birdstrikes.jsonl --map _id=id ;;
		esac
	done
}

# late AIRPORT MINUTES: how many flights left it at least so late, and the sum of all delays there, by the file.
late() {
	tr -d '\r' <data/flights.csv | awk -F, -v airport="$1" -v minutes="$2" '
		NR > 1 && $5 == airport { sum += $3; count += $3 >= minutes }
		END { print count "," sum }'
}

# ask RESOURCE ARGUMENT…: what consort finds, without the header.
ask() {
	"$consort" find "$@" -f csv | sed 1d
}

same() {
	[ "$1" = "$2" ] || fail "'$1' should be '$2'"
}

test_delays() {
	"$testing_build/delays" >out 2>&1 || fail 'delays failed'
	check diff out "$examples/delays.expected"
}

test_delays_without_manifest() {
	rm consort.ini
	refuse "$testing_build/delays"
	has "$testing_log" consort.ini
}

test_delays_in_the_middle() {
	check "$consort" native travel 'drop table flights'
	refuse "$testing_build/delays"
	has "$testing_log" flight
}

test_correct() {
	before=$(late SFO 60)
	count=${before%,*}
	check "$testing_build/correct" SFO 60
	same "$(cat "$testing_log")" "corrected $count flights from SFO by 60 minutes"
	same "$(ask correction -s 'count(*), sum(before_min - after_min)')" "$count,$((count * 60))"
	same "$(ask flight -s 'sum(delay_min)' -w "origin = 'SFO'")" "$((${before#*,} - count * 60))"
	same "$(ask flight -s 'count(*)' -w 'true')" 20000
}

test_correct_twice() {
	check "$testing_build/correct" SFO 60
	corrections=$(ask correction -s 'count(*), sum(flight), sum(after_min)')
	delays=$(ask flight -s 'sum(delay_min)')
	refuse "$testing_build/correct" SFO 10
	has "$testing_log" 'nothing was changed'
	has "$testing_log" corrections.flight
	same "$(ask correction -s 'count(*), sum(flight), sum(after_min)')" "$corrections"
	same "$(ask flight -s 'sum(delay_min)')" "$delays"
}

test_correct_usage() {
	for arguments in '' SFO 'SFO x' 'SFO 5x' 'SFO 0' 'SFO -5' 'SFO 99999999999999999999' 'SFO 5 6'; do
		# shellcheck disable=SC2086
		"$testing_build/correct" $arguments >out 2>err
		same "$?" 2
		has err usage
	done
	same "$(ask correction -s 'count(*)')" 0
}

# section MANIFEST KIND NAME: what an example manifest says there.
section() {
	sed -n "/^\[$2 $3\]/,/^$/p" "$examples/$1.ini"
}

# Only databases differ: what the resources are is the same everywhere, but for types that a file tells by itself.
test_manifests() {
	for manifest in postgres mongodb redis; do
		for resource in flight correction airport; do
			section consort resource $resource >expected
			has expected "[resource $resource]"
			section $manifest resource $resource >declared
			check diff expected declared
		done
	done
	for resource in strike weather quake; do
		section consort resource $resource >expected
		section postgres resource $resource >declared
		check diff expected declared
		section mongodb resource $resource >expected
		section redis resource $resource >declared
		check diff expected declared
	done
}

# Asked of each placement: what scripts/demo shows, and whole resources.
questions() {
	"$testing_build/delays"
	"$consort" get airport SFO -f expanded
	"$consort" get airport SFO
	"$consort" find flight -s 'origin, count(*) as flights, avg(delay_min) as delay' -g origin \
		--having 'count(*) >= 500' -o 'delay desc' -n 5 -f table
	"$consort" find strike -s "id, airport, aircraft.model, wildlife ->> 'species' as species, cost.total" \
		-w "wildlife.size = 'Large' and cost.total > 100000" -o id -f jsonl
	"$consort" find quake -s 'place, mag, geometry.coordinates[2] as depth_km' \
		-w 'mag >= 5.5 and geometry.coordinates[2] > 20' -o 'mag desc, id' -n 5 -f table
	"$consort" find weather -s 'observed_at::date as day, min(temperature_c) as coldest, max(wind_ms) as wind' \
		-g 'observed_at::date' -o 'coldest, day' -n 5 -f table
	"$consort" find flight -s 'id, delay_min, destination_airport.name, destination_airport.city' \
		-w 'origin = $1 and delay_min > $2' -p SFO -p 60 -o 'delay_min desc nulls last, id' -n 5 -f table
	"$consort" find flight -w 'delay_mins > 60' 2>&1 || echo refused
	"$consort" find flight -w "delay_min > 'late'" 2>&1 || echo refused
	"$consort" find flight -s 'count(*), count(delay_min), sum(distance_mi), avg(delay_min)' -f csv
	"$consort" find flight -s 'origin, count(*) as flights, min(departed_at), max(delay_min)' -g origin \
		--having 'count(*) > 300' -o 'flights desc, origin' -f csv
	"$consort" find airport -w "name like '%International%' and latitude > 45" -o 'state desc, name' -f jsonl
	"$consort" find flight -s 'id, origin_airport.city, destination_airport.state, delay_min' \
		-w "destination_airport.state = 'CA' and delay_min is not null" -o 'delay_min, id' -n 50 -f csv
	"$consort" find flight -s 'destination_airport.state as state, count(*)' \
		-w "departed_at >= '2001-02-01 00:00:00'" -g destination_airport.state -o 'state nulls first' -f csv
	"$consort" find weather -w 'temperature_c < -2 or wind_ms is null' -o 'temperature_c, observed_at' -f csv
	"$consort" find strike -s 'phase, count(*), count(speed_knots), sum(speed_knots), max(flight_date)' -g phase \
		-o phase -f csv
	"$consort" find airport -o iata -f csv
	"$consort" find weather -o observed_at -f csv
	"$consort" find strike -o id -f jsonl
	"$consort" find flight -o id -f csv
}

# The demo's transaction, the second time to be undone, and what there is behind it.
corrections() {
	"$testing_build/correct" SFO 60
	"$testing_build/correct" SFO 10 2>/dev/null || echo refused
	"$consort" find correction -s 'count(*) as corrections, sum(before_min - after_min) as minutes' -f table
	"$consort" find correction -o flight -f csv
	"$consort" find flight -o id -f csv
}

# server NAME VARIABLE: sets $value to that of the server, or the case is skipped.
server() {
	prefix=CONSORT_TEST_$(echo "$1" | tr a-z- A-Z_)
	eval "value=\${${prefix}_$2:-}"
	[ -n "$value" ] || eval "$("$testing_source/scripts/servers" env "$1" 2>/dev/null)"
	eval "value=\${${prefix}_$2:-}"
	[ -n "$value" ] || skip "scripts/servers start $1"
}

# adapter TYPE: the case is skipped where it was not built.
adapter() {
	"$consort" plugins explain "$1" >/dev/null 2>&1 || skip "this build has no adapter $1"
}

# own NODES: an example manifest, but for the test's servers, and with tables, collections and keys of the case's own.
# In a cluster the records of a resource that has indexes lie in one slot.
# shellcheck disable=SC2120
own() {
	sed -e "s/^source = [a-z]*$/&_$$${1:+\nhash_tag = source}/" \
		-e "/^type = postgres/,/^$/s/^dbname = .*/dbname = ${CONSORT_TEST_POSTGRES_DBNAME:-}/" \
		-e "s,^uri = .*,uri = ${CONSORT_TEST_MONGODB_RS_URI:-}," \
		-e "s/^port = .*/port = ${CONSORT_TEST_REDIS_PORT:-}/" ${1:+-e "/^port = /d; s/^host = .*/nodes = $1/"}
}

# pg: libpq connects to the test's server.
pg() {
	adapter postgres
	server postgres PORT
	PGHOST=$CONSORT_TEST_POSTGRES_HOST PGPORT=$CONSORT_TEST_POSTGRES_PORT PGUSER=$CONSORT_TEST_POSTGRES_USER
	PGPASSWORD=$CONSORT_TEST_POSTGRES_PASSWORD
	export PGHOST PGPORT PGUSER PGPASSWORD
}

# alike RESOURCES QUESTIONS…: the placement in the file placed answers as SQLite and files do; those are the resources
# that have to be defined and filled there.
alike() {
	placed=$1
	shift
	for ask; do "$ask"; done >sqlite.out 2>sqlite.err
	empty sqlite.err 'on SQLite:'
	mv placed consort.ini
	trap 'for resource in $placed; do "$consort" -q drop -y $resource; done' EXIT
	# shellcheck disable=SC2086
	fill $placed
	for ask; do "$ask"; done >placed.out 2>placed.err
	empty placed.err 'placed elsewhere:'
	check diff sqlite.out placed.out
}

test_postgres() {
	pg
	own <"$examples/postgres.ini" >placed
	alike 'flight correction airport' questions corrections
}

test_mongodb() {
	adapter mongodb
	server mongodb-rs URI
	own <"$examples/mongodb.ini" >placed
	alike 'flight correction airport weather strike' questions corrections
}

test_redis() {
	adapter redis
	server redis PORT
	own <"$examples/redis.ini" >placed
	alike 'flight correction airport weather strike' questions corrections
}

# In a cluster flights and corrections are in different slots, so no transaction can have both.
test_redis_cluster() {
	adapter redis
	server redis-cluster NODES
	own "$CONSORT_TEST_REDIS_CLUSTER_NODES" <"$examples/redis.ini" >placed
	alike 'flight correction airport weather strike' questions
	before=$(ask flight -s 'sum(delay_min)')
	refuse "$testing_build/correct" SFO 60
	has "$testing_log" 'nothing was changed'
	same "$(ask correction -s 'count(*)')" 0
	same "$(ask flight -s 'sum(delay_min)')" "$before"
}

# Flights in MongoDB, airports and strikes in Redis, the weather in PostgreSQL, earthquakes in a file.
test_mixed() {
	adapter mongodb
	adapter redis
	server mongodb-rs URI
	server redis PORT
	pg
	{
		section mongodb database travel
		section redis database places
		section postgres database travel | sed 's/travel/station/'
		sed -n '/^\[database drop\]/,$p' "$examples/redis.ini" |
			sed '/^\[resource weather\]/,/^$/s/^database = .*/database = station/'
	} | own >placed
	alike 'flight correction airport weather strike' questions corrections
}

# Every resource reads all the records that the data's README tells of.
test_resources() {
	for pair in airport=airports.csv flight=flights.csv weather=seattle-weather-hourly.csv \
		strike=birdstrikes.jsonl quake=earthquakes.jsonl; do
		told=$(sed -n "s/^| ${pair#*=} | \([0-9,]*\) .*/\1/p" "$examples/data/README.md" | tr -d ,)
		same "$pair $(ask "${pair%=*}" -s 'count(*)')" "$pair $told"
	done
}

finish examples "$@"
