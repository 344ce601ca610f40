# carrier. `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help run build runtime model test test-all test-devices test-training test-comfyui test-print test-vaapi test-k8s test-mesh test-deb image test-image test-image-twice soak audit docs licences msrv deb release fuzz bench bench-network bench-power bench-times fmt lint doc clean

# Flavour of ONNX Runtime: cpu (also when empty), openvino (Intel) or cuda (NVIDIA).
RUNTIME ?=
# Which model `make run` and `make model` fetch; `carrier models list` shows them. none: `make run` fetches none.
MODEL ?= yolox_nano
# How long `make fuzz` runs each target.
SECONDS ?= 60
# Processor that `make image` is for: amd64 or arm64; empty for this machine's.
ARCH ?=
# How long `make soak` runs.
MINUTES ?= 60
# Passed on to carrier: make run ARGS="--source scene"
ARGS ?=

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' Makefile

run: ## install what is missing, build, start and print the addresses (ARGS="--help", RUNTIME=openvino, MODEL=none)
	@MODEL="$(MODEL)" scripts/run.sh "$(RUNTIME)" $(ARGS)

build: ## the release build alone
	@scripts/install-build-needs.sh
	cargo build --release

runtime: ## fetch ONNX Runtime (RUNTIME=cpu, openvino or cuda)
	@scripts/install-build-needs.sh
	@scripts/fetch-runtime.sh $(RUNTIME)

model: build ## fetch a better model than the embedded one (MODEL=yolox_nano)
	"$${CARGO_TARGET_DIR:-target}/release/carrier" models pull $(MODEL)

test: ## install what the tests need and run all checks that take no hours; says what it skipped
	@scripts/test.sh

test-all: ## test, then every heavy check: virtual machines, package, Kubernetes, oldest compiler, training, ComfyUI, prints, VA-API, soak, fuzzing
	@$(MAKE) --no-print-directory --keep-going test test-devices test-deb test-training test-comfyui test-print test-vaapi test-k8s test-mesh msrv soak fuzz SECONDS=600

test-devices: ## the webcam and the display path against real kernel drivers, in virtual machines
	@scripts/install-build-needs.sh
	scripts/test-devices.sh
	scripts/test-display.sh

test-training: ## every step of training the embedded model, on 200 pictures (installs PyTorch)
	@scripts/install-build-needs.sh
	@scripts/fetch-runtime.sh cpu
	cargo build --workspace
	scripts/test-training.sh

test-comfyui: ## the ComfyUI client against a real server (COMFYUI_DIR=, COMFYUI_PYTHON=)
	scripts/test-comfyui.sh

test-print: ## prints through a real CUPS whose printer writes into a file (installs CUPS, root)
	@scripts/install-build-needs.sh
	scripts/test-print.sh

test-mesh: ## three carriers in network namespaces: found, cut off, renumbered, killed (root)
	@scripts/install-build-needs.sh
	scripts/test-mesh.sh

test-vaapi: ## the VA-API encoder's code, with x264 where there is no graphics processor (installs GStreamer)
	@scripts/install-build-needs.sh
	scripts/test-vaapi.sh

test-k8s: ## the manifests in k8s/: rendered, validated, and against the built program; make test does the quicker part
	scripts/test-k8s.sh --all

test-deb: ## the Debian package in a virtual machine with systemd: install, start, confine, upgrade, purge (root)
	@scripts/install-build-needs.sh
	cargo build --release --features carrier/mesh
	scripts/test-deb.sh

image: ## the container image, without a registry, as root (RUNTIME=openvino, ARCH=arm64)
	@scripts/image.sh "$(or $(RUNTIME),cpu)" $(ARCH)

test-image: ## run the image that make image has written as Kubernetes does: feed, booth, end
	@scripts/test-image.sh

test-image-twice: ## build the image twice, the second time from nothing: both must have the same files
	@scripts/test-image-twice.sh

soak: ## viewers, uploads and malicious traffic for an hour: memory, descriptors, frame rate (MINUTES=60)
	@scripts/install-build-needs.sh
	@scripts/fetch-runtime.sh cpu
	scripts/soak.sh "$(MINUTES)"

audit: ## known vulnerabilities, licences and sources of the dependencies (cargo-deny)
	@scripts/audit.sh

licences: ## the licences of everything that packages and images contain, into target/licences.txt
	@scripts/fetch-runtime.sh cpu
	scripts/licences.py --runtime "$${XDG_CACHE_HOME:-$$HOME/.cache}/carrier/runtime/cpu/onnxruntime" \
		>"$${CARGO_TARGET_DIR:-target}/licences.txt"

msrv: ## whether the program builds with the oldest compiler that it promises (rustup installs it)
	@scripts/install-build-needs.sh
	scripts/msrv.sh

deb: ## the Debian package for this machine's release and architecture, into target/deb
	@scripts/install-build-needs.sh
	cargo build --release --features carrier/mesh
	scripts/deb.sh

release: ## everything that a release consists of, into target/release-VERSION (a committed tree)
	scripts/release.sh

fuzz: ## fuzz all parsers of untrusted input, a minute a target (SECONDS=60)
	@scripts/install-build-needs.sh
	scripts/fuzz.sh "$(SECONDS)"

bench: ## measure CPU per frame, latency and viewers on this machine
	@scripts/install-build-needs.sh
	@scripts/fetch-runtime.sh $(RUNTIME)
	scripts/bench.sh

bench-network: ## measure what viewers get over lossy and slow networks (ARGS=--full, --quick, --added)
	@scripts/install-build-needs.sh
	scripts/bench-network.sh $(ARGS)

bench-power: ## measure CPU time by power profile, viewers and screen, and the hours on a battery (ARGS="--seconds 60")
	@scripts/install-build-needs.sh
	@scripts/fetch-runtime.sh $(RUNTIME)
	scripts/bench-power.sh $(ARGS)

bench-times: ## check the claims about time that tests only print
	@scripts/install-build-needs.sh
	scripts/bench-times.sh

fmt: ## format the code
	cargo fmt --all

lint: ## formatting and clippy, as make test checks them
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

docs: ## the documentation as a site in target/docs (builds mdBook once)
	@scripts/docs.sh

doc: ## the documentation of the crates
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --lib --bins --examples

clean: ## remove what was built; models and ONNX Runtime stay in the XDG folders
	cargo clean
