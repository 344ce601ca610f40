# shellcheck shell=sh
# Sourced by the steps of k8s/Containerfile: the machine that builds, and the one that the image is for.

build_arch=$(dpkg --print-architecture)
# Docker's names are Debian's for the two that carrier is built for.
arch=${TARGETARCH:-$build_arch}
case $arch in
amd64) machine=x86_64 ;;
arm64) machine=aarch64 ;;
*)
    echo "carrier is built for amd64 and arm64, not for $arch." >&2
    exit 1
    ;;
esac
# Of libraries and of the C compiler.
triplet=$machine-linux-gnu
# Appended to names of packages.
of_arch=''
if [ "$arch" != "$build_arch" ]; then
    of_arch=:$arch
fi
