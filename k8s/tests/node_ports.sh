#!/bin/sh
# node_ports.sh PROGRAM TOML NODE [--all]: a phone (Chromium) watches the station in networks made of namespaces: in a pod, through
# the node's ports after the node's address has changed, through them where UDP is blocked, and through a proxy for pages
# and a TCP endpoint for media, as ngrok has them. With --all also before the change, and in the node's network.
# The address of the downward API is one that the phone does not reach, as on a laptop whose node has a fixed address. The
# network policy is that of k8s/base: nothing leaves the pod but answers.
# To be run as root in network and mount namespaces of its own (unshare --net --mount). Needs iptables and Chromium.
set -eu
program=$1
toml=$2
node=$3
all=${4:-}
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

address=192.168.1.20

# forward PROTOCOL FROM TO: a port of the node leads to one of the pod.
forward() {
    iptables -t nat -A PREROUTING -d "$address" -p "$1" --dport "$2" -j DNAT --to "10.244.0.9:$3"
}

node_ports() {
    iptables -t nat -F
    forward tcp 30080 8080
    forward tcp 30189 30189
    forward udp 30189 30189
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

# start [VARIABLE=VALUE]...: the station, with these variables, in the namespace that `enter` leads to.
start() {
    $enter env -i XDG_STATE_HOME="$folder/state" XDG_DATA_HOME="$folder/data" "$@" \
        "$program" run --config "$toml" >"$folder/log" 2>&1 &
    station=$!
    pids="$pids $station"
}

stop() {
    kill "$station"
    wait "$station" || true
}

# sees CASE PAGES: fails unless the phone sees moving pictures.
sees() {
    nsenter --net="$folder/phone" nice -n 15 "$node" "$here/watch.mjs" "$2" "$address" || {
        cat "$folder/log"
        echo "$1: no video"
        exit 1
    }
    echo "$1: video"
}

# move ADDRESS: the node gets another address in the phone's network.
move() {
    ip address del "$address/24" dev lan0
    address=$1
    ip address add "$address/24" dev lan0
    nsenter --net="$folder/phone" ip route replace default via "$address"
}

# The pod has the address of the downward API, as it was when the container started.
enter="nsenter --net=$folder/pod"
policy
node_ports
start CARRIER_ANNOUNCE=10.77.0.1:30189 CARRIER_PUBLIC_URL=http://10.77.0.1:30080/
[ -z "$all" ] || sees "through the node's ports" "http://$address:30080/"
move 192.168.1.21
node_ports
sees "through the node's ports, after its address changed" "http://$address:30080/"
iptables -I FORWARD -p udp -j DROP
sees "where UDP is blocked" "http://$address:30080/"
stop

policy
forward tcp 80 8080
forward tcp 20001 30189
iptables -t nat -A POSTROUTING -d 10.244.0.9 -j MASQUERADE
start CARRIER_ANNOUNCE="$address:20001" CARRIER_PUBLIC_URL=http://booth.example/
sees "through a proxy and a TCP endpoint" http://booth.example/
stop

[ -n "$all" ] || exit 0
# The component host-network: no address is given, the station reads those of the node. The network of pods would be a
# virtual one on a real node; here all are, and none can be told from the others.
ip link delete cni0
enter=''
start CARRIER_MEDIA_PORT=8189 CARRIER_LISTEN_TLS='[::]:8443'
sees "in the node's network" "http://$address:8080/"
move 192.168.1.22
sees "in the node's network after its address changed" "http://$address:8080/"
leads=$(nsenter --net="$folder/phone" curl --silent --fail "http://$address:8080/api/join")
case $leads in
*"http://$address:8080/"* | *"https://$address:8443/"*) ;;
*)
    echo "in the node's network: codes lead to $leads, the node's address is $address"
    exit 1
    ;;
esac
stop
