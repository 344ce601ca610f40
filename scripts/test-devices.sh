#!/bin/sh
# The webcam path against a real V4L2 driver: boots a Debian kernel with its virtual camera (vivid)
# under QEMU's software emulation and runs capture/examples/device_probe there. Needs no camera, no
# KVM and no root (but for installing packages that are missing). About a minute after the build.
#
# The kernel is downloaded and unpacked under target/, never installed.
set -eu
cd "$(dirname "$0")/.."

need() {
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
missing=''
need qemu-system-x86_64 qemu-system-x86
need cpio cpio
need depmod kmod
need v4l2-ctl v4l-utils
[ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1 || missing="$missing busybox-static"
if [ -n "$missing" ]; then
    echo "test-devices: installing$missing (a virtual machine with a virtual camera)"
    as_root=''
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    # shellcheck disable=SC2086  # a list of packages
    $as_root apt-get install -y --no-install-recommends $missing
fi
PATH=$PATH:/usr/sbin:/sbin

target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
target=$(cd "$target" && pwd)
work=$target/test-devices
mkdir -p "$work"

kernel_package=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)
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
cargo build -q -p capture --example device_probe

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
