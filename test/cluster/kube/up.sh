#!/bin/bash
# up.sh DIR: starts a control plane, and with NODE=1 a single-node Kubernetes, whose whole state lies under DIR. What
# already runs is left alone, and data that down.sh kept is used again: `up.sh DIR` brings back a part that was killed.
#
# Environment at the first call; a later one takes NODE, PORT, BRIDGE and BIN from then:
#   BIN       folder with etcd and kube-apiserver; with kube-controller-manager, kube-scheduler and kubectl these run too
#             (build.sh makes it; a node needs all of it)
#   NODE      1: with a node, as root; 0: control plane only (0)
#   PORT      first of 10 consecutive ports (16440): the API server's
#   BRIDGE    name of bridge, cgroup and nft table, at most 15 letters (kube0)
#   POD_NET   first two numbers of the pods' network (10.244)
#   SVC_NET   first two numbers of the services' network (10.96)
#   MAX_PODS  the kubelet's maxPods (110)
#   PROXY     kube-proxy's mode: nftables or iptables (nftables)
#   APISERVER_ARGS, KCM_ARGS, SCHED_ARGS: more flags
set -euo pipefail # so no `... | grep -q`: it may end the writer by SIGPIPE
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
D=$(cd "$1" && pwd -P)
# shellcheck disable=SC1091
[ ! -f "$D/etc/env" ] || . "$D/etc/env"
BIN=$(cd "$BIN" && pwd -P)
NODE=${NODE:-0} PORT=${PORT:-16440} BRIDGE=${BRIDGE:-kube0}
POD_NET=${POD_NET:-10.244} SVC_NET=${SVC_NET:-10.96}
MAX_PODS=${MAX_PODS:-110} PROXY=${PROXY:-nftables}
GW=$POD_NET.0.1
# Paths of Unix sockets are limited to 107 bytes; the kubelet's are the longest.
[ ${#D} -le 60 ] || {
  echo "the path of $D is longer than 60 letters, too long for sockets; set TMPDIR to a shorter folder" >&2
  exit 2
}
# containerd makes snapshot roots by its umask: with 077 no container could run as non-root.
umask 022
cd "$D"
mkdir -p pki log run etc etcd
chmod 700 pki etcd run log
printf '%s=%q\n' NODE "$NODE" PORT "$PORT" BRIDGE "$BRIDGE" BIN "$BIN" > etc/env
export KUBECONFIG=$D/pki/admin.conf

# shellcheck source=processes.sh
. "$here/processes.sh"
wait_for() { # SECONDS WHAT NAME COMMAND...: until the command succeeds, and no longer than process NAME lives
  local until=$((SECONDS + $1)) what=$2 name=$3
  shift 3
  until "$@" > /dev/null 2>&1; do
    if [ $SECONDS -ge $until ] || ! running "$name"; then
      echo "no $what; the end of $name.log: $(tail -n 3 "log/$name.log")" >&2
      exit 1
    fi
    sleep 0.1
  done
}

# shellcheck source=certificates.sh
. "$here/certificates.sh"
# shellcheck source=control-plane.sh
. "$here/control-plane.sh"
# shellcheck source=node.sh
[ "$NODE" = 0 ] || . "$here/node.sh"
