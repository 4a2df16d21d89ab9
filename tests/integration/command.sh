# SPDX-License-Identifier: Apache-2.0
# What the tests of the built command share; sourced. Each case has a manifest over a SQLite database.
. "$CONSORT_TEST_SOURCE/tests/testing.sh"
consort=$testing_build/consort
examples=$testing_source/examples/data
unset CONSORT_CONFIG COLUMNS NO_COLOR
export XDG_STATE_HOME=/nonexistent HOME=/nonexistent

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

# await COMMAND…: until it succeeds, for a minute at most; the case ends if it never does.
await() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 3000 ] || { fail "waited in vain: $*"; exit 1; }
		sleep 0.02
	done
}

# terminal COLUMNS ARGUMENT…: runs consort on a terminal so wide; the lines go to the file out without colours.
terminal() {
	command -v script >/dev/null || skip 'script makes a terminal: apt-get install bsdutils'
	columns=$1
	shift
	words=$consort
	for word; do
		words="$words '$word'"
	done
	script -qec "stty cols $columns; $words" /dev/null </dev/null | tr -d '\r' | sed 's/\x1b\[[0-9]*m//g' >out
}

# output TEXT: standard output was exactly this (with printf's escapes).
output() {
	printf '%b' "$1" >wanted
	cmp -s wanted out || fail "output of the last command:
$(diff wanted out)"
}

setup() {
	[ -e "$testing_build/.libs/consort-sqlite.so" ] || skip "configure with --enable-sqlite"
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
	"$consort" -q define airport flight note || exit 1
	"$consort" -q create note - <<'END' || exit 1
{"id":1,"text":"plain","amount":1.50,"big":9007199254740993,"doc":{"a":[1,2]}}
{"id":2,"text":"","amount":null,"big":-5}
{"id":3,"text":"a \"quote\", a comma\nand a line","amount":12345678.90}
{"id":4,"text":null}
END
}
