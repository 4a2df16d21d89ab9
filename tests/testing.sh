# SPDX-License-Identifier: Apache-2.0
# What shell tests share; to be sourced, by any POSIX shell. A case is a function test_NAME; each runs in a subshell,
# in an empty folder of its own that is removed behind it. A file that wants something made for every case defines
# setup. The last line of a test is
#
#	finish TOPIC "$@"
#
# and `test-topic.sh NAME` runs one case. What the tests of C have in testing.h.
set -u
LC_ALL=C.UTF-8
export LC_ALL
testing_source=${CONSORT_TEST_SOURCE:?run this by make check}
testing_build=${CONSORT_TEST_BUILD:?run this by make check}

# fail TEXT…: the case has failed; the rest of it still runs.
fail() {
	printf '  %s\n' "$*"
	case_failed=1
}

# check COMMAND…: it must succeed; its output is shown if it does not.
check() {
	if ! "$@" >"$testing_log" 2>&1; then
		fail "failed: $*"
		sed 's/^/    /' "$testing_log"
	fi
}

# refuse COMMAND…: it must fail.
refuse() {
	! "$@" >"$testing_log" 2>&1 || fail "succeeded: $*"
}

# has FILE TEXT: the file holds the text; lacks: it does not.
has() {
	grep -qF -e "$2" "$1" || { fail "$1 has not: $2"; sed 's/^/    /' "$1"; }
}
lacks() {
	! grep -qF -e "$2" "$1" || { fail "$1 has: $2"; sed 's/^/    /' "$1"; }
}

# empty FILE TEXT…: it has no line; otherwise the text, and what it has.
empty() {
	[ ! -s "$1" ] || { file=$1; shift; fail "$*"; sed 's/^/    /' "$file"; }
}

# skip HOW…: ends this case as skipped, unless something has failed; HOW tells how to make it run.
skip() {
	[ "$case_failed" -eq 0 ] || exit 1
	printf '  skipped: %s\n' "$*"
	exit 77
}

# finish TOPIC [CASE]: runs all cases of this file, or one, and says how it went.
finish() {
	passed=0 failed=0 skipped=0
	testing_log=$(mktemp) || exit 1
	for name in $(sed -n 's/^test_\([a-z0-9_]*\)() *[{(].*/\1/p' "$0"); do
		[ $# -lt 2 ] || [ "$2" = "$name" ] || continue
		folder=$(mktemp -d) || exit 1
		(
			case_failed=0
			cd "$folder" || exit 1
			! command -v setup >/dev/null || setup
			"test_$name"
			exit "$case_failed"
		)
		status=$?
		chmod -R u+rwX "$folder" && rm -rf "$folder"
		case $status in
		0) passed=$((passed + 1)) && echo "ok $1: $name" ;;
		77) skipped=$((skipped + 1)) && echo "skip $1: $name" ;;
		*) failed=$((failed + 1)) && echo "not ok $1: $name" ;;
		esac
	done
	rm -f "$testing_log"
	echo "$1: $passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] && [ "$((passed + skipped))" -gt 0 ]
}
