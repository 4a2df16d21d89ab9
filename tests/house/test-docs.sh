#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the documents say is there: programs, packages, functions, statuses, links; and man pages and the reference
# are made without a warning.
. "$CONSORT_TEST_SOURCE/tests/testing.sh"

# block LANGUAGE: the first block of that language in README.md.
block() {
	sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$testing_source/README.md" | sed '1d;$d'
}

test_first_program() {
	block c >shown
	sed 1d "$testing_source/examples/delays.c" >compiled
	check diff shown compiled
}

test_first_manifest() {
	block ini | grep . >shown
	has shown '[database travel]'
	grep -vxF -f "$testing_source/examples/consort.ini" shown >missing
	empty missing "README.md's manifest has lines that examples/consort.ini has not:"
}

# The packages that README.md has one install are those that the scripts install.
test_packages() {
	sed -n '/apt-get install/,/[^\\]$/p' "$testing_source/README.md" |
		tr -d '\\' | tr -s ' \t' '\n' | sed '/^$/d;/^apt-get$/d;/^install$/d' | sort >shown
	sed -n '/^packages_build=(/,/)/p' "$testing_source/scripts/lib.sh" |
		tr '()=' '   ' | tr -s ' \t' '\n' | sed '/^$/d;/^packages_build$/d' | sort >installed
	has shown build-essential
	check diff shown installed
}

# Every function of the API, and every status, is in libconsort(3).
test_man_names_all() {
	page=$testing_source/docs/man/libconsort.3
	cat "$testing_source"/core/include/consort/*.h | tr '\n\t' '  ' | grep -oE 'CONSORT_EXPORT [^;(]*\(' |
		grep -oE 'consort_[a-z0-9_]+\($' | tr -d '(' | sort -u >functions
	has functions consort_open
	for name in $(cat functions); do
		grep -qw "Fn $name" "$page" || fail "libconsort.3 does not name $name"
	done
	for name in $(grep -oE '^	CONSORT_E[A-Z]+' "$testing_source/sdk/include/consort/error.h"); do
		grep -qw "It Dv $name" "$page" || fail "libconsort.3 does not name $name"
	done
}

# Names of the API in the documents are those of the headers.
test_names() {
	cat "$testing_source"/core/include/consort/*.h "$testing_source"/sdk/include/consort/*.h >headers
	cat "$testing_source/README.md" "$testing_source/docs/architecture.md" "$testing_source/docs/semantics.md" |
		grep -oE '\bconsort_[a-z0-9_]+' | sort -u >named
	has named consort_open
	for name in $(cat named); do
		grep -qw "$name" headers || fail "the documents name $name, which no header has"
	done
}

# Links between the documents lead to files.
test_links() {
	for file in README.md HACKING.md docs/architecture.md docs/semantics.md; do
		grep -oE '\]\([^)#:]+\)' "$testing_source/$file" | sed 's/^](//;s/)$//' >links
		while read -r link; do
			[ -e "$testing_source/$(dirname "$file")/$link" ] ||
				fail "$file links to $link, which is not there"
		done <links
	done
}

test_man_pages() {
	command -v groff >/dev/null || skip 'groff makes the man pages: apt-get install groff'
	for page in "$testing_source"/docs/man/*.[1-8]; do
		groff -mdoc -Tutf8 -ww -z "$page" 2>warnings
		empty warnings "$page:"
	done
}

test_reference() {
	make -s -C "$testing_build" doxygen >made 2>&1 || { fail 'make doxygen failed:'; sed 's/^/    /' made; }
	! grep -q 'not installed' made ||
		skip 'doxygen makes the reference: apt-get install doxygen, then configure again'
	has made index.html
}

finish docs "$@"
