"""Reads an image in an OCI archive that scripts/image.sh has made.

archive.py ARCHIVE sbom | size | config | unpack FOLDER | compare OTHER
"""

import gzip
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tarfile

SBOM = "usr/share/doc/carrier/carrier.cdx.json"


class Image:
    def __init__(self, path):
        self.archive = tarfile.open(path)
        index = json.load(self.archive.extractfile("index.json"))
        self.manifest = json.loads(self.blob(index["manifests"][0]["digest"]))
        self.config = json.loads(self.blob(self.manifest["config"]["digest"]))

    def blob(self, digest):
        return self.archive.extractfile("blobs/" + digest.replace(":", "/")).read()

    def layer(self):
        """The root file system as a tar archive. Everything is copied at once, hence one layer."""
        (layer,) = [layer for layer in self.manifest["layers"]]
        return io.BytesIO(gzip.decompress(self.blob(layer["digest"])))

    def unpack(self, folder):
        pathlib.Path(folder).mkdir(parents=True)
        command = ["tar", "--extract", "--numeric-owner", "--same-permissions", "--directory", str(folder)]
        subprocess.run(command, input=self.layer().getvalue(), check=True)

    def files(self):
        """Each file with all that may differ, except for time stamps."""
        with tarfile.open(fileobj=self.layer()) as layer:
            found = {}
            for member in layer:
                content = layer.extractfile(member).read() if member.isreg() else b""
                about = (member.type, member.mode, member.uid, member.gid, member.linkname)
                found[member.name] = (about, hashlib.sha256(content).hexdigest())
            return found


def differences(one, other):
    """Names of the files that differ or that only one has, and whether the configurations do."""
    files, others = one.files(), other.files()
    names = sorted(name for name in files.keys() | others.keys() if files.get(name) != others.get(name))
    return names + (["the configuration"] if one.config["config"] != other.config["config"] else [])


def main():
    image, command = Image(sys.argv[1]), sys.argv[2]
    layer = image.layer()
    if command == "sbom":
        sys.stdout.buffer.write(tarfile.open(fileobj=layer).extractfile(SBOM).read())
    elif command == "size":
        compressed = sum(entry["size"] for entry in image.manifest["layers"])
        files = sum(member.size for member in tarfile.open(fileobj=layer))
        print(f"{sys.argv[1]}: {compressed / 1e6:.0f} MB compressed, {files / 1e6:.0f} MB of files")
    elif command == "config":
        json.dump(image.config, sys.stdout, indent=1)
    elif command == "compare":
        found = differences(image, Image(sys.argv[3]))
        print("\n".join(found) or f"The same {len(image.files())} files.")
        sys.exit(1 if found else 0)
    else:
        image.unpack(sys.argv[3])


if __name__ == "__main__":
    main()
