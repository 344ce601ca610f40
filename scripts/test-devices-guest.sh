#!/bin/busybox sh
# Runs as init in the virtual machine of test-devices.sh.
. /guest-init.sh

# Capture, output and both kinds of metadata: four nodes, of which one is a camera.
cat >/bin/plug-in <<'END'
#!/bin/sh
insmod "$(tail -n 1 /modules/order)" n_devs=1 num_inputs=1 input_types=0 node_types=0x60101
END
# As the bus does it: the nodes vanish under whoever has them open.
cat >/bin/unplug <<'END'
#!/bin/sh
echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind
END
# Somebody still holds the old node, so that the camera comes back under another number.
cat >/bin/unplug-held <<'END'
#!/bin/sh
sleep 1000 </dev/video0 &
unplug
END
cat >/bin/replug <<'END'
#!/bin/sh
echo vivid.0 >/sys/bus/platform/drivers/vivid/bind
echo "guest: nodes now: $(ls -x /dev/video*)"
END
# vivid's own way: the node stays and answers nothing but ENODEV until its last user closes it.
cat >/bin/disconnect <<'END'
#!/bin/sh
sleep 1000 <"$(cat /tmp/camera)" &
echo $! >/tmp/holder
v4l2-ctl -d "$(cat /tmp/camera)" -c disconnect=1
END
cat >/bin/reconnect <<'END'
#!/bin/sh
kill "$(cat /tmp/holder)"
END
# The driver goes on, but no picture comes out of it.
cat >/bin/drop-pictures <<'END'
#!/bin/sh
v4l2-ctl -d "$(cat /tmp/camera)" -c percentage_of_dropped_buffers="$1"
END
# Numbers change; the camera's name in sysfs does not.
find_camera() {
    for node in /sys/class/video4linux/video*; do
        grep -q vid-cap "$node/name" && echo "/dev/${node##*/}" >/tmp/camera
    done
}
chmod +x /bin/unplug-held /bin/disconnect /bin/reconnect /bin/drop-pictures
chmod +x /bin/plug-in /bin/unplug /bin/replug

head -n -1 /modules/order | while read -r module; do insmod "$module"; done
echo "guest: up after $(cut -d ' ' -f 1 /proc/uptime) s, kernel $(uname -r)"
step 'auto shows the scene, and the camera once it is plugged in' device_probe arrive plug-in
step "$(ls /dev/video* | wc -w) nodes, one camera listed" device_probe list
step 'YUYV streams' device_probe stream webcam 640x360@30 yuyv 30
step 'NV12 streams' device_probe stream webcam:vivid 640x360@30 nv12 30
step '1280x720 streams' device_probe stream webcam:0 1280x720@10 yuyv 10
step 'controls are set at the opening and live, and the picture is turned' device_probe controls
step 'unplugged while streaming, plugged in again' device_probe outage webcam unplug replug
step 'the same, back under another number' \
    device_probe outage webcam:platform:vivid-000 unplug-held replug
find_camera
step 'dead while streaming, and back' device_probe outage auto disconnect reconnect
step 'silent while streaming, and back' \
    device_probe outage webcam 'drop-pictures 100' 'drop-pictures 0'
drop-pictures 100
step 'hanging from the start, and back' device_probe hang webcam 'drop-pictures 0'
finish
