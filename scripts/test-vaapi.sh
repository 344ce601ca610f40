#!/bin/sh
# The VA-API encoder: its code is checked with clippy, and the encoder's contract is tested in GStreamer with x264, and
# with each VA-API encoder that this machine has.
set -eu
cd "$(dirname "$0")/.."
. scripts/packages.sh

has_library() {
    have pkg-config && pkg-config --exists "$1"
}

has_element() {
    have gst-inspect-1.0 && gst-inspect-1.0 --exists "$1"
}

need libgstreamer1.0-dev "GStreamer's headers" has_library gstreamer-1.0
need libgstreamer-plugins-base1.0-dev "GStreamer's headers for video" has_library gstreamer-video-1.0
need gstreamer1.0-tools "lists the encoders that this machine has" have gst-inspect-1.0
need gstreamer1.0-plugins-bad "the VA-API encoders and the H.264 parser" has_element h264parse
need gstreamer1.0-plugins-ugly "x264, in place of a graphics processor" has_element x264enc
install_missing "Testing the VA-API encoder"

cargo clippy -p signaling --features vaapi --all-targets -- -D warnings
cargo test -p signaling --features vaapi --lib encode:: -- --nocapture
