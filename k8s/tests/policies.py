"""What every manifest of k8s/ must be, whatever it is for."""

# Where Pod Security `restricted` does not hold, by the name of the set: the fields, and nothing else.
EXCEPTIONS = {
    "device-plugin": {"privileged", "hostPath", "user", "probes"},
    **{
        name: {"hostNetwork"}
        for name in [
            "components/host-network",
            "overlays/kiosk",
            "overlays/talos-laptop",
            "overlays/talos-laptop-spark",
        ]
    },
}
# The volumes that `restricted` permits.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def pod_spec(document):
    """The pod of a document that has one."""
    return document.get("spec", {}).get("template", {}).get("spec")


def containers(document):
    pod = pod_spec(document) or {}
    return pod.get("initContainers", []) + pod.get("containers", [])


def faults(name, documents):
    """What a set of manifests breaks."""
    used = set()
    found = []
    for document in documents:
        pod = pod_spec(document)
        if pod:
            of_pod = list(pod_faults(pod)) + [
                fault for container in containers(document) for fault in container_faults(pod, container)
            ] + [fault for container in pod["containers"] for fault in main_container_faults(container)]
            for key, text in of_pod:
                used.add(key)
                if key not in EXCEPTIONS.get(name, set()):
                    found.append(f"{document['kind']} {document['metadata']['name']}: {text}")
    unused = EXCEPTIONS.get(name, set()) - used
    found += [f"the exception {key} is not needed" for key in unused]
    found += namespace_faults(name, documents)
    return found


def namespace_faults(name, documents):
    """The level that the namespace enforces permits what the pods need, and not more."""
    for document in documents:
        if document["kind"] == "Namespace":
            wanted = "privileged" if EXCEPTIONS.get(name) else "restricted"
            for mode in ["enforce", "warn"]:
                level = document["metadata"]["labels"][f"pod-security.kubernetes.io/{mode}"]
                if level != wanted:
                    yield f"the namespace has the level {level} to {mode}, not {wanted}"


def pod_faults(pod):
    if pod.get("hostNetwork"):
        yield "hostNetwork", "hostNetwork"
    for key in ["hostPID", "hostIPC"]:
        if pod.get(key):
            yield key, key
    for volume in pod.get("volumes", []):
        if set(volume) - {"name"} - VOLUMES:
            yield "hostPath", f"the volume {volume['name']} is of a kind that restricted refuses"
    if pod.get("automountServiceAccountToken") is not False:
        yield "account", "it gets a token of the API server"
    if pod.get("securityContext", {}).get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "user", "no seccomp profile"


def container_faults(pod, container):
    name, of_pod, own = container["name"], pod.get("securityContext", {}), container.get("securityContext", {})
    if own.get("privileged"):
        yield "privileged", f"{name} is privileged"
    elif (
        own.get("allowPrivilegeEscalation") is not False
        or own.get("capabilities") != {"drop": ["ALL"]}
        or own.get("readOnlyRootFilesystem") is not True
    ):
        yield "capabilities", f"{name} may gain privileges, has capabilities or writes to its root"
    if not (of_pod.get("runAsNonRoot") and of_pod.get("runAsUser", 0) > 0) or "runAsUser" in own:
        yield "user", f"{name} may run as root"
    image, _, tag = container["image"].rpartition(":")
    if not image or not tag or tag == "latest":
        yield "tag", f"the image {container['image']} has no fixed tag"
    resources = container.get("resources", {})
    if "memory" not in resources.get("limits", {}) or not {"cpu", "memory"} <= set(resources.get("requests", {})):
        yield "limits", f"{name} has no limit of memory, or no requests"


def main_container_faults(container):
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
        if probe not in container:
            yield "probes", f"{container['name']} has no {probe}"
