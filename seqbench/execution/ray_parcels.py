"""What the driver and Ray's workers send each other; light enough for a driver that imports no torch."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seqbench.cache import PARTIAL, cache_folder, made
from seqbench.offers import Offer
from seqbench.source_code import source_files


@dataclass(frozen=True)
class PluginFile:
    """A plugin's file as it travels: `file` in `files`, which are the contents by path of all that it is made of."""

    file: str
    files: Mapping[str, bytes]

    @classmethod
    def of(cls, path: Path) -> PluginFile:
        """Pack a file, with the whole package where it lies in one."""
        folder, files = source_files(str(path))
        root = folder.parent if (folder / "__init__.py").is_file() else folder
        contents = {file.relative_to(root).as_posix(): file.read_bytes() for file in files}
        return cls(path.relative_to(root).as_posix(), contents)

    def unpacked(self) -> str:
        """The path of the file in this node's cache, in a folder of its content."""
        digest = hashlib.sha256(repr(sorted(self.files.items())).encode()).hexdigest()
        folder = made(cache_folder() / "plugins") / digest[:16]
        if not folder.is_dir():
            beside = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=folder.parent))
            for name, content in self.files.items():
                (beside / name).parent.mkdir(parents=True, exist_ok=True)
                (beside / name).write_bytes(content)
            try:
                beside.rename(folder)
            except OSError:  # another worker of this node was first
                shutil.rmtree(beside, ignore_errors=True)
        return str(folder / self.file)


@dataclass(frozen=True)
class Kit:
    """What every worker needs of the driver. folder: the driver's current one, which relative paths count from."""

    plugins: tuple[PluginFile | Offer, ...]
    folder: str
