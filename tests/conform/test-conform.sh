#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# consort-conform over the adapters of this tree, and that the page of the contract and its tests are of one mind.
. "$CONSORT_TEST_SOURCE/tests/testing.sh"
kit=$testing_build/consort-conform

# conforms TYPE LEAST [ARGUMENT…]: no test fails, and so many at least are passed
conforms() {
	plugin=$testing_build/.libs/consort-$1.so least=$2
	[ "$1" != acme ] || plugin=$testing_build/tests/conform/.libs/consort-acme.so
	[ -e "$plugin" ] || skip "consort-$1 was not built"
	shift 2
	check "$kit" --plugin "$plugin" "$@"
	passed_tests=$(sed -n 's/^conform: \([0-9]*\) passed, 0 failed, [0-9]* skipped$/\1/p' "$testing_log")
	[ "${passed_tests:-0}" -ge "$least" ] || fail "of $least tests only ${passed_tests:-0} are passed"
}

test_acme() {
	conforms acme 60
}

test_sqlite() {
	conforms sqlite 100 -o path=test.db -o synchronous=off -o busy_timeout=1s \
		--native 'select 1 as one'
	# which takes a feature away
	conforms sqlite 1 -o path=full.db -o synchronous=full decision-durable
}

# Where the client library would end the process, the report says what was not tried.
test_client_aborts() {
	[ -z "${CONSORT_TEST_SANITIZERS:-}" ] || skip 'a sanitizer has an allocator of its own'
	conforms sqlite 1 -o path=test.db --client-aborts memory-fails
	has "$testing_log" "only the adapter's own allocations were made to fail"
}

