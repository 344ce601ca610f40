#!/bin/sh
# The Debian package with a real systemd: makes a clean Debian with mmdebstrap, boots it in a virtual machine with a Debian
# kernel, its virtual camera (vivid) and a display, and installs, starts, upgrades, removes and purges the package there.
#   test-deb.sh [PROGRAM]: with target/release/carrier unless another one is named.
# Needs Debian on amd64, root for the clean Debian, and no KVM. About eight minutes.
set -eu
cd "$(dirname "$0")/.."

if [ "$(id -u)" -ne 0 ]; then
    echo "Making the disk of the clean Debian needs root." >&2
    exit 1
fi
. scripts/packages.sh
. scripts/guest-system.sh
need mmdebstrap "makes the clean Debian" have mmdebstrap
need e2fsprogs "makes its disk" have mke2fs
install_missing "The package test"
prepare_kernel
version_of_kernel=$version

program=$(realpath "${1:-$target/release/carrier}")
tested=$target/test-deb
mkdir -p "$tested"
rm -rf "$tested/packages" && mkdir "$tested/packages"
console=$tested/console

echo 'test-deb: making the package'
export DEB_COMPRESSION=none
package=$(scripts/deb.sh "$program" "$tested/packages")
version_of_package=$(dpkg-deb -f "$package" Version)

# repack FROM VERSION FILE: the same package with another version; `sed` changes of its files come from standard input.
repack() {
    unpacked=$tested/unpacked
    rm -rf "$unpacked"
    dpkg-deb -R "$1" "$unpacked"
    sed -i "s/^Version: .*/Version: $2/" "$unpacked/DEBIAN/control"
    while read -r file change; do
        sed -i "$change" "$unpacked/$file"
        (cd "$unpacked" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | xargs -0 md5sum >DEBIAN/md5sums)
    done
    dpkg-deb --root-owner-group -Znone -b "$unpacked" "$3" >/dev/null
    rm -rf "$unpacked"
}

# FAULTS names a file with lines "PATH SED-EXPRESSION" that damage the package: the test has to fail then.
if [ -n "${FAULTS:-}" ]; then
    repack "$package" "$version_of_package" "$tested/damaged.deb" <"$FAULTS"
    mv "$tested/damaged.deb" "$package"
fi
repack "$package" "$version_of_package+1" "$tested/packages/upgrade.deb" </dev/null
mv "$package" "$tested/packages/first.deb"

# The clean Debian: what the package depends on, and what the test looks with. Kept until one of these changes.
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
depends=$(dpkg-deb -f "$tested/packages/first.deb" Depends | sed 's/([^)]*)//g; s/ //g')
include="$depends,apt,systemd-sysv,udev,kmod,dbus,curl,jq,procps"
base=$tested/debian-$(printf '%s' "$suite $include" | sha256sum | cut -c 1-12).tar
if [ ! -e "$base" ]; then
    echo "test-deb: making a clean Debian ($suite) with $include"
    rm -f "$tested"/debian-*.tar
    # This machine's way to Debian's packages.
    apt-get indextargets --format "deb \$(REPO_URI) \$(RELEASE) \$(COMPONENT)" 'Created-By: Packages' \
        'Origin: Debian' "Architecture: amd64" | grep " $suite" | sort -u >"$tested/sources.list"
    apt-config dump | grep -E '^Acquire::(http|https|ftp)::' >"$tested/apt.conf" || true
    mmdebstrap --quiet --format=tar --variant=minbase --include="$include" --dpkgopt=force-unsafe-io --aptopt="$tested/apt.conf" \
        "$suite" "$base.new" "$tested/sources.list"
    mv "$base.new" "$base"
fi

start_root
add_modules virtio_pci virtio_blk ext4
pack scripts/test-deb-disk.sh

disk=$tested/disk
root=$tested/root
rm -rf "$root" "$disk"
mkdir -p "$root/modules"
tar -x --numeric-owner -p -f "$base" -C "$root"
add_modules bochs vivid
mkdir -p "$root/test"
cp "$tested"/packages/*.deb scripts/test-deb-guest.sh "$root/test/"
cat >"$root/etc/systemd/system/carrier-test.service" <<'UNIT'
[Unit]
Description=the test of the package
After=multi-user.target
FailureAction=poweroff-force
SuccessAction=poweroff-force

[Service]
Type=oneshot
ExecStart=/bin/sh /test/test-deb-guest.sh
StandardInput=null
StandardOutput=file:/dev/ttyS0
StandardError=file:/dev/ttyS0
UNIT
mkdir -p "$root/etc/systemd/system/graphical.target.wants"
ln -s /etc/systemd/system/carrier-test.service "$root/etc/systemd/system/graphical.target.wants/"
ln -sf /lib/systemd/system/graphical.target "$root/etc/systemd/system/default.target"
for unit in apt-daily.timer apt-daily-upgrade.timer serial-getty@ttyS0.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
# A home folder that the service must not see.
mkdir -p "$root/home/somebody"
echo secret >"$root/home/somebody/secret"
mke2fs -q -t ext4 -d "$root" "$disk" 3G
rm -rf "$root"

echo "test-deb: booting it with $kernel_package"
# Emulation on purpose: KVM is missing or broken on many build machines. Without AVX: emulated, it makes opening a model take
# minutes.
timeout 1500 qemu-system-x86_64 -accel tcg,thread=multi -cpu Nehalem -m 2500 -smp 2 -display none -vga std \
    -no-reboot -net none -serial stdio -drive "file=$disk,format=raw,if=virtio,cache=unsafe" \
    -kernel "$kernel/boot/vmlinuz-$version_of_kernel" -initrd "$work/initrd" \
    -append 'console=tty0 console=ttyS0 panic=-1 quiet systemd.show_status=no' </dev/null >"$console" 2>&1 || true
rm -f "$disk"
tr -d '\r' <"$console" | grep -a '^guest: ' || true
if grep -aq '^guest: all passed' "$console"; then
    echo 'test-deb: passed'
else
    echo "test-deb: FAILED; the whole console is in $console" >&2
    tail -n 25 "$console" >&2
    exit 1
fi
