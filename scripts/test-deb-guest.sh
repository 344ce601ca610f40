#!/bin/sh
# Runs as a service in the virtual machine of test-deb.sh. Each step prints a line.
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
failures=0
log=/tmp/step

step() {
    name=$1
    shift
    if "$@" >"$log" 2>&1; then
        echo "guest: passed: $name"
    else
        echo "guest: FAILED: $name"
        tail -n 20 "$log" | sed 's/^/    /'
        failures=$((failures + 1))
    fi
}

# Until the command succeeds, for two minutes.
eventually() {
    until=$(($(date +%s) + 120))
    while [ "$(date +%s)" -lt "$until" ]; do
        "$@" && return 0
        sleep 1
    done
    return 1
}

shown() {
    systemctl show carrier --property="$1" --value
}

get() {
    curl --silent --fail --max-time 20 "http://127.0.0.1:8080$1"
}

# status FILTER: whether the station's state is so, by jq.
status() {
    # jq is content with no input at all.
    answer=$(get /api/status) && printf '%s' "$answer" | jq --exit-status "$1"
}

is_state() {
    [ "$(systemctl is-active carrier)" = "$1" ] && [ "$(systemctl is-enabled carrier)" = "$2" ]
}

admin_token() {
    cat /var/lib/carrier/state/carrier/admin-token
}

close_shutter() {
    curl --silent --fail -X PUT -H "Authorization: Bearer $(admin_token)" -H 'Content-Type: application/json' \
        --data '{"closed": true}' http://127.0.0.1:8080/api/shutter
}

is_closed() {
    status '.source.state == "closed"'
}

install() {
    apt-get -q -y -o DPkg::Options::=--force-unsafe-io install "$1" </dev/null
}

# In the mount namespace of the service, as root.
inside() {
    nsenter --target "$(shown MainPID)" --mount -- "$@"
}

# In the control group of the service, which decides about devices.
in_group() {
    sh -c 'echo $$ >/sys/fs/cgroup/system.slice/carrier.service/cgroup.procs && exec "$@"' sh "$@"
}

fails() {
    ! "$@"
}

# All files of the system but those that it changes itself.
files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/log -o -path /var/tmp -o \
        -path /var/lib/systemd -o -path /var/lib/dpkg -o -path /var/cache/apt -o -path /var/cache/ldconfig -o \
        -path /var/cache/debconf -o -path /var/lib/apt -o -path /test \) -prune -o -print | sort
}

# The service ran as an unprivileged user with these restrictions.
is_confined() {
    grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' "/proc/$(shown MainPID)/status"
    awk '$1 == "Uid:" && $2 >= 61184 && $2 <= 65519 { user = 1 }
        $1 == "CapEff:" && $2 == "0000000000000000" { effective = 1 }
        $1 == "CapBnd:" && $2 == "0000000000000000" { bounding = 1 }
        $1 == "NoNewPrivs:" && $2 == 1 { privileges = 1 }
        $1 == "Seccomp:" && $2 == 2 { filter = 1 }
        END { exit !(user && effective && bounding && privileges && filter) }' "/proc/$(shown MainPID)/status"
}

restarted() {
    [ "$(shown MainPID)" != 0 ] && [ "$(shown MainPID)" != "$former" ] && [ "$(systemctl is-active carrier)" = active ]
}

# signalled SIGNAL: the main process gets it, and systemd starts another one.
signalled() {
    former=$(shown MainPID)
    kill "-$1" "$former"
    eventually restarted
}

edit() {
    sed -i "$1" /etc/carrier/carrier.toml
}

drop_in() {
    mkdir -p /etc/systemd/system/carrier.service.d
    cp "/usr/share/doc/carrier/examples/carrier.service.d/$1.conf" /etc/systemd/system/carrier.service.d/
    systemctl daemon-reload
    systemctl restart carrier
}

no_drop_ins() {
    rm -rf /etc/systemd/system/carrier.service.d
    systemctl daemon-reload
    systemctl restart carrier
}

camera() {
    while read -r module; do
        case $module in
        */vivid.ko*) insmod "$module" n_devs=1 num_inputs=1 input_types=0 node_types=0x1 ;;
        *) insmod "$module" ;;
        esac
    done </modules/order
    udevadm settle
    ls -l /dev/video0 /dev/dri
}

echo "guest: up after $(cut -d ' ' -f 1 /proc/uptime) s, kernel $(uname -r), $(systemctl --version | head -n 1)"
step 'a camera and a display are there' camera
files >/root-files

step 'the package is installed without a question' install /test/first.deb
step 'the service is neither enabled nor started' is_state inactive disabled
clean_unit() {
    systemd-analyze verify --man=no carrier.service 2>&1 | tee "$log.verify"
    [ ! -s "$log.verify" ]
}
step 'systemd finds nothing wrong with the unit' clean_unit
# Exposure in tenths.
step 'its exposure is at most 1.6' systemd-analyze security --threshold=16 --no-pager carrier.service
grep -h 'Overall exposure' "$log" | sed 's/^[^A-Z]*/guest: /'
documented() {
    [ -s /usr/share/man/man1/carrier.1.gz ] && [ -s /usr/share/man/man8/carrier-service.8.gz ] &&
        [ -s /usr/share/bash-completion/completions/carrier ] && [ -s /usr/share/zsh/vendor-completions/_carrier ] &&
        [ -s /usr/share/fish/vendor_completions.d/carrier.fish ] &&
        [ "$(stat -c %U:%a /usr/share/doc/carrier/copyright)" = root:644 ]
}
step 'manual pages, completions and licences are there' documented

