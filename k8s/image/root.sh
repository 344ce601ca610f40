#!/bin/sh
# Makes the root file system of the image without the program: what the program loads, names of time zones, and a shell
# with the usual small tools for a look inside. Neither a package manager nor Perl is left.
set -eu

export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -y dist-upgrade
set -- libavcodec59 libavformat59 libavutil57 libopencv-core406 libopencv-imgproc406 libopencv-photo406 libstdc++6 \
    libswscale6 tzdata zlib1g
if [ "$RUNTIME" = openvino ]; then
    # OpenVINO reaches Intel's graphics through OpenCL.
    set -- "$@" intel-opencl-icd
fi
apt-get -qq -y --no-install-recommends install "$@"
apt-get -qq -y --purge autoremove

# OpenCV is linked with OpenGL, and nothing here draws with it: its drivers, with a compiler, are for nothing.
dpkg --purge --force-depends libglx-mesa0 libgl1-mesa-dri libllvm15 libz3-4 libsensors5 libsensors-config
# In an order in which each one's scripts still find what they call. dpkg is the last one: it removes itself. The list of
# what is installed stays, for scanners.
for package in adduser apt apt-utils bsdutils ca-certificates debian-archive-keyring diffutils e2fsprogs gpgv login logsave \
    mount ncurses-base ncurses-bin openssl passwd sysvinit-utils ucf util-linux-extra util-linux init-system-helpers debconf \
    perl-base bash tar dpkg; do
    if dpkg-query --show "$package" >/dev/null 2>&1; then
        dpkg --purge --force-all "$package"
    fi
done

printf 'carrier:x:10001:10001::/var/lib/carrier:/usr/sbin/nologin\n' >>/etc/passwd
printf 'carrier:x:10001:\n' >>/etc/group
mkdir -p /etc/carrier /var/lib/carrier
chown 10001:10001 /var/lib/carrier
chmod 750 /var/lib/carrier

find / -xdev -perm /6000 -exec chmod a-s {} +
find /usr/share/doc -type f ! -name copyright -delete
find /usr/share/doc -type d -empty -delete
# Nobody logs in, and the files with passwords have the day of the build.
rm -rf /etc/apt /etc/group- /etc/gshadow* /etc/machine-id /etc/passwd- /etc/shadow* /usr/lib/*/perl* /usr/share/bug \
    /usr/share/icons /usr/share/info /usr/share/lintian /usr/share/locale /usr/share/man /usr/share/perl* /var/cache/* \
    /var/lib/apt /var/lib/dpkg/*-old /var/log/* /tmp/* /var/tmp/*
