# shellcheck shell=bash
# Sourced by up.sh: etcd, API server, controller manager, scheduler.
etcd=http://127.0.0.1:$((PORT + 1)) peer=http://127.0.0.1:$((PORT + 2))
start etcd "$BIN/etcd" --data-dir etcd --unsafe-no-fsync --log-level warn \
  --listen-client-urls "$etcd" --advertise-client-urls "$etcd" \
  --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer"

if [ "$NODE" = 1 ]; then
  # Pods reach the API server on the bridge, whose address is the node's; nobody reaches it from outside of the machine.
  ip link show "$BRIDGE" > /dev/null 2>&1 || ip link add "$BRIDGE" type bridge
  ip -o addr show dev "$BRIDGE" | grep -F " $GW/16 " > /dev/null || ip addr add "$GW/16" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  echo 1 > /proc/sys/net/ipv4/ip_forward
  nft -f - << E
table inet $BRIDGE-guard {}
delete table inet $BRIDGE-guard
table inet $BRIDGE-guard {
  chain input {
    type filter hook input priority -10;
    iifname != { "lo", "$BRIDGE" } tcp dport $PORT-$((PORT + 9)) drop
  }
}
E
  reach=(--bind-address=0.0.0.0 "--advertise-address=$GW")
else
  reach=(--bind-address=127.0.0.1 --advertise-address=127.0.0.1 --endpoint-reconciler-type=none)
fi
# shellcheck disable=SC2086
start apiserver "$BIN/kube-apiserver" "${reach[@]}" --secure-port=$PORT --etcd-servers="$etcd" \
  --cert-dir=run --tls-cert-file=pki/apiserver.crt --tls-private-key-file=pki/apiserver.key --client-ca-file=pki/ca.crt \
  --service-account-key-file=pki/sa.pub --service-account-signing-key-file=pki/sa.key \
  --service-account-issuer=https://kubernetes.default.svc --service-cluster-ip-range="$SVC_NET.0.0/16" \
  --authorization-mode=Node,RBAC --allow-privileged \
  --kubelet-client-certificate=pki/admin.crt --kubelet-client-key=pki/admin.key \
  --kubelet-preferred-address-types=InternalIP ${APISERVER_ARGS:-}
ready() {
  curl -sf --max-time 2 --cacert pki/ca.crt --cert pki/admin.crt --key pki/admin.key "https://127.0.0.1:$PORT$1"
}
wait_for 90 "API server" apiserver ready /readyz

if [ -x "$BIN/kube-controller-manager" ]; then
  # With the default limits on calls its controllers take 4 s longer to start.
  # shellcheck disable=SC2086
  start controller-manager "$BIN/kube-controller-manager" --kubeconfig=pki/controller-manager.conf \
    --bind-address=127.0.0.1 --secure-port=$((PORT + 3)) --leader-elect=false --kube-api-qps=200 --kube-api-burst=400 \
    --service-account-private-key-file=pki/sa.key --root-ca-file=pki/ca.crt --use-service-account-credentials \
    --cluster-signing-cert-file=pki/ca.crt --cluster-signing-key-file=pki/ca.key --cert-dir=run ${KCM_ARGS:-}
  # shellcheck disable=SC2086
  start scheduler "$BIN/kube-scheduler" --kubeconfig=pki/scheduler.conf --bind-address=127.0.0.1 \
    --secure-port=$((PORT + 4)) --cert-dir=run --leader-elect=false ${SCHED_ARGS:-}
  # Without it the API server refuses every pod.
  wait_for 60 "default service account" controller-manager ready /api/v1/namespaces/default/serviceaccounts/default
fi
