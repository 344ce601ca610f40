#!/bin/sh
# soak.sh [MINUTES]: viewers, uploads and malicious traffic against the release build; fails unless memory,
# descriptors and frame rate stay flat. An hour by default; the machine should do nothing else.
set -eu
cd "$(dirname "$0")/.."

scripts/install-test-needs.sh
cargo build --release
cargo build --release --workspace --example light_viewers

target=${CARGO_TARGET_DIR:-target}
CARRIER_BIN=$(realpath "$target/release/carrier")
LIGHT_VIEWERS=$(realpath "$target/release/examples/light_viewers")
export CARRIER_BIN LIGHT_VIEWERS
exec node web/bench/soak.mjs --minutes "${1:-60}"
