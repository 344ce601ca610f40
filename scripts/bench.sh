#!/bin/sh
# Measures what a frame costs, how late it is shown and what viewers add, and puts the result into
# BENCHMARKS.md. Some four minutes once everything is built; the machine should do nothing else.
set -eu
. "$(dirname "$0")/build-for-measuring.sh"
exec node web/bench/bench.mjs BENCHMARKS.md
