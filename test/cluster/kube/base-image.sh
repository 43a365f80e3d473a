#!/bin/bash
# base-image.sh FOLDER NODE NPM TAG: a minimal Debian with the program NODE as FOLDER/base.tar (image TAG), and the same with
# the npm of the folder NPM as FOLDER/build.tar (image TAG-build). FOLDER then exists as a whole or not at all; does nothing
# where it exists. Needs root and a Debian mirror.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$1 node=$2 npm=$3 tag=$4
exec 9> "$out.lock" # two test files make it once
flock 9
[ ! -e "$out" ] || exit 0
umask 022
rm -rf "$out".tmp.* # of a build that was killed
tmp=$(mktemp -d "$out.tmp.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"

# shellcheck disable=SC1091
. /etc/os-release
# The mirror that this machine uses; debootstrap has a default.
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' "Codename: $VERSION_CODENAME" | sed -n 1p)
root=$tmp/root
# shellcheck disable=SC2086
debootstrap --variant=minbase "$VERSION_CODENAME" "$root" $mirror > "$tmp/log" 2>&1 || {
  tail -n 5 "$tmp/log" >&2
  exit 1
}
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,info,locale}/*
install -m 755 "$node" "$root/usr/local/bin/node"
config='{"Cmd":["node"],"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}'
"$here/mkimage.sh" "$tag" "$root" "$tmp/base.tar" "$config"

mkdir -p "$root/usr/local/lib/node_modules"
cp -R --preserve=mode "$npm" "$root/usr/local/lib/node_modules/npm"
for name in npm npx; do ln -s "../lib/node_modules/npm/bin/$name-cli.js" "$root/usr/local/bin/$name"; done
"$here/mkimage.sh" "$tag-build" "$root" "$tmp/build.tar" "$config"

rm -rf "$root" "$tmp/log"
mv -T "$tmp" "$out"
