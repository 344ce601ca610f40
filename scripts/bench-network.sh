#!/bin/sh
# Measures what viewers get over lossy, slow networks, and puts the result into BENCHMARKS.md. Some
# eleven minutes once everything is built; the machine should do nothing else. With --quick: a
# minute, three networks, and nothing is written.
set -eu
cd "$(dirname "$0")/.."

scripts/install-test-needs.sh
# What is measured is what `make run` starts; viewers and relay are built beside it.
cargo build --release
cargo build --release --workspace --example light_viewers --example lossy_link

target=${CARGO_TARGET_DIR:-target}
CARRIER_BIN=$(realpath "$target/release/carrier")
LIGHT_VIEWERS=$(realpath "$target/release/examples/light_viewers")
LOSSY_LINK=$(realpath "$target/release/examples/lossy_link")
export CARRIER_BIN LIGHT_VIEWERS LOSSY_LINK
if [ "${1:-}" = --quick ]; then
    exec node web/bench/network.mjs --quick
fi
exec node web/bench/network.mjs BENCHMARKS.md
