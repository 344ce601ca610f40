"""Runs the image as the Deployment of overlays/local has it, and uses it: feed, detection, booth, end.

image.py KUBECTL ARCHIVE NODE: to be run as root in network and mount namespaces of its own, since the ports are those of the
manifests. NODE is the path of node, for the browser. Exits with 1 and a line for each fault.
"""

import contextlib
import http.cookiejar
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request

import check
import pod

sys.path.insert(0, str(check.K8S / "image"))
import archive  # noqa: E402

USER = 10001
ID = f"carrier-test-{os.getpid()}"
CRUN = ["crun", "--cgroup-manager=disabled"]
# Of the image for the processor; the libraries of Intel and NVIDIA alone have more.
SIZE_MAX_MB = 250
END_MAX_S = 5
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
# Through qemu, programs for another processor are some twenty times slower: then nothing is said about times.
EMULATED_PATIENCE_S = 1200
# Tools that would help an attacker, or that only a build needs.
UNWANTED = ["apt", "apt-get", "as", "c++", "cargo", "cc", "cmake", "curl", "dpkg", "g++", "gcc", "gpg", "ld", "make"]
UNWANTED += ["mount", "perl", "pip3", "python3", "rustc", "su", "sudo", "wget"]
# The components that have no package list of their own.
LISTED = ["carrier-embedded-model", "libavcodec59", "libjpeg-turbo", "opencv", "openh264", "sqlite", "tokio"]
# The package of ONNX Runtime by flavour.
RUNTIMES = {"cpu": "onnxruntime", "openvino": "onnxruntime-openvino", "cuda": "onnxruntime-gpu"}
LICENCES = ["carrier/copyright", "carrier/LICENSE-MIT", "carrier/THIRD-PARTY.md", "carrier/OFL.txt", "carrier/opencv/copyright"]
LICENCES += ["libavcodec59/copyright"]


def root_faults(root, runtime):
    """What must not be in the root, and what must be."""
    for path in root.rglob("*"):
        mode = path.lstat().st_mode
        name = path.relative_to(root)
        if mode & (stat.S_ISUID | stat.S_ISGID):
            yield f"/{name} is setuid or setgid"
        is_open = mode & stat.S_IWOTH and not path.is_symlink()
        if is_open and not (path.is_dir() and mode & stat.S_ISVTX):
            yield f"anybody may write to /{name}"
    for folder in ["usr/bin", "usr/sbin", "usr/local/bin", "opt"]:
        for name in UNWANTED:
            if (root / folder / name).exists():
                yield f"/{folder}/{name} is in the image"
    for name in LICENCES:
        if not (root / "usr/share/doc" / name).is_file():
            yield f"no licence /usr/share/doc/{name}"
    if not list((root / "usr/lib/carrier/runtime").rglob("ThirdPartyNotices*")):
        yield "no licences of ONNX Runtime"
    components = json.loads((root / archive.SBOM).read_text())["components"]
    for name in {*LISTED, RUNTIMES[runtime]} - {component["name"] for component in components}:
        yield f"the bill of materials lacks {name}"


def image_faults(image, container, runtime):
    """The image alone does what the Deployment makes it do."""
    config = image.config["config"]
    if config["User"] != f"{USER}:{USER}":
        yield f"the image's user is {config['User']}"
    if config["Cmd"] != container["args"] or config["Entrypoint"] != ["carrier"] or "command" in container:
        yield f"the image runs {config['Entrypoint']} {config['Cmd']}, the Deployment {container['args']}"
    size = sum(layer["size"] for layer in image.manifest["layers"]) / 1e6
    print(f"{size:.0f} MB compressed.")
    if runtime == "cpu" and size > SIZE_MAX_MB:
        yield f"{size:.0f} MB compressed"


def seccomp():
    """The profile of containers without capabilities, in the form of the runtime's specification."""
    profile = json.loads(pathlib.Path("/usr/share/containers/seccomp.json").read_text())
    rules = []
    for rule in profile["syscalls"]:
        includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
        if "caps" in includes or "amd64" not in includes.get("arches", ["amd64"]) or "amd64" in excludes.get("arches", []):
            continue
        kept = {key: rule[key] for key in ["names", "action", "args", "errnoRet"] if rule.get(key) not in (None, [])}
        rules.append(kept)
    return {
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile.get("defaultErrnoRet", 1),
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": rules,
    }


