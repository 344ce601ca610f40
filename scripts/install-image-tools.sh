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
missing=''
reasons=''
if [ "${2:-$(dpkg --print-architecture)}" = arm64 ] && [ "$(dpkg --print-architecture)" != arm64 ]; then
    need qemu-user-static "runs programs for arm64" have qemu-aarch64-static
    install_missing "The image for arm64"
fi
