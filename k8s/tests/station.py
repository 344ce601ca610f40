"""Starts the program with what the manifests give it, and asks it what Kubernetes and Prometheus would ask.

station.py KUBECTL PROGRAM: to be run in a network namespace of its own, since the ports are those of the manifests.
Exits with 1 and a line for each fault.
"""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import check
import program

NODE = "192.0.2.1"
TOKEN = "plum-orbit-latch-seven"
PATIENCE_S = 60


def station_of(documents):
    found = (d for d in documents if d["kind"] == "Deployment" and d["metadata"]["name"] == "carrier")
    return next(found, None)


def environment(documents):
    """The variables that the container would get, on the node `NODE`."""
    maps = {d["metadata"]["name"]: d["data"] for d in documents if d["kind"] == "ConfigMap"}
    (container,) = station_of(documents)["spec"]["template"]["spec"]["containers"]
    values = {}
    for variable in container["env"]:
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


def configuration_fault(binary, documents):
    """What the program says against the configuration with its variables."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "carrier.toml"
        file.write_text(toml_of(documents))
        command = [binary, "doctor", "--config", str(file), "--format", "json"]
        run = subprocess.run(command, env={**environment(documents), "HOME": folder}, capture_output=True, text=True)
        if not run.stdout:
            return run.stderr.strip()
        finding = next(finding for finding in json.loads(run.stdout) if finding["topic"] == "configuration")
        return None if finding["state"] == "ok" else finding["words"]


def ask(path, port=8080, **head):
    """Status and text of an answer."""
    method = head.pop("method", "GET")
    body = head.pop("body", None)
    url = f"http://127.0.0.1:{port}{path}"
    request = urllib.request.Request(url, data=body, headers=head, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def until(reached, what):
    limit = time.monotonic() + PATIENCE_S
    while not reached():
        if time.monotonic() > limit:
            raise SystemExit(f"{what}: not within {PATIENCE_S} s")
        time.sleep(0.1)


@contextlib.contextmanager
def running(binary, documents, folder, **variables):
    """The station, with the volume of the manifests below `folder`."""
    folder = pathlib.Path(folder)
    (folder / "elsewhere").mkdir(exist_ok=True)
    (folder / "carrier.toml").write_text(toml_of(documents))
    volume = "/var/lib/carrier"
    given = {name: value.replace(volume, str(folder / "volume")) for name, value in environment(documents).items()}
    given |= {"CARRIER_ADMIN_TOKEN": TOKEN, "TMPDIR": str(folder / "elsewhere"), **variables}
    with open(folder / "log", "w") as log:
        station = subprocess.Popen(
            [binary, "run", "--config", str(folder / "carrier.toml")],
            env=given, cwd=folder / "elsewhere", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )
        try:
            until(lambda: ask("/healthz")[0] == 200 or station.poll() is not None, "the station starts")
            if station.poll() is not None:
                raise SystemExit((folder / "log").read_text())
            yield station
        finally:
            station.terminate()
            station.wait(PATIENCE_S)


def metric_faults(text):
    """Metrics of alerts and dashboard that the running program does not have. A family has none before its first value."""
    shown = set(re.findall(r"^([a-z_]+)(?:\{.*\})? ", text, re.MULTILINE))
    known = program.metrics_in_source(check.ROOT)
    for name in sorted(program.metrics_in_k8s(check.ROOT) - shown):
        if name.removesuffix("_total") not in known:
            yield f"/metrics has no {name}"


def run_faults(binary, documents):
    """The station with its scene: ports, probes, metrics, shutter, volume, end."""
    with tempfile.TemporaryDirectory() as folder:
        with running(binary, documents, folder, CARRIER_COMFYUI="http://127.0.0.1:9") as station:
            # Without models and with a ComfyUI that does not answer, it is ready.
            until(lambda: ask("/readyz")[0] == 200, "ready")
            status = json.loads(ask("/api/status")[1])
            if status["media_port"] != 30189:
                yield f"media goes through port {status['media_port']}"
            for name in ["192.0.2.1:30080", "carrier.carrier.svc:8080", NODE, "10.244.0.9:8080"]:
                if ask("/", Host=name)[0] != 200:
                    yield f"no page under the name {name}"
            if ask("/", Host="other.example")[0] != 421:
                yield "a page under a foreign name"
            code, text = ask("/metrics", Authorization=f"Bearer {TOKEN}")
            if code != 200:
                yield f"/metrics: {code}"
            yield from metric_faults(text)
            join = json.loads(ask("/api/join")[1])
            if not join["feed_url"].startswith(f"http://{NODE}:30080/"):
                yield f"codes lead to {join['feed_url']}"
            head = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
            code, text = ask("/api/shutter", method="PUT", body=b'{"closed": true}', **head)
            if code != 200 or ask("/readyz")[0] != 200:
                yield f"not ready with a closed shutter: {code} {text}"
            station.terminate()
            begun = time.monotonic()
            code = station.wait(PATIENCE_S)
            if code != 0 or time.monotonic() - begun > 15:
                yield f"it ended with {code}, after the grace period of the pod"
        left = list((pathlib.Path(folder) / "elsewhere").iterdir())
        if left:
            yield f"it wrote outside of its volume: {left}"
        # The root is new, the volume is kept.
        with running(binary, documents, folder) as station:
            if not json.loads(ask("/api/shutter")[1])["closed"]:
                yield "the shutter is open after a restart"


def camera_faults(binary, documents):
    """Without a camera: alive, not ready, and the page is there, which publishNotReadyAddresses leads to."""
    with tempfile.TemporaryDirectory() as folder:
        missing = "webcam:/dev/v4l/by-id/none"
        with running(binary, documents, folder, CARRIER_SOURCE=missing):
            until(lambda: "not ready: the source is being opened" not in ask("/readyz")[1], "the camera is looked for")
            codes = [ask(path)[0] for path in ["/healthz", "/readyz", "/"]]
            if codes != [200, 503, 200]:
                yield f"/healthz, /readyz and / without a camera: {codes}"


def main():
    kubectl, binary = sys.argv[1:]
    faults = []
    sets = check.rendered(kubectl)
    for name, documents in sets.items():
        if station_of(documents) and (fault := configuration_fault(binary, documents)):
            faults.append(f"{name}: {fault}")
    for look in [run_faults, camera_faults]:
        faults += [f"overlays/local: {fault}" for fault in look(binary, sets["overlays/local"])]
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
