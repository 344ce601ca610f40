#!/bin/sh
# Checks the dependencies with cargo-deny: licences, sources and bans by deny.toml, and known vulnerabilities
# by the RustSec database, which is fetched.
# audit.sh [licences]: with the argument only what needs no database, as in `make test`, where a missing
# cargo-deny skips the check. Without it, whatever could not be checked is a failure.
set -u
cd "$(dirname "$0")/.." || exit 1

licences_only=$#

# cannot WHY: ends the script, since nothing was checked.
cannot() {
    if [ "$licences_only" -eq 1 ]; then
        echo "skipped: licences and sources, since $1"
        exit 0
    fi
    echo "Nothing was checked: $1" >&2
    exit 1
}

cargo deny --version >/dev/null 2>&1 || cannot "cargo-deny is not installed (cargo install --locked cargo-deny)"
# cargo-deny looks at the crates of all platforms; a build for one of them has not fetched all.
cargo fetch --locked --offline >/dev/null 2>&1 || cargo fetch --locked ||
    cannot "the crates are not all here and cannot be fetched"

failed=0
cargo deny --offline check licenses bans sources || failed=1
[ "$licences_only" -eq 0 ] || exit "$failed"

if cargo deny fetch db >/dev/null 2>&1; then
    cargo deny --offline check advisories || failed=1
else
    echo "The database of advisories cannot be fetched (cargo deny fetch db): not checked." >&2
    failed=1
fi
exit "$failed"
