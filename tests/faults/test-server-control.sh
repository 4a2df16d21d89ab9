#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# scripts/servers itself: that it starts, stops and finds what is its, and nothing else, whatever happened before.
. "$CONSORT_TEST_SOURCE/tests/testing.sh"

setup() {
	chmod 755 . && CONSORT_SERVERS=$PWD/servers && export CONSORT_SERVERS || exit 1
	trap 'servers remove >/dev/null' EXIT
	trap 'exit 130' INT TERM
}

servers() {
	"$testing_source/scripts/servers" "$@"
}

# start NAME…: they run now; the case is skipped where the engine is not installed.
start() {
	servers start "$@" >started 2>&1
	status=$?
	[ "$status" -ne 77 ] || skip "$(cat started)"
	[ "$status" -eq 0 ] || { fail "start $*: $status"; cat started; exit 1; }
}

# use NAME…: with the variables of that server.
use() {
	eval "$(servers env "$@")"
}

# lives PID: it has not ended. Until somebody has asked how it ended, kill -0 would say so too.
lives() {
	[ -e "/proc/$1/exe" ]
}

# ask DSN STATEMENT: what the server answers.
ask() {
	psql -X -q -A -t -v VERBOSITY=verbose -d "$1" -c "$2"
}

# answers DSN STATEMENT TEXT
answers() {
	answer=$(ask "$1" "$2" 2>&1)
	[ "$answer" = "$3" ] || fail "$2: $answer, not $3"
}

test_start_and_stop() {
	start postgres
	pid=$(servers pid postgres)
	port=$(sed -n 's/.*port //p' started)
	servers status >status || fail 'status fails'
	[ "$(cat status)" = "postgres: running, pid $pid, port $port" ] || fail "$(cat status)"
	start postgres
	check cmp started status
	lives "$pid" || fail 'the first server has gone'
	check servers stop postgres
	! lives "$pid" || fail 'stop left it running'
	check servers stop postgres
	refuse servers status postgres
	has "$testing_log" 'postgres: not running'
	refuse servers pid postgres
	refuse servers env postgres
	has "$testing_log" 'scripts/servers start postgres'
}

test_kept_and_removed() {
	start postgres
	use postgres
	ask "$CONSORT_TEST_POSTGRES_DSN" 'create table kept as select 7 as x'
	check servers stop
	start postgres
	answers "$CONSORT_TEST_POSTGRES_DSN" 'select x from kept' 7
	check servers remove
	[ ! -e "$CONSORT_SERVERS/postgres" ] || fail 'its folder is still there'
	check servers remove postgres
	start postgres
	use postgres
	answers "$CONSORT_TEST_POSTGRES_DSN" "select to_regclass('kept') is null" t
}

test_crash() {
	start postgres
	use postgres
	ask "$CONSORT_TEST_POSTGRES_DSN" 'create table kept as select 7 as x'
	kill -9 "$(servers pid postgres)"
	while servers status >/dev/null; do :; done
	start postgres
	answers "$CONSORT_TEST_POSTGRES_DSN" 'select x from kept' 7
}

# What a crash leaves names a process that is another program's by now, as after a reboot.
test_pid_of_another() {
	start postgres
	check servers kill postgres
	sleep 1000 &
	other=$!
	sed -i "1s/.*/$other/" "$CONSORT_SERVERS/postgres/data/postmaster.pid"
	refuse servers status postgres
	check servers stop postgres
	start postgres
	[ "$(servers pid postgres)" != "$other" ] || fail 'it is taken for the server'
	kill "$other" || fail 'another program was killed'
}

# Of a server that was killed, a process that did not notice keeps the data.
test_orphan() {
	start postgres
	use postgres
	ask "$CONSORT_TEST_POSTGRES_DSN" 'select pg_sleep(1000)' >/dev/null 2>&1 &
	backend=
	while [ -z "$backend" ]; do
		backend=$(ask "$CONSORT_TEST_POSTGRES_ADMIN_DSN" \
			"select pid from pg_stat_activity where query like 'select pg_sleep%'")
	done
	kill -STOP "$backend"
	kill -9 "$(servers pid postgres)"
	start postgres
	! lives "$backend" || fail 'it is still there'
	answers "$CONSORT_TEST_POSTGRES_DSN" 'select 1' 1
	wait
}

