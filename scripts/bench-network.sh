#!/bin/sh
# Measures what viewers get over lossy, slow networks, and puts the result into BENCHMARKS.md. Some
# eleven minutes once everything is built; the machine should do nothing else. With --quick: a
# minute, three networks, and nothing is written. With --added: networks that jitter, lose in bursts, change or
# fail for a while, and nothing is written.
set -eu
. "$(dirname "$0")/build-for-measuring.sh"
case "${1:-}" in
--quick | --added) exec node web/bench/network.mjs "$1" ;;
esac
exec node web/bench/network.mjs BENCHMARKS.md
