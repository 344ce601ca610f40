#!/bin/sh
# The screen against real DRM drivers: boots a Debian kernel with the displays of QEMU (bochs and virtio), runs
# screen/examples/display_probe there, and compares what the display shows, pixel by pixel. Needs no display, no KVM
# and no root (but for installing packages that are missing). About four minutes after the build.
set -eu
cd "$(dirname "$0")/.."

. scripts/packages.sh
. scripts/guest-system.sh
install_missing "The display test"
prepare_kernel

echo 'test-display: building display_probe'
# The whole workspace: alone, screen would get other features of its dependencies, built anew.
cargo build -q --workspace --example display_probe

start_root
probe=$target/debug/examples/display_probe
strip -o "$root/bin/display_probe" "$probe"
add_libraries display_probe
add_modules virtio_pci bochs virtio_gpu
pack scripts/test-display-guest.sh

failed=0
# Compares a picture of the display with the one that must be there.
compare() {
    if [ ! -s "$2" ]; then
        echo "  FAILED: $1: the display was not read"
        failed=1
    elif cmp -s "$2" "$3"; then
        echo "  passed: $1"
    else
        echo "  FAILED: $1: $2 is not $3"
        failed=1
    fi
}

for display in std virtio; do
    case $display in
    # The second one has a card of its own.
    std) devices='-vga std -device virtio-gpu-pci' ;;
    # As a small projector.
    virtio) devices='-vga none -device virtio-vga,xres=640,yres=480' ;;
    esac
    pictures=$work/display-$display
    console=$pictures/console
    rm -rf "$pictures" && mkdir -p "$pictures"
    echo "test-display: booting $kernel_package with $devices"
    mkfifo "$pictures/monitor"
    # Emulation on purpose: KVM is missing or broken on many build machines.
    # shellcheck disable=SC2086 # Several words.
    timeout 420 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m 1500 -smp 2 -display none $devices \
        -no-reboot -net none -serial "file:$console" -monitor stdio \
        -kernel "$kernel/boot/vmlinuz-$version" -initrd "$work/initrd" \
        -append 'console=tty0 console=ttyS0 panic=-1 quiet' <"$pictures/monitor" >/dev/null 2>&1 &
    machine=$!
    exec 3>"$pictures/monitor"
    answered=
    while kill -0 "$machine" 2>/dev/null; do
        sleep 0.5
        for name in $(tr -d '\r' <"$console" 2>/dev/null | sed -n 's/^guest: t[ay][kp]e //p'); do
            case " $answered " in
            *" $name "*) continue ;;
            esac
            answered="$answered $name"
            case $name in
            before | meanwhile | after) printf 'sendkey x\nsendkey ret\n' >&3 ;;
            *) echo "screendump $pictures/$name.ppm" >&3 ;;
            esac
        done
    done
    exec 3>&-
    wait "$machine" || true
    tr -d '\r' <"$console" | sed -n '/^guest: t[ay][kp]e /d; s/^guest: /  /p'
    if ! tr -d '\r' <"$console" | grep -q '^guest: all passed'; then
        echo "test-display: FAILED with $display; the console is in $console" >&2
        tail -n 25 "$console" >&2
        failed=1
    fi
    size=$(sed -n 's/.*, \([0-9]*\)x\([0-9]*\), .* mode setting.*/\1 \2/p' "$console" | head -n 1)
    # shellcheck disable=SC2086 # Two words.
    for degrees in 0 90; do
        "$probe" expected ${size:-2 2} "$degrees" >"$pictures/expected-$degrees.ppm"
    done
    compare 'the picture is on the display' "$pictures/upright.ppm" "$pictures/expected-0.ppm"
    compare 'and again after it was unplugged' "$pictures/replugged.ppm" "$pictures/expected-0.ppm"
    compare 'the older way of mode setting shows it' "$pictures/legacy.ppm" "$pictures/expected-0.ppm"
    compare 'it is back with its terminal' "$pictures/returned.ppm" "$pictures/expected-0.ppm"
    compare 'the turned picture is on the display' "$pictures/turned.ppm" "$pictures/expected-90.ppm"
    if [ ! -s "$pictures/terminal.ppm" ] || cmp -s "$pictures/terminal.ppm" "$pictures/upright.ppm"; then
        echo '  FAILED: another terminal is not visible'
        failed=1
    else
        echo '  passed: another terminal is visible'
    fi
    if [ ! -s "$pictures/console.ppm" ] || cmp -s "$pictures/console.ppm" "$pictures/upright.ppm"; then
        echo '  FAILED: the console is not visible after SIGKILL'
        failed=1
    else
        echo '  passed: the console is visible after SIGKILL'
    fi
done
[ "$failed" -eq 0 ] || exit 1
echo 'test-display: passed'
