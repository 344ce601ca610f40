"""Starts the program as the rendered Deployment has it: arguments, variables, user, mounts, read-only root."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import policies

NODE = "192.0.2.1"
TOKEN = "plum-orbit-latch-seven"
PATIENCE_S = 60


def station_of(documents):
    found = (d for d in documents if d["kind"] == "Deployment" and d["metadata"]["name"] == "carrier")
    return next(found, None)


def container_of(documents):
    (container,) = policies.pod_spec(station_of(documents))["containers"]
    return container


def environment(documents):
    """The variables that the container would get, on the node `NODE`."""
    maps = {d["metadata"]["name"]: d["data"] for d in documents if d["kind"] == "ConfigMap"}
    values = {}
    for variable in container_of(documents)["env"]:
        source = variable.get("valueFrom")
        if not source:
            value = re.sub(r"\$\(([A-Z_]+)\)", lambda name: values[name[1]], variable["value"])
        elif "fieldRef" in source:
            value = NODE
        elif "configMapKeyRef" in source:
            value = maps[source["configMapKeyRef"]["name"]][source["configMapKeyRef"]["key"]]
        else:
            value = TOKEN
        values[variable["name"]] = value
    return values


def toml_of(documents):
    return next(d["data"]["carrier.toml"] for d in documents if d["kind"] == "ConfigMap" and "carrier.toml" in d["data"])


def ask(path, port=8080, **head):
    """Status and text of an answer."""
    status, _, body = request(path, port=port, **head)
    return status, body.decode(errors="replace")


def request(path, port=8080, timeout_s=10, method="GET", body=None, **head):
    """Status, headers and content of an answer; 0, none and the reason without one."""
    url = f"http://127.0.0.1:{port}{path}"
    asked = urllib.request.Request(url, data=body, headers={k.replace("_", "-"): v for k, v in head.items()}, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=timeout_s) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()
    except OSError as error:
        return 0, {}, str(error).encode()


def until(reached, what):
    limit = time.monotonic() + PATIENCE_S
    while not reached():
        if time.monotonic() > limit:
            raise SystemExit(f"{what}: not within {PATIENCE_S} s")
        time.sleep(0.1)


def is_root():
    """Whether the user of the manifests exists here: in a user namespace of one user it does not."""
    return os.getuid() == 0 and pathlib.Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]


def end(station, grace_s):
    """As a kubelet ends a container."""
    if station.poll() is None:
        station.terminate()
    try:
        station.wait(grace_s)
    except subprocess.TimeoutExpired:
        station.kill()
        station.wait(PATIENCE_S)


class Pod:
    """The station's pod: its volumes are below `folder`, and the container has a new root at each start."""

    def __init__(self, binary, documents, folder):
        self.binary = binary
        self.documents = documents
        self.folder = pathlib.Path(folder)
        self.spec = policies.pod_spec(station_of(documents))
    def volume(self, name):
        return self.folder / name

    def make_volume(self, volume):
        folder = self.volume(volume["name"])
        if "emptyDir" in volume:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        if "configMap" in volume:
            (folder / "carrier.toml").write_text(toml_of(self.documents))
        elif is_root():
            # As fsGroup has it: the folder belongs to root and to the group.
            os.chown(folder, 0, self.spec["securityContext"]["fsGroup"])
            folder.chmod(0o2775)

    def ids(self):
        if not is_root():
            return ""
        context = self.spec["securityContext"]
        groups = [context["fsGroup"], *context.get("supplementalGroups", [])]
        return f"{context['runAsUser']}:{context['runAsGroup']}:{','.join(map(str, groups))}"

    def start(self, arguments, variables, stdout, stderr=None):
        """The program with a new root. `variables` replace those of the manifests; `None` removes one."""
        root = self.folder / "root"
        root.mkdir(exist_ok=True)
        mounts = [
            f"{self.volume(mount['name'])}:{mount['mountPath']}:{'ro' if mount.get('readOnly') else 'rw'}"
            for mount in container_of(self.documents)["volumeMounts"]
        ]
        given = {"PATH": "/usr/sbin:/usr/bin", **environment(self.documents), "CARRIER_ADMIN_TOKEN": TOKEN, **variables}
        script = pathlib.Path(__file__).with_name("pod_root.sh")
        return subprocess.Popen(
            ["unshare", "--mount", script, root, self.binary, self.ids(), *mounts, "--", *arguments],
            env={name: value for name, value in given.items() if value is not None},
            cwd="/", stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
        )

    @contextlib.contextmanager
    def running(self, **variables):
        """The station in a new pod, until the end of the block at the latest. The volume of the claim is kept."""
        for volume in self.spec["volumes"]:
            self.make_volume(volume)
        with open(self.folder / "log", "w") as log:
            station = self.start(container_of(self.documents)["args"], variables, log, log)
            try:
                until(lambda: ask("/healthz")[0] == 200 or station.poll() is not None, "the station starts")
                if station.poll() is not None:
                    raise SystemExit(self.log())
                yield station
            finally:
                end(station, PATIENCE_S)

    def log(self):
        return (self.folder / "log").read_text()

    def execute(self, *arguments, **variables):
        """What a command prints that is executed in the container."""
        run = self.start(arguments, variables, subprocess.PIPE)
        text = run.communicate(timeout=PATIENCE_S)[0].decode()
        if run.returncode != 0:
            raise SystemExit(f"{arguments}: {run.returncode}")
        return text
