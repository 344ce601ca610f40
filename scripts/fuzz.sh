#!/bin/sh
# Fuzzes what reads bytes of strangers (signaling/src/fuzz.rs): fuzz.sh [SECONDS [TARGET...]]
#
# libFuzzer with the stable compiler: instrumentation is one of LLVM's passes, and only sanitizers
# would need a nightly; everything here is safe Rust, where a bug is a panic, a hang or a hunger for
# memory. What it learns stays below target; what breaks is written to signaling/fuzz/crashes, and
# belongs into signaling/fuzz/corpus/TARGET once it is mended, where `make test` tries it again.
set -eu
cd "$(dirname "$0")/../signaling/fuzz"

seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- offer publish fragment whep demux peer rtcp media

target=${CARGO_TARGET_DIR:-../../target}/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="-C passes=sancov-module -C codegen-units=1 -C llvm-args=-sanitizer-coverage-level=4 \
-C llvm-args=-sanitizer-coverage-inline-8bit-counters -C llvm-args=-sanitizer-coverage-pc-table \
-C llvm-args=-sanitizer-coverage-trace-compares"
export RUSTFLAGS
# With a target named, build scripts and macros are not instrumented.
CARGO_TARGET_DIR=$target cargo build --release --target "$host"

mkdir -p crashes
for name in "$@"; do
    printf '\n==> %s, %s s\n' "$name" "$seconds"
    mkdir -p "$target/corpus/$name"
    FUZZ_TARGET=$name "$target/$host/release/signaling-fuzz" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="crashes/$name-" "$target/corpus/$name" "corpus/$name"
done
