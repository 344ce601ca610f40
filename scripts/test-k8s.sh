#!/bin/sh
# test-k8s.sh [--all]: checks k8s/: renders every overlay and component with the real kubectl, validates what comes out,
# compares it with the program's source, and starts the program (CARRIER_BIN, else target/debug/carrier) as a pod has it.
# Installs its tools in the cache folder. With --all, probes are asked at the pace of the manifests, and the browser
# watches in more networks.
set -eu
cd "$(dirname "$0")/.."

place=$(scripts/install-k8s-tools.sh)
binary=$(realpath "${CARRIER_BIN:-${CARGO_TARGET_DIR:-target}/debug/carrier}")
export PYTHONDONTWRITEBYTECODE=1

"$place/bin/python" k8s/tests/check.py "$place/bin/kubectl" "$place/types.mts"
(cd "$place" && node_modules/.bin/tsc --noEmit --strict --skipLibCheck --module nodenext --target es2022 types.mts)

if [ ! -x "$binary" ]; then
    echo "Skipped: manifests with the program, since $binary is not built"
    exit 0
fi
alone=''
[ "$(id -u)" -eq 0 ] || alone=--map-root-user
if ! unshare $alone --net true 2>/dev/null; then
    echo "Skipped: manifests with the program, since unshare may make no network namespace"
    exit 0
fi
# The ports are those of the manifests: a network of its own keeps them free.
# shellcheck disable=SC2086,SC2016 # one word or none; expanded by the inner shell
unshare $alone --net sh -c 'ip link set lo up && exec "$@"' sh \
    "$place/bin/python" k8s/tests/station.py "$place/bin/kubectl" "$binary" "$@"
echo "The program runs with the manifests."

if [ "$(id -u)" -ne 0 ] || ! command -v iptables >/dev/null || [ ! -d web/tests/browser/node_modules ]; then
    echo "Skipped: video through a node's ports, since it needs root, iptables and the browser of the tests"
    exit 0
fi
unshare --net --mount k8s/tests/node_ports.sh "$binary" k8s/overlays/local/carrier.toml "$(command -v node)" "$@"
