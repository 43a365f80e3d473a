# shellcheck shell=bash
# Sourced by up.sh: containerd, kubelet, kube-proxy, CoreDNS.
mkdir -p etc/cni
cat > etc/containerd.toml << E
version = 3
root = "$D/containerd"
state = "$D/run/containerd"
[grpc]
  address = "$D/run/containerd.sock"
# The socket of NRI is one per machine.
[plugins."io.containerd.nri.v1.nri"]
  disable = true
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "localhost/pause:1"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  BinaryName = "/usr/sbin/runc"
  SystemdCgroup = false
[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["/usr/lib/cni"]
  conf_dir = "$D/etc/cni"
E
cat > etc/cni/10-bridge.conflist << E
{"cniVersion": "1.0.0", "name": "$BRIDGE", "plugins": [
  {"type": "bridge", "bridge": "$BRIDGE", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$D/run/ipam",
            "ranges": [[{"subnet": "$POD_NET.0.0/16", "gateway": "$GW"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
E
PATH=$BIN:$PATH start containerd "$BIN/containerd" -c etc/containerd.toml

# A cgroup of its own as parent: a kubelet removes pods' cgroups that it does not know.
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir -p "/sys/fs/cgroup/$BRIDGE"
else
  for h in /sys/fs/cgroup/*/; do mkdir -p "$h$BRIDGE" 2> /dev/null || :; done
fi
ctr() { "$BIN/ctr" -a "$D/run/containerd.sock" -n k8s.io "$@"; }
wait_for 30 containerd containerd ctr version
if ! ctr images ls -q | grep -x localhost/pause:1 > /dev/null; then
  mkdir -p run/pause
  install -m 755 "$BIN/pause" run/pause/pause
  # shellcheck disable=SC2154
  "$here/mkimage.sh" localhost/pause:1 run/pause run/pause.tar '{"Entrypoint":["/pause"]}'
  ctr images import run/pause.tar > /dev/null
  rm -r run/pause run/pause.tar
fi

cat > etc/kubelet.yaml << E
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $GW
port: $((PORT + 5))
healthzBindAddress: 127.0.0.1
healthzPort: $((PORT + 6))
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $D/pki/ca.crt}}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix://$D/run/containerd.sock
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /$BRIDGE
enforceNodeAllocatable: []
failSwapOn: false
makeIPTablesUtilChains: false
maxPods: $MAX_PODS
serializeImagePulls: false
clusterDNS: ["$GW"]
clusterDomain: cluster.local
podLogsDir: $D/log/pods
# Once a minute by default: a full scratch would be seen only then.
volumeStatsAggPeriod: 10s
volumePluginDir: $D/kubelet-plugins
imageGCHighThresholdPercent: 100
evictionHard: {nodefs.available: "0%", imagefs.available: "0%"}
E
# It ends when its configuration is written again, and this runs again to bring back what was killed.
[ -f etc/kube-proxy.yaml ] || cat > etc/kube-proxy.yaml << E
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: $PROXY
hostnameOverride: node1
clientConnection: {kubeconfig: $D/pki/kube-proxy.conf}
clusterCIDR: $POD_NET.0.0/16
healthzBindAddress: 127.0.0.1:$((PORT + 7))
metricsBindAddress: 127.0.0.1:$((PORT + 8))
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
E
# Two blocks, as `template` comes before `kubernetes` within one: names outside of the cluster get NXDOMAIN at once
# instead of a time-out.
cat > etc/Corefile << E
cluster.local in-addr.arpa {
  bind $GW
  errors
  kubernetes {
    kubeconfig $D/pki/coredns.conf c
    ttl 5
  }
  cache 5
}
. {
  bind $GW
  template ANY ANY {
    rcode NXDOMAIN
  }
}
E
start kubelet "$BIN/kubelet" --config etc/kubelet.yaml --kubeconfig pki/node.conf --hostname-override node1 \
  --node-ip "$GW" --root-dir "$D/kubelet" --cert-dir "$D/kubelet-pki"
start kube-proxy "$BIN/kube-proxy" --config etc/kube-proxy.yaml
"$BIN/kubectl" apply -f - > /dev/null << E
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: system:coredns}
rules:
- {apiGroups: [""], resources: [endpoints, services, pods, namespaces], verbs: [list, watch]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: system:coredns}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:coredns}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: system:coredns}]
E
start coredns "$BIN/coredns" -conf etc/Corefile
node_ready() {
  "$BIN/kubectl" get node node1 -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' | grep True
}
wait_for 120 "ready node" kubelet node_ready
# A Node object stays Ready for a while after its kubelet has died.
for name in etcd apiserver controller-manager scheduler containerd kubelet kube-proxy coredns; do
  running $name || {
    echo "$name has ended; the end of its log: $(tail -n 3 log/$name.log)" >&2
    exit 1
  }
done
