"""How much has to be there before a program can run."""

import gzip
import io
import os
import re
import subprocess
import tarfile
from pathlib import Path


class Files:
    """A set of files, as they would be packed for somebody who has none of them."""

    def __init__(self, paths=()):
        self.paths = {Path(path).resolve() for path in paths}

    def add_folder(self, folder, left_out):
        """The files below a folder, without the folders and files whose name `left_out` says yes to."""
        for place, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if not left_out(name)]
            self.paths.update(Path(place, name).resolve() for name in names if not left_out(name))

    def unpacked(self):
        """Their bytes on disk."""
        return sum(path.stat().st_size for path in self.paths)

    def packed(self):
        """Their bytes on the way: a tar, compressed as a registry does it."""
        held = io.BytesIO()
        with gzip.GzipFile(fileobj=held, mode="wb", compresslevel=6, mtime=0) as out, tarfile.open(fileobj=out, mode="w|") as tar:
            for path in sorted(self.paths):
                tar.add(path, recursive=False)
        return len(held.getvalue())


def libraries(program):
    """The shared libraries that a program loads."""
    listed = subprocess.run(["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    return [Path(found) for found in re.findall(r"(?:=> )?(/\S+) \(0x", listed)]
