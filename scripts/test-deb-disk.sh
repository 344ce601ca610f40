#!/bin/busybox sh
# Runs as init in the virtual machine of test-deb.sh: starts the Debian on the disk.
. /guest-init.sh
while read -r module; do insmod "$module"; done </modules/order
until [ -e /dev/vda ]; do sleep 0.1; done
mkdir /disk
mount -t ext4 /dev/vda /disk
exec switch_root /disk /sbin/init
