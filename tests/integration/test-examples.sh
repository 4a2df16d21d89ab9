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
	fill
}

fill() {
	check "$consort" define flight correction airport
	check "$consort" import airport data/airports.csv
	check "$consort" import flight data/flights.csv
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

# What was asked of one engine, and is of the other.
questions() {
	"$testing_build/delays"
	"$consort" get airport SFO
	"$consort" find flight -s 'count(*), count(delay_min), sum(distance_mi), avg(delay_min)' -f csv
	"$consort" find flight -s 'origin, count(*) as flights, min(departed_at), max(delay_min)' -g origin \
		--having 'count(*) > 300' -o 'flights desc, origin' -f csv
	"$consort" find airport -w "name like '%International%' and latitude > 45" -o 'state desc, name' -f jsonl
	"$consort" find flight -s 'id, origin_airport.city, destination_airport.state, delay_min' \
		-w "destination_airport.state = 'CA' and delay_min is not null" -o 'delay_min, id' -n 50 -f csv
	"$consort" find flight -s 'destination_airport.state as state, count(*)' \
		-w "departed_at >= '2001-02-01 00:00:00'" -g destination_airport.state -o 'state nulls first' -f csv
	"$testing_build/correct" SFO 60
	"$testing_build/correct" SFO 10 2>/dev/null || echo refused
	"$consort" find correction -o flight -f csv
	"$consort" find flight -o id -f csv
}

# The same programs, the same questions and the same answers: only the manifest differs, and of it the databases.
test_postgres() {
	for manifest in consort postgres; do
		grep -v '^;' "$examples/$manifest.ini" | sed -n '/^\[resource/,$p' >"$manifest.resources"
	done
	has postgres.resources '[resource flight]'
	check diff consort.resources postgres.resources
	"$consort" plugins explain postgres >/dev/null 2>&1 || skip 'this build has no such adapter'
	[ -n "${CONSORT_TEST_POSTGRES_PORT:-}" ] || eval "$("$testing_source/scripts/servers" env postgres 2>/dev/null)"
	[ -n "${CONSORT_TEST_POSTGRES_PORT:-}" ] || skip 'scripts/servers start postgres'
	questions >sqlite.out 2>sqlite.err
	empty sqlite.err 'on SQLite:'

	PGHOST=$CONSORT_TEST_POSTGRES_HOST PGPORT=$CONSORT_TEST_POSTGRES_PORT PGUSER=$CONSORT_TEST_POSTGRES_USER
	PGPASSWORD=$CONSORT_TEST_POSTGRES_PASSWORD
	export PGHOST PGPORT PGUSER PGPASSWORD
	server=postgres:dbname=$CONSORT_TEST_POSTGRES_DBNAME
	for name in travel places; do
		check "$consort" -d "s=$server" native s "create database ${name}_$$"
	done
	trap 'for name in travel places; do
		check "$consort" -d "s=$server" native s "drop database ${name}_$$ with (force)"
	done' EXIT
	sed "s/^dbname = .*/&_$$/" "$examples/postgres.ini" >consort.ini
	fill
	questions >postgres.out 2>postgres.err
	empty postgres.err 'on PostgreSQL:'
	check diff sqlite.out postgres.out
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
