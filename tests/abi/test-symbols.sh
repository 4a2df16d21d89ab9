#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the built shared objects export: libconsort.so the functions of its public headers and nothing else, an
# adapter its entry; and what they are linked with.
. "$CONSORT_TEST_SOURCE/tests/testing.sh"
libs=$testing_build/.libs
core=$libs/libconsort.so

# exported FILE: its functions and data, with their versions
exported() {
	nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }' | sort
}

# needed FILE: the shared objects it is linked with
needed() {
	objdump -p "$1" | awk '$1 == "NEEDED" { print $2 }'
}

adapters() {
	ls "$libs"/consort-*.so 2>/dev/null ||
		skip "no adapter was built: configure with --enable-sqlite or --enable-file"
}

test_library() {
	exported "$core" >now
	sed -n 's/^ \(consort[^@]*\)@\([^ ]*\) .*/\1@@\2/p' "$testing_source/debian/libconsort0.symbols" >known
	cmp -s known now && return
	fail "not the symbols of debian/libconsort0.symbols (-), which a release may only add to (+):"
	diff -U0 known now | sed 1,3d
}

# Every exported function is declared, and the other way round.
test_declared() {
	for header in "$testing_source"/core/include/consort/*.h; do
		gcc -E -P -fpreprocessed "$header" 2>/dev/null || fail "cannot read $header"
	done | tr '\n' ' ' |
		grep -oE 'CONSORT_EXPORT [^;(]*\(' | sed -E 's/.*[ *]([a-z0-9_]+) ?\($/\1/' | sort >declared
	exported "$core" | sed 's/@.*//' >now
	[ "$(wc -l <declared)" -gt 50 ] || fail "only $(wc -l <declared) declarations were found"
	comm -13 declared now >undeclared
	empty undeclared "exported, but in no public header"
	comm -23 declared now >missing
	empty missing "in a public header, but not exported"
}

test_soname() {
	[ "$(objdump -p "$core" | awk '$1 == "SONAME" { print $2 }')" = libconsort.so.0 ] ||
		fail "its soname is not libconsort.so.0"
	[ -e "$libs/libconsort.so.0" ] || fail "libconsort.so.0 is not there"
}

# The client libraries belong to adapters.
test_library_without_engines() {
	needed "$core" >libraries
	has libraries libc.so
	grep -iE 'libpq|mongo|bson|redis|sqlite|maria|mysql|csv' libraries >engines
	empty engines "libconsort.so is linked with an engine's client library"
}

test_adapters() {
	for adapter in $(adapters); do
		exported "$adapter" >now
		[ "$(cat now)" = consort_plugin_entry_v1@@CONSORT_PLUGIN_1 ] ||
			fail "$adapter exports more than its entry, or not even that: $(cat now)"
		readelf -n "$adapter" 2>/dev/null | grep -q Consort || fail "$adapter has no note"
		needed "$adapter" >libraries
		lacks libraries libconsort
	done
}

# What is asked of the host comes through its table of services, so no symbol of Consort may be open.
test_adapters_need_no_symbol() {
	for adapter in $(adapters); do
		nm -D --undefined-only "$adapter" | grep consort_ >undefined
		empty undefined "$adapter leaves open"
	done
}

finish abi-symbols "$@"
