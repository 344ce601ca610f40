#!/bin/sh
# Makes what a release consists of, for this machine's architecture, into target/release-VERSION: a tarball, the Debian
# package, the image, the licences, the bill of materials, SHA256SUMS.
#   release.sh [--without-image] [PROGRAM]: builds the program unless one is named. The image is made where
#   scripts/image.sh and root are there.
# It refuses a tree with changes that are not committed. All times in the files are that of the commit.
set -eu
cd "$(dirname "$0")/.."

image=1
if [ "${1:-}" = --without-image ]; then
    image=0
    shift
fi

refuse() {
    echo "release: $*" >&2
    exit 1
}

[ -z "$(git status --porcelain)" ] || refuse "there are changes that are not committed: commit or stash them"
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
newest=$(sed -n 's/^## \([^ ]*\).*/\1/p' CHANGELOG.md | head -n 1)
[ "$version" = "$newest" ] || refuse "Cargo.toml says $version, and the newest entry of CHANGELOG.md is $newest"
tags=$(git tag --points-at HEAD)
case "
$tags
" in
*"
v$version
"*) ;;
*)
    [ -z "$tags" ] || refuse "this commit has the tag $tags, and the version is $version: its tag would be v$version"
    echo "release: this commit has no tag; that of the release would be v$version"
    ;;
esac

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
# No path of this machine is in the program.
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
if [ -n "${1:-}" ]; then
    program=$(realpath "$1")
else
    scripts/install-build-needs.sh
    RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=/carrier --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo" \
        cargo build --release --locked --package carrier --features mesh --target-dir "$target/for-release"
    program=$target/for-release/release/carrier
fi
[ "$("$program" --version)" = "carrier $version" ] ||
    refuse "$program is $("$program" --version), not carrier $version"
scripts/fetch-runtime.sh cpu

architecture=$(dpkg --print-architecture)
name=carrier-$version-$architecture
out=$target/release-$version
rm -rf "$out"
mkdir -p "$out"
work=$(mktemp -d "$out/.making-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

scripts/deb.sh "$program" "$out"

# The tarball has the files of the package, for other distributions that have OpenCV 4: `cp -r usr etc /`.
folder=$work/$name
dpkg-deb -x "$out/carrier_${version}_$architecture.deb" "$folder"
if [ -d "$folder/lib" ]; then
    cp -r "$folder/lib/." "$folder/usr/lib/"
    rm -r "$folder/lib"
fi
cp -r docs "$folder/docs"
mkdir "$folder/docker"
cp packaging/compose.yaml packaging/compose.comfyui.yaml "$folder/docker/"
cp README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT THIRD-PARTY.md "$folder/"
cp packaging/README.md "$folder/INSTALL.md"
cp "$folder/usr/share/doc/carrier/copyright" "$out/$name.licences.txt"
platform=$(rustc -vV | sed -n 's/^host: //p')
cargo metadata --locked --format-version 1 --filter-platform "$platform" | scripts/sbom.py release cpu >"$out/$name.cdx.json"
tar --create --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
    --directory "$work" "$name" | gzip --no-name -9 >"$out/$name.tar.gz"

if [ "$image" -eq 1 ] && [ -x scripts/image.sh ] && [ "$(id -u)" -eq 0 ]; then
    scripts/image.sh cpu "$architecture"
    # The archive, and the bill of materials of what is in it.
    cp "$target/image/carrier-$version-cpu-$architecture.tar" "$out/$name.image.tar"
    cp "$target/image/carrier-$version-cpu-$architecture.cdx.json" "$out/$name.image.cdx.json"
else
    echo "release: without the image, which scripts/image.sh makes, as root"
fi

rm -rf "$work"
(cd "$out" && sha256sum -- * >SHA256SUMS)
echo "release: carrier $version is in $out"
(cd "$out" && ls -l -- *)
