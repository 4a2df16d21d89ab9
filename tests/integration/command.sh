# SPDX-License-Identifier: Apache-2.0
# What the tests of the built command share; sourced. Each case is a function test_NAME, run in a folder of its
# own with a manifest over a SQLite database. `test-command.sh NAME` runs one of them.
set -u
consort=$CONSORT_TEST_BUILD/consort
examples=$CONSORT_TEST_SOURCE/examples/data
unset CONSORT_CONFIG COLUMNS NO_COLOR
export LC_ALL=C.UTF-8 XDG_STATE_HOME=/nonexistent HOME=/nonexistent

# fail TEXT…: this case has failed; the rest of it still runs. give_up: it does not.
fail() {
	echo "  $*"
	: >failed
}
give_up() {
	fail "$@"
	exit
}

# run COMMAND…: its output goes to the files out and err, its exit status to $status.
run() {
	"$@" >out 2>err </dev/null
	status=$?
}

# expect STATUS ARGUMENT…: runs consort with the arguments.
expect() {
	expected=$1
	shift
	run "$consort" "$@"
	[ "$status" -eq "$expected" ] || fail "consort $*: status $status, not $expected: $(cat err)"
}

# output TEXT: standard output was exactly this (with printf's escapes).
output() {
	printf '%b' "$1" >wanted
	cmp -s wanted out || fail "output of the last command:
$(diff wanted out)"
}

# has FILE TEXT: the file holds the text. lacks: it does not.
has() {
	grep -qF -e "$2" "$1" || fail "$1 has not: $2
$(cat "$1")"
}
lacks() {
	! grep -qF -e "$2" "$1" || fail "$1 has: $2
$(cat "$1")"
}

write_manifest() {
	cat >consort.ini <<'END'
[database core]
type = sqlite
path = core.db

[resource airport]
database = core
key = iata
attribute.iata = text not null
attribute.name = text
attribute.city = text
attribute.state = text
attribute.country = text
attribute.latitude = float64
attribute.longitude = float64

[resource flight]
database = core
source = flights
key = id
attribute.id = int64 not null
attribute.departed_at = timestamp
attribute.delay_min = int64
attribute.distance_mi = int64
attribute.origin = text
attribute.destination = text
relationship.origin_airport = airport, origin -> iata

[resource note]
database = core
key = id
attribute.id = int64 generated
attribute.text = text
attribute.amount = decimal(12,2)
attribute.big = int64
attribute.doc = json
END
}

# The tables of the manifest, with a few records.
make_data() {
	"$consort" -q define airport flight note || give_up "define"
	"$consort" -q create note - <<'END' || give_up "create"
{"id":1,"text":"plain","amount":1.50,"big":9007199254740993,"doc":{"a":[1,2]}}
{"id":2,"text":"","amount":null,"big":-5}
{"id":3,"text":"a \"quote\", a comma\nand a line","amount":12345678.90}
{"id":4,"text":null}
END
}

# finish TOPIC [CASE]: runs all test_ functions, or one, and says how it went.
finish() {
	passed=0 failed=0
	for case in $(sed -n 's/^\(test_[a-z0-9_]*\)() *{.*/\1/p' "$0"); do
		[ $# -lt 2 ] || [ "test_$2" = "$case" ] || continue
		folder=$(mktemp -d) || exit 1
		(cd "$folder" && write_manifest && "$case")
		if [ -e "$folder/failed" ]; then
			failed=$((failed + 1))
			echo "not ok $1: ${case#test_}"
		else
			passed=$((passed + 1))
			echo "ok $1: ${case#test_}"
		fi
		rm -rf "$folder"
	done
	echo "$1: $passed passed, $failed failed, 0 skipped"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

if [ ! -e "$CONSORT_TEST_BUILD/.libs/consort-sqlite.so" ]; then
	echo "  skipped: configure with --enable-sqlite"
	exit 77
fi
