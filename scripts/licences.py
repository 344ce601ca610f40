#!/usr/bin/env python3
"""Writes the licences of everything that a carrier package or image contains.

The crates come from `cargo metadata`: all that the program is made of, without those of tests and build scripts. Their
licence files are read from their sources, the licences of C and C++ libraries that they contain among them. A crate
without a file gets the standard text of its licence. Each text is printed once.

    licences.py [--runtime FOLDER] [--target TRIPLE]

FOLDER is the `onnxruntime` folder that scripts/fetch-runtime.sh unpacked. Without it ONNX Runtime is left out.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMES = re.compile(
    r"^((un)?licen[cs]e|copying|notice|copyright|ofl|patents|readme\.ijg|thirdpartynotices)([-._].*)?$",
    re.IGNORECASE,
)
# Folders of a crate whose files are in no program.
NOT_BUILT = {"tests", "test", "benches", "examples", "fuzz", "target", ".git", "ci", "docs"}
# Code has no licence text of the crate's own: its name matches, and it is a source file.
SOURCES = {".rs", ".c", ".h", ".py", ".toml", ".sh", ".pl"}
# The order in which a standard text is chosen for a crate without a file of its own.
STANDARD = {"Apache-2.0": "LICENSE-APACHE", "MIT": "LICENSE-MIT"}


@dataclass
class Component:
    name: str
    version: str
    licence: str
    source: str = ""
    note: str = ""
    texts: list[str] = field(default_factory=list)


def read(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n").strip("\n")


def licence_files(folder: pathlib.Path, depth: int = 3) -> list[pathlib.Path]:
    """The licence files of a crate and of the libraries inside of it."""
    found = []
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            if depth > 0 and entry.name.lower() not in NOT_BUILT:
                inside = licence_files(entry, depth - 1)
                in_licences = entry.name.upper() in ("LICENSES", "LICENSE", "LICENCES")
                found += sorted(entry.glob("*.*")) if in_licences and not inside else inside
        elif NAMES.match(entry.name) and entry.suffix not in SOURCES:
            found.append(entry)
    return [path for path in found if path.is_file()]


def cargo(*arguments: str) -> str:
    command = ["cargo", *arguments, "--locked"]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def crates(target: str) -> list[Component]:
    # `cargo metadata` alone would add what only the features of tests ask for.
    tree = cargo("tree", "--package=carrier", "--edges=normal", "--prefix=none", "--format={p}", f"--target={target}")
    linked = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
    metadata = json.loads(cargo("metadata", "--format-version=1", f"--filter-platform={target}"))
    own = set(metadata["workspace_members"])
    packages = [package for package in metadata["packages"] if package["id"] not in own]
    listed = [package for package in packages if (package["name"], f"v{package['version']}") in linked]
    missing = {name for name, version in linked} - {package["name"] for package in metadata["packages"]}
    if missing:
        sys.exit(f"licences.py: cargo metadata does not know {', '.join(sorted(missing))}")
    listed.sort(key=lambda package: (package["name"], package["version"]))
    components = [crate(package) for package in listed]
    for component, package in zip(components, listed):
        if not component.texts:
            complete(component, package, components)
    return components


def crate(package: dict) -> Component:
    folder = pathlib.Path(package["manifest_path"]).parent
    # An older way to write OR.
    licence = (package["license"] or f"see {package['license_file']}").replace("/", " OR ")
    source = package["repository"] or package["homepage"] or ""
    texts = [read(path) for path in licence_files(folder)]
    return Component(package["name"], package["version"], licence, source, texts=texts)


def complete(component: Component, package: dict, components: list[Component]) -> None:
    """Of a crate without a licence file: the texts of another crate of the same source and licence, else the standard one."""
    authors = ", ".join(package["authors"]) or "its authors"
    for other in components:
        same = other.source == component.source != "" and other.licence == component.licence
        if same and other.texts and not other.note:
            component.texts = other.texts
            component.note = f"Copyright: {authors}. The text is that of {other.name}, which has the same source."
            return
    standard = next((name for name in STANDARD if name in component.licence), None)
    if standard is None:
        sys.exit(f"licences.py: {component.name} ({component.licence}) has no licence file, and no text for it is known")
    component.texts = [read(ROOT / STANDARD[standard])]
    component.note = f"Copyright: {authors}. The text is the standard one of {standard}."


def other_components(runtime: pathlib.Path | None) -> list[Component]:
    """What is no crate. THIRD-PARTY.md explains how each of these gets into the program."""
    apache, mit = read(ROOT / "LICENSE-APACHE"), read(ROOT / "LICENSE-MIT")
    model = "Trained for carrier. models/EMBEDDED.md in its source names the pictures and the teachers."
    others = [
        Component("carrier", version(), "MIT OR Apache-2.0", texts=[mit, apache]),
        Component("The embedded detection model", version(), "MIT OR Apache-2.0", note=model, texts=[mit, apache]),
        Component("Inter SemiBold, a subset", "", "OFL-1.1", texts=[read(ROOT / "capture/fonts/OFL.txt")]),
        Component("The Rust standard library", "", "MIT OR Apache-2.0", "https://github.com/rust-lang/rust",
                  "Copyright: the Rust project's contributors.", [apache]),
    ]
    if runtime:
        library = next((runtime / "capi").glob("libonnxruntime.so.*"))
        number = library.name.removeprefix("libonnxruntime.so.")
        texts = [read(runtime / name) for name in ("LICENSE", "ThirdPartyNotices.txt")]
        others.append(Component("ONNX Runtime", number, "MIT", "https://github.com/microsoft/onnxruntime", texts=texts))
    return others


def version() -> str:
    found = re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    return found.group(1) if found else ""


def write(components: list[Component]) -> str:
    numbers: dict[str, int] = {}
    texts: list[str] = []
    lines = []
    for component in components:
        used = []
        for text in component.texts:
            same = " ".join(text.split())
            if same not in numbers:
                texts.append(text)
                numbers[same] = len(texts)
            if numbers[same] not in used:
                used.append(numbers[same])
        head = " ".join(part for part in (component.name, component.version) if part)
        lines.append(f"{head}: {component.licence}; text {', '.join(map(str, sorted(used)))}")
        lines += [f"    {line}" for line in (component.source, component.note) if line]
    parts = [
        "carrier is free software: you may use it under the MIT licence or the Apache licence 2.0, as you like.",
        "This software is based in part on the work of the Independent JPEG Group.",
        f"It contains {len(components)} components, which are listed first; the numbered texts of their licences follow. Where "
        "a licence says OR, carrier uses one of these licences; the texts of all are here.",
        "COMPONENTS",
        "\n".join(lines),
    ]
    for number, text in enumerate(texts, 1):
        parts.append(f"{'=' * 78}\nTEXT {number}\n{'=' * 78}\n\n{text}")
    return "\n\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes the licences of everything that carrier contains.")
    parser.add_argument("--runtime", type=pathlib.Path, help="the folder onnxruntime of the runtime that is bundled")
    parser.add_argument("--target", default=host(), help="the platform of the program")
    options = parser.parse_args()
    components = other_components(options.runtime) + crates(options.target)
    sys.stdout.write(write(components))


def host() -> str:
    told = subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return next(line.removeprefix("host: ") for line in told.splitlines() if line.startswith("host: "))


if __name__ == "__main__":
    main()
