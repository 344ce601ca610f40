#!/bin/sh
# Checks the program with the oldest compiler that it promises to build with (`rust-version` in Cargo.toml), which rustup
# installs beside the others. Where that is impossible it says so, and nothing was checked.
set -eu
cd "$(dirname "$0")/.."

version=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
case $version in
*.*.*) ;;
*) version=$version.0 ;;
esac
case $(rustc --version) in
"rustc $version "*)
    echo "msrv: this compiler is $version, the oldest one: every build here is the check."
    exit 0
    ;;
esac
if ! command -v rustup >/dev/null 2>&1; then
    echo "Skipped: the oldest compiler, $version, since there is no rustup to install it" >&2
    exit 0
fi
if ! rustup run "$version" rustc --version >/dev/null 2>&1 &&
    ! rustup toolchain install "$version" --profile minimal --no-self-update; then
    echo "Skipped: the oldest compiler, $version, since rustup cannot install it" >&2
    exit 0
fi
echo "msrv: checking the program with Rust $version"
# A folder of its own, so that no other build is done again. It overrides rust-toolchain.toml.
RUSTUP_TOOLCHAIN=$version cargo check --workspace --locked --target-dir "${CARGO_TARGET_DIR:-target}/msrv"
echo "msrv: the program builds with Rust $version"
