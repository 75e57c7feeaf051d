#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Four "hosts": network namespaces with an address each, joined by a bridge in a fifth one.
# Jobs started by hand and by mpirun run on them over TCP.
#
#	netns.sh [QDISC...]    with this queueing discipline on what each host sends, such as
#	                       netem delay 1ms loss 1% reorder 25%
#
# NETNS_LIMIT: a job's time in seconds, where it is not that of a hang.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
# shellcheck source=tests/hosts.sh
. "$(dirname "$0")/../hosts.sh"

limit=${NETNS_LIMIT:-$hang}
tmp=$(mktemp -d) || exit 99
ns=dsm$$
clean_up() {
	remove_hosts
	rm -rf "$tmp"
}
trap clean_up EXIT

made=$(make_hosts 10.77.0 2>&1) || skip "no network namespaces with a bridge here: $made"

# shape QDISC...: on all hosts
shape() {
	local i
	for i in 0 1 2 3; do tc -n $ns-$i qdisc add dev eth0 root "$@" || return; done
}
if [ $# != 0 ]; then
	made=$(shape "$@" 2>&1) || skip "no such links here: $*: $made"
fi

# What a discipline of netem has dropped, of how many packets, on all hosts
dropped() {
	local i
	for i in 0 1 2 3; do tc -n $ns-$i -s qdisc show dev eth0; done |
		awk '$1 == "Sent" { sent += $4; gone += $7 } END { print gone + 0, sent + 0 }'
}

# How many segments TCP has got before others that were sent earlier, on all hosts
disordered() {
	local i
	for i in 0 1 2 3; do ip netns exec $ns-$i grep '^TcpExt:' /proc/net/netstat; done |
		awk 'NR % 2 { split($0, name); next }
			{ for (i = 1; i <= NF; i++) if (name[i] == "TCPOFOQueue") sum += $i }
			END { print sum + 0 }'
}

# by_hand PROGRAM [ARGUMENT...]: a node on each host.
by_hand() {
	local i pids=()
	for i in 3 2 1 0; do
		TMPDIR=$tmp DSM_LOG=info DSM_SIZE=4 DSM_RANK=$i DSM_RENDEZVOUS=10.77.0.1:7000 \
			timeout -k 5 "$limit" ip netns exec $ns-$i "$@" >"$tmp/out.$i" 2>&1 &
		pids+=($!)
	done
	worst_of "${pids[@]}" || fail "by hand: status $?: $*: $(tail -n 20 "$tmp"/out.?)"
}

by_hand tests/system/stress --seconds 3
grep -q 'all coherent' "$tmp/out.0" || fail "no verdict: $(cat "$tmp/out.0")"
grep -q 'provider shm' "$tmp/out.0" && fail "shared memory between hosts: $(cat "$tmp/out.0")"
by_hand examples/sort --keys=200000
grep -q 'verified: sorted' "$tmp/out.0" || fail "not sorted: $(cat "$tmp/out.0")"
if [ -x examples/heat ]; then # or there is no libpng
	by_hand examples/heat --rows=128 --steps=20 --output "$tmp/heat.png"
	grep -q '^verified' "$tmp/out.0" || fail "not verified: $(cat "$tmp/out.0")"
fi

# on HOST COMMAND...: on one of host-1 to host-4, which has a TMPDIR of its own, in which Open MPI
# keeps things, and its name, by which Open MPI tells it from others.
for i in 1 2 3 4; do printf '10.77.0.%d\thost-%d\n' $i $i; done >"$tmp/hosts"
cat >"$tmp/on" <<END
#!/bin/bash
export TMPDIR=$tmp/\$1
mkdir -p "\$TMPDIR"
# Who is in a network namespace by ip has mounts of its own, too.
exec ip netns exec $ns-\$((\${1#host-} - 1)) unshare --uts /bin/bash -c \
	"mount --bind $tmp/hosts /etc/hosts && hostname \$1 && \${*:2}"
END
chmod +x "$tmp/on"

# mpirun on the first host reaches the others as it would by ssh. What that is called, and which
# network is to be used, is up to Open MPI 4 set as OMPI_MCA_*, and for the starter of Open MPI 5,
# PRRTE, as PRTE_MCA_*.
by_mpirun() {
	local network=10.77.0.0/24
	OMPI_MCA_plm=rsh OMPI_MCA_plm_rsh_agent=$tmp/on OMPI_MCA_oob_tcp_if_include=$network \
		PRTE_MCA_plm=ssh PRTE_MCA_plm_ssh_agent=$tmp/on PRTE_MCA_prte_if_include=$network \
		OMPI_MCA_btl_tcp_if_include=$network OMPI_MCA_mpi_yield_when_idle=1 \
		timeout -k 5 "$((limit + 10))" "$tmp/on" host-1 exec mpirun.openmpi --allow-run-as-root \
		-x DSM_LOG=info -H host-1,host-2,host-3,host-4 -n 4 "$@" \
		>"$tmp/out" 2>&1 || fail "mpirun: status $?: $*: $(cat "$tmp/out")"
	grep -q 'node 3 of 4, provider' "$tmp/out" || fail "no node 3: $(cat "$tmp/out")"
	grep -q 'provider shm' "$tmp/out" && fail "shared memory between hosts: $(cat "$tmp/out")"
}

if command -v mpirun.openmpi >/dev/null && grep -q 'define HAVE_PMIX 1' config.h; then
	by_mpirun tests/system/stress --seconds 3 --dir "$tmp"
	grep -q 'all coherent' "$tmp/out" || fail "no verdict: $(cat "$tmp/out")"
	by_mpirun examples/mpi_halo 64 20
	grep -q 'agree bit by bit' "$tmp/out" || fail "no verdict: $(cat "$tmp/out")"
	by=' by mpirun, too'
else
	by=' not by mpirun, which is not here'
fi
if [ $# != 0 ]; then
	read -r gone sent < <(dropped)
	by+="; of $sent packets $gone were lost and $(disordered) came too early, with $*"
	[[ $* != *loss* ]] || [ "$gone" -gt 0 ] || fail "no packet was lost"
	[[ $* != *reorder* ]] || [ "$(disordered)" -gt 0 ] || fail "no packet came too early"
fi
echo "netns: jobs ran on four hosts,$by"
