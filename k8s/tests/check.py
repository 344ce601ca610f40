"""Renders every overlay and component of k8s/ with the real kubectl, and checks what comes out.

check.py KUBECTL TYPES: writes a program for the TypeScript compiler to TYPES, and exits with 1 and a line for each fault.
station.py checks the running program.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

import containerfile
import nodes
import policies
import program

ROOT = pathlib.Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"
KUBERNETES = "1.37"
# Custom resources without a published schema in a package: their fields are not checked here. README.md says when they
# were, by an API server.
WITHOUT_SCHEMA = {"AgentEndpoint", "GpuDevicePlugin"}
# Custom resources with types in an npm package; the TypeScript compiler checks them.
TYPED = {"Gateway", "GatewayClass", "HTTPRoute", "PrometheusRule", "ServiceMonitor"}


def render(kubectl, folder):
    """The documents that `kubectl apply -k` would send."""
    run = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True)
    if run.returncode != 0 or "Warning" in run.stderr:
        raise SystemExit(f"{folder}: {run.stderr}")
    return [document for document in yaml.safe_load_all(run.stdout) if document]


def render_component(kubectl, component):
    """The base with one component. kustomize wants relative paths."""
    with tempfile.TemporaryDirectory(dir=K8S) as folder:
        text = yaml.safe_dump({
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": "carrier",
            "resources": ["../base"],
            "components": [f"../components/{component.name}"],
        })
        (pathlib.Path(folder) / "kustomization.yaml").write_text(text)
        return render(kubectl, folder)


def rendered(kubectl):
    """What users apply: name to documents."""
    sets = {f"overlays/{folder.name}": render(kubectl, folder) for folder in sorted((K8S / "overlays").iterdir())}
    for component in sorted((K8S / "components").iterdir()):
        sets[f"components/{component.name}"] = render_component(kubectl, component)
    sets["base"] = render(kubectl, K8S / "base")
    sets["device-plugin"] = render(kubectl, K8S / "device-plugin")
    for path in ["device-plugin/intel-gpu.yaml", "components/ngrok/gatewayclass.yaml"]:
        sets[path] = list(yaml.safe_load_all((K8S / path).read_text()))
    return sets


def schema_fault(document):
    """What the schema of Kubernetes refuses; misspelt fields too."""
    kind = document["kind"]
    if kind in WITHOUT_SCHEMA | TYPED:
        return None
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{kind}: {'.'.join(str(part) for part in error.path)}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError as error:
        return error.message
    return None


def typed_source(sets):
    """A TypeScript program that compiles if the custom resources have the fields of their types."""
    documents = [document for all_of_it in sets.values() for document in all_of_it if document["kind"] in TYPED]
    modules = {"gateway.networking.k8s.io": "gateway-api", "monitoring.coreos.com": "prometheus-operator"}
    lines = []
    for index, document in enumerate(documents):
        group, version = document["apiVersion"].split("/")
        kind = document["kind"]
        module = f"@kubernetes-models/{modules[group]}/{group}/{version}/{kind}"
        lines.append(f'const document{index}: import("{module}").I{kind} = {json.dumps(document)};')
    return "\n".join(lines) + "\nexport {};\n"


def environment_order_faults(documents):
    """`$(X)` in a variable is replaced only if X stands before it."""
    for document in documents:
        for container in policies.containers(document):
            known = set()
            for variable in container.get("env", []):
                for name in re.findall(r"\$\(([A-Z_]+)\)", variable.get("value") or ""):
                    if name not in known:
                        yield f"{variable['name']} uses {name}, which is defined after it or not at all"
                known.add(variable["name"])


def main():
    kubectl, typed = sys.argv[1], pathlib.Path(sys.argv[2])
    sets = rendered(kubectl)
    faults = []
    for name, documents in sets.items():
        found = [fault for document in documents if (fault := schema_fault(document))]
        found += policies.faults(name, documents)
        found += environment_order_faults(documents)
        found += program.faults(ROOT, name, documents)
        faults += [f"{name}: {fault}" for fault in found]
    faults += program.metric_faults(ROOT)
    faults += nodes.faults(ROOT, sets)
    faults += [f"Containerfile: {fault}" for fault in containerfile.faults(ROOT, sets["base"])]
    typed.write_text(typed_source(sets))
    for fault in faults:
        print(fault)
    unchecked = sorted({d["kind"] for documents in sets.values() for d in documents} & WITHOUT_SCHEMA)
    print(f"{len(sets)} sets of manifests checked. Fields not checked, for want of a schema: {', '.join(unchecked)}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
