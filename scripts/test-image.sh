#!/bin/sh
# test-image.sh [ARCHIVE]: runs the image that `make image` has written, the way the Deployment in k8s/ does: user, no
# capabilities, read-only root, seccomp. A browser watches, the booth makes a picture, and the end is in time. Needs root.
set -eu
cd "$(dirname "$0")/.."

version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' Cargo.toml)
archive=${1:-${CARGO_TARGET_DIR:-target}/image/carrier-$version-cpu-$(dpkg --print-architecture).tar}
scripts/install-image-tools.sh test
scripts/install-test-needs.sh
if [ ! -f "$archive" ]; then
    echo "There is no $archive: make image" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "Running the image needs root." >&2
    exit 1
fi
place=$(scripts/install-k8s-tools.sh)
export PYTHONDONTWRITEBYTECODE=1
unshare --net --mount "$place/bin/python" k8s/tests/image.py "$place/bin/kubectl" "$archive" "$(command -v node)"
echo "The image works as the Deployment runs it."
