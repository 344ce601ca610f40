#!/bin/busybox sh
# Runs as init in the virtual machine of test-display.sh. "guest: take NAME" asks the host for a picture of the display,
# "guest: type NAME" to press a letter and Enter on the keyboard.
busybox=/bin/busybox
$busybox --install -s /bin
export PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev

failures=0
step() {
    name=$1
    shift
    if "$@"; then
        echo "guest: passed: $name"
    else
        echo "guest: FAILED: $name"
        cat /tmp/log
        failures=$((failures + 1))
    fi
}
# Waits for a text in the log of the program, for the so manieth time.
logged() {
    for _ in $(seq 60); do
        [ "$(grep -c "$1" /tmp/log)" -ge "$2" ] && return 0
        sleep 0.5
    done
    return 1
}
take() {
    # Some pictures are shown after the first one.
    sleep 2
    echo "guest: take $1"
    sleep 5
}
show() {
    display_probe show "$1" >/tmp/log 2>&1 &
    probe=$!
    logged 'the screen is .* mode setting' 1
}
# Whether so many lines were typed at the console.
has_typed() {
    [ "$(wc -l </tmp/typed)" -eq "$1" ]
}
type_line() {
    echo "guest: type $1"
    sleep 5
}

while read -r module; do insmod "$module"; done </modules/order
sleep 2
echo "guest: up after $(cut -d ' ' -f 1 /proc/uptime) s: $(ls -x /sys/class/drm)"
cat /dev/tty1 >/tmp/typed &
type_line before
step 'the console gets keys' has_typed 1
step 'a display is found and opened' show 0
grep -o 'the screen is .*mode setting' /tmp/log | sed 's/^/guest: /'
take upright
type_line meanwhile
step 'it gets none while the picture is shown' has_typed 1
status=$(ls -d /sys/class/drm/card*-*/status | head -n 1)
echo off >"$status"
step 'the missing display is noticed' logged 'shows nothing' 1
echo on >"$status"
step 'the display is opened again' logged 'mode setting' 2
take replugged
kill -9 "$probe"
sleep 2
type_line after
step 'it gets keys again after SIGKILL' has_typed 2
printf '\033[2J\033[Hthe console is usable\n' >/dev/tty0
take console
step 'a turned display is opened' show 90
take turned
kill -9 "$probe"
sleep 1
[ "$failures" -eq 0 ] && echo 'guest: all passed'
poweroff -f
