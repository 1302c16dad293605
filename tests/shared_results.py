"""Results folders and archives for tests of sharing: records made by hand, and archives that nobody's export makes."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from seqbench.records import CellRecord, Costs, EpochRecord
from seqbench.sharing.layout import FORMAT, MANIFEST
from seqbench.store import RECORDS, Store, encode

PREDICTIONS = b"id,target,output_0,output_1\n0,1,0.25,0.75\n1,0,0.5,0.25\n"

MODEL = {"weights.safetensors": b"w", "serving.json": b"{}"}
"""The files of a trained model."""


def record(model: str = "lstm", seed: int = 0, accuracy: float = 1.0, **changes: Any) -> CellRecord:
    """A finished cell of its own key and folder."""
    key = hashlib.sha256(f"{model} {seed}".encode()).hexdigest()
    made = CellRecord(
        key=key,
        series=hashlib.sha256(model.encode()).hexdigest(),
        task="toy",
        source="builtin",
        task_id="toy@builtin",
        model=model,
        label=model,
        is_baseline=False,
        seed=seed,
        status="ok",
        primary="accuracy",
        higher_is_better=True,
        metrics={"accuracy": accuracy},
        costs=Costs(parameters=7, fit_seconds=0.5),
        history=(EpochRecord(1, 0.5, None, 0.25, 1.0, 0.1, 2.0),),
        folder=f"cells/toy@builtin-{model}-{seed}-{key[:12]}",
        environment={"cpu": "one"},
        provenance={"location": "/home/one/data"},
        device_kind="cpu",
    )
    return replace(made, **changes)


def results(folder: Path, *records: CellRecord) -> Store:
    """A results folder with these cells."""
    store = Store(folder)
    store.create()
    for item in records:
        store.append(item, {"predictions.csv": PREDICTIONS, "log.txt": b"all is well\n", **MODEL})
    return store


def contents(path: Path) -> dict[str, bytes]:
    """The members of an archive by name, without its manifest."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != MANIFEST}


def manifest_of(members: Mapping[str, bytes], **changes: Any) -> dict[str, Any]:
    """What an honest manifest says of members."""
    described = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in members.items()
    }
    return {"format": FORMAT, "seqbench": "0.1.0", "members": described, **changes}


def forged(
    path: Path,
    members: Mapping[str, bytes],
    manifest: Mapping[str, Any] | bytes | None = None,
    infos: Callable[[str], zipfile.ZipInfo] = zipfile.ZipInfo,
) -> Path:
    """An archive of any members, with a manifest that fits them unless another is given."""
    said = manifest_of(members) if manifest is None else manifest
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(infos(name), content, zipfile.ZIP_DEFLATED)
        archive.writestr(MANIFEST, said if isinstance(said, bytes) else json.dumps(said))
    return path


def members_of(*records: CellRecord) -> dict[str, bytes]:
    """The members of an archive with these records and no files."""
    return {RECORDS: b"".join(map(encode, records))}
