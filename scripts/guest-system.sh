# Read by the tests in virtual machines: a Debian kernel and a system of busybox in memory.
#
# The kernel is downloaded and unpacked under target/, never installed.

static_busybox() {
    [ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1
}
need qemu-system-x86 "runs the virtual machine" have qemu-system-x86_64
need busybox-static "is the virtual machine's system" static_busybox
need cpio "packs it" have cpio
need kmod "finds the kernel's modules" test -x /sbin/depmod

# Sets target, work, kernel and version.
prepare_kernel() {
    PATH=$PATH:/usr/sbin:/sbin
    target=${CARGO_TARGET_DIR:-target}
    mkdir -p "$target"
    target=$(cd "$target" && pwd)
    work=$target/test-devices
    mkdir -p "$work"
    kernel_package=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)
    if [ -z "$kernel_package" ]; then
        echo "there is no package linux-image-amd64 here; this test needs Debian on amd64" >&2
        exit 1
    fi
    kernel=$work/$kernel_package
    if [ ! -e "$kernel/unpacked" ]; then
        echo "downloading $kernel_package"
        rm -rf "$kernel" && mkdir -p "$kernel"
        (cd "$kernel" && apt-get -q download "$kernel_package" && dpkg-deb -x ./*.deb . && rm ./*.deb)
        touch "$kernel/unpacked"
    fi
    version=$(ls "$kernel/lib/modules")
    depmod -b "$kernel" "$version"
}

# The system's folders, in $root.
start_root() {
    root=$work/root
    rm -rf "$root"
    mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root/lib64" "$root/modules"
    cp /bin/busybox "$root/bin/"
}

# What these programs of $root/bin load. The loader looks under the same names as here.
add_libraries() {
    for program in "$@"; do
        ldd "$root/bin/$program" | grep -o '/[^ ]*'
    done | sort -u | while read -r library; do
        mkdir -p "$root$(dirname "$library")"
        cp -Lu "$library" "$root$library"
    done
}

# Kernel modules with what they need, listed in /modules/order in the order in which they must be loaded.
add_modules() {
    for module in "$@"; do
        modprobe -d "$kernel" -S "$version" --show-depends "$module" | awk '/^insmod/ {print $2}'
    done | awk '!seen[$0]++' >"$work/modules"
    while read -r module; do
        cp "$module" "$root/modules/"
        echo "/modules/$(basename "$module")"
    done <"$work/modules" >"$root/modules/order"
}

# The system in a file for the boot loader, with this script as its init.
pack() {
    cp scripts/guest-init.sh "$root/"
    cp "$1" "$root/init"
    chmod +x "$root/init"
    (cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$work/initrd"
}
