"""Starts the program with what the manifests give it, and asks it what Kubernetes and Prometheus would ask.

station.py KUBECTL PROGRAM [--all]: to be run in a network namespace of its own, since the ports are those of the
manifests. With --all, probes are asked as seldom as the manifests say. Exits with 1 and a line for each fault.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import check
import pod
import probes
import program
import volume


def configuration_fault(binary, documents):
    """What the program says against the configuration with its variables."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "carrier.toml"
        file.write_text(pod.toml_of(documents))
        command = [binary, "doctor", "--config", str(file), "--format", "json"]
        variables = {**pod.environment(documents), "HOME": folder}
        run = subprocess.run(command, env=variables, capture_output=True, text=True)
        if not run.stdout:
            return run.stderr.strip()
        finding = next(finding for finding in json.loads(run.stdout) if finding["topic"] == "configuration")
        return None if finding["state"] == "ok" else finding["words"]


def metric_faults(text):
    """Metrics of alerts and dashboard that the running program does not have. A family has none before its first value."""
    shown = set(re.findall(r"^([a-z_]+)(?:\{.*\})? ", text, re.MULTILINE))
    known = program.metrics_in_source(check.ROOT)
    for name in sorted(program.metrics_in_k8s(check.ROOT) - shown):
        if name.removesuffix("_total") not in known:
            yield f"/metrics has no {name}"


def service_faults(binary, documents, folder, _haste):
    """What the Service and Prometheus ask: port of media, names, metrics, codes; and the end within the grace period."""
    of_pod = pod.Pod(binary, documents, folder)
    with of_pod.running() as station:
        pod.until(lambda: pod.ask("/readyz")[0] == 200, "ready")
        status = json.loads(pod.ask("/api/status")[1])
        if status["media_port"] != 30189:
            yield f"media goes through port {status['media_port']}"
        for name in [f"{pod.NODE}:30080", "carrier.carrier.svc:8080", pod.NODE, "10.244.0.9:8080"]:
            if pod.ask("/", Host=name)[0] != 200:
                yield f"no page under the name {name}"
        if pod.ask("/", Host="other.example")[0] != 421:
            yield "a page under a foreign name"
        code, text = pod.ask("/metrics", Authorization=f"Bearer {pod.TOKEN}")
        if code != 200:
            yield f"/metrics: {code}"
        yield from metric_faults(text)
        join = json.loads(pod.ask("/api/join")[1])
        if not join["feed_url"].startswith(f"http://{pod.NODE}:30080/"):
            yield f"codes lead to {join['feed_url']}"
        begun = time.monotonic()
        station.terminate()
        code = station.wait(pod.PATIENCE_S)
        if code != 0 or time.monotonic() - begun > of_pod.spec["terminationGracePeriodSeconds"]:
            yield f"it ended with {code} after {time.monotonic() - begun:.0f} s"


def main():
    kubectl, binary, *rest = sys.argv[1:]
    haste = 1 if "--all" in rest else probes.HASTE
    faults = []
    sets = check.rendered(kubectl)
    for name, documents in sets.items():
        if pod.station_of(documents) and (fault := configuration_fault(binary, documents)):
            faults.append(f"{name}: {fault}")
    cases = [
        ("overlays/local", service_faults),
        ("overlays/local", probes.missing_parts_faults),
        ("overlays/local", probes.camera_faults),
        ("components/host-network", volume.faults),
    ]
    for name, look in cases:
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            faults += [f"{name}: {fault}" for fault in look(binary, sets[name], folder, haste)]
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
