#!/bin/sh
# Builds the image for the processor of this machine twice, the second time from nothing but OpenCV, and fails unless both
# have the same files. Takes as long as two release builds.
set -eu
cd "$(dirname "$0")/.."

out=${CARGO_TARGET_DIR:-target}/image
archive=$out/carrier-$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' Cargo.toml)-cpu-$(dpkg --print-architecture).tar
scripts/image.sh cpu
mv "$archive" "$out/first.tar"
FRESH=yes scripts/image.sh cpu
python3 k8s/image/archive.py "$archive" compare "$out/first.tar"
rm "$out/first.tar"
