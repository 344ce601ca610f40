#!/bin/sh
# Runs everything: what `make test` and the CI do. A step that fails fails the run, but the steps
# that do not depend on it still run, so that one run shows all there is to mend.
set -u
cd "$(dirname "$0")/.." || exit 1

started=$(date +%s)
failed=''

elapsed() {
    echo "$(($(date +%s) - started))"
}

# step NAME COMMAND...: runs it under a headline, with its time; remembers a failure.
step() {
    name=$1
    shift
    printf '\n==> %s\n' "$name"
    before=$(elapsed)
    result=ok
    "$@" || result=FAILED
    printf -- '--- %s: %s, %s s\n' "$name" "$result" "$(($(elapsed) - before))"
    [ "$result" = ok ] || failed="$failed
  $name"
    [ "$result" = ok ]
}

browser_tests() {
    # The integration tests have just built it; a build of its own would choose other features of
    # the dependencies and build half of them again.
    CARRIER_BIN=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/carrier \
        node web/tests/browser/run.mjs
}

javascript_tests() {
    # Older Node takes files, not a folder.
    node --test web/tests/js/*.test.*js
}

scripts/install-build-needs.sh || exit 1
scripts/install-test-needs.sh || exit 1
scripts/fetch-runtime.sh cpu || echo "Tests that need ONNX Runtime will say that they skip."

# Real models, clips and pictures, where the checkout has a neighbour that holds them.
if [ -z "${CARRIER_SHARED:-}" ] && [ -d ../shared ]; then
    CARRIER_SHARED=$(realpath ../shared)
    export CARRIER_SHARED
fi
[ -n "${CARRIER_SHARED:-}" ] || echo "CARRIER_SHARED is not set: tests with real models will skip."

step "formatting" cargo fmt --all --check
step "the page's own code" javascript_tests
step "clippy" cargo clippy --workspace --all-targets --locked -- -D warnings
step "documentation" env RUSTDOCFLAGS="-D warnings" \
    cargo doc --workspace --no-deps --locked
step "licences and sources" scripts/audit.sh licences
step "unit and integration tests" cargo test --workspace --locked --no-fail-fast
step "browser" browser_tests

# PyTorch is some gigabytes: where nobody trains, nobody waits for it.
if scripts/install-training.sh --check >/dev/null; then
    step "training, on 200 pictures" scripts/test-training.sh
else
    echo "Left out: training, since its Python environment is not installed. Run: make test-training"
fi

# The virtual machine needs some minutes of its own; CARRIER_TEST_DEVICES=1 insists.
if [ "${CARRIER_TEST_DEVICES:-}" = 1 ] || [ "$(elapsed)" -lt 900 ]; then
    step "a real V4L2 driver" scripts/test-devices.sh
else
    echo "Left out after $(elapsed) s: the virtual machine with a camera. Run: make test-devices"
fi

if [ -n "$failed" ]; then
    printf '\nFailed after %s s:%s\n' "$(elapsed)" "$failed"
    exit 1
fi
printf '\nAll passed in %s s.\n' "$(elapsed)"
