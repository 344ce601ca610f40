"""Compares packaging/compose.yaml with the Deployment in k8s/base and with the service of systemd: they run the same program.

It needs PyYAML. `docker compose config` checks the form where Docker is.
"""

import pathlib
import re
import shutil
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
FILLED_IN = {
    "CARRIER_IMAGE": "carrier:0", "COMFYUI_IMAGE": "comfyui:0", "COMFYUI_MODELS": "/models", "COMFYUI_MODELS_INSIDE": "/models"
}
# Set by Kubernetes alone, or by Docker alone.
OTHER_VARIABLES = {"NODE_ADDRESS", "CARRIER_MEDIA_PORT", "CREDENTIALS_DIRECTORY", "CARRIER_COMFYUI"}

faults = []


def same(what, compose, kubernetes):
    if compose != kubernetes:
        faults.append(f"{what}: compose.yaml has {compose}, k8s/base has {kubernetes}")


def load(path):
    return yaml.safe_load((ROOT / path).read_text())


def compare_with_deployment(service):
    pod = load("k8s/base/deployment.yaml")["spec"]["template"]["spec"]
    container = next(one for one in pod["containers"] if one["name"] == "carrier")
    user = pod["securityContext"]
    same("user", service["user"], f"{user['runAsUser']}:{user['runAsGroup']}")
    same("command", service["command"], container["args"])
    same("read-only root", service["read_only"], container["securityContext"]["readOnlyRootFilesystem"])
    same("dropped capabilities", service["cap_drop"], container["securityContext"]["capabilities"]["drop"])
    same("time to stop", service["stop_grace_period"], f"{pod['terminationGracePeriodSeconds']}s")
    ports = {(port["containerPort"], port.get("protocol", "TCP").lower()) for port in container["ports"]}
    # The Deployment leaves out TCP on the media port.
    media = load("k8s/base/service.yaml")["spec"]["ports"]
    ports |= {(port["targetPort"], port.get("protocol", "TCP").lower()) for port in media if port["targetPort"] != "pages"}
    listed = [re.fullmatch(r"(\d+):(\d+)(?:/(\w+))?", port).groups() for port in service["ports"]]
    same("ports", {(int(inside), protocol or "tcp") for _, inside, protocol in listed}, ports)
    media_port = service["environment"]["CARRIER_MEDIA_PORT"]
    if {outside for outside, inside, _ in listed if inside == media_port} != {media_port}:
        faults.append(f"the media port {media_port} is not published under its own number")
    variables = {one["name"]: one.get("value") for one in container["env"]}
    same("variables", set(service["environment"]) - OTHER_VARIABLES, set(variables) - OTHER_VARIABLES)
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "CARRIER_LOG_FORMAT"):
        same(name, service["environment"][name], variables[name])
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]} - {"/etc/carrier"}
    inside = {volume.split(":")[1] for volume in service["volumes"]} | {entry.split(":")[0] for entry in service["tmpfs"]}
    same("writable folders", inside, mounts)


def compare_with_unit(service):
    unit = (ROOT / "packaging/systemd/carrier.service").read_text()
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME"):
        if f"Environment={name}={service['environment'][name]}\n" not in unit:
            faults.append(f"carrier.service has another {name} than compose.yaml")
    if not unit.count(f"\nTimeoutStopSec={service['stop_grace_period'].rstrip('s')}\n"):
        faults.append("carrier.service has another time to stop than compose.yaml")
    credentials = set(re.findall(r"LoadCredential=([a-z-]+):", (
        ROOT / "packaging/systemd/carrier.service.d/credentials.conf").read_text()))
    source = (ROOT / "web/src/environment.rs").read_text()
    read = {name.lower().replace("_", "-") for name in re.findall(r'secret\("CARRIER_([A-Z_]+)"\)', source)}
    if credentials != read:
        faults.append(f"credentials.conf has {sorted(credentials)}, the program reads {sorted(read)}")
    unknown = {secret["target"] for secret in service["secrets"]} - read
    if unknown:
        faults.append(f"compose.yaml has secrets that the program does not read: {sorted(unknown)}")


def check_form():
    """By Docker Compose itself, in either of its forms."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and subprocess.run([*command, "version"], capture_output=True).returncode == 0:
            break
    else:
        return
    for files in (["compose.yaml"], ["compose.yaml", "compose.comfyui.yaml"]):
        named = [argument for file in files for argument in ("-f", file)]
        run = subprocess.run([*command, *named, "config", "--quiet"], cwd=ROOT / "packaging", env=FILLED_IN | {"PATH": "/usr/bin:/bin"},
                             capture_output=True, text=True)
        if run.returncode != 0:
            faults.append(f"{' '.join(command)}: {run.stderr.strip()}")


def main():
    service = load("packaging/compose.yaml")["services"]["carrier"]
    compare_with_deployment(service)
    compare_with_unit(service)
    check_form()
    for fault in faults:
        print(fault)
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
