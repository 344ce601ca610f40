"""What the manifests expect of a node is what the device plugin offers and Talos is configured to have."""

import yaml


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def faults(root, sets):
    k8s = root / "k8s"
    plugin = documents(k8s / "device-plugin/config.yaml")[0]
    offered = {f"{plugin['domain']}/{device['name']}" for device in plugin["device"]}
    talos = documents(k8s / "talos/laptop.yaml")
    by_kind = {document.get("kind"): document for document in talos}
    rules = " ".join(by_kind["UdevRulesConfig"]["rules"])
    labels = by_kind["KubeNodeConfig"]["labels"]
    volumes = {f"/var/mnt/{d['name']}" for d in talos if d.get("kind") == "UserVolumeConfig"}
    for name, of_set in sets.items():
        for document in of_set:
            pod = document.get("spec", {}).get("template", {}).get("spec", {})
            for container in pod.get("containers", []):
                for resource in container.get("resources", {}).get("limits", {}):
                    if resource.startswith(f"{plugin['domain']}/") and resource not in offered:
                        yield f"{name}: the device plugin does not offer {resource}"
            for group in pod.get("securityContext", {}).get("supplementalGroups", []):
                if f'GROUP="{group}"' not in rules:
                    yield f"{name}: no udev rule gives a device to group {group}"
            if document["kind"] == "PersistentVolume":
                if document["spec"]["local"]["path"] not in volumes:
                    yield f"{name}: Talos makes no {document['spec']['local']['path']}"
                (term,) = document["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
                if not {expression["key"] for expression in term["matchExpressions"]} <= set(labels):
                    yield f"{name}: the node has not the label of its volume"
    (schematic,) = documents(k8s / "talos/schematic-laptop.yaml")
    (kiosk,) = documents(k8s / "talos/schematic-kiosk.yaml")
    extensions = schematic["customization"]["systemExtensions"]
    cluster = documents(k8s / "talos/omni.yaml")[0]
    if kiosk["customization"]["systemExtensions"] != extensions:
        yield "talos: the schematics have different extensions"
    if cluster["systemExtensions"] != extensions["officialExtensions"]:
        yield "talos: omni.yaml has other extensions than the schematic"
    address = by_kind["DummyLinkConfig"]["addresses"][0]["address"]
    of_kubelet, of_etcd = by_kind["KubeNodeConfig"]["nodeIP"], talos[0]["cluster"]["etcd"]
    if of_kubelet["validSubnets"] != [address] or of_etcd["advertisedSubnets"] != [address]:
        yield "talos: the fixed address is not the same everywhere"
    guide = (k8s / "README.md").read_text()
    for folder in [*(k8s / "overlays").iterdir(), *(k8s / "components").iterdir()]:
        if f"| `{folder.name}` |" not in guide:
            yield f"README.md does not name {folder.name}"
