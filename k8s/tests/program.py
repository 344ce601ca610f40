"""Every port, variable, path and metric that k8s/ names exists in the program, so that a rename breaks this."""

import json
import re
import tomllib


# Variables of the manifests that are no variables of the program.
FOREIGN = {"NODE_ADDRESS"}


def faults(root, name, documents):
    station = next((d for d in documents if d["kind"] == "Deployment" and d["metadata"]["name"] == "carrier"), None)
    if not station:
        return []
    (container,) = station["spec"]["template"]["spec"]["containers"]
    variables = {variable["name"]: variable for variable in container["env"]}
    config = configuration(documents)
    found = [f"{key} is no variable of the program" for key in variables if not is_variable(root, key)]
    found += list(port_faults(root, documents, container, variables, config))
    routes = (root / "web/src/routes.rs").read_text()
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
        path = container[probe]["httpGet"]["path"]
        if f'route(Nothing, "{path}"' not in routes:
            found.append(f"{probe}: {path} is no public route of the program")
    if container["startupProbe"]["httpGet"]["path"] != container["livenessProbe"]["httpGet"]["path"]:
        found.append("startup and liveness ask differently")
    found += list(host_faults(documents, config, variables))
    return found


def configuration(documents):
    """The TOML of the station; configuration.py has the program read it, too."""
    texts = [
        document["data"]["carrier.toml"]
        for document in documents
        if document["kind"] == "ConfigMap" and "carrier.toml" in document["data"]
    ]
    (text,) = texts
    return tomllib.loads(text)


def is_variable(root, name):
    if name in FOREIGN:
        return True
    options = (root / "web/src/cli.rs").read_text()
    environment = (root / "web/src/environment.rs").read_text()
    return f'"{name}"' in options or f'"{name}"' in environment


def defaults(root):
    return tomllib.loads((root / "carrier.example.toml").read_text())


def port_of(address):
    return int(address.rpartition(":")[2])


def port_faults(root, documents, container, variables, config):
    """Ports of the container, the Service and the policy are those that the program listens on."""
    program = {**defaults(root), **config}
    pages = port_of(program["listen"])
    media = int(variables.get("CARRIER_MEDIA_PORT", {}).get("value", program["media_port"]))
    tls = variables.get("CARRIER_LISTEN_TLS", {}).get("value")
    wanted = {"pages": pages, "media": media, **({"pages-tls": port_of(tls)} if tls else {})}
    opened = {port["name"]: port["containerPort"] for port in container["ports"]}
    if opened != wanted:
        yield f"the container has the ports {opened}, the program {wanted}"
    (service,) = [d for d in documents if d["kind"] == "Service" and d["metadata"]["name"] == "carrier"]
    if not service["spec"]["publishNotReadyAddresses"]:
        yield "without a camera nobody reaches the page"
    is_node_port = service["spec"]["type"] == "NodePort"
    for port in service["spec"]["ports"]:
        is_pages = port["name"] == "pages"
        if port["port"] != (pages if is_pages else media):
            yield f"the Service's port {port['name']} is {port['port']}"
        if not is_pages and {port["targetPort"], port["nodePort"]} != {media}:
            # Viewers are offered the address that they used for the page, with the program's own port.
            yield f"{port['name']} has not the same number inside and outside"
    protocols = {port.get("protocol", "TCP") for port in service["spec"]["ports"] if port["name"] != "pages"}
    if is_node_port and protocols != {"UDP", "TCP"}:
        yield f"media by {protocols}, not by UDP and TCP"
    if is_node_port:
        (policy,) = [d for d in documents if d["kind"] == "NetworkPolicy" and d["metadata"]["name"] == "carrier"]
        let_in = {(p["port"], p.get("protocol", "TCP")) for rule in policy["spec"]["ingress"] for p in rule["ports"]}
        if let_in != {("pages", "TCP"), (media, "UDP"), (media, "TCP")}:
            yield f"the network policy lets in {let_in}"
        node_port = next(p["nodePort"] for p in service["spec"]["ports"] if p["name"] == "pages")
        for name, port in [("CARRIER_ANNOUNCE", media), ("CARRIER_PUBLIC_URL", node_port)]:
            value = variables.get(name, {}).get("value")
            if value and port_of(value) != port:
                yield f"{name} is {value}, the node's port is {port}"
    for document in documents:
        if document["kind"] == "AgentEndpoint" and port_of(document["spec"]["upstream"]["url"]) != media:
            yield "ngrok's TCP endpoint leads elsewhere"
        if document["kind"] == "HTTPRoute":
            to = {(ref["name"], ref["port"]) for rule in document["spec"]["rules"] for ref in rule.get("backendRefs", [])}
            if to != {("carrier", pages)}:
                yield f"the route leads to {to}"


def host_faults(documents, config, variables):
    """The station answers under the names that its Service, its Gateway and its links have."""
    hosts = set(config.get("http", {}).get("hosts", []))
    missing = {"carrier", "carrier.carrier", "carrier.carrier.svc", "carrier.carrier.svc.cluster.local"} - hosts
    if missing:
        yield f"[http] hosts lacks {sorted(missing)}"
    public = {
        document["data"]["CARRIER_PUBLIC_URL"]
        for document in documents
        if document["kind"] == "ConfigMap" and "CARRIER_PUBLIC_URL" in document["data"]
    }
    for document in documents:
        spec = document.get("spec", {})
        names = [listener["hostname"] for listener in spec.get("listeners", [])] + spec.get("hostnames", [])
        if document["kind"] in ["Gateway", "HTTPRoute"]:
            if [f"https://{name}" for name in names] != sorted(public):
                yield f"{document['kind']} is for {names}, the public address is {sorted(public)}"


def crates(root):
    """The folders at the top that hold crates of the workspace."""
    members = tomllib.loads((root / "Cargo.toml").read_text())["workspace"]["members"]
    return {member.partition("/")[0] for member in members}


def metrics_in_source(root):
    """Names of the tables of metrics, without _total; families without a value yet are in no answer of /metrics."""
    names = set()
    for crate in crates(root):
        for path in (root / crate / "src").rglob("*.rs"):
            names |= set(re.findall(r'"(carrier_[a-z_]+)"', path.read_text()))
    return names | {"process_cpu_seconds", "process_resident_memory_bytes"}


def metrics_in_k8s(root):
    folder = root / "k8s/components/monitoring"
    dashboard = json.loads((folder / "carrier.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    expressions += re.findall(r"expr: (.*)", (folder / "alerts.yaml").read_text())
    names = set()
    for expression in expressions:
        names |= set(re.findall(r"\b((?:carrier|process)_[a-z_]+)", expression))
    return names


def metric_faults(root):
    known = metrics_in_source(root)
    for name in sorted(metrics_in_k8s(root)):
        base = re.sub(r"_(total|bucket|sum|count)$", "", name)
        # The unit is appended to the names of the tables.
        if not {base, re.sub(r"_(seconds|bytes)$", "", base)} & known:
            yield f"monitoring: the program has no metric {name}"
