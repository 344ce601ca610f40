"""Asks the API server of the current kubectl context for a dry run of every set of manifests.

apply.py KUBECTL: exits with 1 and a line for each thing that is refused or warned about. Kinds that the cluster does not
know (Gateway API, Prometheus operator, ngrok, Intel) are named.
"""

import copy
import subprocess
import sys
import time

import yaml

import check
import policies

NAMESPACE = "carrier-dry-run"
LEVEL = "pod-security.kubernetes.io/"


def kubectl(*arguments, text=None):
    """What kubectl says against it; empty if nothing."""
    run = subprocess.run([sys.argv[1], *arguments], input=text, capture_output=True, text=True)
    return run.stderr.strip()


def levels_of(documents):
    """The labels of Pod Security that the set gives its namespace."""
    namespace = next((document for document in documents if document["kind"] == "Namespace"), None)
    if namespace:
        labels = namespace["metadata"]["labels"]
    else:
        labels = {f"{LEVEL}{mode}": "privileged" for mode in ["enforce", "warn"]}
    return [f"{name}={level}" for name, level in labels.items() if name.startswith(LEVEL)]


def pod_of(document):
    """The pod that the controllers would make: only then does Pod Security refuse one."""
    metadata = {**document["spec"]["template"]["metadata"], "name": document["metadata"]["name"], "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": policies.pod_spec(document)}


def moved(document):
    """The same in the namespace of the dry run."""
    result = copy.deepcopy(document)
    if "namespace" in result["metadata"]:
        result["metadata"]["namespace"] = NAMESPACE
    return result


def apply(document):
    """In a dry run, with unknown fields refused."""
    return kubectl("apply", "--validate=strict", "--dry-run=server", "-f", "-", text=yaml.safe_dump(document))


def faults(documents, unknown):
    said = kubectl("label", "--overwrite", "namespace", NAMESPACE, *levels_of(documents))
    if said:
        yield said
    for document in documents:
        what = f"{document['kind']} {document['metadata']['name']}"
        said = apply(moved(document))
        if "no matches for kind" in said:
            unknown.add(document["kind"])
        elif said:
            yield f"{what}: {said}"
        if policies.pod_spec(document) and (said := apply(pod_of(document))):
            yield f"pod of {what}: {said}"


def main():
    sets = check.rendered(sys.argv[1])
    said = kubectl("create", "namespace", NAMESPACE)
    if said:
        raise SystemExit(said)
    found, unknown = [], set()
    try:
        # The controllers make it; without it no pod is taken.
        limit = time.monotonic() + 30
        while kubectl("--namespace", NAMESPACE, "get", "serviceaccount", "default"):
            if time.monotonic() > limit:
                raise SystemExit("the namespace gets no service account")
            time.sleep(0.2)
        for name, documents in sets.items():
            found += [f"{name}: {fault}" for fault in faults(documents, unknown)]
    finally:
        kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    for fault in found:
        print(fault)
    print(f"{len(sets)} sets of manifests tried. Kinds that the cluster does not know: {', '.join(sorted(unknown)) or 'none'}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
