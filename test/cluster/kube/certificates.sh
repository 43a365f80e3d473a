# shellcheck shell=bash
# Sourced by up.sh: keys, certificates and kubeconfigs under pki/.
key() { openssl ecparam -genkey -noout -name prime256v1 -out "$1"; }
cert() { # NAME SUBJECT [SAN]
  [ -f "pki/$1.crt" ] && return
  key "pki/$1.key"
  openssl req -new -key "pki/$1.key" -subj "$2" |
    openssl x509 -req -CA pki/ca.crt -CAkey pki/ca.key -days 3650 -out "pki/$1.crt" \
      -set_serial "0x$(openssl rand -hex 16)" \
      -extfile <(printf '%s\n' "subjectAltName=${3:-DNS:$1}" extendedKeyUsage=serverAuth,clientAuth) 2> /dev/null
}
conf() { # NAME: pki/NAME.conf, a kubeconfig
  cat > "pki/$1.conf" << E
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:$PORT", certificate-authority-data: "$(base64 -w0 pki/ca.crt)"}}]
users: [{name: u, user: {client-certificate-data: "$(base64 -w0 "pki/$1.crt")", client-key-data: "$(base64 -w0 "pki/$1.key")"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
E
}
if [ ! -f pki/ca.crt ]; then
  key pki/ca.key
  openssl req -x509 -new -key pki/ca.key -subj /CN=kube-ca -days 3650 -out pki/ca.crt
  key pki/sa.key
  openssl ec -in pki/sa.key -pubout -out pki/sa.pub 2> /dev/null
fi
name=kubernetes.default.svc
cert apiserver /CN=kube-apiserver "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:$name,DNS:$name.cluster.local,IP:127.0.0.1,IP:$SVC_NET.0.1,IP:$GW"
cert admin /O=system:masters/CN=admin
cert controller-manager /CN=system:kube-controller-manager
cert scheduler /CN=system:kube-scheduler
for user in admin controller-manager scheduler; do conf $user; done
if [ "$NODE" = 1 ]; then
  cert node /O=system:nodes/CN=system:node:node1
  cert kube-proxy /CN=system:kube-proxy
  cert coredns /CN=system:coredns
  for user in node kube-proxy coredns; do conf $user; done
fi
