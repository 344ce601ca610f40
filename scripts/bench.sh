#!/bin/sh
# Measures what a frame costs, how late it is shown and what viewers add, and puts the result into
# BENCHMARKS.md. Some four minutes once everything is built; the machine should do nothing else.
set -eu
cd "$(dirname "$0")/.."

scripts/install-test-needs.sh
# What is measured is what `make run` starts; the viewers are built beside it.
cargo build --release
cargo build --release --workspace --example light_viewers

target=${CARGO_TARGET_DIR:-target}
CARRIER_BIN=$(realpath "$target/release/carrier")
LIGHT_VIEWERS=$(realpath "$target/release/examples/light_viewers")
export CARRIER_BIN LIGHT_VIEWERS

# The model, where the checkout has a neighbour that holds it.
if [ -z "${CARRIER_SHARED:-}" ] && [ -d ../shared ]; then
    CARRIER_SHARED=$(realpath ../shared)
    export CARRIER_SHARED
fi
exec node web/bench/bench.mjs BENCHMARKS.md
