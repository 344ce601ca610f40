# shellcheck shell=sh
# Sourced by install-*-needs.sh: collects the packages that are missing, says why each is needed,
# installs them. The checks look for the thing itself (a command, a file), so that one installed
# by other means counts, and so that nothing is started when nothing is missing.

missing=''
reasons=''

have() {
    command -v "$1" >/dev/null 2>&1
}

# need PACKAGE WHY CHECK...: notes PACKAGE as missing when CHECK fails, unless $LEFT_OUT has it.
need() {
    package=$1
    why=$2
    shift 2
    [ "$package" != "${LEFT_OUT:-}" ] || return 0
    "$@" && return
    missing="$missing $package"
    reasons="$reasons
  $package: $why"
}

# Runs the command as root.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# install_missing PURPOSE: installs what `need` noted; ends the script when that is impossible.
install_missing() {
    [ -n "$missing" ] || return 0
    echo "$1 needs packages that this machine lacks:$reasons"
    # The names hold no spaces and are meant to be split.
    # shellcheck disable=SC2086
    set -- $missing
    if ! have apt-get; then
        echo "This is neither Debian nor Ubuntu: install what provides them with your own" >&2
        echo "package manager (the names above are Debian's), then run this again." >&2
        exit 1
    fi
    if [ "$(id -u)" -ne 0 ] && ! have sudo; then
        echo "There is no sudo here. Run this as root, then start again:" >&2
        echo "  apt-get update && apt-get install --no-install-recommends $*" >&2
        exit 1
    fi
    echo "Installing: $*"
    # A failed update is not the end: the lists of last time may do.
    as_root apt-get -q update || echo "The package lists could not be refreshed; trying without."
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
        -o DPkg::Lock::Timeout=120 install "$@"; then
        echo "The packages could not be installed (see above). Is this machine online?" >&2
        exit 1
    fi
}
