#!/bin/sh
# Three carriers in network namespaces on one bridge, as on one Wi-Fi: they are paired by words over multicast DNS, one is
# cut off, healed, renumbered and killed, and what an idle carrier sends is measured. Then two carriers of which a link of
# 64 kbit/s with 500 ms and 5 % loss is the only way to each other, and two that reach nothing but a relay. As root, some
# ten minutes; iroh-relay is built once.
set -eu
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ]; then
    echo "skipped: network namespaces need root"
    exit 0
fi
echo 'test-mesh: building the program'
cargo build -q --workspace --features carrier/mesh --bin carrier --example lossy_link
program=$(realpath "${CARGO_TARGET_DIR:-target}/debug/carrier")
lossy_link=$(realpath "${CARGO_TARGET_DIR:-target}/debug/examples/lossy_link")
relay_version=$(sed -n '/^name = "iroh-relay"$/ { n; s/^version = "\(.*\)"$/\1/p }' Cargo.lock)
tools=$(realpath -m "${CARGO_TARGET_DIR:-target}/iroh-relay-$relay_version")
if [ ! -x "$tools/bin/iroh-relay" ]; then
    echo 'test-mesh: building iroh-relay'
    cargo install --quiet --locked iroh-relay --version "=$relay_version" --features server --root "$tools"
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/carrier-mesh-XXXXXX")
prefix=cm$$
bridge=${prefix}b
token=test-mesh-admin-token
pids=

clean_up() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for number in 1 2 3 4 5 6 7 8 9; do ip netns del "$prefix$number" 2>/dev/null || true; done
    ip link del "$bridge" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

name_of() {
    case $1 in 1) echo north ;; 2) echo south ;; 3) echo west ;; 4) echo hill ;; 5) echo valley ;; 7) echo coast ;; *) echo island ;; esac
}

# Runs a command in the namespace of a carrier.
within() {
    inside=$1
    shift
    ip netns exec "$prefix$inside" "$@"
}

address() {
    within "$1" ip address flush dev eth0 scope global
    within "$1" ip address add "$2/24" dev eth0
    within "$1" ip route replace default dev eth0
}

# begin CARRIER [LINE]: with one more line of [mesh].
begin() {
    home=$work/$1
    mkdir -p "$home"
    printf 'name = "%s"\n[mesh]\nenabled = true\nevent = "test"\n%s\n' "$(name_of "$1")" "${2:-}" >"$home/carrier.toml"
    # Not by a function: that would be the child of a shell, and the shell would be ended.
    ip netns exec "$prefix$1" env HOME="$home" XDG_STATE_HOME="$home/state" XDG_DATA_HOME="$home/data" CARRIER_ADMIN_TOKEN=$token \
        "$program" run --config "$home/carrier.toml" --listen 127.0.0.1:8080 --source scene --model none \
        >"$home/out" 2>"$home/log" &
    pids="$pids $!"
    echo $! >"$home/pid"
}

wait_started() {
    tries=0
    while ! ask "$1" http://127.0.0.1:8080/api/carriers 2>/dev/null | grep -q '"id":"'; do
        tries=$((tries + 1))
        [ $tries -lt 60 ] || { echo "FAILED: $(name_of "$1") does not start"; tail -n 20 "$work/$1/log"; exit 1; }
        sleep 1
    done
}

ask() {
    asked=$1
    shift
    within "$asked" curl -sS --max-time 90 -H "Authorization: Bearer $token" "$@"
}

# The state of carrier $2 as carrier $1 sees it.
state() {
    ask "$1" http://127.0.0.1:8080/api/carriers 2>/dev/null | python3 -c "
import json, sys
try:
    carriers = json.load(sys.stdin)['carriers']
except ValueError:
    carriers = []
print(next((one['state'] for one in carriers if one['name'] == '$2' and one['persons'] is not None), 'unknown'))"
}

# Waits until carrier $1 sees carrier $2 as $3, at most $4 seconds, and says how long it took.
wait_for() {
    waited=0
    while [ "$(state "$1" "$2")" != "$3" ]; do
        if [ "$waited" -ge "$4" ]; then
            echo "FAILED: $(name_of "$1") sees $2 as $(state "$1" "$2") after $4 s, not as $3"
            tail -n 20 "$work/$1/log"
            exit 1
        fi
        sleep 1
        waited=$((waited + 1))
    done
    echo "  passed: $(name_of "$1") sees $2 as $3 after $waited s"
}

all_connected() {
    wait_for 1 south connected "$1"
    wait_for 1 west connected "$1"
    wait_for 2 north connected "$1"
    wait_for 2 west connected "$1"
    wait_for 3 north connected "$1"
    wait_for 3 south connected "$1"
}

