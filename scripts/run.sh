#!/bin/sh
# run.sh FLAVOUR [ARGUMENT...]: what `make run` does. Each step is silent and quick when its work is
# done already, so that a second run starts at once. A missing ONNX Runtime does not stop it: carrier
# shows the feed without boxes then, and says what to do. A model needs no step: one is built in.
set -eu
cd "$(dirname "$0")/.."

flavour=$1
shift
scripts/install-build-needs.sh
status=0
scripts/fetch-runtime.sh ${flavour:+"$flavour"} || status=$?
# 2: that flavour does not exist, which the owner wants to know before anything is built.
[ "$status" -ne 2 ] || exit 2
cargo build --release
if [ -n "$flavour" ]; then
    CARRIER_RUNTIME=$flavour
    export CARRIER_RUNTIME
fi
exec "${CARGO_TARGET_DIR:-target}/release/carrier" "$@"
