#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What runs the pages: it does what they show, and sees what is not so.
. "$CONSORT_TEST_SOURCE/tests/testing.sh"
follow=$testing_source/tests/install/follow-page

test_followed() {
	cat >page.md <<'END'
Text with `$ rm -rf nothing`.
```sh
$ mkdir place
$ cd place
$ printf 'one\ntwo [x]*\nthree\n'
one
two [x]*
…
$ printf 'a 1 b\n'
a … b
$ printf 'one\n' >file
```
```diff
--- file
+++ file
@@ -1 +1 @@
-one
+two
```
```sh
$ cat file
two
$ true
…
```
```c
$ false
```
END
	check "$follow" page.md
	has place/file two
}

# refused TEXT…: a page with these lines of sh is refused, and the last one is shown
refused() {
	{
		echo '```sh'
		printf '%s\n' "$@"
		echo '```'
	} >page.md
	"$follow" page.md >out 2>&1 && fail "it is taken: $*"
	has out "$1"
}

test_refused() {
	refused '$ echo one' two
	refused '$ echo one'
	refused '$ true' one
	refused '$ printf "one\ntwo\n"' one
	refused '$ echo "[x]"' 'x'
	refused '$ echo ab' 'a*'
	printf 'nothing\n' >page.md
	refuse "$follow" page.md
	printf '```sh\n$ echo x >file\n```\n```diff\n--- file\n+++ file\n@@ -1 +1 @@\n-one\n+two\n```\n' >page.md
	refuse "$follow" page.md
}

finish follow-page "$@"
