#!/bin/sh
# All checks that need no hours: what `make test` and the CI do. A failed step fails the run, but the steps
# that do not depend on it still run, so that one run shows all there is to mend. Prints at its end which
# tests were skipped and why. The heavy checks are targets of their own: `make test-all` runs them, too.
set -u
cd "$(dirname "$0")/.." || exit 1

target=${CARGO_TARGET_DIR:-target}
logs=$target/test-logs
rm -rf "$logs" && mkdir -p "$logs" || exit 1
logs=$(realpath "$logs")
started=$(date +%s)
failed=''

elapsed() {
    echo "$(($(date +%s) - started))"
}

# logged NAME COMMAND...: runs it, shows its output and keeps a copy in the file NAME.
logged() {
    log=$logs/$1
    shift
    {
        "$@" 2>&1
        echo $? >"$log.status"
    } | tee "$log"
    return "$(cat "$log.status")"
}

# step NAME COMMAND...: runs it under a headline, with its time; remembers a failure.
step() {
    name=$1
    shift
    printf '\n==> %s\n' "$name"
    before=$(elapsed)
    result=ok
    "$@" || result=FAILED
    printf -- '--- %s: %s, %s s\n' "$name" "$result" "$(($(elapsed) - before))"
    [ "$result" = ok ] || failed="$failed
  $name"
    [ "$result" = ok ]
}

# The pages without the program: their unit tests, and the browser topics that bring a mock of their own.
page_tests() {
    # Older versions of Node take files, not a folder.
    node --test web/tests/js/*.test.*js || page_status=1
    node web/tests/browser/run.mjs --mock-topics || page_status=1
    return "${page_status:-0}"
}

# Waits for the page tests, which run beside the builds, and shows what they printed.
finish_page_tests() {
    wait "$page_tests" && page_status=0 || page_status=$?
    cat "$logs/pages"
    return "$page_status"
}

# A test that hangs fails, and those of the other executables still run. libtest names it: "has been running for over 60
# seconds". timeout ends what the tests have started, too; setpriv ends timeout when cargo is interrupted.
test_limit="setpriv --pdeathsig TERM timeout --verbose --kill-after=10 1500"

rust_tests() {
    target_variable=CARGO_TARGET_$(rustc -vV | sed -n 's/^host: //p' | tr a-z- A-Z_)_RUNNER
    # --show-output: libtest hides the output of tests that pass, and with it why one was skipped. It is
    # for the log; what is shown leaves it out again.
    {
        env "$target_variable=$test_limit" cargo test --workspace --features carrier/mesh --locked --no-fail-fast -- --show-output 2>&1
        echo $? >"$logs/rust.status"
    } | tee "$logs/rust" |
        awk '/^successes:$/ { hidden = 1 } /^(failures:|test result: .*)$/ { hidden = 0 } !hidden { print; fflush() }'
    return "$(cat "$logs/rust.status")"
}

browser_tests() {
    # `cargo test` has just built the program; `cargo build` would choose other features of the
    # dependencies and build half of them again.
    CARRIER_BIN=$(realpath "$target/debug/carrier") \
        logged browser node web/tests/browser/run.mjs --station-topics
}

# As for the browser tests, the program that `cargo test` has built.
kubernetes_manifests() {
    if ! scripts/install-k8s-tools.sh >/dev/null; then
        echo "Skipped: the manifests in k8s/, since the tools that check them could not be installed"
        return 0
    fi
    scripts/test-k8s.sh
}

# What is packaged: units, scripts, licences, the compose files.
packaging() {
    place=$(scripts/install-k8s-tools.sh --check) || place=''
    scripts/test-packaging.sh "$place"
}

# One line a reason: what was skipped, and how many Rust tests share the reason.
skipped() {
    cat "$logs/pages" "$logs/browser" "$logs/audit" "$logs/k8s" "$logs/packaging" 2>/dev/null | sed -n 's/^[Ss]kipped: /  /p'
    awk '
        /^---- .* stdout ----$/ { test = $2 }
        /^(test result:|failures:)/ { test = "" }
        /^skipped: / { note(substr($0, 10), test) }
        /^test .* \.\.\. ignored, / {
            reason = $0
            sub(/^.*ignored, /, "", reason)
            note("ignored by default, " reason, $2)
        }
        function note(reason, name) {
            if (seen[reason, name]++) return
            if (!(reason in count)) order[++reasons] = reason
            count[reason]++
            names[reason] = names[reason] (names[reason] == "" ? "" : ", ") name
        }
        END {
            for (i = 1; i <= reasons; i++) {
                reason = order[i]
                printf "  %s: %d Rust %s (%s)\n", reason, count[reason], count[reason] == 1 ? "test" : "tests", names[reason]
            }
        }' "$logs/rust" 2>/dev/null
    echo "  not part of make test: test-devices, test-deb, test-training, test-comfyui, test-print, test-vaapi, test-k8s, test-mesh, msrv, soak, longer fuzzing. Run: make test-all"
}

scripts/install-build-needs.sh || exit 1
scripts/install-test-needs.sh || exit 1
scripts/fetch-runtime.sh cpu || echo "Tests that need ONNX Runtime will say that they skip."

# Compiles with the lints of clippy and rustdoc. Cargo hands over absolute paths only.
RUSTC_WORKSPACE_WRAPPER=$(realpath scripts/rustc-and-lints.sh)
export RUSTC_WORKSPACE_WRAPPER

# A first build has nothing to reuse: without incremental compilation it takes less time.
[ -d "$target/debug/incremental" ] || export CARGO_INCREMENTAL=0

# Real models, clips and pictures, where the checkout has a neighbour that holds them.
if [ -z "${CARRIER_SHARED:-}" ] && [ -d ../shared ]; then
    CARRIER_SHARED=$(realpath ../shared)
    export CARRIER_SHARED
fi

step "formatting" cargo fmt --all --check

# Most of the browser's time goes by waiting: it runs beside the builds, which give way to it.
page_tests >"$logs/pages" 2>&1 &
page_tests=$!
step "lints and build of the tests" nice -n 5 cargo test --workspace --features carrier/mesh --locked --no-run
step "licences and sources" logged audit scripts/audit.sh licences
# The Rust tests measure times, so nothing runs beside them.
step "pages without the program" finish_page_tests

step "unit and integration tests" rust_tests
step "pages with the program" browser_tests
step "Kubernetes manifests" logged k8s kubernetes_manifests
step "packaging" logged packaging packaging

printf '\nSkipped:\n'
skipped
if [ -n "$failed" ]; then
    printf '\nFailed after %s s:%s\n' "$(elapsed)" "$failed"
    exit 1
fi
printf '\nAll passed in %s s.\n' "$(elapsed)"