test_paused() {
	start postgres
	check servers pause postgres
	grep -q '^State:	T' "/proc/$(servers pid postgres)/status" || fail 'it is not stopped'
	check servers resume postgres
	! grep -q '^State:	T' "/proc/$(servers pid postgres)/status" || fail 'it is stopped'
	check servers pause postgres
	check servers stop postgres
	refuse servers status postgres
}

# The port of the last start is taken: another one.
test_port_taken() {
	command -v perl >/dev/null || skip 'perl takes the port: apt-get install perl'
	start postgres
	use postgres
	port=$CONSORT_TEST_POSTGRES_PORT
	check servers stop postgres
	perl -MIO::Socket::INET -e '
		my $socket = IO::Socket::INET->new(Listen => 1, ReuseAddr => 1, LocalAddr => "127.0.0.1",
			LocalPort => $ARGV[0]) or die;
		open my $file, ">", "listening"; close $file; sleep 1000' "$port" &
	other=$!
	while [ ! -e listening ] && lives "$other"; do :; done
	start postgres
	use postgres
	[ "$CONSORT_TEST_POSTGRES_PORT" != "$port" ] || fail 'the same port'
	answers "$CONSORT_TEST_POSTGRES_DSN" 'select 1' 1
	kill "$other"
}

# A start that was interrupted, at any time, is taken up by the next one.
test_interrupted() {
	start postgres
	for milliseconds in 100 400 700; do
		check servers remove postgres
		timeout -s KILL "0.$milliseconds" "$testing_source/scripts/servers" start postgres \
			>killed 2>&1
		start postgres
		use postgres
		answers "$CONSORT_TEST_POSTGRES_DSN" 'select 1' 1
	done
}

test_at_the_same_time() {
	for name in postgres postgres postgres@a postgres@b postgres; do
		servers start "$name" >>lines 2>&1 &
	done
	wait
	! grep -q 'is not installed' lines || skip "$(sed 1q lines)"
	[ "$(sort -u lines | grep -c running)" -eq 3 ] || fail "$(cat lines)"
	[ "$(sort -u lines | sed 's/.*port //' | sort -u | wc -l)" -eq 3 ] || fail "$(cat lines)"
	servers status >status
	sort -u lines | cmp -s - status || fail "$(cat lines status)"
}

test_ways_in() {
	start postgres
	use postgres
	for dsn in "$CONSORT_TEST_POSTGRES_DSN" "$CONSORT_TEST_POSTGRES_SOCKET_DSN"; do
		answers "$dsn" 'select current_user' consort
		answers "$dsn" 'show max_prepared_transactions' 64
		answers "$dsn" 'show wal_level' logical
	done
	answers "$CONSORT_TEST_POSTGRES_ADMIN_DSN" 'select current_user' postgres
	refuse ask "$CONSORT_TEST_POSTGRES_DSN user=postgres" 'select 1'
	refuse ask "$CONSORT_TEST_POSTGRES_DSN password=wrong" 'select 1'
	refuse ask "$CONSORT_TEST_POSTGRES_SOCKET_DSN password=wrong" 'select 1'
	for way in require:TLS:t disable:PLAIN:f; do
		eval "user=\$CONSORT_TEST_POSTGRES_$(echo "$way" | cut -d: -f2)_USER"
		dsn="$CONSORT_TEST_POSTGRES_DSN user=$user sslmode"
		answers "$dsn=${way%%:*}" 'select ssl from pg_stat_ssl where pid = pg_backend_pid()' "${way##*:}"
		[ "${way%%:*}" = require ] && other=disable || other=require
		refuse ask "$dsn=$other" 'select 1'
	done
	answers "$CONSORT_TEST_POSTGRES_DSN sslmode=verify-full sslrootcert=$CONSORT_TEST_POSTGRES_SSLROOTCERT" \
		'select ssl from pg_stat_ssl where pid = pg_backend_pid()' t
}

