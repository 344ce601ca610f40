#!/bin/sh
# The webcam path against a real V4L2 driver: boots a Debian kernel with its virtual camera (vivid)
# under QEMU's software emulation and runs capture/examples/device_probe there. Needs no camera, no
# KVM and no root (but for installing packages that are missing). About a minute after the build.
#
# The kernel is downloaded and unpacked under target/, never installed.
set -eu
cd "$(dirname "$0")/.."

. scripts/packages.sh
. scripts/guest-system.sh

need v4l-utils "unplugs the virtual camera" have v4l2-ctl
install_missing "The device test"
prepare_kernel

echo 'test-devices: building device_probe'
# The whole workspace: alone, capture would get other features of its dependencies, built anew.
cargo build -q --workspace --example device_probe

start_root
cp "$(command -v v4l2-ctl)" "$root/bin/"
strip -o "$root/bin/device_probe" "$target/debug/examples/device_probe"
add_libraries device_probe v4l2-ctl
# vivid last.
add_modules vivid
pack scripts/test-devices-guest.sh

echo "test-devices: booting $kernel_package ($(du -m "$work/initrd" | cut -f 1) MB in memory)"
# Emulation on purpose: KVM is missing or broken on many build machines.
timeout 420 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m 3000 -smp 2 -nographic \
    -no-reboot -net none -kernel "$kernel/boot/vmlinuz-$version" -initrd "$work/initrd" \
    -append 'console=ttyS0 panic=-1 quiet' </dev/null >"$work/console" 2>&1 || true
tr -d '\r' <"$work/console" | sed -n '/^guest:/p; /^ *probe:/p'
if grep -q '^guest: all passed' "$work/console"; then
    echo 'test-devices: passed'
else
    echo "test-devices: FAILED; the whole console is in $work/console" >&2
    tail -n 25 "$work/console" >&2
    exit 1
fi