def bundle(folder, image, documents, is_emulated):
    """config.json: the container of the Deployment. Network: that of this process."""
    spec = pod.station_of(documents)["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    places = {"config": folder / "config", "state": folder / "state", "tmp": folder / "tmp"}
    for path in places.values():
        path.mkdir(exist_ok=True)
    # As Kubernetes gives a volume with fsGroup.
    for path in [places["state"], places["tmp"]]:
        os.chown(path, 0, spec["securityContext"]["fsGroup"])
        path.chmod(0o2770)
    # The detector would take all the time of an emulated processor.
    limits = "detect_fps = 1\n" if is_emulated else ""
    (places["config"] / "carrier.toml").write_text(limits + pod.toml_of(documents))
    folder.chmod(0o755)
    variables = dict(text.split("=", 1) for text in image.config["config"]["Env"])
    variables |= pod.environment(documents) | {"CARRIER_ADMIN_TOKEN": pod.TOKEN, "HOSTNAME": "carrier-0"}
    mounts = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "size=65536k"]},
    ]
    for mount in container["volumeMounts"]:
        mode = "ro" if mount.get("readOnly") else "rw"
        place = {"destination": mount["mountPath"], "source": str(places[mount["name"]])}
        # Talos mounts volumes without the right to execute.
        mounts.append({**place, "type": "bind", "options": ["bind", mode, "nosuid", "nodev", "noexec"]})
    security = container["securityContext"]
    config = {
        "ociVersion": "1.0.2",
        "hostname": "carrier-0",
        "process": {
            "user": {
                "uid": spec["securityContext"]["runAsUser"],
                "gid": spec["securityContext"]["runAsGroup"],
                "additionalGids": [spec["securityContext"]["fsGroup"]],
            },
            "args": image.config["config"]["Entrypoint"] + container["args"],
            "env": [f"{name}={value}" for name, value in variables.items()],
            "cwd": image.config["config"]["WorkingDir"],
            "noNewPrivileges": not security["allowPrivilegeEscalation"],
            "capabilities": {kind: [] for kind in ["bounding", "effective", "permitted", "inheritable", "ambient"]},
        },
        "root": {"path": "root", "readonly": security["readOnlyRootFilesystem"]},
        "mounts": mounts,
        "linux": {
            "namespaces": [{"type": kind} for kind in ["mount", "pid", "ipc", "uts"]],
            "seccomp": seccomp(),
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"],
        },
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1))


@contextlib.contextmanager
def running(folder):
    """The container, as a process that ends with the code of its program."""
    with open(folder / "log", "w") as log:
        command = [*CRUN, "run", "--bundle", str(folder), ID]
        container = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        pod.until(lambda: pod.ask("/readyz")[0] == 200 or container.poll() is not None, "the station is ready")
        if container.poll() is not None:
            raise SystemExit(f"the container ended with {container.returncode}: {(folder / 'log').read_text()}")
        yield container
    finally:
        subprocess.run([*CRUN, "delete", "--force", ID], stderr=subprocess.DEVNULL)
        container.wait(pod.PATIENCE_S)


def inside(*command, user=f"{USER}:{USER}"):
    command = [*CRUN, "exec", "--user", user, ID, *command]
    return subprocess.run(command, capture_output=True, text=True, timeout=pod.PATIENCE_S)


def process_faults():
    """What the kernel says about the program."""
    state = json.loads(subprocess.check_output([*CRUN, "state", ID]))
    text = pathlib.Path(f"/proc/{state['pid']}/status").read_text()
    fields = dict(re.findall(r"^(\w+):\s*(.*)$", text, re.MULTILINE))
    wanted = {"NoNewPrivs": "1", "Seccomp": "2", "CapEff": "0" * 16, "CapBnd": "0" * 16, "Uid": "\t".join([str(USER)] * 4)}
    for name, value in wanted.items():
        if fields[name] != value:
            yield f"{name} of the program is {fields[name]}"
    for path in ["/file", "/usr/bin/file", "/etc/carrier/file", "/usr/lib/carrier/file"]:
        # Even the owner of the files may not.
        if inside("sh", "-c", f"echo > {path}", user="0:0").returncode == 0:
            yield f"{path} could be written"


def detector_faults():
    def detector():
        return json.loads(pod.ask("/api/status")[1])["detector"]

    pod.until(lambda: detector()["state"] not in ["warming", "off"], "the model is warm")
    found = detector()
    if found["state"] != "running" or found["model"] != "embedded":
        yield f"the detector: {found}"
    findings = json.loads(inside("carrier", "doctor", "--config", "/etc/carrier/carrier.toml", "--format", "json").stdout)
    for finding in findings:
        if finding["state"] == "bad":
            yield f"doctor: {finding}"


