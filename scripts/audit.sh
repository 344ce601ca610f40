#!/bin/sh
# What is known against the dependencies: licences, sources and bans by deny.toml, and the vulnerabilities of
# the RustSec database, which is fetched. Says what it skips: nothing is claimed of what was not looked at.
# audit.sh [licences]: with an argument, only what needs no database, as `make test` does.
set -u
cd "$(dirname "$0")/.." || exit 1

if ! cargo deny --version >/dev/null 2>&1; then
    echo "Skipped: cargo-deny is not installed. Run: cargo install --locked cargo-deny"
    exit 0
fi

# The lists are of all platforms' crates, which a build for one of them has not fetched.
if ! cargo fetch --locked --offline >/dev/null 2>&1 && ! cargo fetch --locked; then
    echo "Skipped: the crates are not all here and cannot be fetched."
    exit 0
fi

failed=0
cargo deny --offline check licenses bans sources || failed=1
[ $# -eq 0 ] || exit "$failed"

if cargo deny fetch db >/dev/null 2>&1; then
    cargo deny --offline check advisories || failed=1
else
    echo "Skipped: the database of advisories cannot be reached from here (cargo deny fetch db)."
fi
exit "$failed"
