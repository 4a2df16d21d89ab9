#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Adapters and cores of different ages, for real: built against the headers of the first ABI, kept in frozen/, and
# against those of a later one, made up by make-future; run by today's core. consort-conform proves that they work: it
# gives plans with kinds that no header has (offer-unknown), and structs of older and newer hosts (struct-truncated,
# struct-oversized).
. "$CONSORT_TEST_SOURCE/tests/testing.sh"
abi=$testing_source/tests/abi
sdk=$testing_source/sdk

# adapter HEADERS SOURCE NAME: NAME.so against these headers of the contract; what only the static library's headers
# have is today's
adapter() {
	case $2 in
	*.cc) compiler="${CXX:-c++} -std=c++17" ;;
	*) compiler=${CC:-cc} ;;
	esac
	$compiler -g -O1 -Wall -Wextra -fPIC -shared -fvisibility=hidden -I"$1" -I"$sdk/include" "$2" -o "$3.so" \
		-Wl,--version-script="$sdk/lib/plugin.map" "$testing_build/.libs/libconsort-sdk.a" \
		-lyajl -lm -lpthread >"$3.log" 2>&1 ||
		{ fail "$3 does not compile"; cat "$3.log"; }
}

# conforms FILE [TEST…]
conforms() {
	"$testing_build/consort-conform" --seed 1 --tap --plugin "$@" >report 2>&1 && return
	fail "consort-conform is not content with $1:"
	grep -A7 '^not ok' report || cat report
}

future() {
	check "$abi/make-future" "$sdk/include" future
	# what only goes with the static library stays out: its headers are found in today's folder
	(cd future/consort && rm -f adapter.h arena.h buffer.h convert.h csv.h errand.h json.h nearest.h slots.h sql.h)
}

# The headers that are frozen are a part of today's: nothing of them was taken away or moved.
test_frozen_is_a_part() {
	mkdir -p old/sdk old/core
	cp -R "$abi/frozen" old/sdk/include
	cp -R "$testing_source/core/include" old/core/
	"$abi/generate-layout" old >before || fail 'the frozen headers have no layout'
	grep -q '^growing struct consort_plugin' before || fail 'the frozen headers have no descriptor'
	"$abi/generate-layout" "$testing_source" >now
	"$abi/compare-layout" before now >differences
	[ $? -lt 2 ] || { fail 'today breaks what is frozen:'; grep breaks differences; }
}

# What abi.h says of compilers goes with the headers of the static library, so it is of today, but for its version.
old() {
	cp -R "$abi/frozen" old && chmod -R u+w old
	minor=$(sed -n 's/^#define CONSORT_ABI_MINOR \([0-9]*\).*/\1/p' "$abi/frozen/consort/abi.h")
	sed "s/^#define CONSORT_ABI_MINOR .*/#define CONSORT_ABI_MINOR ${minor:-?}/" "$sdk/include/consort/abi.h" \
		>old/consort/abi.h
}

test_old_adapters() {
	old
	adapter old "$sdk/template/acme.c" acme
	conforms ./acme.so
	adapter old "$sdk/examples/larder.cc" larder
	conforms ./larder.so
}

# An adapter of the future sets what it knows, and goes without what this core does not have.
test_future_adapters() {
	future
	sed 's/^#define FEATURES (/&BIT(TELEPATHY) | /' "$sdk/template/acme.c" >acme.c
	has acme.c 'BIT(TELEPATHY)'
	adapter future acme.c acme
	conforms ./acme.so library-loads
	"$testing_build/consort" plugins info ./acme.so >info 2>&1 || fail "$(cat info)"
	has info '1.7'
	adapter future "$sdk/examples/larder.cc" larder
	conforms ./larder.so library-loads
	# and as far as today's kit knows sizes
	for test in database-opens read-whole read-columns filter-agrees create-twice update-named delete-record \
		introspect-all call-flags; do
		conforms ./acme.so "$test"
	done
}

# Today's adapters, and a host that is older or newer than they.
test_future_core() {
	for plugin in sqlite file; do
		[ -e "$testing_build/.libs/consort-$plugin.so" ] || skip "consort-$plugin was not built"
	done
	ages='offer-unknown struct-truncated struct-oversized'
	conforms "$testing_build/.libs/consort-sqlite.so" -o path=t.db -o synchronous=off $ages
	mkdir data && printf 'id,name\n1,a\n2,b\n' >data/t.csv
	conforms "$testing_build/.libs/consort-file.so" -o path=data $ages
	conforms "$testing_build/tests/conform/.libs/consort-acme.so" $ages
}

# --- the guards see a slot that has moved ---

# Exchanges two slots: a compiler says nothing, since adapters name what they set, and everything still links.
reordered() {
	mkdir -p moved
	cp -R "$sdk/include/consort" moved/
	chmod -R u+w moved
	sed -i '/(\*close)(void \*database);/d
		s/^\tuint32_t (\*open)(void \*plugin,/\tvoid (*close)(void *database);\n&/' moved/consort/plugin.h
	has moved/consort/plugin.h '(*close)(void *database);'
	! cmp -s "$sdk/include/consort/plugin.h" moved/consort/plugin.h || fail 'nothing was moved'
}

test_self_layout() {
	reordered
	mkdir -p tree/sdk/include tree/core
	cp -R moved/consort tree/sdk/include/
	cp -R "$testing_source/core/include" tree/core/
	"$abi/generate-layout" tree >now
	"$abi/compare-layout" "$abi/layout.golden" now >differences && fail 'the layout is taken for the same'
	has differences 'breaks: struct consort_database_ops.open was'
}

test_self_abidiff() {
	command -v abidiff >/dev/null || skip 'install abigail-tools'
	reordered
	adapter "$sdk/include" "$sdk/template/acme.c" straight
	adapter moved "$sdk/template/acme.c" moved
	check "$abi/compare-abi" straight.so straight.so
	refuse "$abi/compare-abi" straight.so moved.so
}

test_self_run() {
	reordered
	adapter moved "$sdk/template/acme.c" moved
	"$testing_build/consort-conform" --seed 1 --plugin ./moved.so >report 2>&1 && fail 'the kit is content with it'
	has report 'not ok database-opens'
}

finish abi-compat "$@"
