# shellcheck shell=sh
# Sourced by bench.sh, bench-network.sh, bench-power.sh and soak.sh: builds the program, the light viewers and the lossy
# link, in one build so that they share the dependencies, and exports where they are.
cd "$(dirname "$0")/.."
scripts/install-test-needs.sh
cargo build --release --package carrier --package signaling --bin carrier --example light_viewers --example lossy_link

target=${CARGO_TARGET_DIR:-target}
CARRIER_BIN=$(realpath "$target/release/carrier")
LIGHT_VIEWERS=$(realpath "$target/release/examples/light_viewers")
LOSSY_LINK=$(realpath "$target/release/examples/lossy_link")
export CARRIER_BIN LIGHT_VIEWERS LOSSY_LINK

# Models and clips, where the checkout has a neighbour that holds them.
if [ -z "${CARRIER_SHARED:-}" ] && [ -d ../shared ]; then
    CARRIER_SHARED=$(realpath ../shared)
    export CARRIER_SHARED
fi
