#!/bin/sh
# Installs Rust (of version $RUST, by rustup) and what else builds carrier.
set -eu
cd "$(dirname "$0")/.."
. image/access.sh
. image/architecture.sh

rustup_version=1.28.2
case $build_arch in
amd64) host=x86_64 rustup_sha256=20a06e644b0d9bd2fbdbfd52d42540bdde820ea7df86e92e533c073da0cdd43c ;;
arm64) host=aarch64 rustup_sha256=e3853c5a252fca15252d07cb23a1bdd9377a8c6f3efa01531109281ae47f841c ;;
esac
if [ -n "$of_arch" ]; then
    dpkg --add-architecture "$arch"
    cross=crossbuild-essential-$arch
else
    cross=''
fi
apt-get -qq update
# The linker looks into what OpenCV needs.
# shellcheck disable=SC2086 # one package or none
install ca-certificates curl $cross "libavcodec59$of_arch" "libavformat59$of_arch" "libswscale6$of_arch" \
    "libopencv-core406$of_arch" "libopencv-imgproc406$of_arch" "libopencv-photo406$of_arch"
curl --fail --silent --show-error --location --retry 3 --output /tmp/rustup-init \
    "https://static.rust-lang.org/rustup/archive/$rustup_version/$host-unknown-linux-gnu/rustup-init"
echo "$rustup_sha256  /tmp/rustup-init" | sha256sum --check --quiet
chmod +x /tmp/rustup-init
export RUSTUP_HOME=/opt/rustup CARGO_HOME=/opt/cargo PATH="/opt/cargo/bin:$PATH"
/tmp/rustup-init -y --quiet --no-modify-path --profile minimal --default-toolchain "$RUST" \
    --target "$machine-unknown-linux-gnu"
rm /tmp/rustup-init

# Debian's OpenCV is for none of it.
LEFT_OUT=libopencv-dev scripts/install-build-needs.sh
