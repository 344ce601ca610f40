#!/bin/sh
# The webcam path against a real V4L2 driver: boots a Debian kernel with its virtual camera (vivid)
# under QEMU's software emulation and runs capture/examples/device_probe there. Needs no camera, no
# KVM and no root (but for installing packages that are missing). About a minute after the build.
#
# The kernel is downloaded and unpacked under target/, never installed.
set -eu
cd "$(dirname "$0")/.."

. scripts/packages.sh

static_busybox() {
    [ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1
}
need qemu-system-x86 "runs the virtual machine" have qemu-system-x86_64
need busybox-static "is the virtual machine's system" static_busybox
need cpio "packs it" have cpio
need kmod "finds the modules of the virtual camera" test -x /sbin/depmod
need v4l-utils "unplugs the virtual camera" have v4l2-ctl
install_missing "The device test"
PATH=$PATH:/usr/sbin:/sbin

target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
target=$(cd "$target" && pwd)
work=$target/test-devices
mkdir -p "$work"

kernel_package=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)
if [ -z "$kernel_package" ]; then
    echo "test-devices: there is no package linux-image-amd64 here; this test needs Debian on amd64" >&2
    exit 1
fi
kernel=$work/$kernel_package
if [ ! -e "$kernel/unpacked" ]; then
    echo "test-devices: downloading $kernel_package"
    rm -rf "$kernel" && mkdir -p "$kernel"
    (cd "$kernel" && apt-get -q download "$kernel_package" && dpkg-deb -x ./*.deb . && rm ./*.deb)
    touch "$kernel/unpacked"
fi
version=$(ls "$kernel/lib/modules")
depmod -b "$kernel" "$version"

echo 'test-devices: building device_probe'
# The whole workspace: alone, capture would get other features of its dependencies, built anew.
cargo build -q --workspace --example device_probe

root=$work/root
rm -rf "$root"
mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root/lib64" "$root/modules"
cp /bin/busybox "$root/bin/"
cp "$(command -v v4l2-ctl)" "$root/bin/"
strip -o "$root/bin/device_probe" "$target/debug/examples/device_probe"
# The loader looks under the same names as here.
for program in device_probe v4l2-ctl; do
    ldd "$root/bin/$program" | grep -o '/[^ ]*'
done | sort -u | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -Lu "$library" "$root$library"
done
# In the order in which they must be loaded, vivid last.
modprobe -d "$kernel" -S "$version" --show-depends vivid | awk '/^insmod/ {print $2}' \
    >"$work/modules"
while read -r module; do
    cp "$module" "$root/modules/"
    echo "/modules/$(basename "$module")"
done <"$work/modules" >"$root/modules/order"
cp scripts/test-devices-guest.sh "$root/init"
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$work/initrd"

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
