#!/bin/sh
# Makes an OpenCV whose parts need few other libraries, in /opt/opencv: core, imgproc and photo are Debian's; imgcodecs and
# videoio are built from Debian's source with FFmpeg alone. Debian's own two need GDAL, GStreamer and more, 200 MB.
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
# Sources of packages, in both forms of apt's lists.
for file in /etc/apt/sources.list.d/*.sources; do
    [ ! -f "$file" ] || sed -i 's/^Types: deb$/Types: deb deb-src/' "$file"
done
cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | sed -n 's/^deb /deb-src /p' >/tmp/sources.list
mv /tmp/sources.list /etc/apt/sources.list.d/sources-of-opencv.list
apt-get -qq update
# shellcheck disable=SC2086 # several packages
install ca-certificates cmake pkg-config $compilers "libavcodec-dev$of_arch" "libavformat-dev$of_arch" \
    "libavutil-dev$of_arch" "libswscale-dev$of_arch" "zlib1g-dev$of_arch" "libopencv-core406$of_arch" \
    "libopencv-imgproc406$of_arch" "libopencv-photo406$of_arch"

debians=/usr/lib/$triplet
version=$(dpkg-query --show --showformat '${source:Version}' "libopencv-core406$of_arch")
key=$version-$arch-$(cat opencv.sh architecture.sh | sha256sum | cut -c 1-12)
kept=/var/cache/carrier/opencv-$key.tar
mkdir -p /var/cache/carrier
if [ -f "$kept" ]; then
    tar -C /opt -xf "$kept"
    exit 0
fi

mkdir /tmp/opencv
cd /tmp/opencv
apt-get -qq source "opencv=$version"
if [ -n "$of_arch" ]; then
    cat >toolchain.cmake <<TOOLCHAIN
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR $machine)
set(CMAKE_C_COMPILER $triplet-gcc)
set(CMAKE_CXX_COMPILER $triplet-g++)
set(CMAKE_LIBRARY_ARCHITECTURE $triplet)
TOOLCHAIN
    set -- -DCMAKE_TOOLCHAIN_FILE=/tmp/opencv/toolchain.cmake
    export PKG_CONFIG_LIBDIR="$debians/pkgconfig:/usr/share/pkgconfig"
fi
# Only FFmpeg opens videos, and no pictures are read or written through OpenCV.
for off in 1394 ADE CAROTENE EIGEN GSTREAMER GTK IMGCODEC_HDR IMGCODEC_PFM IMGCODEC_PXM IMGCODEC_SUNRASTER IPP ITT JASPER JPEG \
    LAPACK OPENCL OPENEXR OPENJPEG PNG PROTOBUF QUIRC TIFF V4L VA WEBP; do
    set -- "$@" "-DWITH_$off=OFF"
done
# CPU_DISPATCH is for code of core and imgproc. The last two leave time and kernel of the build out of the library.
cmake -S opencv-*/ -B build "$@" -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/opt/opencv -DCPU_DISPATCH= \
    -DCMAKE_SKIP_RPATH=ON -DBUILD_LIST=core,imgproc,imgcodecs,videoio,photo -DBUILD_opencv_apps=OFF \
    -DBUILD_JAVA=OFF -DBUILD_TESTS=OFF -DBUILD_PERF_TESTS=OFF -DENABLE_PRECOMPILED_HEADERS=OFF \
    -DOPENCV_GENERATE_PKGCONFIG=ON -DBUILD_INFO_SKIP_TIMESTAMP=ON -DBUILD_INFO_SKIP_SYSTEM_VERSION=ON
# The linker finds Debian's libraries where it would find those of this build; "/fast" builds no others.
number=$(echo "$debians"/libopencv_core.so.*.*.*)
number=${number##*libopencv_core.so.}
mkdir -p build/lib /opt/opencv/licence
for module in core imgproc photo; do
    ln -s "$debians/libopencv_$module.so.$number" "build/lib/libopencv_$module.so.$number"
    ln -s "libopencv_$module.so.$number" "build/lib/libopencv_$module.so"
done
cmake --build build --parallel "$(nproc)" --target opencv_imgcodecs/fast
cmake --build build --parallel "$(nproc)" --target opencv_videoio/fast
if ! "$triplet-objdump" --private-headers "build/lib/libopencv_videoio.so.$number" | grep -q 'NEEDED.*libavcodec'; then
    echo "OpenCV did not find FFmpeg." >&2
    exit 1
fi
# Headers and names for the linker.
cmake --build build --target gen-pkgconfig
cmake --install build --component dev >/dev/null
cp -P build/lib/libopencv_*.so.* /opt/opencv/lib/
rm -r /opt/opencv/lib/cmake /opt/opencv/share
cp opencv-*/LICENSE opencv-*/debian/copyright /opt/opencv/licence
printf '%s\n' "$version" >/opt/opencv/version
cd /
rm -rf /tmp/opencv
tar -C /opt -cf "$kept.part" opencv
mv "$kept.part" "$kept"
