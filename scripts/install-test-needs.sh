#!/bin/sh
# Installs what the tests need beyond the build: a browser, Node, playwright-core, ffmpeg. Quick and
# silent when nothing is missing.
set -eu
cd "$(dirname "$0")/.."
. scripts/packages.sh

has_chromium() {
    [ -n "${CHROMIUM:-}" ] || have chromium || have chromium-browser || have google-chrome
}

missing=''
reasons=''
need chromium "looks at the page as a viewer does" has_chromium
need nodejs "drives the browser, and runs the tests of the page's own code" have node
need npm "fetches playwright-core" have npm
need ffmpeg "makes video for the file, pipe and RTSP sources" have ffmpeg
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
