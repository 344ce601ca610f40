#!/bin/sh
# Builds the program, fetches ONNX Runtime ($RUNTIME), and lists what is in them for the bill of materials, in /out.
set -eu
cd "$(dirname "$0")/../.."
. k8s/image/access.sh
. k8s/image/architecture.sh

export RUSTUP_HOME=/opt/rustup PATH="/opt/cargo/bin:$PATH"
# Neither the installed version nor components of rust-toolchain.toml.
RUSTUP_TOOLCHAIN=$(ls /opt/rustup/toolchains)
export RUSTUP_TOOLCHAIN
# Kept from one build to the next where the builder has a cache; the paths are in the program.
export CARGO_HOME=/var/cache/carrier/cargo CARGO_TARGET_DIR=/var/cache/carrier/target CARGO_INCREMENTAL=0
export PKG_CONFIG_PATH=/opt/opencv/lib/pkgconfig
mkdir -p "$CARGO_HOME"
rm -f "$CARGO_HOME/config.toml"
[ ! -f /run/secrets/cargo ] || ln -s /run/secrets/cargo "$CARGO_HOME/config.toml"

target=$machine-unknown-linux-gnu
if [ -n "$of_arch" ]; then
    export PKG_CONFIG_ALLOW_CROSS=1
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$triplet-gcc
fi
cargo build --locked --release --package carrier --features mesh --target "$target"

mkdir -p /out
cp "$CARGO_TARGET_DIR/$target/release/carrier" /out/program
"$triplet-strip" --strip-debug /out/program
cargo metadata --locked --format-version 1 --filter-platform "$target" >/tmp/crates.json
python3 scripts/sbom.py program "$RUNTIME" </tmp/crates.json >/out/components.json

XDG_CACHE_HOME=/out scripts/fetch-runtime.sh "$RUNTIME" "$machine"
# Here, since the sources of the crates are only here.
scripts/licences.py --runtime "/out/carrier/runtime/$RUNTIME/onnxruntime" --target "$target" >/out/copyright
