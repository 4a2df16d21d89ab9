#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Does consort-conform see what it is for? Each patch in mutants/ breaks one clause of the contract in the SDK's
# template, and says which: the test of that name must fail, and no other. What the template does not do, another
# adapter does: SQLite's, with something in front of it that breaks one clause, by a line of shims each; or one in
# memory, broken by a line of flaws.
. "$CONSORT_TEST_SOURCE/tests/testing.sh"
here=$testing_source/tests/conform

setup() {
	case $CONSORT_TEST_SANITIZERS in
	*address* | *thread*) skip 'a sanitizer has an allocator of its own: run this in a build without one' ;;
	esac
	command -v patch >/dev/null || skip 'install patch'
}

# all_tried: each line of the input is a mutant; as many at a time as there are processors
all_tried() {
	tr '\n' '\0' | xargs -0 -P "$(nproc)" -n 1 "$here/try-mutant" >misjudged 2>&1
	empty misjudged 'consort-conform misjudges'
}

test_template() {
	ls "$here"/mutants/*.patch >mutants
	[ "$(wc -l <mutants)" -ge 25 ] || fail 'there are fewer than 25 mutants'
	all_tried <mutants
	for made in $(sed 's|.*/||;s|\.patch$||' mutants); do
		[ -s "$made.tap" ] || fail "$made was not tried"
	done
}

test_shims() {
	[ -e "$testing_build/.libs/consort-sqlite.so" ] || skip 'consort-sqlite was not built'
	grep -v '^#' "$here/shims" | grep -v POSTGRES >mutants
	[ "$(wc -l <mutants)" -ge 25 ] || fail 'there are only a few shims'
	all_tried <mutants
	[ "$(ls *.tap | wc -l)" -eq "$(wc -l <mutants)" ] || fail 'some were not tried'
}

test_shims_postgres() {
	[ -e "$testing_build/.libs/consort-postgres.so" ] || skip 'consort-postgres was not built'
	[ -n "${CONSORT_TEST_POSTGRES_ADMIN_DSN:-}" ] ||
		skip 'no PostgreSQL server: scripts/servers start postgres, and eval "$(scripts/servers env postgres)"'
	grep POSTGRES "$here/shims" >mutants
	all_tried <mutants
	[ "$(ls *.tap | wc -l)" -eq "$(wc -l <mutants)" ] || fail 'some were not tried'
}

# What no engine of this tree does, meadow/ does, and keys and values the SDK's larder.cc.
test_flaws() {
	grep -v '^#' "$here/flaws" | sed 's/^/flaw:/' >mutants
	all_tried <mutants
	[ "$(ls *.tap | wc -l)" -eq "$(wc -l <mutants)" ] || fail 'some were not tried'
}

# Without a patch the same build passes.
test_healthy() {
	: >none.patch
	"$here/try-mutant" none.patch >misjudged
	empty misjudged 'the template itself fails'
	has none.tap 'ok 1 - entry-alone'
	"$here/try-mutant" 'flaw:none' >misjudged
	empty misjudged 'meadow or larder itself fails'
}

test_names() {
	"$testing_build/consort-conform" --list | cut -f 1 >names
	{
		echo none
		cat names
	} >known
	{
		sed -n 's/^Fails: //p' "$here"/mutants/*.patch
		awk -F '  +' '!/^#/ { print $2 }' "$here/shims"
		awk '!/^#/ { print $1 }' "$here/flaws"
	} | sort -u >guarded
	grep -vxF -f known guarded >unknown
	empty unknown 'no test has the name'
	# what becomes of a bit that is off is the library's part, which no adapter can break
	echo features-clear >elsewhere
	sort names | comm -13 guarded - | check diff elsewhere -
}

finish conform-mutants "$@"