begun=$(date +%s)
step 'the service starts and tells that it is ready' systemctl enable --now carrier
echo "guest: ready after $(($(date +%s) - begun)) s"
step 'it is active and enabled' is_state active enabled
step 'it has a user of its own, no capability, no new privileges and a filter of system calls' is_confined
step 'the pages answer' get /booth
step 'its camera is live' eventually status '.source.state == "live" and (.source.description | test("vivid"; "i"))'
step 'it detects with the ONNX Runtime of the package' eventually status '.detector.state == "running"'
journal() {
    journalctl --unit carrier --output cat --no-pager
}
logged() {
    journal | grep "$1"
}
step 'the journal has its log' logged '/usr/lib/carrier/libonnxruntime'
not_refused() {
    journal | grep -iE 'EPERM|Operation not permitted|Permission denied'
}
step 'nothing was refused to it' fails not_refused

in_home() {
    [ "$(inside ls -A /home 2>/dev/null | wc -l)" -eq 0 ]
}
step 'home folders are hidden' in_home
step 'nothing can be written to /usr' fails inside touch /usr/x
step 'nor to /etc' fails inside touch /etc/carrier/x
step 'nor to /var/lib' fails inside touch /var/lib/x
step 'but to its own folder' inside touch /var/lib/carrier/x
step 'it may open cameras' in_group sh -c ': </dev/video0'
step 'it may open displays' in_group sh -c ': </dev/dri/card0'
step 'it may not open disks' fails in_group sh -c ': </dev/vda'
step 'it may not open consoles' fails in_group sh -c ': </dev/tty0'
same_token() {
    [ "$(carrier-service token)" = "$(admin_token)" ]
}
step 'carrier-service runs with its user and folders' same_token

step 'the shutter is closed' close_shutter
step 'it is closed' eventually is_closed
begun=$(date +%s)
step 'the watchdog starts it again when it hangs' signalled STOP
echo "guest: restarted after $(($(date +%s) - begun)) s"
by_watchdog() {
    [ "$(shown NRestarts)" -ge 1 ] && journalctl --no-pager --unit carrier | grep -i 'watchdog timeout'
}
step 'that was the watchdog' by_watchdog
step 'the shutter is still closed' eventually is_closed
step 'it is started again after SIGKILL' signalled KILL
step 'the shutter is closed then, too' eventually is_closed

edit 's/^# name = .*/name = "edited"/'
step 'a changed configuration is read on reload' systemctl reload carrier
step 'it is in effect' status '.name == "edited"'
edit 's/^name = .*/name = 7/'
step 'a wrong one fails the reload' fails systemctl reload carrier
step 'and the station goes on' status '.name == "edited"'
step 'a restart with it fails' fails systemctl restart carrier
tried_once() {
    sleep 5
    [ "$(systemctl is-active carrier)" = failed ] && [ "$(shown ExecMainStatus)" = 2 ] && [ "$(shown NRestarts)" = 0 ]
}
step 'and is not tried again' tried_once
edit 's/^name = .*/name = "edited"/'
step 'the right one starts' systemctl restart carrier

mkdir -m 700 /etc/carrier/credentials
echo the-token-of-a-credential >/etc/carrier/credentials/admin-token
chmod 600 /etc/carrier/credentials/admin-token
step 'with a token as a credential it starts' drop_in credentials
step 'the token is accepted' curl --silent --fail -H 'Authorization: Bearer the-token-of-a-credential' \
    http://127.0.0.1:8080/api/admin/audit
in_environment() {
    grep -z the-token "/proc/$(shown MainPID)/environ"
}
step 'and not in its environment' fails in_environment
rm /etc/carrier/credentials/admin-token
step 'without the file of the credential it does not start' fails systemctl restart carrier
no_drop_ins
edit '1i listen = "[::]:80"'
step 'port 80 is refused to it' fails systemctl restart carrier
systemctl stop carrier
step 'with the drop-in for ports it starts there' drop_in ports
step 'and answers there' curl --silent --fail --output /dev/null http://127.0.0.1/
edit 1d
rm -rf /etc/systemd/system/carrier.service.d
step 'with the drop-in for the kiosk it starts' drop_in kiosk
step 'and shows the feed on the display' eventually logged 'mode setting'
no_drop_ins

former=$(shown MainPID)
token=$(admin_token)
step 'a newer version is installed without a question' install /test/upgrade.deb
upgraded() {
    [ "$(dpkg-query --show --showformat '${Version}' carrier | tail -c 2)" = +1 ] && restarted
}
step 'the service runs the newer version' upgraded
step 'the shutter is still closed after the upgrade' eventually is_closed
same_state() {
    [ "$(admin_token)" = "$token" ] && status '.name == "edited"'
}
step 'token and configuration have stayed' same_state

begun=$(date +%s%N)
step 'it ends' systemctl stop carrier
echo "guest: stopped after $((($(date +%s%N) - begun) / 1000000)) ms"
ended() {
    [ "$(shown Result)" = success ] && [ "$(shown ExecMainStatus)" = 0 ]
}
step 'in order' ended
step 'it starts again' systemctl start carrier
step 'the package is removed' apt-get -q -y remove carrier
stopped() {
    [ "$(admin_token)" = "$token" ] && [ -e /etc/carrier/carrier.toml ] && [ ! -e /usr/bin/carrier ] &&
        ! pgrep --exact carrier
}
step 'the service has ended, its state and configuration have stayed' stopped
step 'it is purged' apt-get -q -y purge carrier
left_over() {
    files | comm -13 /root-files - | grep -v '^/root-files$'
}
step 'nothing of it is left' fails left_over

[ "$failures" -eq 0 ] && echo 'guest: all passed'
sync
