#!/usr/bin/env python3
"""Writes bills of materials in CycloneDX's JSON: crates, code and data inside the program, libraries, and Debian's packages.

sbom.py release RUNTIME: writes that of a release; standard input is what `cargo metadata` says.
sbom.py program RUNTIME: writes the components of the program; the same input.
sbom.py image ROOT ARCH: writes that of the image; standard input are the components of the program.

The same inputs give the same text, so it has no time and no random number.
"""

import hashlib
import json
import pathlib
import re
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parents[1]
# Code of others inside of crates: crate, name, licence, and a file with the version and its form.
BUNDLED = [
    ("openh264-sys2", "openh264", "BSD-2-Clause", "upstream/VERSION", r"^([0-9a-f]{40})$"),
    ("turbojpeg-sys", "libjpeg-turbo", "IJG AND BSD-3-Clause AND Zlib", "libjpeg-turbo/CMakeLists.txt", r"^set\(VERSION ([0-9.]+)\)"),
    ("libsqlite3-sys", "sqlite", "blessing", "sqlite3/sqlite3.h", r'^#define SQLITE_VERSION +"([0-9.]+)"'),
]


def component(kind, name, version, purl, licence=None, sha256=None):
    made = {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if licence:
        made["licenses"] = [{"expression": licence}]
    if sha256:
        made["hashes"] = [{"alg": "SHA-256", "content": sha256}]
    return made


def linked_crates(metadata):
    """The crates whose code is in the program: what `carrier` depends on when it runs."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    waiting = [package["id"] for package in metadata["packages"] if package["name"] == "carrier"]
    found = set()
    while waiting:
        crate = waiting.pop()
        targets = {kind for target in packages[crate]["targets"] for kind in target["kind"]}
        if crate not in found and "proc-macro" not in targets:
            found.add(crate)
            waiting += [
                dependency["pkg"]
                for dependency in nodes[crate]["deps"]
                if any(kind["kind"] is None for kind in dependency["dep_kinds"])
            ]
    return [packages[crate] for crate in sorted(found, key=lambda id: (packages[id]["name"], packages[id]["version"]))]


def crate_components(crates):
    lock = tomllib.loads((HERE / "Cargo.lock").read_text())
    checksums = {(entry["name"], entry["version"]): entry.get("checksum") for entry in lock["package"]}
    for crate in crates:
        name, version = crate["name"], crate["version"]
        # Old manifests separate licences by a slash.
        licence = (crate["license"] or "").replace("/", " OR ") or None
        made = component("library", name, version, f"pkg:cargo/{name}@{version}", licence, checksums.get((name, version)))
        if not crate["source"]:
            # Of this workspace: the registry has others of these names.
            del made["purl"]
            made["bom-ref"] = f"carrier/{name}"
        yield made


def bundled_components(crates):
    folders = {crate["name"]: pathlib.Path(crate["manifest_path"]).parent for crate in crates}
    for crate, name, licence, file, form in BUNDLED:
        version = re.search(form, (folders[crate] / file).read_text(), re.MULTILINE)[1]
        yield component("library", name, version, f"pkg:generic/{name}@{version}", licence)


def model_component():
    model = tomllib.loads((HERE / "models/embedded.toml").read_text())
    digest = hashlib.sha256((HERE / "models/embedded.onnx").read_bytes()).hexdigest()
    purl = f"pkg:generic/carrier-embedded-model@{digest[:12]}"
    return component("machine-learning-model", "carrier-embedded-model", digest[:12], purl, model["licence"], digest)


def runtime_components(flavour):
    text = (HERE / f"scripts/runtime/{flavour}.txt").read_text()
    for name, version in re.findall(r"^([a-z0-9_.-]+)==(\S+)", text, re.MULTILINE):
        licence = "MIT" if name.startswith("onnxruntime") else None
        yield component("library", name, version, f"pkg:pypi/{name}@{version}", licence)


def opencv_component():
    version = pathlib.Path("/opt/opencv/version").read_text().strip()
    return component("library", "opencv", version, f"pkg:deb/debian/opencv@{version}?arch=source", "Apache-2.0")


def debian_components(root):
    """What dpkg's list has; the licences are in /usr/share/doc."""
    for paragraph in (root / "var/lib/dpkg/status").read_text().split("\n\n"):
        field = dict(re.findall(r"^([A-Za-z-]+): (.*)$", paragraph, re.MULTILINE))
        if field.get("Status") == "install ok installed":
            name, version, arch = field["Package"], field["Version"], field["Architecture"]
            yield component("library", name, version, f"pkg:deb/debian/{name}@{version}?arch={arch}")


def program_components(flavour):
    crates = linked_crates(json.load(sys.stdin))
    return [*crate_components(crates), *bundled_components(crates), model_component(), *runtime_components(flavour)]


def bill_of_materials(about, components):
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": about},
        "components": components,
    }


def the_program(components):
    (program,) = [component for component in components if component["name"] == "carrier"]
    return program


def of_release(flavour):
    found = program_components(flavour)
    program = the_program(found)
    others = [component for component in found if component is not program]
    return bill_of_materials(program | {"type": "application"}, others)


def of_image(root, arch):
    found = json.load(sys.stdin)
    program = the_program(found)
    version = program["version"]
    purl = f"pkg:oci/carrier@{version}?arch={arch}&tag={version}"
    image = component("container", "carrier", version, purl, program["licenses"][0]["expression"])
    return bill_of_materials(image, [*found, opencv_component(), *debian_components(root)])


def main():
    match sys.argv[1:]:
        case ["program", flavour]:
            written = program_components(flavour)
        case ["release", flavour]:
            written = of_release(flavour)
        case ["image", root, arch]:
            written = of_image(pathlib.Path(root), arch)
        case _:
            sys.exit(__doc__)
    json.dump(written, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
