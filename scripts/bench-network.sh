#!/bin/sh
# Measures what viewers get over lossy, slow networks, and puts the result into BENCHMARKS.md. Some 45 minutes once
# everything is built, 90 with --full; the machine should do nothing else. After a break the same command continues. With
# --quick (a minute), --added, --only or --source nothing is written.
set -eu
. "$(dirname "$0")/build-for-measuring.sh"
case " $* " in
*" --quick "* | *" --added "* | *" --only"* | *" --source"*) exec node web/bench/network.mjs "$@" ;;
esac
exec node web/bench/network.mjs "$@" BENCHMARKS.md
