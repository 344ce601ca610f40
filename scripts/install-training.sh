#!/bin/sh
# install-training.sh [--check]: the pinned Python environment that training needs, in the cache
# folder; prints its interpreter. PyTorch is some gigabytes, so nothing but training installs it.
# --check only looks: prints the interpreter when the environment of this very list is there, else
# fails.
set -eu
cd "$(dirname "$0")/.."

list=models/training/requirements.txt
version=$(sha256sum "$list" | cut -c 1-12)
place=${XDG_CACHE_HOME:-$HOME/.cache}/carrier/training/$version
python=$place/bin/python

if [ ! -e "$place/complete" ]; then
    if [ "${1:-}" = --check ]; then
        exit 1
    fi
    echo "Installing PyTorch and what else $list names, once; this takes minutes." >&2
    rm -rf "$place"
    python3 -m venv "$place"
    "$place/bin/pip" install --quiet --disable-pip-version-check -r "$list" >&2
    # A half-done installation must not look like a whole one.
    : >"$place/complete"
fi
echo "$python"
