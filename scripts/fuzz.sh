#!/bin/sh
# Fuzzes the parsers of untrusted input: fuzz.sh [SECONDS [TARGET...]]
#
# libFuzzer with the stable compiler: instrumentation is one of LLVM's passes, and only sanitizers would
# need a nightly; everything here is safe Rust, where a bug is a panic, a hang or unbounded memory. The
# learned corpus stays below target. Input that breaks something is written to fuzz/crashes of its crate;
# once the bug is fixed it belongs into fuzz/corpus/TARGET, which `make test` runs each time.
set -eu
cd "$(dirname "$0")/.."

seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- offer publish fragment whep demux stun peer rtcp media member shared-log pairing manifest model-file outputs upload http

target=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="-C passes=sancov-module -C codegen-units=1 -C llvm-args=-sanitizer-coverage-level=4 \
-C llvm-args=-sanitizer-coverage-inline-8bit-counters -C llvm-args=-sanitizer-coverage-pc-table \
-C llvm-args=-sanitizer-coverage-trace-compares"
export RUSTFLAGS

built=''
for name in "$@"; do
    folder=''
    for found in ./*/fuzz/corpus/"$name"; do
        # What earlier runs learned lies below target under the same name.
        [ "${found#./target/}" != "$found" ] || folder=$found
    done
    crate=$(basename "${folder%/fuzz/corpus/*}")
    if [ ! -d "$folder" ]; then
        echo "There is no target $name." >&2
        exit 2
    fi
    if [ "$built" != "$crate" ]; then
        # With a target named, build scripts and macros are not instrumented.
        (cd "$crate/fuzz" && CARGO_TARGET_DIR=$target cargo build --release --target "$host")
        built=$crate
    fi
    printf '\n==> %s, %s s\n' "$name" "$seconds"
    mkdir -p "$crate/fuzz/crashes" "$target/corpus/$name"
    FUZZ_TARGET=$name "$target/$host/release/$crate-fuzz" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="$crate/fuzz/crashes/$name-" "$target/corpus/$name" "$folder"
done
