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

# RPM's packages are Debian's, of the same release; only that which one develops with has another name.
test_spec() {
	spec=$testing_source/packaging/consort.spec
	sed -n 's/^Package: //p' "$testing_source/debian/control" | sed 's/^libconsort-dev$/libconsort-devel/' |
		sort >debian
	sed -n 's/^%package -n //p; s/^%package \([a-z]\)/consort-\1/p' "$spec" | sort >rpm
	has rpm libconsort0
	check diff debian rpm
	sed -n 's/^%files -n //p; s/^%files \([a-z]\)/consort-\1/p' "$spec" | sort >with_files
	check diff rpm with_files
	version=$(sed -n 's/^AC_INIT(\[consort\], \[\(.*\)\])$/\1/p' "$testing_source/configure.ac")
	has "$spec" "Version:        ${version:-unknown}"
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

# Every exit status of the command, and the library's statuses that lead to it, are in consort(1).
test_exit_statuses() {
	sed -n 's/^	\[CONSORT_[A-Z]*\] = {"\([a-z_]*\)", \([0-9]\)},$/\2 \1/p' "$testing_source/tools/report.c" |
		sort >coded
	statuses=$(grep -cE '^	CONSORT_(OK|E[A-Z]+) = ' "$testing_source/sdk/include/consort/error.h")
	[ "$(wc -l <coded)" -eq "$statuses" ] || fail "tools/report.c has not a line for each status"
	sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/p' "$testing_source/docs/man/consort.1" |
		awk '/^\.It / { number = $2 } /^\.Pq Em / { for (i = 3; i <= NF; i++) print number, $i }' | sort >told
	has coded '2 invalid'
	check diff coded told
}

# options FILE: the long options that a text names, with or without the troff in it.
options() {
	sed 's/Fl -/--/g;s/Fl \(.\) , -/--/g' "$1" | grep -oE -e '(^|[^a-z-])--[a-z][a-z-]+' |
		grep -oE -e '--[a-z-]+' | sort -u
}

# Every option of every command is in its help and its part of consort(1), and these name no other. What explain and
# export have of find is told there.
test_options() {
	consort=$testing_build/consort
	manual=$testing_source/docs/man/consort.1
	"$consort" complete options | sort >global
	has global --timeout
	for command in $("$consort" complete commands | grep -vx help); do
		"$consort" complete options "$command" | sort | comm -23 - global >own
		"$consort" "$command" --help >help
		awk -v command="$command" '/^\.S[sh]/ { on = $3 == command } on' "$manual" >page
		has page "consort $command"
		if grep -q "those of 'consort find'" help; then
			"$consort" find --help >>help
			awk '/^\.S[sh]/ { on = $3 == "find" } on' "$manual" >>page
		fi
		for text in help page; do
			options $text | comm -23 - global >named
			comm -3 own named >differ
			empty differ "$command: only in the options, or (indented) only in the $text:"
		done
	done
	# The options that all commands take.
	sed -n '/^\.Sh DESCRIPTION/,/^\.Sh OUTPUT/p' "$manual" >page
	options page >named
	check diff global named
}

# Every key of the manifest is in consort.ini(5).
test_manifest_keys() {
	sed -n 's/^	{\(\.name = \)\{0,1\}"\([a-z_.]*\)".*/\2/p' "$testing_source"/core/manifest/*.c | sort -u >keys
	has keys pool.max
	has keys include
	has keys source
	grep -E '^\.(It Ic|Ic) ' "$testing_source/docs/man/consort.ini.5" >page
	for key in $(cat keys); do
		grep -qE "[ ,]$key( |\$|\.? Ns)" page || fail "consort.ini.5 does not name $key"
	done
}

# The maps of the tree are those of the tree.
test_maps() {
	sed -n '/^## Layers/,/^A folder/p' "$testing_source/docs/architecture.md" |
		sed -nE 's/^ +\|  ([a-z]+)  .*/\1/p' | sort >told
	(cd "$testing_source/core" && ls -d */) | tr -d / | grep -vx include | sort >there
	check diff there told
	for layer in $(cat there); do
		grep -qE "(^|/)$layer\.h" <<-END || fail "core/$layer has not one private header"
			$(ls "$testing_source/core/$layer")
		END
	done
	sed -nE '/^## Where things are/,/^## Build/s/^\| `([a-z]+)\/.*/\1/p' "$testing_source/HACKING.md" |
		sort -u >told
	(cd "$testing_source" && git ls-files 2>/dev/null | sed -n 's|/.*||p' | grep -v '^\.' | sort -u) >there
	[ -s there ] || skip 'the sources are no git checkout'
	comm -3 told there | grep -vw m4 >differ
	empty differ "only in HACKING.md's table, or (indented) only in the tree:"
}

# The program that libconsort(3) shows is one.
test_man_program() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Ed/p' "$testing_source/docs/man/libconsort.3" |
		sed '1,/^\.Bd/d;/^\.Ed/d;s/\\e/\\/g' >example.c
	has example.c 'int main(void)'
	check ${CC:-cc} -std=c99 -Wall -Wextra -Werror -fsyntax-only -I"$testing_source/core/include" \
		-I"$testing_source/sdk/include" example.c
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

# semantics.md lists the functions and operators that the resolver's tables have, and no others.
test_expressions() {
	query=$testing_source/core/query
	sed -n '/^## Functions and operators/,/^## Paths/p' "$testing_source/docs/semantics.md" >section
	sed -n '/^} functions\[\]/,/^};/p' "$query/functions.c" | grep -oE '\{"[a-z]+' | tr -d '{"' | sort >functions
	sed -n '/^} infixes\[\]/,/^};/p' "$query/operators.c" | grep -oE '\{"[^"]+' | sed 's/..//' | sort >operators
	has functions lower
	has operators '->>'
	sed -n '/^| function /,$p' section | grep -oE '`[a-z]+\(' | tr -d '`(' | sort -u >shown
	check diff functions shown
	while read -r operator; do
		tr -d '\\' <section | grep -qF "\`$operator\`" || fail "semantics.md does not have $operator"
	done <operators
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
