#!/bin/bash
# down.sh DIR [--purge]: ends what up.sh started for DIR: its pods through the CRI, then its processes by pid and start
# time. Data (etcd, images) is kept for the next up.sh; --purge removes DIR too.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
D=$(cd "$1" 2> /dev/null && pwd -P) || exit 0
cd "$D" || exit 0
# shellcheck source=processes.sh
. "$here/processes.sh"
signal=TERM
[ "${2:-}" != --purge ] || signal=KILL # there is no data to bring to an end

end_pods() {
  local i
  # Pods outlive a containerd that was killed; only a containerd can take them apart.
  PATH=$BIN:$PATH start containerd "$BIN/containerd" -c etc/containerd.toml
  for ((i = 100; i; i--)); do
    "$BIN/ctr" -a "$D/run/containerd.sock" version > /dev/null 2>&1 && break
    sleep 0.1
  done
  timeout 120 "$BIN/kube" cri-clean "unix://$D/run/containerd.sock" || echo "some pods of $D are left" >&2
}
clean_machine() {
  local groups
  groups=$(find /sys/fs/cgroup -depth -type d -path "*/$BRIDGE*")
  for group in $groups; do
    while read -r pid; do kill -9 "$pid"; done < "$group/cgroup.procs"
  done 2> /dev/null
  awk -v d="$D/" 'index($2, d) == 1 { print $2 }' /proc/self/mounts | sort -r | while read -r m; do umount -l "$m"; done
  "$BIN/kube-proxy" --cleanup > log/kube-proxy-cleanup.log 2>&1
  nft delete table inet "$BRIDGE-guard" 2> /dev/null
  ip link del "$BRIDGE" 2> /dev/null
  for group in $groups; do rmdir "$group" 2> /dev/null; done
}

if [ -f etc/env ]; then
  # shellcheck disable=SC1091
  . etc/env
  stop kubelet $signal
  [ ! -f etc/containerd.toml ] || end_pods
  for name in coredns kube-proxy scheduler controller-manager apiserver; do stop $name $signal; done
  stop containerd
  stop etcd $signal
  [ "$NODE" = 0 ] || clean_machine
fi
if [ "${2:-}" = --purge ]; then cd / && rm -rf "$D"; fi
exit 0
