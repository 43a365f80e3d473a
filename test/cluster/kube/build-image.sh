#!/bin/bash
# build-image.sh STORE load TAG TAR                                     takes an image into STORE, if TAG is not there
# build-image.sh STORE build TAG TAR DOCKERFILE CONTEXT [OPTION...]     builds with buildah into STORE and writes TAR
# With no registry for images and no daemon. STORE is buildah's; it keeps layers for the next build. TAR is a docker-archive.
# CA_FILE: the machine's CA bundle, for RUN steps: they find it at /run/ca.pem, and npm uses it. npm's settings are mounted as
# its global ones, for whatever user a step runs as.
set -euo pipefail
mkdir -p "$1"
store=$(cd "$1" && pwd -P)
mode=$2 tag=$3 tar=$(realpath -m "$4")
shift 4
exec 9> "$store/lock" # builds of the same steps share them instead of doing each twice
flock 9
cat > "$store/storage.conf" << E
[storage]
driver = "overlay"
graphroot = "$store/graph"
runroot = "$store/run"
E
echo '{"default": [{"type": "insecureAcceptAnything"}]}' > "$store/policy.json"
export CONTAINERS_STORAGE_CONF=$store/storage.conf
buildah() { command buildah --signature-policy "$store/policy.json" "$@"; }

if [ "$mode" = load ]; then
  buildah inspect --type image "$tag" > /dev/null 2>&1 || buildah pull -q "docker-archive:$tar" > /dev/null
  exit
fi
dockerfile=$1 context=$2
shift 2
mounts=()
{
  echo "registry=$(npm config get registry)"
  [ -z "${CA_FILE:-}" ] || echo cafile=/run/ca.pem
} > "$store/npmrc"
[ -z "${CA_FILE:-}" ] || mounts+=(-v "$CA_FILE:/run/ca.pem:ro")
buildah bud --layers --isolation chroot --network host --pull-never "${mounts[@]}" -v "$store/npmrc:/usr/local/etc/npmrc:ro" \
  -f "$dockerfile" -t "$tag" "$@" "$context"
rm -f "$tar.tmp"
buildah push -q "$tag" "docker-archive:$tar.tmp:$tag"
mv "$tar.tmp" "$tar"
