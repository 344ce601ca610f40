#!/bin/sh
# The client of ComfyUI against a real one, without a model or a GPU: upload, position, progress, result,
# cancel, two at a time, resume, restart. COMFYUI_DIR is a ComfyUI checkout, COMFYUI_PYTHON a Python with
# what its requirements.txt names (PyTorch for the CPU is enough).
set -eu
cd "$(dirname "$0")/.."

if [ -z "${COMFYUI_DIR:-}" ] || [ -z "${COMFYUI_PYTHON:-}" ]; then
    echo "skipped: set COMFYUI_DIR (a checkout of ComfyUI) and COMFYUI_PYTHON (its Python)"
    exit 0
fi
[ -f "$COMFYUI_DIR/main.py" ] || { echo "COMFYUI_DIR=$COMFYUI_DIR has no main.py" >&2; exit 1; }
exec cargo test --workspace --test it -- --ignored --nocapture comfyui::real