pair() {
    words=$(ask "$1" -X POST http://127.0.0.1:8080/api/carriers/code | python3 -c 'import json, sys; print(json.load(sys.stdin)["words"])')
    tries=0
    while ! within "$2" env HOME="$work/$2" CARRIER_ADMIN_TOKEN=$token "$program" mesh join "$words" --listen 127.0.0.1:8080 2>"$work/join"; do
        tries=$((tries + 1))
        if [ $tries -ge 15 ]; then
            echo "FAILED: $(cat "$work/join")"
            exit 1
        fi
        sleep 2
    done
}

# separate_networks ONE OTHER MIDDLE: two carriers, each on a network with the namespace MIDDLE, which forwards nothing.
separate_networks() {
    middle=$3
    for number in "$@"; do
        ip netns add "$prefix$number"
        within "$number" ip link set lo up
    done
    within "$middle" sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
    for number in "$1" "$2"; do
        ip link add eth0 netns "$prefix$number" type veth peer name "eth$number" netns "$prefix$middle"
        within "$number" ip link set eth0 up
        address "$number" "10.87.$number.1"
        within "$middle" ip link set "eth$number" up
        within "$middle" ip address add "10.87.$number.9/24" dev "eth$number"
    done
}

ip link add "$bridge" type bridge
ip link set "$bridge" up
for number in 1 2 3; do
    ip netns add "$prefix$number"
    ip link add "${prefix}v$number" type veth peer name eth0 netns "$prefix$number"
    ip link set "${prefix}v$number" master "$bridge" up
    within $number ip link set lo up
    within $number ip link set eth0 up
    address $number 10.87.0.$number
done
for number in 1 2 3; do begin $number; done
for number in 1 2 3; do wait_started $number; done

echo 'test-mesh: pairing by words, found by multicast DNS'
pair 1 2
pair 1 3
pair 2 3
all_connected 60

echo 'test-mesh: what idle carriers send and receive in 60 s'
bytes() { cat "/sys/class/net/${prefix}v$1/statistics/$2_bytes"; }
sleep 20
# What the bridge's port receives is what the carrier sends.
before="$(bytes 1 rx) $(bytes 2 rx) $(bytes 3 rx)"
sleep 60
after="$(bytes 1 rx) $(bytes 2 rx) $(bytes 3 rx)"
python3 - "$before" "$after" <<'EOF'
import sys

before, after = ([int(one) for one in text.split()] for text in sys.argv[1:])
sent = [(now - then) * 8 / 60 / 1000 for then, now in zip(before, after)]
print("  kbit/s sent by each:", ", ".join(f"{one:.2f}" for one in sent))
if max(sent) >= 2:
    sys.exit("FAILED: an idle carrier sends 2 kbit/s or more")
EOF

echo 'test-mesh: one is cut off for a minute'
ip link set "${prefix}v3" down
wait_for 1 west away 90
wait_for 3 north away 90
ip link set "${prefix}v3" up
all_connected 90

echo 'test-mesh: one gets another address'
address 3 10.87.0.33
sleep 5
all_connected 90

echo 'test-mesh: one is killed and starts again'
kill -9 "$(cat "$work/3/pid")"
wait_for 1 west away 90
begin 3
all_connected 90

echo 'test-mesh: 64 kbit/s, 500 ms and 5 % loss between two carriers'
separate_networks 4 5 6
mkfifo "$work/orders"
ip netns exec "${prefix}6" "$lossy_link" 10.87.4.1:7442 0.0.0.0:7442 1 <"$work/orders" >"$work/link" &
pids="$pids $!"
exec 9>"$work/orders"
echo 'both loss=0.05 delay_ms=250 rate_bps=64000 queue_ms=2000' >&9
for number in 4 5; do begin $number; done
for number in 4 5; do wait_started $number; done
link=$(ask 4 -X POST http://127.0.0.1:8080/api/carriers/code | python3 -c '
import json, sys
print("/".join(json.load(sys.stdin)["link"].split("/")[:2]) + "/10.87.5.9:7442")')
within 5 env HOME="$work/5" CARRIER_ADMIN_TOKEN=$token "$program" mesh join "$link" --listen 127.0.0.1:8080
wait_for 5 hill connected 120
wait_for 4 valley connected 120
grep -q error "$work/link" && { echo "FAILED: $(cat "$work/link")"; exit 1; }
exec 9>&-

echo 'test-mesh: two carriers without a path to each other, and a relay'
separate_networks 7 8 9
# The relay has one address, which both reach over their own network.
within 9 ip address add 10.87.99.1/32 dev lo
ip netns exec "${prefix}9" "$tools/bin/iroh-relay" --dev >"$work/relay" 2>&1 &
pids="$pids $!"
for number in 7 8; do begin $number 'relay = "http://10.87.99.1:3340"'; done
for number in 7 8; do wait_started $number; done
link=$(ask 7 -X POST http://127.0.0.1:8080/api/carriers/code | python3 -c 'import json, sys; print(json.load(sys.stdin)["link"])')
within 8 env HOME="$work/8" CARRIER_ADMIN_TOKEN=$token "$program" mesh join "$link" --listen 127.0.0.1:8080
wait_for 8 coast connected 60
wait_for 7 island connected 60
echo 'test-mesh: all passed'
