# SPDX-License-Identifier: Apache-2.0
# Redis, as scripts/servers runs it. It keeps nothing: a stopped or killed server is empty at its next start.
#
#   redis           one server, which tells of every change of a key
#   redis-cluster   three masters that share the slots; made anew at each start

redis_kinds() { echo redis redis-cluster; }
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

redis_cluster_ports() { echo 3; }
redis_cluster_pid_files() { echo "$dir/1/pid" "$dir/2/pid" "$dir/3/pid"; }
redis_cluster_launch() {
	local node end=$((SECONDS + seconds)) nodes=("${ports[@]/#/127.0.0.1:}")
	for node in 1 2 3; do
		rm -f "$dir/$node/nodes.conf"
		redis_run "$dir/$node" "${ports[node - 1]}" --cluster-enabled yes --cluster-config-file nodes.conf \
			--cluster-node-timeout 2000 || return 1
	done
	redis-cli --cluster create "${nodes[@]}" --cluster-yes || return 1
	for node in 1 2 3; do
		until [[ $(redis-cli -p "${ports[node - 1]}" cluster info) == *cluster_state:ok* ]]; do
			[ "$SECONDS" -lt "$end" ] || return 1
			sleep 0.05
		done
	done
}

redis_variables() {
	variable HOST 127.0.0.1
	variable PORT "${ports[0]}"
}

redis_cluster_variables() {
	local nodes=${ports[*]/#/127.0.0.1:}
	variable NODES "${nodes// /,}"
}
