#!/bin/sh
# Puts the program, OpenCV, ONNX Runtime, their licences and the bill of materials into the root in /image.
set -eu
cd "$(dirname "$0")/../.."
. k8s/image/architecture.sh

root=/image
libraries=$root/usr/lib/$triplet
runtime=$root/usr/lib/carrier/runtime
doc=$root/usr/share/doc/carrier

# Device files, and what named the machine that built Debian's root. Whatever runs the image brings its own.
rm -rf "$root/dev" "$root/etc/hostname" "$root/etc/hosts" "$root/etc/resolv.conf"
mkdir "$root/dev"

install -D -m 755 /out/program "$root/usr/bin/carrier"
cp -a /opt/opencv/lib/libopencv_imgcodecs.so.* /opt/opencv/lib/libopencv_videoio.so.* "$libraries/"
mkdir -p "$root/usr/lib/carrier"
cp -r "/out/carrier/runtime/$RUNTIME" "$runtime"
rm -f "$runtime/stamp"
# The name in the image's environment, whatever the version.
(cd "$runtime/onnxruntime/capi" && ln -s libonnxruntime.so.* libonnxruntime.so)
install -D -m 644 k8s/base/carrier.toml "$root/etc/carrier/carrier.toml"

mkdir -p "$doc/opencv"
cp LICENSE-APACHE LICENSE-MIT THIRD-PARTY.md models/EMBEDDED.md capture/fonts/OFL.txt "$doc/"
cp /out/copyright "$doc/"
cp /opt/opencv/licence/* "$doc/opencv/"
python3 scripts/sbom.py image "$root" "$arch" </out/components.json >"$doc/carrier.cdx.json"

# Names of Debian's packages change with its releases: nothing must be missing.
needed=$(for file in "$root/usr/bin/carrier" "$libraries"/libopencv_*.so.*; do
    "$triplet-objdump" --private-headers "$file" | sed -n 's/^ *NEEDED *//p'
done | sort -u)
for library in $needed; do
    # A link may lead to what only the image has at that place.
    if ! find "$root/usr/lib" "$root/usr/lib64" "$libraries" -maxdepth 1 -name "$library" 2>/dev/null | grep -q .; then
        echo "The image lacks $library." >&2
        exit 1
    fi
done
