#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The SDK's template: it stays short, works, and consort-adapter makes copies of it under other names.
. "$CONSORT_TEST_SOURCE/tests/testing.sh"
template=$testing_source/sdk/template
adapter=$testing_build/sdk/consort-adapter

test_short() {
	[ "$(wc -l <"$template/acme.c")" -lt 250 ] || fail "acme.c has 250 lines or more"
}

test_works() {
	built=$testing_build/tests/conform
	CONSORT_PLUGIN_PATH=$built/.libs "$built/try" "$template/consort.ini" >out 2>&1 ||
		fail "try fails: $(cat out)"
	[ "$(cat out)" = '2: second' ] || fail "try prints: $(cat out)"
}

# copy NAME [FOLDER]: what consort-adapter makes, with the source tree's template beside it
copy() {
	cp "$adapter" . && cp -R "$template" template && chmod -R u+w template && check ./consort-adapter new "$@"
}

test_copy() {
	copy my-store
	cd consort-my-store || return
	[ "$(ls | tr '\n' ' ')" = 'CMakeLists.txt Makefile.am README.md configure.ac consort.ini my-store.c try.c ' ] ||
		fail "the copy has: $(ls)"
	! grep -rn acme . || fail 'the copy still names acme'
	has Makefile.am 'consort_my_store_la_SOURCES = my-store.c'
	has Makefile.am 'plugin_LTLIBRARIES = consort-my-store.la'
	has my-store.c '#define ID "my-store"'
	has CMakeLists.txt 'consort_add_adapter(my-store my-store.c)'
	has consort.ini 'type = my-store'
	sed 's/my-store/acme/g' my-store.c >acme.c
	check diff acme.c "$template/acme.c"
}

test_copy_elsewhere() {
	copy other a/b/c
	[ -f a/b/c/other.c ] || fail 'the folder that is named is not where it goes'
	# what is there stays
	./consort-adapter new other a/b/c 2>message && fail 'it writes over a folder'
	has message "consort-adapter: 'a/b/c' is there already"
}

test_refused() {
	copy fine
	for name in '' Fine 9 a/b 'a b' a.b aaaaaaaaaabbbbbbbbbbccccccccccdd; do
		./consort-adapter new "$name" folder 2>message && fail "it takes the name '$name'"
		has message "consort-adapter: the name '$name'"
		[ ! -e folder ] || fail "it made a folder for '$name'"
	done
	./consort-adapter new try 2>message && fail 'it takes the name of the program that uses it'
	has message "consort-adapter: the name 'try'"
	for arguments in '' new 'old fine' 'new a b c'; do
		./consort-adapter $arguments 2>message && fail "it takes: $arguments"
		has message 'usage: consort-adapter new NAME [FOLDER]'
	done
}

finish template "$@"
