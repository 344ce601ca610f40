#!/bin/sh
# Measures what viewers get over lossy, slow networks, and puts the result into BENCHMARKS.md. Some
# eleven minutes once everything is built; the machine should do nothing else. With --quick: a
# minute, three networks, and nothing is written.
set -eu
. "$(dirname "$0")/build-for-measuring.sh"
if [ "${1:-}" = --quick ]; then
    exec node web/bench/network.mjs --quick
fi
exec node web/bench/network.mjs BENCHMARKS.md
