#!/bin/sh
# install-image-tools.sh [build|test] [ARCH]: what `make image` or `make test-image` needs and this machine lacks.
set -eu
cd "$(dirname "$0")/.."
. scripts/packages.sh

case ${1:-build} in
build)
    need buildah "builds the image" have buildah
    need mmdebstrap "makes Debian's root, which the image begins with" have mmdebstrap
    need python3 "reads the image" have python3
    install_missing "Building the image"
    ;;
test)
    need crun "runs the image" have crun
    need iproute2 "gives the container a network of its own" have ip
    need golang-github-containers-common "has the seccomp profile of containers" test -f /usr/share/containers/seccomp.json
    install_missing "Testing the image"
    ;;
esac
# Programs for another processor run through qemu, in chroots too.
if [ "${2:-$(dpkg --print-architecture)}" = arm64 ] && [ "$(uname -m)" != aarch64 ]; then
    missing=''
    reasons=''
    need qemu-user-static "runs programs for arm64" have qemu-aarch64-static
    need arch-test "tells mmdebstrap so" have arch-test
    install_missing "The image for arm64"
    register=/proc/sys/fs/binfmt_misc
    [ -e "$register/register" ] || as_root mount -t binfmt_misc binfmt_misc "$register"
    [ -e "$register/qemu-aarch64" ] ||
        as_root cp /usr/lib/binfmt.d/qemu-aarch64.conf "$register/register"
fi
