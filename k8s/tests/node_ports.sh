#!/bin/sh
# node_ports.sh PROGRAM TOML NODE: a phone (Chromium) watches the station in a pod, in three networks made of namespaces:
# through the node's ports, through them where UDP is blocked, and through a proxy for pages and a TCP endpoint for media,
# as ngrok has them. The address of the downward API is one that the phone does not reach, as on a laptop whose node has a
# fixed address. The network policy is that of k8s/base: nothing leaves the pod but answers.
# To be run as root in network and mount namespaces of its own (unshare --net --mount). Needs iptables and Chromium.
set -eu
program=$1
toml=$2
node=$3
here=$(dirname "$(realpath "$0")")
folder=$(mktemp -d)
pids=''

finish() {
    # shellcheck disable=SC2086 # several process ids
    kill $pids 2>/dev/null || true
    umount "$folder/pod" "$folder/phone" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

# machine NAME INTERFACE NODE_SIDE OWN_ADDRESS NODE_ADDRESS: a network namespace beside the node.
machine() {
    : >"$folder/$1"
    unshare --net="$folder/$1" true
    nsenter --net="$folder/$1" sleep 1000 &
    inside=$!
    pids="$pids $inside"
    # Until it has entered, its interface would stay here.
    while [ "$(readlink "/proc/$inside/ns/net")" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
    ip link add "$3" type veth peer name "$2"
    ip link set "$2" netns "$inside"
    ip address add "$5/24" dev "$3"
    ip link set "$3" up
    for command in "link set lo up" "address add $4/24 dev $2" "link set $2 up" "route add default via $5"; do
        # shellcheck disable=SC2086 # several words
        nsenter --net="$folder/$1" ip $command
    done
}

ip link set lo up
machine pod eth0 cni0 10.244.0.9 10.244.0.1
machine phone wlan0 lan0 192.168.1.50 192.168.1.20
echo 1 >/proc/sys/net/ipv4/ip_forward

# forward PROTOCOL FROM TO: a port of the node leads to one of the pod.
forward() {
    iptables -t nat -A PREROUTING -d 192.168.1.20 -p "$1" --dport "$2" -j DNAT --to "10.244.0.9:$3"
}

policy() {
    iptables -F FORWARD
    iptables -t nat -F
    iptables -P FORWARD DROP
    iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
    iptables -A FORWARD -d 10.244.0.9 -p tcp --dport 8080 -j ACCEPT
    iptables -A FORWARD -d 10.244.0.9 -p udp --dport 30189 -j ACCEPT
    iptables -A FORWARD -d 10.244.0.9 -p tcp --dport 30189 -j ACCEPT
}

# watch CASE PAGES ANNOUNCED: fails unless the phone sees moving pictures.
watch() {
    nsenter --net="$folder/pod" env -i XDG_STATE_HOME="$folder/state" XDG_DATA_HOME="$folder/data" \
        CARRIER_ANNOUNCE="$3" CARRIER_PUBLIC_URL="$2" "$program" run --config "$toml" >"$folder/log" 2>&1 &
    station=$!
    pids="$pids $station"
    nsenter --net="$folder/phone" nice -n 15 "$node" "$here/watch.mjs" "$2" 192.168.1.20 || {
        cat "$folder/log"
        echo "$1: no video"
        exit 1
    }
    kill "$station"
    wait "$station" || true
    echo "$1: video"
}

policy
forward tcp 30080 8080
forward tcp 30189 30189
forward udp 30189 30189
watch "through the node's ports" http://192.168.1.20:30080/ 10.77.0.1:30189
iptables -I FORWARD -p udp -j DROP
watch "where UDP is blocked" http://192.168.1.20:30080/ 10.77.0.1:30189

policy
forward tcp 80 8080
forward tcp 20001 30189
iptables -t nat -A POSTROUTING -d 10.244.0.9 -j MASQUERADE
watch "through a proxy and a TCP endpoint" http://booth.example/ 192.168.1.20:20001
