# Read by the scripts that run as init in the virtual machines of the tests. Each step prints a line.
/bin/busybox --install -s /bin
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
        [ ! -e /tmp/log ] || cat /tmp/log
        failures=$((failures + 1))
    fi
}
finish() {
    [ "$failures" -eq 0 ] && echo 'guest: all passed'
    poweroff -f
}
