#!/bin/sh
# Checks packaging/ without building anything, in seconds; `make test-deb` installs the package.
# test-packaging.sh [TOOLS]: TOOLS is the folder that scripts/install-k8s-tools.sh prints, for a Python that reads YAML.
set -u
cd "$(dirname "$0")/.." || exit 1
tools=${1:-}
failed=0

check() {
    name=$1
    shift
    if ! output=$("$@" 2>&1); then
        echo "FAILED: $name"
        echo "$output" | sed 's/^/    /'
        failed=1
    fi
}

scripts_parse() {
    for file in scripts/*.sh packaging/carrier-service packaging/debian/prerm packaging/debian/postrm; do
        sh -n "$file" || return 1
    done
}
check "the scripts can be parsed" scripts_parse

# On a machine without the program the unit names a file that is not there.
units_are_right() {
    work=$(mktemp -d)
    mkdir -p "$work/usr/bin" "$work/etc/systemd/system"
    printf '#!/bin/sh\n' >"$work/usr/bin/carrier"
    chmod +x "$work/usr/bin/carrier"
    cp packaging/systemd/carrier.service "$work/etc/systemd/system/"
    sed -i "s,/usr/bin/carrier,$work&," "$work/etc/systemd/system/carrier.service"
    SYSTEMD_UNIT_PATH="$work/etc/systemd/system:" systemd-analyze verify --man=no \
        "$work/etc/systemd/system/carrier.service" >"$work/said" 2>&1
    systemd-analyze security --offline=yes --threshold=16 --no-pager "$work/etc/systemd/system/carrier.service" \
        >"$work/exposure" 2>&1 || cat "$work/exposure" >>"$work/said"
    cat "$work/said"
    [ ! -s "$work/said" ]
    result=$?
    rm -rf "$work"
    return "$result"
}
if command -v systemd-analyze >/dev/null 2>&1; then
    check "systemd accepts the unit, and its exposure is at most 1.6" units_are_right
else
    echo "Skipped: the unit of systemd, since systemd-analyze is not here"
fi

# Against cargo's own tree.
licences_name_every_crate() {
    licences=$(scripts/licences.py) || return 1
    for wanted in "OpenH264\|Cisco Systems" "Independent JPEG Group" "SIL OPEN FONT LICENSE" "Permission is hereby granted"; do
        echo "$licences" | grep -q "$wanted" || { echo "no text with $wanted"; return 1; }
    done
    cargo tree --locked --package carrier --edges normal --prefix none --format '{p}' |
        sed -n 's/^\([^ ]*\) v\([^ ]*\)\( (proc-macro)\)*\( (\*)\)*$/\1 \2/p' | sort -u | while read -r crate; do
        case $licences in
        *"
$crate: "*) ;;
        *)
            echo "missing: $crate"
            return 1
            ;;
        esac
    done
}
check "the licences name every crate" licences_name_every_crate

release_refuses_what_does_not_fit() {
    work=$(mktemp -d)
    git clone -q . "$work/clone" && (
        cd "$work/clone" || exit 1
        set -- git -c user.name=test -c user.email=test@localhost
        refused() {
            if scripts/release.sh /bin/true >"$work/said" 2>&1 || ! grep -q "$1" "$work/said"; then
                echo "not refused: $1"
                cat "$work/said"
                return 1
            fi
        }
        echo >>README.md
        refused 'not committed' || exit 1
        sed -i '0,/^## [0-9]/s/^## [0-9]/&9/' CHANGELOG.md
        "$@" commit -q -a -m 'another version'
        refused 'newest entry of CHANGELOG.md' || exit 1
        "$@" revert --no-edit HEAD >/dev/null
        "$@" tag v9.9.9
        refused 'its tag would be' || exit 1
    )
    result=$?
    rm -rf "$work"
    return "$result"
}
check "a release of what does not fit together is refused" release_refuses_what_does_not_fit

if [ -n "$tools" ]; then
    check "the compose files agree with the Deployment and the unit" "$tools/bin/python" packaging/check_compose.py
else
    echo "Skipped: the compose files, since the tools of make test-k8s are not installed"
fi

[ "$failed" -eq 0 ] && echo "packaging/ is right."
exit "$failed"
