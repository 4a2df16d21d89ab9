# SPDX-License-Identifier: Apache-2.0
# Redis, as scripts/servers runs it. Most keep nothing: a stopped or killed server is empty at its next start.
#
#   redis                 one server, which tells of every change of a key
#   redis-kept            the same, which has written each change before it answers, and has it at its next start
#   redis-tls             the same, with a second port that encrypts, and certificates for both sides
#   redis-cluster         three masters that share the slots; made anew at each start
#   redis-cluster-spare   the same, and a replica of the first

redis_kinds() { echo redis redis-kept redis-tls redis-cluster redis-cluster-spare; }
redis_user() { if id -u redis >/dev/null 2>&1; then echo redis; else echo nobody; fi; }

redis_installed() {
	command -v redis-server >/dev/null && command -v redis-cli >/dev/null && return 0
	echo "is not installed: apt-get install redis-server"
	return 1
}

redis_make() { true; }
redis_cluster_make() { as_user mkdir "$dir/1" "$dir/2" "$dir/3"; }

# redis_run FOLDER PORT [OPTION…]: starts one, and waits until it answers.
redis_run() {
	local home=$1 port=$2 end=$((SECONDS + seconds))
	shift 2
	serve redis-server --port "$port" --bind 127.0.0.1 --dir "$home" --pidfile "$home/pid" --daemonize yes \
		--logfile "$home/server.log" --save '' --appendonly no --notify-keyspace-events KEA "$@" || return 1
	until [ "$(redis-cli -p "$port" ping 2>/dev/null)" = PONG ]; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.02
	done
}

redis_launch() { redis_run "$dir" "${ports[0]}"; }
redis_kept_launch() { redis_run "$dir" "${ports[0]}" --appendonly yes --appendfsync always; }

redis_tls_installed() { redis_installed && has_openssl; }
redis_tls_make() { make_certificates; }
redis_tls_ports() { echo 2; }

redis_tls_launch() {
	redis_run "$dir" "${ports[0]}" --tls-port "${ports[1]}" --tls-ca-cert-file "$dir/ca.crt" \
		--tls-cert-file "$dir/server.crt" --tls-key-file "$dir/server.key" --tls-auth-clients optional
}

redis_cluster_ports() { echo 3; }
redis_cluster_pid_files() { echo "$dir/1/pid" "$dir/2/pid" "$dir/3/pid"; }

# redis_node NUMBER: starts one of a cluster's.
redis_node() {
	rm -f "$dir/$1/nodes.conf"
	redis_run "$dir/$1" "${ports[$1 - 1]}" --cluster-enabled yes --cluster-config-file nodes.conf \
		--cluster-node-timeout 2000
}

# redis_until NUMBER TEXT COMMAND…: waits until one of them answers something with that text.
redis_until() {
	local port=${ports[$1 - 1]} text=$2 end=$((SECONDS + seconds))
	shift 2
	until [[ $(redis-cli -p "$port" "$@") == *"$text"* ]]; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

redis_cluster_launch() {
	local node nodes=("${ports[@]/#/127.0.0.1:}")
	for node in 1 2 3; do
		redis_node "$node" || return 1
	done
	redis-cli --cluster create "${nodes[@]:0:3}" --cluster-yes || return 1
	for node in 1 2 3; do
		redis_until "$node" cluster_state:ok cluster info || return 1
	done
}

redis_cluster_spare_ports() { echo 4; }
redis_cluster_spare_pid_files() { redis_cluster_pid_files && echo "$dir/4/pid"; }
redis_cluster_spare_make() { redis_cluster_make && as_user mkdir "$dir/4"; }
redis_cluster_spare_launch() {
	local first
	redis_cluster_launch && redis_node 4 && first=$(redis-cli -p "${ports[0]}" cluster myid) &&
		redis-cli -p "${ports[3]}" cluster meet 127.0.0.1 "${ports[0]}" &&
		redis_until 4 "$first" cluster nodes && redis-cli -p "${ports[3]}" cluster replicate "$first" &&
		redis_until 4 master_link_status:up info replication && redis_until 2 "slave $first" cluster nodes
}

redis_variables() {
	variable HOST 127.0.0.1
	variable PORT "${ports[0]}"
}

redis_tls_variables() {
	redis_variables
	variable TLS_PORT "${ports[1]}"
	variable FOLDER "$dir"
}

redis_cluster_variables() {
	local nodes=${ports[*]/#/127.0.0.1:}
	variable NODES "${nodes// /,}"
}

redis_cluster_spare_variables() { redis_cluster_variables; }
