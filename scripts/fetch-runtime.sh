#!/bin/sh
# fetch-runtime.sh [cpu|openvino|cuda] [MACHINE]: puts ONNX Runtime's shared libraries where carrier looks for
# them, in the XDG cache under carrier/runtime/FLAVOUR; for another MACHINE (x86_64, aarch64), if named. They come out of the Python wheels, through
# pip, so that whatever index or mirror is configured for pip serves; each wheel is checked against
# the hash pinned in scripts/runtime/. Silent when that very set is there already.
set -eu
cd "$(dirname "$0")/.."

flavour=${1:-cpu}
requirements=scripts/runtime/$flavour.txt
if [ ! -f "$requirements" ]; then
    echo "There is no runtime flavour '$flavour'. There are: cpu, openvino (Intel), cuda (NVIDIA)." >&2
    exit 2
fi

architecture=${2:-$(uname -m)}
folder=${XDG_CACHE_HOME:-$HOME/.cache}/carrier/runtime
stamp="$architecture $(sha256sum <"$requirements")"
if [ "$(cat "$folder/$flavour/stamp" 2>/dev/null || true)" = "$stamp" ]; then
    exit 0
fi

case $flavour:$architecture in
cpu:x86_64 | cpu:aarch64 | *:x86_64) ;;
*)
    echo "There is no '$flavour' wheel of ONNX Runtime for $architecture." >&2
    exit 1
    ;;
esac

sed -n 's/^# /Fetching: /p' "$requirements" | head -n 1
mkdir -p "$folder"
# Beside its destination: the last step is a rename, and 3 GB may be too much for /tmp.
work=$(mktemp -d "$folder/.fetching-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The Python version only picks one wheel of several that hold the same library: with it pinned,
# one hash is enough whatever Python this machine has.
if ! python3 -m pip --disable-pip-version-check --no-cache-dir --retries 1 --timeout 15 download \
    --quiet --no-deps --only-binary=:all: --require-hashes \
    --implementation cp --python-version 3.12 --platform "manylinux_2_28_$architecture" \
    --platform "manylinux_2_27_$architecture" --platform "manylinux2014_$architecture" \
    --dest "$work/wheels" --requirement "$requirements"; then
    echo "ONNX Runtime could not be fetched (see above). carrier runs without detection until it is" >&2
    echo "there; to try again: make runtime${1:+ RUNTIME=$1}" >&2
    exit 1
fi

python3 - "$work/wheels" "$work/unpacked" <<'PYTHON'
import pathlib, re, sys, zipfile

# The libraries that are loaded at run time, and the licences they come under.
WANTED = re.compile(r"(^|/)lib/[^/]+\.so[^/]*$|/capi/lib[^/]+\.so[^/]*$|(?i:licen[cs]e|notice)")
for wheel in sorted(pathlib.Path(sys.argv[1]).glob("*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(sys.argv[2], [n for n in archive.namelist() if WANTED.search(n)])
PYTHON

printf '%s\n' "$stamp" >"$work/unpacked/stamp"
[ ! -e "$folder/$flavour" ] || mv "$folder/$flavour" "$work/old"
mv -T "$work/unpacked" "$folder/$flavour"
echo "ONNX Runtime ($flavour) is in $folder/$flavour"
