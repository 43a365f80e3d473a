#!/bin/bash
# mkimage.sh NAME:TAG FOLDER OUT.tar CONFIG_JSON: packs a root file system as an image of one layer (docker-archive), which
# `ctr -n k8s.io images import` and `buildah pull docker-archive:` read.
set -euo pipefail
name=$1 rootfs=$2 out=$(realpath -m "$3") config=$4
case $(uname -m) in
  x86_64) arch=amd64 ;;
  aarch64) arch=arm64 ;;
  *) arch=$(uname -m) ;;
esac
t=$(mktemp -d "$(dirname "$out")/.image.XXXXXX")
trap 'rm -rf "$t"' EXIT
tar -C "$rootfs" --numeric-owner --sort=name \
  --exclude=./proc/* --exclude=./sys/* --exclude=./dev/* -cf "$t/layer.tar" .
sum=$(sha256sum "$t/layer.tar" | cut -d' ' -f1)
# Without "history" buildah cannot commit a second layer on top.
printf '{"architecture":"%s","os":"linux","config":%s,"history":[{"created_by":"mkimage.sh"}],"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
  "$arch" "$config" "$sum" > "$t/config.json"
printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$name" > "$t/manifest.json"
tar -C "$t" -cf "$out" manifest.json config.json layer.tar