test_file() {
	mkdir data
	cp "$testing_source"/examples/data/*.csv data/
	printf '{"id":1,"tags":["a"],"at":"2001-02-03T04:05:06Z"}\n{"id":2,"at":null}\n' >data/events.jsonl
	conforms file 50 -o path=data -R airports.csv -R events.jsonl
}

# Without TLS, Kerberos and a password: their libraries crash, or say something else, when memory runs out.
test_postgres() {
	[ -n "${CONSORT_TEST_POSTGRES_ADMIN_DSN:-}" ] ||
		skip 'no PostgreSQL server: scripts/servers start postgres, and eval "$(scripts/servers env postgres)"'
	conforms postgres 105 -o 'dsn=${env:CONSORT_TEST_POSTGRES_ADMIN_DSN}' -o sslmode=disable \
		-o gssencmode=disable --native 'select 1 as one'
}

# libbson ends the process when it finds no memory.
conforms_mongodb() {
	[ -n "${2:-}" ] || skip "no MongoDB server: scripts/servers start $1, and eval \"\$(scripts/servers env $1)\""
	conforms mongodb "$3" -o "uri=$2" -o dbname=conform --client-aborts --native '{"ping": 1}'
}

test_mongodb() {
	conforms_mongodb mongodb "${CONSORT_TEST_MONGODB_URI:-}" 92
}

test_mongodb_rs() {
	conforms_mongodb mongodb-rs "${CONSORT_TEST_MONGODB_RS_URI:-}" 110
}

redis_conforms() {
	own='conform:id int64 not null, name text, value float64, flag bool, at timestamp, day date, hour time'
	own="$own, u uuid, o objectid, b bytes, price decimal(12,2), doc json, tags list of text"
	conforms redis 90 "$@" -R "$own" --native time
}

test_redis() {
	[ -n "${CONSORT_TEST_REDIS_PORT:-}" ] ||
		skip 'no Redis server: scripts/servers start redis, and eval "$(scripts/servers env redis)"'
	for record in hash json; do
		redis_conforms -o port="$CONSORT_TEST_REDIS_PORT" -r record="$record"
	done
	# once more with resources that it defines itself
	redis-cli -p "$CONSORT_TEST_REDIS_PORT" flushall >flushed
	conforms redis 90 -o port="$CONSORT_TEST_REDIS_PORT" --native time
}

test_redis_cluster() {
	[ -n "${CONSORT_TEST_REDIS_CLUSTER_NODES:-}" ] ||
		skip 'no Redis cluster: the same with redis-cluster'
	for tag in none source; do
		redis_conforms -o nodes="$CONSORT_TEST_REDIS_CLUSTER_NODES" -r hash_tag="$tag"
	done
}

# The same twice, by the same seed; a test that is named runs alone, as it does among the others.
test_seed() {
	for run in 1 2; do
		"$kit" --plugin "$testing_build/tests/conform/.libs/consort-acme.so" --seed 7 --tap >"tap$run" ||
			fail "run $run fails"
	done
	check diff tap1 tap2
	"$kit" --plugin "$testing_build/tests/conform/.libs/consort-acme.so" --seed 7 filter-agrees >one
	has one 'conform: 1 passed, 0 failed, 0 skipped'
}

test_json() {
	"$kit" --plugin "$testing_build/tests/conform/.libs/consort-acme.so" --json >report || fail 'it fails'
	command -v python3 >/dev/null || skip 'install python3'
	check python3 -c '
import json
report = json.load(open("report"))
assert report["server"] == "notes in memory", report["server"]
assert len(report["tests"]) == report["passed"] + report["skipped"] and not report["failed"]
assert all(test["clause"] and test["detail"] for test in report["tests"] if test["result"] == "skipped")'
}

test_refused() {
	for arguments in '' '--plugin /nonexistent' '--plugin . no-such-test' '--plugin . -o x' \
		'--plugin . --seed x'; do
		"$kit" $arguments >out 2>message && fail "it takes: $arguments"
		[ -s message ] || fail "it says nothing to: $arguments"
	done
	printf 'no adapter' >plain.so
	"$kit" --plugin plain.so >report
	[ $? -eq 1 ] || fail 'what is no adapter passes'
	has report 'not ok entry-alone'
	has report 'docs/contract.md#entry-alone'
	has report 'not tried, since'
}

# What else is exported may be taken for another adapter's.
test_extra_symbols() {
	zoo=$testing_build/tests/loader/zoo
	[ -e "$zoo/good.so" ] || skip 'the zoo was not built: install CUnit'
	check "$kit" --plugin "$zoo/good.so" entry-alone
	"$kit" --plugin "$zoo/extra-symbols.so" entry-alone >report && fail 'it is taken'
	has report '       but it exports:'
	has report '           zoo_shared'
	has report "           build it with hidden visibility and the SDK's plugin.map"
}

# Each test is a clause of docs/contract.md, in its order and its words.
test_contract() {
	"$kit" --list >tests
	[ "$(wc -l <tests)" -gt 100 ] || fail 'there are only a few tests'
	awk '/^### / { name = $2; getline; getline; print name "\t" $0 }' "$testing_source/docs/contract.md" >clauses
	check diff tests clauses
}

# Every feature that there is has a test of its own: a new bit needs a clause.
test_features() {
	"$kit" --features >features
	sed -n 's/^	CONSORT_FEATURE_\([A-Z_]*\) = [0-9]*,$/\1/p' "$testing_source/sdk/include/consort/feature.h" |
		tr A-Z a-z >bits
	[ "$(wc -l <bits)" -ge 38 ] || fail 'the header has other bits'
	cut -d ' ' -f 1 features >told
	check diff told bits
	grep -v ' ' features && fail 'these features have no test'
}

# options FILE: the long options that a text names, with or without the troff in it
options() {
	sed 's/Fl -/--/g' "$1" | grep -oE -e '--[a-z]+' | sort -u
}

test_manual() {
	"$kit" --help >help
	options help >told
	has told --plugin
	options "$testing_source/docs/man/consort-conform.1" >documented
	check diff told documented
}

finish conform "$@"
