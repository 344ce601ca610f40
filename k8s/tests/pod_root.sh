#!/bin/sh
# pod_root.sh ROOT PROGRAM IDS [SOURCE:PLACE:ro|rw]... -- ARGUMENT...: executes PROGRAM as a container of Kubernetes has it:
# with a root of its own that nobody can write to and that is gone afterwards, the mounts that are named, and no
# capabilities. IDS: user:group:groups, or empty: those of the caller. ROOT is an empty folder.
# To be run in a mount namespace of its own (unshare --mount). It gets the environment as it is.
set -eu
root=$1
program=$2
ids=$3
shift 3

mount --make-rprivate /
mount -t tmpfs pod "$root"
mkdir "$root/usr" "$root/etc" "$root/proc" "$root/sys" "$root/dev"
for folder in bin lib lib64 sbin; do
    ln -s "usr/$folder" "$root/$folder"
done
mount --bind /usr "$root/usr"
# Where libraries are found.
for library in ld.so.cache alternatives; do
    cp -R "/etc/$library" "$root/etc/"
done
mount --rbind /proc "$root/proc"
mount --rbind /sys "$root/sys"
for device in null zero urandom; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
: >"$root/program"
mount --bind "$program" "$root/program"
while [ "$1" != -- ]; do
    source=${1%%:*}
    place=${1#*:}
    access=${place#*:}
    place=$root${place%%:*}
    mkdir -p "$place"
    mount --bind "$source" "$place"
    [ "$access" = rw ] || mount -o remount,bind,ro "$place"
    shift
done
shift
mount -o remount,bind,ro "$root/usr"
mount -o remount,bind,ro "$root"

user=''
if [ -n "$ids" ]; then
    groups=${ids#*:}
    user="--reuid ${ids%%:*} --regid ${groups%%:*} --groups ${groups#*:}"
fi
# shellcheck disable=SC2086 # several words
exec chroot "$root" setpriv $user --inh-caps=-all --bounding-set=-all --no-new-privs /program "$@"
