"""The part of a registry's HTTP API that the fake `docker` needs. What is ghcr.io is the registry at FAKE_REGISTRY."""

import gzip
import hashlib
import io
import json
import os
import tarfile
import urllib.error
import urllib.request

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class RegistryError(Exception):
    """As docker words it."""


def encoded(value):
    return json.dumps(value, sort_keys=True).encode()


def digest(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Registry:
    def __init__(self, login):
        self.login = login  # what the job may do, as the file of `docker login` has it; None without a login

    def request(self, method, path, content=None, kind=None):
        address = path if path.startswith("http") else f"http://{os.environ['FAKE_REGISTRY']}/v2/{path}"
        headers = {"Accept": f"{INDEX}, {MANIFEST}"} | ({"Content-Type": kind} if kind else {})
        if self.login is not None:
            headers["Authorization"] = "Bearer token"
        if method != "GET" and "packages=write" not in (self.login or ""):
            raise RegistryError("denied: permission_denied: write_package")
        request = urllib.request.Request(address, content, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            said = {401: "unauthorized", 404: "manifest unknown"}.get(error.code, str(error.read()))
            raise RegistryError(f"Error response from daemon: {said}") from error

    def manifest(self, image):
        name, reference = split(image)
        content, headers = self.request("GET", f"{name}/manifests/{reference}")
        return content, headers["Content-Type"]

    def blob(self, image, wanted):
        return self.request("GET", f"{split(image)[0]}/blobs/{wanted}")[0]

    def put_blob(self, image, content):
        _, headers = self.request("POST", f"{split(image)[0]}/blobs/uploads/", b"")
        place = headers["Location"]
        self.request("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest(content)}", content, "application/octet-stream")
        return {"digest": digest(content), "size": len(content)}

    def put_manifest(self, image, reference, content, kind):
        self.request("PUT", f"{split(image)[0]}/manifests/{reference}", content, kind)
        return {"digest": digest(content), "size": len(content), "mediaType": kind}


def split(image):
    """(name without the host, digest or tag)"""
    name, _, reference = image.partition("@")
    name, _, tag = name.partition(":")
    return name.partition("/")[2], reference or tag


def layer(files):
    """A file has bytes; a link has the name that it leads to."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
                continue
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def push_image(registry, image, files, platform, labels):
    """As buildx does it: an index of the image and of the attestation for it, without a tag."""
    system, _, architecture = platform.partition("/")
    config = {"os": system, "architecture": architecture, "config": {"Labels": labels, "Entrypoint": ["/port-mcp-auth"]}}
    entries = []
    for content, blob, kind in (
        (config, layer(files), {"os": system, "architecture": architecture}),
        ({}, b"attestation", {"os": "unknown", "architecture": "unknown"}),
    ):
        parts = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": registry.put_blob(image, encoded(content)) | {"mediaType": CONFIG},
            "layers": [registry.put_blob(image, blob) | {"mediaType": LAYER}],
        }
        manifest = encoded(parts)
        entries.append(registry.put_manifest(image, digest(manifest), manifest, MANIFEST) | {"platform": kind})
    return push_index(registry, image, None, entries)


def push_index(registry, image, tag, entries):
    content = encoded({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    return registry.put_manifest(image, tag or digest(content), content, INDEX)["digest"]
