#!/bin/sh
# run.sh FLAVOUR [ARGUMENT...]: what `make run` does. Each step is silent and quick when its work is
# done already, so that a second run starts at once. A missing ONNX Runtime does not stop it: carrier
# shows the feed without boxes then, and says what to do. Nor does a missing model: one is built in. The one
# that MODEL names is fetched if that takes at most ten seconds; MODEL=none leaves that out.
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
program=${CARGO_TARGET_DIR:-target}/release/carrier
model=${MODEL:-yolox_nano}
# What has come after ten seconds is kept, and the next run continues there.
if [ "$model" != none ] && told=$(timeout 10 "$program" models pull "$model" 2>/dev/null); then
    case $told in
    *already*) ;;
    *) echo "$told (make run MODEL=none fetches none)" ;;
    esac
fi
exec "$program" "$@"
