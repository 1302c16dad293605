"""Writing the rows of a dataset as recordings in folders of words, as they are encoded."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqbench import track
from seqbench_tasks.speech_commands.layout import SUFFIXES

NOISE_FOLDER = "_background_noise_"
NOISE_LABELS = ("_silence_", NOISE_FOLDER)
LONGEST_NAME = 50
"""Characters, of four bytes at most: file systems take 255 bytes."""
UNTITLED_SUFFIX = ".wav"


@dataclass(frozen=True)
class Columns:
    """Where a dataset has its audio, its label and, if at all, its speaker; and the names of numbered labels."""

    audio: str
    label: str
    speaker: str | None
    names: Sequence[str]


@dataclass
class Export:
    """What was written: names per split, rows left out with the reason, file names in use, and folders by label."""

    listed: dict[str, list[str]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    takes: Counter[str] = field(default_factory=Counter)
    folders: dict[str, str] = field(default_factory=dict)

    def folder(self, label: str) -> str:
        """The folder of a label's recordings: its own name where that can be one, else one that no other label has."""
        if label not in self.folders:
            name = plain = _as_name(label).strip("._ ")[:LONGEST_NAME] or "label"
            number = 1
            taken = {other.casefold() for other in self.folders.values()}
            while name.casefold() in taken:
                number += 1
                name = f"{plain}-{number}"
            self.folders[label] = name
        return self.folders[label]

    def labels(self) -> dict[str, str]:
        """Label by folder, where the two differ."""
        return {folder: label for label, folder in self.folders.items() if folder != label}


def export_split(dataset: Any, split: str, columns: Columns, words: Path, export: Export) -> None:
    """Write one split's recordings as they are encoded."""
    import datasets

    if isinstance(dataset.features[columns.audio], datasets.Audio):
        dataset = dataset.cast_column(columns.audio, datasets.Audio(decode=False))
    wanted = [name for name in (columns.audio, columns.label, columns.speaker) if name]
    rows = dataset.select_columns(wanted)
    listed = export.listed.setdefault(split, [])
    for row in track(rows, f"exporting {split}", len(rows)):
        label = _label(row[columns.label], columns.names)
        if label is None:
            export.left_out[f"no label in {split}"] += 1
            continue
        word = NOISE_FOLDER if label.casefold() in NOISE_LABELS else export.folder(label)
        name = _write(row[columns.audio], word, _speaker(row, columns), words, export)
        if name is None:
            export.left_out[f"no recording in {split}"] += 1
        elif not name.startswith("_"):
            listed.append(name)


def _label(label: Any, names: Sequence[str]) -> str | None:
    """A row's label as text; None for none."""
    if label is None or (names and isinstance(label, int) and not 0 <= label < len(names)):
        return None
    return str(names[label] if names and isinstance(label, int) else label).strip() or None


def _as_name(text: str) -> str:
    """Text as part of the name of a file or folder on any system."""
    return re.sub(r"[\\/:*?\"<>|\x00-\x1f]+", "_", text)


def _speaker(row: Mapping[str, Any], columns: Columns) -> str:
    speaker = row[columns.speaker] if columns.speaker else None
    return "" if speaker is None else re.sub(r"[^\w.-]+|_+", "-", str(speaker)).strip("-.")[:LONGEST_NAME]


def _write(audio: Any, word: str, speaker: str, words: Path, export: Export) -> str | None:
    """Write one recording under a name that nothing has yet; the name, or None when there is no recording."""
    content, path = _content(audio)
    if content is None and (path is None or not path.is_file()):
        return None
    suffix = path.suffix if path is not None and path.suffix.lower() in SUFFIXES else UNTITLED_SUFFIX
    stem = path.stem if path is not None else ""
    if "_nohash_" not in stem:
        stem = stem[:LONGEST_NAME]
        if speaker:
            stem = f"{speaker}_nohash_{export.takes[f'{word}/{speaker}']}"
            export.takes[f"{word}/{speaker}"] += 1
    stem = _as_name(stem).lstrip("._") or f"row-{export.takes['']}"
    export.takes[""] += 1
    target = words / word / f"{stem}{suffix}"
    if target.exists():
        target = target.with_name(f"{stem}-{export.takes['']}{suffix}")
    target.parent.mkdir(exist_ok=True)
    if content is not None:
        target.write_bytes(content)
    else:
        assert path is not None
        shutil.copyfile(path, target)
    return target.relative_to(words).as_posix()


def _content(audio: Any) -> tuple[bytes | None, Path | None]:
    """The encoded bytes, if the row has them, and the file's path or name."""
    if isinstance(audio, bytes):
        return audio, None
    if isinstance(audio, str):
        return None, Path(audio)
    if not isinstance(audio, Mapping):
        return None, None
    path = Path(audio["path"]) if audio.get("path") else None
    if audio.get("bytes") is not None:
        return audio["bytes"], path
    if audio.get("array") is not None and audio.get("sampling_rate"):
        return _encoded(audio["array"], int(audio["sampling_rate"])), path.with_suffix(".wav") if path else None
    return None, path


def _encoded(samples: Sequence[float], rate: int) -> bytes:
    import io

    import numpy as np
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, np.asarray(samples, dtype=np.float32), rate, format="WAV", subtype="FLOAT")
    return buffer.getvalue()
