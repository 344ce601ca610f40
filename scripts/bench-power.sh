#!/bin/sh
# Measures the CPU time of each power profile with 0, 1, 5 and 50 viewers, screen on and off, and puts it with the hours
# on a battery that it gives into docs/power.md. Some twelve minutes once everything is built.
#   scripts/bench-power.sh --seconds 60 --battery-wh 50 --bank-wh 100 ...
set -eu
. "$(dirname "$0")/build-for-measuring.sh"
exec node web/bench/power.mjs docs/power.md "$@"
