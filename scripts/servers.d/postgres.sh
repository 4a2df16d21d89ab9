# SPDX-License-Identifier: Apache-2.0
# PostgreSQL, as scripts/servers runs it.
#
#   postgres             two-phase commit, logical decoding, TLS; a user for each way of connecting
#   postgres-noprepare   no prepared transactions, no TLS, and five connections for ordinary users
#   postgres-standby     a hot standby of `postgres`, made anew at each start
#   postgres-bench       room for the data of bench/, and no waiting for the disk
#   postgres-quota       no file may grow beyond QUOTA bytes: a larger table finds the disk full (53100)
#
# Settings are written at each start, to launch.conf, which what was made includes: so a port may change.

postgres_kinds() { echo postgres postgres-noprepare postgres-standby postgres-quota postgres-bench; }
postgres_user() { echo postgres; }
postgres_stop_signal() { echo INT; }
postgres_pid_files() { echo "$dir/data/postmaster.pid"; }

# The newest version that is installed.
postgres_bin() {
	local initdb
	initdb=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
	[ -x "$initdb" ] || initdb=$(command -v initdb) || return 1
	dirname "$initdb"
}

postgres_installed() {
	postgres_bin >/dev/null && command -v openssl >/dev/null && return 0
	echo "is not installed: apt-get install postgresql-15 openssl"
	return 1
}

# A killed server leaves its segment of shared memory, whose number is in the seventh line of its pid file.
postgres_forget() {
	local id
	id=$(awk 'NR == 7 { print $2 }' "$dir/data/postmaster.pid" 2>/dev/null)
	[ -z "$id" ] || as_user ipcrm -m "$id" 2>/dev/null
	true
}

# Who may connect, and how. The socket's folder is closed to others.
postgres_hba() {
	cat <<-'END'
		local     all          postgres                    trust
		local     replication  postgres                    trust
		local     all          all                         scram-sha-256
		hostssl   all          consort_tls    127.0.0.1/32 scram-sha-256
		hostnossl all          consort_plain  127.0.0.1/32 scram-sha-256
		host      all          postgres,consort_tls,consort_plain 127.0.0.1/32 reject
		host      all          all            127.0.0.1/32 scram-sha-256
	END
}

# What a server needs beside its data.
postgres_folder() {
	as_user mkdir -m 700 "$dir/sock" &&
		as_user openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 \
			-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
			-keyout "$dir/server.key" -out "$dir/server.crt"
}

# postgres_data [OPTION…]: makes a cluster, with the users and the database of tests.
postgres_data() {
	local bin password role
	bin=$(postgres_bin) && password=$(openssl rand -hex 12) || return 1
	as_user "$bin/initdb" -D "$dir/data" -U postgres -A trust --no-sync -E UTF8 --locale=C.UTF-8 "$@" || return 1
	echo "include_if_exists '../launch.conf'" >>"$dir/data/postgresql.conf"
	postgres_hba >"$dir/data/pg_hba.conf"
	echo "$password" >"$dir/password" && chmod 600 "$dir/password"
	for role in consort consort_tls consort_plain; do
		echo "CREATE ROLE $role LOGIN CREATEDB REPLICATION PASSWORD '$password'"
	done | cat - <(echo "CREATE DATABASE consort OWNER consort") |
		as_user "$bin/postgres" --single -D "$dir/data" -F -c exit_on_error=true postgres
}

postgres_make() { postgres_folder && postgres_data; }
postgres_quota_make() { postgres_folder && postgres_data --wal-segsize=1; }
postgres_standby_make() { postgres_folder; }

# postgres_run [LINE…]: starts it with the settings of all, and those lines.
postgres_run() {
	cat >"$dir/launch.conf" <<-END
		listen_addresses = '127.0.0.1'
		port = ${ports[0]}
		unix_socket_directories = '$dir/sock'
		shared_buffers = 16MB
		max_prepared_transactions = 64
		wal_level = logical
		max_wal_senders = 8
		max_replication_slots = 8
		deadlock_timeout = 200ms
		dynamic_shared_memory_type = mmap
		ssl = on
		ssl_cert_file = '$dir/server.crt'
		ssl_key_file = '$dir/server.key'
		$(printf '%s\n' "$@")
	END
	# a killed server's lock names a pid that may be a zombie yet, or another program's
	rm -f "$dir"/sock/.s.PGSQL.*
	serve "$(postgres_bin)/pg_ctl" -D "$dir/data" -w -t "$seconds" -s -l "$dir/server.log" start
}

postgres_launch() { postgres_run; }
postgres_noprepare_launch() { postgres_run "max_prepared_transactions = 0" "max_connections = 8" "ssl = off"; }

postgres_bench_launch() {
	postgres_run "shared_buffers = 256MB" "max_wal_size = 4GB" "fsync = off" "autovacuum = off"
}

# A kilobyte is what ulimit counts. Half a block beyond the last one makes the write that does not fit a short one, as
# on a disk that is full, instead of one that is refused. Temporary files are written in another way: there are none.
postgres_quota_kilobytes=$((8 * 1024 + 4))
postgres_quota_launch() (
	ulimit -f "$postgres_quota_kilobytes" && postgres_run "work_mem = 256MB"
)

postgres_standby_needs() { echo "postgres$instance"; }
postgres_standby_launch() {
	local bin primary=$folder/postgres$instance
	local source="host=$primary/sock port=$(cat "$primary/ports") user=postgres"
	bin=$(postgres_bin) && rm -rf "$dir/data" && cp "$primary/password" "$dir/password" &&
		as_user "$bin/pg_basebackup" -D "$dir/data" -d "$source" -c fast --no-sync &&
		as_user touch "$dir/data/standby.signal" &&
		postgres_run "primary_conninfo = '$source'"
}

postgres_variables() {
	local password
	password=$(cat "$dir/password")
	variable HOST 127.0.0.1
	variable PORT "${ports[0]}"
	variable SOCKET "$dir/sock"
	variable DBNAME consort
	variable USER consort
	variable PASSWORD "$password"
	variable TLS_USER consort_tls
	variable PLAIN_USER consort_plain
	variable SSLROOTCERT "$dir/server.crt"
	variable DSN "host=127.0.0.1 port=${ports[0]} dbname=consort user=consort password=$password"
	variable SOCKET_DSN "host=$dir/sock port=${ports[0]} dbname=consort user=consort password=$password"
	variable ADMIN_DSN "host=$dir/sock port=${ports[0]} dbname=consort user=postgres"
}

postgres_quota_variables() {
	postgres_variables
	variable QUOTA $((postgres_quota_kilobytes * 1024))
}
