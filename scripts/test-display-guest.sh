#!/bin/busybox sh
# Runs as init in the virtual machine of test-display.sh. "guest: take NAME" asks the host for a picture of the display,
# "guest: type NAME" to press a letter and Enter on the keyboard.
. /guest-init.sh

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
    display_probe show "$@" >/tmp/log 2>&1 &
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
if [ -e /sys/class/drm/card1 ]; then
    step 'the display of the other card is taken' logged 'card1, .* mode setting' 1
fi
shown=$(grep -c 'card0, .* mode setting' /tmp/log)
echo on >"$status"
step 'the display is opened again' logged 'card0, .* mode setting' $((shown + 1))
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
sleep 2
step 'the older way of mode setting works' show 0 legacy
step 'it is that one' logged 'legacy mode setting' 1
take legacy
display_probe show 0 bare >/tmp/second 2>&1 &
second=$!
sleep 6
step 'a second program is told that another one has the display' \
    grep -q 'another program may have the display\|no display is connected\|card1, .* mode setting' /tmp/second
kill -9 "$second" "$probe"
sleep 2
step 'without a console of its own a display is opened' show 0 bare
chvt 2
step 'another terminal on the display is noticed' logged 'tty2 is on the display' 1
take terminal
chvt 1
step 'the display is opened again with its own terminal' logged 'mode setting' 2
take returned
kill -9 "$probe"
sleep 1
finish
