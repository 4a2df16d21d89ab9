#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The built libraries against the last release's, as abidiff sees them: functions and the types they reach. The dumps
# are made with `make abi-dump` when a release is made; before the first, when what it will promise changes.
. "$CONSORT_TEST_SOURCE/tests/testing.sh"
abi=$testing_source/tests/abi

setup() {
	command -v abidiff >/dev/null || skip "install abigail-tools"
}

# against DUMP LIBRARY
against() {
	[ -e "$abi/$1" ] || fail "tests/abi/$1 is missing: make abi-dump makes it"
	[ -e "$testing_build/.libs/$2" ] || skip "$2 was not built"
	readelf -S "$testing_build/.libs/$2" | grep -q debug_info || skip "$2 has no debug information: build with -g"
	check "$abi/compare-abi" "$abi/$1" "$testing_build/.libs/$2" "$abi/private.suppr"
}

test_library() {
	against libconsort-0.abi libconsort.so
}

# The typed entry reaches all of the contract.
test_contract() {
	against consort-plugin-1.abi consort-file.so
}

# made NAME: a library with C's text from the input
made() {
	${CC:-cc} -g -shared -fPIC -x c - -o "$1.so" || fail "$1 does not compile"
}

# The comparison sees what it is for, and lets pass what it should.
test_self() {
	made old <<'END'
struct consort_plan_info { unsigned struct_size; int a; };
int consort_run(struct consort_plan_info *info) { return info->a; }
int consort_stop(void) { return 0; }
END
	made same <<'END'
struct consort_plan_info { unsigned struct_size; int a; int b; };
int consort_run(struct consort_plan_info *info) { return info->a; }
int consort_stop(void) { return 0; }
int consort_more(void) { return 0; }
END
	made gone <<'END'
struct consort_plan_info { unsigned struct_size; int a; };
int consort_run(struct consort_plan_info *info) { return info->a; }
END
	made argument <<'END'
struct consort_plan_info { unsigned struct_size; int a; };
int consort_run(struct consort_plan_info *info, int more) { return info->a + more; }
int consort_stop(void) { return 0; }
END
	made middle <<'END'
struct consort_plan_info { unsigned struct_size; int b; int a; };
int consort_run(struct consort_plan_info *info) { return info->a; }
int consort_stop(void) { return 0; }
END
	made order <<'END'
struct consort_plan_info { int a; unsigned struct_size; };
int consort_run(struct consort_plan_info *info) { return info->a; }
int consort_stop(void) { return 0; }
END
	abidw --out-file old.abi old.so || fail "abidw fails"
	check "$abi/compare-abi" old.abi same.so
	for changed in gone argument middle order; do
		refuse "$abi/compare-abi" old.abi "$changed.so"
	done
}

finish abidiff "$@"