def booth_faults():
    """A picture of the feed in a style made on this machine."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(path):
        with opener.open(f"http://127.0.0.1:8080{path}", timeout=pod.PATIENCE_S / 3) as answer:
            return answer.read()

    style = json.loads(get("/api/styles"))["styles"][0]["id"]
    form = f'--x\r\nContent-Disposition: form-data; name="style"\r\n\r\n{style}\r\n--x--\r\n'.encode()
    head = {"Content-Type": "multipart/form-data; boundary=x"}
    request = urllib.request.Request("http://127.0.0.1:8080/api/stylise", data=form, headers=head)
    with opener.open(request, timeout=pod.PATIENCE_S / 3) as answer:
        job = json.load(answer)["id"]

    def state():
        return json.loads(get(f"/api/stylise/{job}"))

    pod.until(lambda: state()["state"] in ["done", "failed", "cancelled", "expired"], "the booth makes a picture")
    if state()["state"] != "done":
        yield f"the booth's picture: {state()}"
        return
    picture = get(f"/api/stylise/{job}/result.jpg")
    if picture[:3] != b"\xff\xd8\xff" or len(picture) < 5000:
        yield f"the booth's picture is no JPEG: {picture[:20]}"


def feed_faults(node):
    """A browser sees moving pictures over WebRTC."""
    seconds = str(pod.PATIENCE_S / 2)
    watch = [node, str(check.K8S / "tests/watch.mjs"), f"http://{pod.NODE}:8080/", pod.NODE, seconds]
    if subprocess.run(["nice", "-n", "15", *watch]).returncode != 0:
        yield "the browser saw no moving pictures"


def end_faults(container, folder, is_emulated):
    begun = time.monotonic()
    subprocess.run([*CRUN, "kill", ID, "TERM"], check=True)
    try:
        code = container.wait(pod.PATIENCE_S)
    except subprocess.TimeoutExpired:
        yield f"it did not end within {pod.PATIENCE_S} s after SIGTERM"
        return
    took = time.monotonic() - begun
    if code != 0 or (took > END_MAX_S and not is_emulated):
        yield f"it ended with {code} after {took:.1f} s"
    print(f"It ended {took:.1f} s after SIGTERM.")
    left = [path.name for path in (folder / "tmp").iterdir()]
    if left:
        yield f"it left {left} in /tmp"
    if not list((folder / "state").iterdir()):
        yield "nothing is in its volume"


def files(root):
    """Every file of the root with what a change would change."""
    return {path: (about.st_size, about.st_mtime_ns, about.st_mode) for path in root.rglob("*") if (about := path.lstat())}


def prepare():
    """The network of the node, and control groups as crun wants them."""
    commands = ["ip link set lo up", "ip link add node0 type veth peer name node1"]
    commands += [f"ip address add {pod.NODE}/24 dev node0", "ip link set node0 up", "ip link set node1 up"]
    if pathlib.Path("/sys/fs/cgroup/unified").is_dir():
        # crun refuses a mixture of both versions even if it is to leave them alone.
        commands.append("mount -t tmpfs none /sys/fs/cgroup")
    for command in commands:
        subprocess.run(command.split(), check=True)


def main():
    kubectl, path, node = sys.argv[1:]
    documents = check.render(kubectl, check.K8S / "overlays/local")
    image = archive.Image(path)
    # carrier-VERSION-RUNTIME-ARCHITECTURE.tar
    runtime = pathlib.Path(path).stem.split("-")[-2]
    (container,) = pod.station_of(documents)["spec"]["template"]["spec"]["containers"]
    is_emulated = image.config["architecture"] != MACHINES[os.uname().machine]
    if is_emulated:
        pod.PATIENCE_S = EMULATED_PATIENCE_S
    prepare()
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        image.unpack(folder / "root")
        faults = [*image_faults(image, container, runtime), *root_faults(folder / "root", runtime)]
        before = files(folder / "root")
        bundle(folder, image, documents, is_emulated)
        with running(folder) as process:
            for look in [process_faults, detector_faults, booth_faults, lambda: feed_faults(node)]:
                faults += look()
            faults += end_faults(process, folder, is_emulated)
        if files(folder / "root") != before:
            faults.append("files of the root have changed")
        if faults:
            print((folder / "log").read_text())
    finally:
        shutil.rmtree(folder)
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
