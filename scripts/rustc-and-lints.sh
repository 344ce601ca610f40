#!/bin/sh
# rustc-and-lints.sh RUSTC ARGUMENTS: RUSTC_WORKSPACE_WRAPPER of scripts/test.sh. Compiles a crate of the workspace with clippy's
# lints and, where it is a library or a program, runs rustdoc's lints on it. `cargo clippy` and `cargo doc` would first
# check all dependencies, which takes a third of a first run.
set -eu

# Cargo asks for the compiler's version and settings.
case " $* " in
*" --print"* | *" -vV "*) exec "$@" ;;
esac

clippy-driver "$@" -D warnings

case " $* " in
*" --test "* | *" --crate-name build_script_"*) exit ;;
esac
shift
# As Cargo does.
case " $* " in
*" --crate-type bin "*) private='--document-private-items -A rustdoc::private-intra-doc-links' ;;
*) private='' ;;
esac
# rustdoc takes rustc's arguments apart from these.
count=$#
while [ "$count" -gt 0 ]; do
    argument=$1
    shift
    count=$((count - 1))
    case $argument in
    --emit=* | --diagnostic-width=*) ;;
    --out-dir | -C)
        value=$1
        shift
        count=$((count - 1))
        # Codegen options change nothing here but for the target's features.
        case $argument$value in
        -Ctarget-*) set -- "$@" "$argument" "$value" ;;
        esac
        ;;
    *) set -- "$@" "$argument" ;;
    esac
done
documentation=$(mktemp -d)
trap 'rm -rf "$documentation"' EXIT
# shellcheck disable=SC2086 # several arguments
rustdoc "$@" --out-dir "$documentation" -D warnings $private >/dev/null
