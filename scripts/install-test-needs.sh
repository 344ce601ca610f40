#!/bin/sh
# Installs what the tests need beyond the build: a browser, an X server, Node, playwright-core, ffmpeg, mosquitto. Quick and
# silent when nothing is missing.
set -eu
cd "$(dirname "$0")/.."
. scripts/packages.sh

has_chromium() {
    [ -n "${CHROMIUM:-}" ] || have chromium || have chromium-browser || have google-chrome
}

has_fonts() {
    for font in /usr/share/fonts/*/*/*.[ot]tf; do
        [ ! -e "$font" ] || return 0
    done
    return 1
}

# Debian puts it where only root's PATH looks.
has_mosquitto() {
    have mosquitto || [ -x /usr/sbin/mosquitto ]
}

# Ubuntu has no package of Debian's name.
chromium=chromium
! grep -q '^ID=ubuntu' /etc/os-release 2>/dev/null || chromium="chromium-browser"

missing=''
reasons=''
need "$chromium" "looks at the page as a viewer does" has_chromium
need fonts-liberation "without a font the browser draws no text" has_fonts
need nodejs "drives the browser, and runs the tests of the page's own code" have node
need npm "fetches playwright-core" have npm
need xvfb "has the window of the station's screen" have Xvfb
need x11-apps "shows what is in that window" have xwd
need ffmpeg "makes video for the file, pipe and RTSP sources" have ffmpeg
need mosquitto "the MQTT broker that events are published to" has_mosquitto
need mosquitto-clients "subscribes and publishes as home automation does" have mosquitto_sub
install_missing "Testing carrier"

# Present in every default toolchain, absent from a minimal one.
if ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
    rustup component add rustfmt clippy
fi

browser=web/tests/browser
if [ -f "$browser/package-lock.json" ]; then
    installed=$browser/node_modules/.package-lock.json
    # npm writes that file last: older than the list means out of date.
    if [ ! -f "$installed" ] || [ "$browser/package-lock.json" -nt "$installed" ]; then
        # The browser is the system's own; playwright must not fetch one.
        PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --prefix "$browser" --no-audit --no-fund
        touch "$installed"
    fi
fi
