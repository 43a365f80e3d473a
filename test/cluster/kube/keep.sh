#!/bin/bash
# keep.sh: starts a cluster in a temporary folder of its own, prints "ready FOLDER", waits until its input ends, then
# removes the cluster with all that it left. Whoever starts this holds the other end of its input, so that the cluster
# also ends with a test process that is killed. What a killed keep.sh leaves is removed by the next one.
# Environment: that of up.sh, but for PORT.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=processes.sh
. "$here/processes.sh"
tmp=${TMPDIR:-/tmp} NODE=${NODE:-0}
node_lock=/run/pipewright-node # holds the folder of the last node

remove_remains() { # DIR
  [ -d "$1" ] || return 0
  echo "removing what an ended test left in $1" >&2
  "$here/down.sh" "$1" --purge 8>&- 9>&-
}
if [ "$NODE" = 1 ]; then
  exec 9>> "$node_lock"
  flock -n 9 || {
    echo "waiting for the node of another test, in $(cat "$node_lock")" >&2
    flock 9
  }
  last=$(cat "$node_lock")
  [ -z "$last" ] || remove_remains "$last"
fi
for keeper in "$tmp"/pipewright-kube-*/keeper; do
  { read -r pid at node < "$keeper"; } 2> /dev/null || continue
  # A node touches what all nodes share: only who holds their lock may remove it.
  [ "$node" = 1 ] || alive "$pid" "$at" || remove_remains "${keeper%/keeper}"
done

D=$(mktemp -d "$tmp/pipewright-kube-XXXXXX")
echo "$$ $(started $$) $NODE" > "$D/keeper"
[ "$NODE" = 0 ] || echo "$D" > "$node_lock"
trap '"$here/down.sh" "$D" --purge 8>&- 9>&-' EXIT
trap exit INT TERM HUP

# A lock per range, held as long as this lives: two starts at once must not choose the same free ports.
free() {
  local port
  for port in $(seq "$1" $(($1 + 9))); do
    ! (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null || return 1
  done
}
locks=/tmp/pipewright-kube-ports-$UID # whatever TMPDIR is
mkdir -p "$locks"
# Below the range that the system takes for outgoing connections.
for PORT in $(seq 20000 10 29990 | shuf); do
  exec 8> "$locks/$PORT"
  flock -n 8 && free "$PORT" && break
done

export PORT
if ! "$here/up.sh" "$D" < /dev/null > "$D/up.log" 2>&1 8>&- 9>&-; then
  cat "$D/up.log" >&2
  exit 1
fi
trap '' PIPE # whoever started this may have gone
echo "ready $D"
while read -r _; do :; done
