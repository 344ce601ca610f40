#!/bin/sh
# try-model.sh [--now]: fetches the default model when no model is installed. Without the network
# it says so and succeeds: the feed runs without boxes. A failed try is remembered for a day, so
# that a station that is always offline does not wait at every start; --now tries in any case.
set -eu
cd "$(dirname "$0")/.."

model=yolox_nano
carrier=${CARGO_TARGET_DIR:-target}/release/carrier
failed=${XDG_STATE_HOME:-$HOME/.local/state}/carrier/model-pull-failed

has_model() {
    for folder in "${CARRIER_MODELS:-}" "${XDG_DATA_HOME:-$HOME/.local/share}/carrier/models" \
        models; do
        [ -n "$folder" ] || continue
        for file in "$folder"/*.onnx; do
            [ ! -e "$file" ] || return 0
        done
    done
    return 1
}

if [ "${1:-}" != --now ]; then
    ! has_model || exit 0
    if [ -n "$(find "$failed" -mmin -1440 2>/dev/null)" ]; then
        echo "No model is installed, so there will be no boxes. When online: make model"
        exit 0
    fi
fi

echo "Fetching the model $model, once."
# carrier gives up on a connection by itself; this bounds a transfer that trickles.
if timeout 120 "$carrier" models pull "$model"; then
    rm -f "$failed"
    exit 0
fi
mkdir -p "$(dirname "$failed")"
: >"$failed"
echo "The model could not be fetched: the feed runs without boxes. When online: make model"
[ "${1:-}" != --now ] || exit 1
