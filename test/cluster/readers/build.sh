#!/bin/bash
# build.sh FOLDER: builds the program that reads objects as others do into FOLDER, which then exists as a whole or not at all. Does
# nothing where it exists. Needs Go and its module proxy.
set -euo pipefail
out=$1
exec 9> "$out.lock" # two test files build once; the kernel frees it with the process
flock 9
[ ! -e "$out" ] || exit 0
rm -rf "$out".tmp.* # of a build that was killed
tmp=$(mktemp -d "$out.tmp.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
cd "$(dirname "${BASH_SOURCE[0]}")"
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$tmp/readers" .
mv -T "$tmp" "$out"
