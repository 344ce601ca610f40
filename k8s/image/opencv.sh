#!/bin/sh
# Builds OpenCV from Debian's source with the modules that carrier uses, into /opt/opencv. Debian's own OpenCV needs
# 282 MB of libraries, and with them the image would be larger than 250 MB. FFmpeg is Debian's.
set -eu
cd "$(dirname "$0")"
. ./access.sh
. ./architecture.sh

if [ -n "$of_arch" ]; then
    dpkg --add-architecture "$arch"
    compilers="build-essential crossbuild-essential-$arch"
else
    compilers=build-essential
fi
apt-get -q update
apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    sort -u >/etc/apt/sources.list.d/sources-of-opencv.list
apt-get -q update
# shellcheck disable=SC2086 # several packages
install ca-certificates cmake pkg-config $compilers "libavcodec-dev$of_arch" "libavformat-dev$of_arch" \
    "libavutil-dev$of_arch" "libswscale-dev$of_arch" "zlib1g-dev$of_arch"

version=$(apt-cache showsrc --only-source opencv | sed -n 's/^Version: //p' | sort -V | tail -n 1)
key=$version-$arch-$(cat opencv.sh architecture.sh | sha256sum | cut -c 1-12)
kept=/var/cache/carrier/opencv-$key.tar
mkdir -p /var/cache/carrier
if [ -f "$kept" ]; then
    tar -C /opt -xf "$kept"
    exit 0
fi

mkdir /tmp/opencv
cd /tmp/opencv
apt-get -q source "opencv=$version"
mkdir build
if [ -n "$of_arch" ]; then
    cat >toolchain.cmake <<TOOLCHAIN
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR $machine)
set(CMAKE_C_COMPILER $triplet-gcc)
set(CMAKE_CXX_COMPILER $triplet-g++)
set(CMAKE_LIBRARY_ARCHITECTURE $triplet)
TOOLCHAIN
    set -- -DCMAKE_TOOLCHAIN_FILE=/tmp/opencv/toolchain.cmake
    export PKG_CONFIG_LIBDIR="/usr/lib/$triplet/pkgconfig:/usr/share/pkgconfig"
fi
# Only FFmpeg opens videos, and no pictures are read or written through OpenCV.
for off in 1394 ADE EIGEN GSTREAMER GTK IMGCODEC_HDR IMGCODEC_PFM IMGCODEC_PXM IMGCODEC_SUNRASTER IPP ITT JASPER JPEG \
    LAPACK OPENCL OPENEXR OPENJPEG PNG PROTOBUF QUIRC TIFF V4L VA WEBP; do
    set -- "$@" "-DWITH_$off=OFF"
done
# The last two leave time and kernel of the build out of the library.
cmake -S opencv-*/ -B build "$@" -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/opt/opencv \
    -DCMAKE_SKIP_INSTALL_RPATH=ON -DBUILD_LIST=core,imgproc,imgcodecs,videoio,photo -DBUILD_opencv_apps=OFF \
    -DBUILD_JAVA=OFF -DBUILD_TESTS=OFF -DBUILD_PERF_TESTS=OFF -DENABLE_PRECOMPILED_HEADERS=OFF \
    -DOPENCV_GENERATE_PKGCONFIG=ON -DBUILD_INFO_SKIP_TIMESTAMP=ON -DBUILD_INFO_SKIP_SYSTEM_VERSION=ON
grep -q 'HAVE_FFMPEG' build/cvconfig.h || grep -rq 'HAVE_FFMPEG' build/modules/videoio || {
    echo "OpenCV did not find FFmpeg." >&2
    exit 1
}
cmake --build build --parallel "$(nproc)" --target install
mkdir -p /opt/opencv/licence
cp opencv-*/LICENSE opencv-*/debian/copyright /opt/opencv/licence
printf '%s\n' "$version" >/opt/opencv/version
cd /
rm -rf /tmp/opencv
tar -C /opt -cf "$kept.part" opencv
mv "$kept.part" "$kept"
