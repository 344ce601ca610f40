#!/bin/sh
# soak.sh [MINUTES]: viewers, uploads and malicious traffic against the release build; fails unless memory,
# descriptors and frame rate stay flat. An hour by default; the machine should do nothing else.
set -eu
. "$(dirname "$0")/build-for-measuring.sh"
exec node web/bench/soak.mjs --minutes "${1:-60}"
