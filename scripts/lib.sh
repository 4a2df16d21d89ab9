# SPDX-License-Identifier: Apache-2.0
# What the scripts share; to be sourced. No side effects but variables and functions.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# What building and testing need on Debian 12.
packages_build=(build-essential autoconf automake libtool pkg-config libinih-dev libyajl-dev libpg-query-dev
	libprotobuf-c-dev libutf8proc-dev libsqlite3-dev libcsv-dev)
packages_test=(libcunit1-dev clang llvm libclang-rt-14-dev valgrind sqlite3 abigail-tools doxygen man-db groff zsh)

# install_packages NAME…: installs those that are missing.
install_packages() {
	local missing=() name sudo=
	for name in "$@"; do
		dpkg-query -W -f '${Status}\n' "$name" 2>/dev/null | grep -q ' installed$' || missing+=("$name")
	done
	[ ${#missing[@]} -eq 0 ] && return 0
	echo "installing: ${missing[*]}" >&2
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || { echo "run this as root, or install: ${missing[*]}" >&2; return 1; }
		sudo=sudo
	fi
	# the lists may be absent or old on a fresh machine
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q "${missing[@]}" >/dev/null 2>&1 && return 0
	$sudo apt-get update -q >/dev/null
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q "${missing[@]}" >/dev/null
}

# generate: configure and Makefile.in in the sources, if anything they are made of is newer.
generate() {
	if [ ! -x "$root/configure" ] || [ -n "$(find "$root" -path "$root/build*" -prune -o \
		\( -name Makefile.am -o -name configure.ac \) -newer "$root/configure" -print -quit)" ]; then
		(cd "$root" && autoreconf -fi >autoreconf.log 2>&1) || { cat "$root/autoreconf.log" >&2; return 1; }
		rm -f "$root/autoreconf.log"
	fi
}

# configure_in FOLDER ARG…: configures out of the tree, unless that has been done.
configure_in() {
	local folder=$1
	shift
	mkdir -p "$folder"
	[ -f "$folder/Makefile" ] && [ "$folder/Makefile" -nt "$root/configure" ] && return 0
	(cd "$folder" && "$root/configure" -q "$@" >configure.log 2>&1) ||
		{ cat "$folder/configure.log" >&2; return 1; }
}
