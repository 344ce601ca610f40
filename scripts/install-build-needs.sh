#!/bin/sh
# Installs the system packages that building carrier needs and that this machine lacks.
# Quick and silent when nothing is missing.
set -eu
cd "$(dirname "$0")/.."
. scripts/packages.sh

# bindgen opens libclang at build time; libclang-cpp alone will not do.
has_libclang() {
    [ -z "${LIBCLANG_PATH:-}" ] || return 0
    for file in /usr/lib/llvm-*/lib/libclang.so* /usr/lib/llvm-*/lib/libclang-[0-9]*.so* \
        /usr/lib/*/libclang.so* /usr/lib/*/libclang-[0-9]*.so* /usr/lib64/libclang.so*; do
        [ ! -e "$file" ] || return 0
    done
    return 1
}

has_opencv() {
    have pkg-config && pkg-config --exists opencv4
}

# Asking pip itself would take longer than all other checks together.
has_pip() {
    have pip3 || python3 -c 'import pip' 2>/dev/null
}

check() {
    missing=''
    reasons=''
    need build-essential "the C++ compiler, for OpenH264, libjpeg-turbo and OpenCV's bindings" \
        have c++
    need nasm "without it OpenH264 builds silently without SIMD, up to three times slower" have nasm
    need cmake "builds libjpeg-turbo" have cmake
    need pkg-config "finds OpenCV" have pkg-config
    need libopencv-dev "video files, RTSP cameras and the styles made on this laptop" has_opencv
    need clang "reads the headers that the bindings to OpenCV and V4L2 are made from" have clang
    need libclang-dev "as clang, the library" has_libclang
    need python3 "unpacks ONNX Runtime (fetched by pip)" have python3
    need python3-pip "fetches ONNX Runtime from the package index you have configured" has_pip
}

if ! have cargo; then
    echo "There is no Rust toolchain here: install one from https://rustup.rs (1.92 or newer;" >&2
    echo "Debian's own is too old), then run this again." >&2
    exit 1
fi
check
[ -n "$missing" ] || exit 0
nasm_was_missing=0
have nasm || nasm_was_missing=1
install_missing "Building carrier"
check
if [ -n "$missing" ]; then
    echo "Still missing after the installation:$reasons" >&2
    exit 1
fi
if [ "$nasm_was_missing" -eq 1 ]; then
    # Cargo does not notice a new nasm: what was built without SIMD would stay so.
    cargo clean --quiet -p openh264-sys2 -p turbojpeg-sys 2>/dev/null || true
    cargo clean --quiet --release -p openh264-sys2 -p turbojpeg-sys 2>/dev/null || true
fi
