#!/bin/busybox sh
# Runs as init in the virtual machine of test-devices.sh. Each step prints a line.
busybox=/bin/busybox
$busybox --install -s /bin
export PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
# Capture, output and both kinds of metadata: four nodes, of which one is a camera.
cat >/bin/plug-in <<'END'
#!/bin/sh
insmod "$(tail -n 1 /modules/order)" n_devs=1 num_inputs=1 input_types=0 node_types=0x60101
END
cat >/bin/unplug <<'END'
#!/bin/sh
exec v4l2-ctl -d /dev/video0 -c disconnect=1
END
cat >/bin/replug <<'END'
#!/bin/sh
# Busy while an attempt holds the old node.
for try in 1 2 3 4 5 6 7 8 9 10; do
    rmmod vivid 2>/dev/null && exec plug-in
    sleep 0.3
done
echo 'guest: the driver stays busy'
exit 1
END
chmod +x /bin/plug-in /bin/unplug /bin/replug

failures=0
step() {
    name=$1
    shift
    if "$@"; then
        echo "guest: passed: $name"
    else
        echo "guest: FAILED: $name"
        failures=$((failures + 1))
    fi
}

head -n -1 /modules/order | while read -r module; do insmod "$module"; done
echo "guest: up after $(cut -d ' ' -f 1 /proc/uptime) s, kernel $(uname -r)"
step 'auto shows the scene, and the camera once it is plugged in' device_probe arrive plug-in
step "$(ls /dev/video* | wc -w) nodes, one camera listed" device_probe list
step 'YUYV streams' device_probe stream webcam 640x360 yuyv 30
step 'NV12 streams' device_probe stream webcam:vivid 640x360 nv12 30
step '1280x720 streams' device_probe stream webcam:0 1280x720 yuyv 10
step 'unplugged while streaming, and plugged in again' device_probe outage webcam unplug replug
step 'silent while streaming, and back' device_probe outage webcam \
    'v4l2-ctl -d /dev/video0 -c percentage_of_dropped_buffers=100' \
    'v4l2-ctl -d /dev/video0 -c percentage_of_dropped_buffers=0'
[ "$failures" -eq 0 ] && echo 'guest: all passed'
poweroff -f
