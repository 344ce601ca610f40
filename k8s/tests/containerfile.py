"""k8s/Containerfile alone: what it says agrees with the Deployment, and the files that it names exist."""

import json
import os
import re

import program

# Pages, and media over UDP and TCP.
EXPOSED = "{pages}/tcp {media}/udp {media}/tcp"


def instructions(text):
    """Name and arguments of each instruction, without comments and with continued lines joined."""
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def faults(root, documents):
    (station,) = [d for d in documents if d["kind"] == "Deployment"]
    found = instructions((root / "k8s/Containerfile").read_text())
    yield from base_faults(found)
    yield from file_faults(root, found)
    yield from context_faults(root)
    last = {name: arguments for name, arguments in found}
    yield from stage_faults(last, station["spec"]["template"]["spec"])
    if f"chown {last['USER']} {last['VOLUME']}" not in (root / "k8s/image/root.sh").read_text():
        yield f"root.sh does not give {last['VOLUME']} to the user {last['USER']}"


def base_faults(found):
    """Images of others have a fixed tag."""
    stages = {arguments.split(" AS ")[1] for name, arguments in found if name == "FROM" and " AS " in arguments}
    for name, arguments in found:
        image = arguments.split(" AS ")[0].split()[-1]
        if name == "ARG" and arguments.startswith("BASE="):
            tag = arguments.rpartition(":")[2]
            if "/" in tag or tag == "latest":
                yield f"the image {arguments} has no fixed tag"
        elif name == "FROM" and image not in stages | {"$BASE", "$BUILD_BASE", "scratch"}:
            yield f"FROM {image} is no parameter"


def file_faults(root, found):
    for name, arguments in found:
        words = [word for word in arguments.split() if not word.startswith("--")]
        if name == "COPY" and "--from" not in arguments:
            for path in words[:-1]:
                if not (root / path).exists():
                    yield f"COPY {path}: there is no such file"
        if name == "RUN":
            (script,) = [word for word in words if word.endswith(".sh")]
            path = root / "k8s/image" / script.rpartition("/")[2]
            if not os.access(path, os.X_OK):
                yield f"RUN {script}: {path} is no executable file"


def context_faults(root):
    """The build's context has every crate of the workspace: .dockerignore lets in only what it names."""
    named = set((root / ".dockerignore").read_text().splitlines())
    for crate in sorted(program.crates(root)):
        if f"!{crate}" not in named:
            yield f".dockerignore leaves out {crate}, a crate of the workspace"


def stage_faults(last, pod):
    (container,) = pod["containers"]
    of_pod = pod["securityContext"]
    user = f"{of_pod['runAsUser']}:{of_pod['runAsGroup']}"
    if last["USER"] != user:
        yield f"the user is {last['USER']}, the Deployment's is {user}"
    if json.loads(last["ENTRYPOINT"]) != ["carrier"] or "command" in container:
        yield "the entry point is not the program"
    if json.loads(last["CMD"]) != container["args"]:
        yield f"the arguments are {last['CMD']}, the Deployment's are {container['args']}"
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    if last["EXPOSE"] != EXPOSED.format(**ports):
        yield f"the ports are {last['EXPOSE']}, the Deployment's are {ports}"
    volume = next(mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == "state")
    if last["VOLUME"] != volume:
        yield f"the volume is {last['VOLUME']}, the Deployment's is {volume}"
    values = dict(word.split("=", 1) for word in last["ENV"].split())
    for variable in container["env"]:
        name = variable["name"]
        if name.startswith("XDG_") and values.get(name) != variable["value"]:
            yield f"{name} is {values.get(name)}, the Deployment's is {variable['value']}"
    if not values.get("ORT_DYLIB_PATH", "").startswith("/usr/lib/carrier/runtime/"):
        yield "ORT_DYLIB_PATH is not where assemble.sh puts ONNX Runtime"
    if values.get("ORT_DISABLE_TELEMETRY") != "1":
        # It would write a file for its session and send reports, before the program can tell it not to.
        yield "ONNX Runtime reports to its makers"
