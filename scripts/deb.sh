#!/bin/sh
# Makes the Debian package of the built program for the machine's own architecture, with ONNX Runtime for the processor:
#   deb.sh [--version VERSION] [PROGRAM [FOLDER]]
# PROGRAM is target/release/carrier unless it is named; the package is written to FOLDER, target/deb otherwise. VERSION is
# that of Cargo.toml unless it is given, for tests of an upgrade.
# Prints the path of the package. Two runs on one commit with the same program make the same file.
set -eu
cd "$(dirname "$0")/.."
. scripts/packages.sh

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
if [ "${1:-}" = --version ]; then
    version=$2
    shift 2
fi
target=${CARGO_TARGET_DIR:-target}
program=$(realpath "${1:-$target/release/carrier}")
folder=${2:-$target/deb}
mkdir -p "$folder"
folder=$(realpath "$folder")

need dpkg-dev "makes the package" have dpkg-buildpackage
need debhelper "makes the package" have dh
need python3 "collects the licences" have python3
install_missing "The Debian package" >&2
scripts/fetch-runtime.sh cpu >&2

if [ ! -x "$program" ]; then
    echo "There is no program at $program: run \`make build\`, or name one." >&2
    exit 1
fi
runtime=${XDG_CACHE_HOME:-$HOME/.cache}/carrier/runtime/cpu/onnxruntime

# All times in the package are that of the commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
export TZ=UTC LC_ALL=C.UTF-8
umask 022

work=$(mktemp -d "$folder/.making-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
source=$work/carrier
files=$source/files
cp -r packaging/debian "$work/"
mkdir -p "$source"
mv "$work/debian" "$source/debian"

put() {
    install -D -m "$1" "$2" "$files/$3"
}
put 755 "$program" usr/bin/carrier
put 755 packaging/carrier-service usr/sbin/carrier-service
put 644 "$(ls "$runtime"/capi/libonnxruntime.so.*)" "usr/lib/carrier/$(basename "$runtime"/capi/libonnxruntime.so.*)"
put 644 packaging/carrier.toml etc/carrier/carrier.toml
doc=usr/share/doc/carrier
put 644 packaging/README.md $doc/README.md
put 644 carrier.example.toml $doc/examples/carrier.example.toml
for drop_in in packaging/systemd/carrier.service.d/*.conf; do
    put 644 "$drop_in" "$doc/examples/carrier.service.d/$(basename "$drop_in")"
done

# A run without variables of the user's, so that they do not end up in the texts.
clean() {
    env -i PATH="$PATH" HOME=/nonexistent LC_ALL=C.UTF-8 TZ=UTC "$program" "$@"
}
completions() {
    mkdir -p "$(dirname "$files/$2")"
    clean completions "$1" >"$files/$2"
}
completions bash usr/share/bash-completion/completions/carrier
completions zsh usr/share/zsh/vendor-completions/_carrier
completions fish usr/share/fish/vendor_completions.d/carrier.fish
mkdir -p "$files/usr/share/man/man1"
clean man "$files/usr/share/man/man1"
put 644 packaging/carrier-service.8 usr/share/man/man8/carrier-service.8

cp packaging/systemd/carrier.service "$source/debian/carrier.service"
cp packaging/udev/60-carrier.rules "$source/debian/carrier.udev"
cp CHANGELOG.md "$files/CHANGELOG.md"
scripts/licences.py --runtime "$runtime" >"$source/debian/copyright"
cat >"$source/debian/changelog" <<CHANGELOG
carrier ($version) stable; urgency=medium

  * Release $version; CHANGELOG.md lists what is new.

 -- The carrier developers <carrier@localhost>  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
CHANGELOG

if ! (cd "$source" && dpkg-buildpackage -b -us -uc -d) >"$work/log" 2>&1; then
    cat "$work/log" >&2
    exit 1
fi
package=$(basename "$work"/carrier_*.deb)
mv "$work/$package" "$folder/$package"
echo "$folder/$package"
