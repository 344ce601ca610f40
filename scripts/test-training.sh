#!/bin/sh
# test-training.sh: training's own tests, then every step of it on 200 pictures: it must run, lower
# its loss and end in a model that carrier opens. Says nothing about how good a real run gets.
# CARRIER names the program [default: the debug build].
set -eu
cd "$(dirname "$0")/.."

if [ -z "${CARRIER_SHARED:-}" ] && [ -d ../shared ]; then
    CARRIER_SHARED=$(realpath ../shared)
fi
python=$(scripts/install-training.sh)
steps=models/training
PYTHONDONTWRITEBYTECODE=1 "$python" -m unittest discover --start-directory "$steps" --quiet

if [ -z "${CARRIER_SHARED:-}" ]; then
    echo "skipped: CARRIER_SHARED is not set, so there are no pictures to train with"
    exit 0
fi
carrier=$(realpath "${CARRIER:-${CARGO_TARGET_DIR:-target}/debug/carrier}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1

"$python" $steps/prepare.py pack --annotated "$CARRIER_SHARED/training/train.json" \
    --images "$CARRIER_SHARED/training/images" --clip "$CARRIER_SHARED"/media/bottle-detection.mp4 \
    --work "$work" --only 200
"$python" $steps/pseudo_label.py --models "$CARRIER_SHARED/models" --work "$work"
"$python" $steps/cutouts.py --work "$work"
train="$python $steps/train.py --work $work --batch 16"
$train --run smoke --samples 640 --check-every 320
$train --run smoke --samples 960 --check-every 320 --resume
# What a GPU does, on the processor.
$train --run device --device cpu --on-device --processes 1 --samples 48 --start models/embedded.onnx
$train --run taught --samples 64 --teacher "$CARRIER_SHARED/models/nanodet_plus_m_1.5x_416.onnx" --freeze-stem
"$python" $steps/export.py --checkpoint "$work/runs/smoke/last.pt" --out "$work/smoke.onnx"
"$python" $steps/evaluate.py --carrier "$carrier" --work "$work" \
    --coco "$CARRIER_SHARED/eval/coco80_288/instances.json" \
    --images "$CARRIER_SHARED/eval/coco80_288/images" "$work/smoke.onnx"
# Not the class loss: it is per well-placed box, and at first there are hardly any.
"$python" $steps/learning_curve.py "$work/runs/smoke/log.jsonl" --falling bins
