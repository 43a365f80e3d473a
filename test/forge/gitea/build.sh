#!/bin/bash
# build.sh FOLDER: builds Gitea into FOLDER, with the files that it reads at run time; FOLDER then exists as a whole or not at
# all. Does nothing where it exists. Needs Go, its module proxy and a C compiler (for SQLite).
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
cd "$here"
version=$(go list -m -f '{{.Version}}' code.gitea.io/gitea)
module=$(go list -m -f '{{.Dir}}' code.gitea.io/gitea)
echo "building Gitea $version"
CGO_ENABLED=1 go build -trimpath -tags 'sqlite sqlite_unlock_notify' -ldflags "-s -w -X main.Version=${version#v}" \
  -o "$tmp/gitea" code.gitea.io/gitea
cp -r "$module"/{templates,options,public} "$tmp"
chmod -R u+w,a+rX "$tmp"
mv -T "$tmp" "$out"
