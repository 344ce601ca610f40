#!/bin/sh
# image.sh [cpu|openvino|cuda] [amd64|arm64]: builds the image of carrier from k8s/Containerfile without a registry, as root:
# Debian's root comes from mmdebstrap. Writes an OCI archive and the bill of materials into target/image. What takes long
# (Debian's root, OpenCV, crates, the program) is kept in the cache folder.
set -eu
cd "$(dirname "$0")/.."

runtime=${1:-cpu}
arch=${2:-$(dpkg --print-architecture)}
scripts/install-image-tools.sh build "$arch"
if [ "$(id -u)" -ne 0 ]; then
    echo "Building the image here needs root. With Docker or Podman it does not: see k8s/README.md." >&2
    exit 1
fi

suite=bookworm
version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' Cargo.toml)
name=carrier:$version
cache=${XDG_CACHE_HOME:-$HOME/.cache}/carrier/image
out=${CARGO_TARGET_DIR:-target}/image
mkdir -p "$cache/tmp" "$out"
# Every time stamp of the image.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0)
export SOURCE_DATE_EPOCH
# buildah keeps the caches of the build's steps here.
export TMPDIR="$cache/tmp"

buildah() {
    command buildah --root "$cache/containers" --runroot "$cache/run" --storage-driver "$driver" "$@"
}

# Where overlay mounts are impossible, each step costs a copy of all files.
driver=overlay
buildah info >/dev/null 2>&1 || driver=vfs

# This machine's way to Debian's packages, if it has one for this release.
sources() {
    apt-get indextargets --format "deb \$(REPO_URI) \$(RELEASE) \$(COMPONENT)" 'Created-By: Packages' \
        'Origin: Debian' "Architecture: $(dpkg --print-architecture)" 2>/dev/null | grep " $suite" | sort -u || true
}

# base ARCH: makes Debian's root, if it is not there, as image localhost/debian-ARCH.
base() {
    if buildah inspect --type image "localhost/debian-$1:$suite" >/dev/null 2>&1; then
        return
    fi
    echo "Making Debian's root ($suite, $1) with mmdebstrap, once."
    sources >"$cache/sources.list"
    # Proxies.
    apt-config dump | grep -E '^Acquire::(http|https|ftp)::' >"$cache/apt.conf" || true
    set -- "$1" "$suite" "$cache/debian-$1.tar"
    [ ! -s "$cache/sources.list" ] || set -- "$@" "$cache/sources.list"
    architecture=$1
    shift
    # mmdebstrap refuses an empty file.
    [ ! -s "$cache/apt.conf" ] || set -- --aptopt="$cache/apt.conf" "$@"
    mmdebstrap --quiet --variant=apt --architectures="$architecture" --include=usr-is-merged \
        --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --dpkgopt=force-unsafe-io "$@"
    from=$(buildah from --arch "$architecture" scratch)
    buildah add --quiet "$from" "$cache/debian-$architecture.tar" / >/dev/null
    buildah config --arch "$architecture" --cmd /bin/sh "$from"
    buildah commit --quiet --rm "$from" "localhost/debian-$architecture:$suite" >/dev/null
    rm "$cache/debian-$architecture.tar"
}

# What an interrupted build has left. One build at a time, hence.
exec 9>"$cache/lock"
flock 9
buildah rm --all >/dev/null

build_arch=$(dpkg --print-architecture)
base "$build_arch"
base "$arch"

# This machine's way to other package indexes: only for the time of the build.
set --
[ ! -f /etc/ssl/certs/ca-certificates.crt ] || set -- "$@" --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt
for file in "${CARGO_HOME:-$HOME/.cargo}/config.toml" "${CARGO_HOME:-$HOME/.cargo}/config"; do
    [ ! -f "$file" ] || set -- "$@" --secret "id=cargo,src=$file"
done
for file in /etc/pip.conf "$HOME/.pip/pip.conf" "${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf"; do
    [ ! -f "$file" ] || set -- "$@" --secret "id=pip,src=$file"
done
# With FRESH nothing is reused but OpenCV of the same version, and the sources of crates.
if [ -n "${FRESH:-}" ]; then
    set -- "$@" --no-cache
    rm -rf "$TMPDIR/buildah-cache/carrier-cargo/target"
fi
buildah build --isolation chroot --layers --timestamp "$SOURCE_DATE_EPOCH" --file k8s/Containerfile \
    --build-arg "BASE=localhost/debian-$arch:$suite" --build-arg "BUILD_BASE=localhost/debian-$build_arch:$suite" \
    --build-arg "RUNTIME=$runtime" --build-arg "TARGETARCH=$arch" \
    --build-arg "BUILDPLATFORM=linux/$build_arch" --build-arg "TARGETPLATFORM=linux/$arch" \
    --platform "linux/$arch" "$@" --tag "localhost/$name-$runtime-$arch" .

archive=$out/carrier-$version-$runtime-$arch.tar
rm -f "$archive"
buildah push --quiet "localhost/$name-$runtime-$arch" "oci-archive:$archive:$name"
python3 k8s/image/archive.py "$archive" sbom >"${archive%.tar}.cdx.json"
python3 k8s/image/archive.py "$archive" size
