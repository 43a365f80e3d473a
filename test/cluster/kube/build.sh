#!/bin/bash
# build.sh FOLDER: builds every binary into FOLDER, which then exists as a whole or not at all; does nothing where it
# exists. Needs Go and its module proxy only.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$1
exec 9> "$out.lock" # two test files build once; the kernel frees it with the process
flock 9
[ ! -e "$out" ] || exit 0
rm -rf "$out".tmp.* # of a build that was killed
tmp=$(mktemp -d "$out.tmp.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
# Statically linked: pause runs in an image that holds nothing else.
export CGO_ENABLED=0 GOBIN=$tmp
version=$(sed -n 's|^\tk8s.io/kubernetes \(v[^ ]*\)$|\1|p' "$here/go.mod")
IFS=. read -r major minor _ <<< "${version#v}"
component=k8s.io/component-base/version

cd "$here"
echo "building Kubernetes $version"
go build -trimpath -ldflags "-s -w" -o "$tmp/pause" ./pause
go build -trimpath -o "$tmp/kube" -ldflags "-s -w -X $component.gitVersion=$version
  -X $component.gitMajor=$major -X $component.gitMinor=$minor" .
cd / # outside of any module
for module in github.com/containerd/containerd/v2/cmd/{containerd,containerd-shim-runc-v2,ctr}@v2.3.7 \
  github.com/coredns/coredns@v1.15.0 helm.sh/helm/v4/cmd/helm@v4.3.1; do
  echo "building ${module##*/}"
  go install -trimpath -ldflags "-s -w" "$module"
done
for part in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
  ln -s kube "$tmp/$part"
done
mv -T "$tmp" "$out"
