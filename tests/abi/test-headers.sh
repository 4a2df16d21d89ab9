#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every installed header compiles as the first include of a C99, C11 or C++17 program, without a warning, with gcc
# and with clang; and so do the examples.
. "$CONSORT_TEST_SOURCE/tests/testing.sh"
warnings='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror'
include="-I$testing_source/sdk/include -I$testing_source/core/include"

# as COMPILER STANDARD: the command that compiles a source of that language
as() {
	case $1,$2 in
	gcc,c++*) echo "g++ -x c++ -std=$2" ;;
	clang,c++*) echo "clang++ -x c++ -std=$2" ;;
	*) echo "$1 -x c -std=$2" ;;
	esac
}

# compiles COMPILER STANDARD FILE…: each of them alone
compiles() {
	command -v "$(as "$1" "$2" | cut -d' ' -f1)" >/dev/null || skip "install $1, with C++"
	with="$(as "$1" "$2") $warnings $include -fsyntax-only"
	shift 2
	for file in "$@"; do
		check $with "$file"
	done
}

# Twice, so that its guard is tried too.
headers() {
	for header in "$testing_source"/sdk/include/consort/*.h "$testing_source"/core/include/consort/*.h; do
		name=${header##*/}
		printf '#include <consort/%s>\n#include <consort/%s>\n' "$name" "$name" >"${name%.h}.source"
	done
	compiles "$1" "$2" ./*.source
}

test_gcc_c99() { headers gcc c99; }
test_gcc_c11() { headers gcc c11; }
test_gcc_cxx17() { headers gcc c++17; }
test_clang_c99() { headers clang c99; }
test_clang_c11() { headers clang c11; }
test_clang_cxx17() { headers clang c++17; }

# All in one program, and in the order that is least usual.
test_together() {
	for header in "$testing_source"/sdk/include/consort/*.h "$testing_source"/core/include/consort/*.h; do
		echo "#include <consort/${header##*/}>"
	done | sort -r >all.source
	for standard in c99 c11 c++17; do
		compiles gcc "$standard" all.source
	done
}

# What people copy: the first program and CONSORT_ARGS in both languages, the other examples in C.
test_programs() {
	for compiler in gcc clang; do
		compiles "$compiler" c99 "$testing_source"/examples/*.c
		for standard in c99 c11 c++17; do
			compiles "$compiler" "$standard" "$testing_source/tests/abi/arguments.c" \
				"$testing_source/examples/delays.c"
		done
	done
}

# The checks see what they are for.
test_self() {
	compiler="$(as gcc c++17) $warnings $include -fsyntax-only"
	printf '#include <consort/types.h>\nint main() { int a = 1; char b = a; return b; }\n' >narrowing.c
	refuse $compiler narrowing.c
	printf '#include <consort/types.h>\nint main() { void *p = 0; char *q = p; return q != 0; }\n' >cast.c
	refuse $compiler cast.c
	check $(as gcc c99) $warnings $include -fsyntax-only cast.c
}

finish abi-headers "$@"