test_kinds_of_postgres() {
	start postgres postgres-noprepare postgres-standby postgres-quota
	use postgres postgres-noprepare postgres-standby postgres-quota
	answers "$CONSORT_TEST_POSTGRES_NOPREPARE_DSN" 'show max_prepared_transactions' 0
	refuse ask "$CONSORT_TEST_POSTGRES_NOPREPARE_DSN sslmode=require" 'select 1'
	ask "$CONSORT_TEST_POSTGRES_DSN" 'create table there as select 1 as x'
	answers "$CONSORT_TEST_POSTGRES_STANDBY_DSN" 'select pg_is_in_recovery()' t
	until ask "$CONSORT_TEST_POSTGRES_STANDBY_DSN" 'select x from there' >/dev/null 2>&1; do :; done
	refuse ask "$CONSORT_TEST_POSTGRES_STANDBY_DSN" 'insert into there values (2)'
	ask "$CONSORT_TEST_POSTGRES_QUOTA_DSN" 'create table big (x text)'
	filling="insert into big select repeat('x', 100)
		from generate_series(1, $((CONSORT_TEST_POSTGRES_QUOTA_QUOTA / 100)))"
	refuse ask "$CONSORT_TEST_POSTGRES_QUOTA_DSN" "$filling"
	has "$testing_log" 53100
	answers "$CONSORT_TEST_POSTGRES_QUOTA_DSN" 'select count(*) from big' 0
}

# survive NAME…: killed and started again, they have the same ports.
survive() {
	servers status "$@" | sed 's/.*port//' >ports
	check servers kill "$@"
	refuse servers status "$1"
	start "$@"
	servers status "$@" | sed 's/.*port//' | cmp -s ports - || fail 'other ports'
}

test_redis() {
	start redis redis-cluster
	survive redis redis-cluster
	use redis redis-cluster
	check redis-cli -h "$CONSORT_TEST_REDIS_HOST" -p "$CONSORT_TEST_REDIS_PORT" set key value
	for node in $(echo "$CONSORT_TEST_REDIS_CLUSTER_NODES" | tr , ' '); do
		redis-cli -p "${node##*:}" cluster info >info
		has info cluster_state:ok
		has info cluster_known_nodes:3
	done
	kill -9 "$(servers pid redis-cluster | tail -n 1)"
	while servers status redis-cluster >/dev/null; do :; done
	start redis-cluster
	check servers stop
}

test_mongodb() {
	[ -n "${CONSORT_MONGOD:-}" ] || command -v mongod >/dev/null || skip 'set CONSORT_MONGOD to a mongod'
	start mongodb mongodb-rs
	survive mongodb mongodb-rs
	use mongodb mongodb-rs
	has "$CONSORT_SERVERS/mongodb-rs/server.log" 'Transition to primary complete'
	[ "$CONSORT_TEST_MONGODB_RS_URI" = "mongodb://127.0.0.1:$CONSORT_TEST_MONGODB_RS_PORT/?replicaSet=rs0" ] ||
		fail "$CONSORT_TEST_MONGODB_RS_URI"
	check servers stop
}

test_names() {
	for name in nonsense postgres@ postgres@A ../postgres postgres@standby postgres@a-name-beyond-all-measure ''; do
		servers start "$name" >said 2>&1
		[ $? -eq 2 ] || fail "'$name': $(cat said)"
	done
	[ -z "$(servers status)" ] || fail 'something was made'
	CONSORT_SERVERS=$PWD/$(printf '%0100d' 0) servers status >said 2>&1
	has said 'set CONSORT_SERVERS'
	servers >said 2>&1
	[ $? -eq 2 ] || fail 'no command'
	has said 'scripts/servers start NAME'
}

finish server-control "$@"
