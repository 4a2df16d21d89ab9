#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The rules of HACKING.md that a machine can check, over all sources. Each rule is a function that prints what breaks
# it in the tree that is the working folder; test_rules_bite breaks each of them on purpose.
. "$CONSORT_TEST_SOURCE/tests/testing.sh"

folders='core sdk plugins tools tests bench examples docs scripts'

# found PATTERN…: files of those names in the tree; data and corpora are what they are.
found() {
	for name; do
		set -- "$@" -o -name "$name"
		shift
	done
	shift
	find $folders \( -path tests/fuzz/corpus -o -path examples/data \) -prune -o -type f \( "$@" \) -print \
		2>/dev/null
}
code() {
	found '*.c' '*.h'
}
scripts() {
	found '*.sh'
	find scripts .ci -type f -exec grep -l '^#!' {} + 2>/dev/null
}
texts() {
	code
	scripts
	found '*.am' '*.md' '*.[1-8]' '*.ini' '*.in' '*.map'
	ls README.md HACKING.md NEWS configure.ac Makefile.am .ci/run 2>/dev/null
}

# longer_than LINES: those of the files on standard input that are.
longer_than() {
	xargs wc -l | awk -v most="$1" '$2 != "total" && $1 > most { print $2 ": " $1 " lines" }'
}
long_files() {
	code | longer_than 600
	find core/include sdk/include -name '*.h' | longer_than 500
}

# In columns, with tabs of eight; a character of UTF-8 is one. Tables of documents cannot be folded.
long_lines() {
	texts | while read -r file; do
		LC_ALL=C tr -d '\200-\277' <"$file" | expand |
			LC_ALL=C awk -v file="$file" 'length > 120 && !/^\|/ { print file ":" FNR }'
	done
}

no_licence() {
	{ code; scripts; } | xargs grep -L 'SPDX-License-Identifier: Apache-2.0'
}

loose_ends() {
	texts | xargs grep -nE '(^|[^A-Za-z])(TODO|FIXME|XXX)([: (]|$)'
}

blanks_at_end() {
	texts | xargs grep -nE '[[:blank:]]$'
}

carriage_returns() {
	texts | xargs grep -l "$(printf '\r')"
}

no_last_newline() {
	texts | while read -r file; do
		[ -z "$(tail -c 1 "$file")" ] || echo "$file"
	done
}

# The core knows no engine, not even in its comments.
engines_in_core() {
	grep -rniE 'sqlite|postgres|timescale|mongo|redis|mysql|mariadb' core
}

# An adapter knows the SDK and itself. Programs of the SDK may use the library as any program does.
core_in_adapters() {
	grep -rn 'core/' plugins
	for header in $(cd core/include/consort && ls); do
		grep -rnF "<consort/$header>" plugins sdk/include sdk/lib sdk/template/acme.c
	done
}

# A lower layer never calls a higher one.
layers='base manifest loader pool resources query plan exec tx handle'
layers_upwards() {
	higher=$layers
	for layer in $layers; do
		higher=${higher#"$layer"}
		higher=${higher# }
		[ -z "$higher" ] || grep -rnE "#include \"($(echo "$higher" | tr ' ' '|'))/" "core/$layer"
	done
}

# What is fetched is fetched by the tools of the system that it is built on. In brackets, lest this line be found.
registries() {
	texts | xargs grep -nE \
		-e 'py[p]i\.org|python[h]osted\.org|np[m]js\.|crat[e]s\.io|ruby[g]ems\.org|proxy\.go[l]ang' \
		-e 'deb\.deb[i]an\.org|archive\.ubu[n]tu\.com|maven\.o[r]g|docke[r]\.(io|com)|gh[c]r\.io|qua[y]\.io' \
		-e 'apt\.post[g]resql\.org|repo\.mon[g]odb\.|package[c]loud\.io|ana[c]onda\.org'
}

rules='long_files long_lines no_licence loose_ends blanks_at_end carriage_returns no_last_newline engines_in_core
	core_in_adapters layers_upwards registries'

test_sources() {
	for rule in $rules; do
		(cd "$testing_source" && "$rule") >broken
		empty broken "$rule:"
	done
}

# put FILE LINE…: a file of a tree that breaks rules.
put() {
	file=$1
	shift
	mkdir -p "$(dirname "$file")"
	printf '%s\n' "$@" >>"$file"
}

test_rules_bite() {
	licence='/* SPDX-License-Identifier: Apache-2.0 */'
	wide=$(printf '%0121d' 0)
	mkdir -p sdk/include
	put core/include/consort/query.h $(seq 501)
	put core/base/long.c $(seq 601)
	put plugins/x/conn.c '#include <consort/query.h>' '#include "core/base/base.h"'
	put sdk/lib/wide.c "$licence" "	$(printf '%0112d' 0)" "	$(printf '%0113d' 0)" "$(printf 'é%0119d' 0)"
	put docs/a.md "| $wide" "$wide" "TO""DO: more" "blank " "$(printf 'cr\r')"
	put core/plan/join.c "$licence" '#include "exec/exec.h"' '#include "base/base.h"' '/* as in SQLite */'
	put scripts/get '#!/bin/sh' 'fetch https://py''pi.org/x'
	printf 'no newline' >docs/b.md
	for rule in $rules; do
		"$rule" >"broken-$rule" 2>&1
	done
	sort broken-long_files >sorted
	printf '%s\n' 'core/base/long.c: 601 lines' 'core/include/consort/query.h: 501 lines' >expected
	check diff expected sorted
	sort broken-long_lines >sorted
	printf '%s\n' 'docs/a.md:2' 'sdk/lib/wide.c:3' >expected
	check diff expected sorted
	sort broken-no_licence >sorted
	printf '%s\n' core/base/long.c core/include/consort/query.h plugins/x/conn.c scripts/get >expected
	check diff expected sorted
	for one in loose_ends:docs/a.md:3 blanks_at_end:docs/a.md:4 carriage_returns:docs/a.md \
		no_last_newline:docs/b.md engines_in_core:core/plan/join.c:4 core_in_adapters:plugins/x/conn.c:1 \
		core_in_adapters:plugins/x/conn.c:2 layers_upwards:core/plan/join.c:2 registries:scripts/get:2; do
		has "broken-${one%%:*}" "${one#*:}"
	done
	lacks broken-layers_upwards join.c:3
}

finish sources "$@"
