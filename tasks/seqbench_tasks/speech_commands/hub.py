"""Datasets of the Hugging Face hub, exported to a folder in Speech Commands layout with lists of their own splits."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqbench import DataError
from seqbench_tasks.speech_commands.audio import counted
from seqbench_tasks.speech_commands.export import Columns, Export, export_split
from seqbench_tasks.speech_commands.files import FETCHED, LISTS
from seqbench_tasks.speech_commands.layout import SPLIT_OF
from seqbench_tasks.speech_commands.params import SpeechParams

AUDIO_NAMES = ("audio", "speech", "sound", "wav", "recording", "clip", "file", "path")
LABEL_NAMES = ("label", "labels", "word", "keyword", "command", "class", "category", "target", "intent", "text")
SPEAKER_NAMES = ("speaker_id", "speaker", "client_id", "user_id")
CONNECT_SECONDS = 5


def fetch_hub(rest: str, params: SpeechParams, folder: Path) -> Path:
    """Load `OWNER/NAME[:CONFIG]` (or a local repository's folder) and write its recordings by word.

    The dataset's splits become lists; what it has no split for is held out when the folder is read. Rows without a
    label or a recording are left out. Raises DataError with one sentence when it cannot be reached or has no such
    columns.
    """
    name, config = (rest, None) if Path(rest).exists() else _name_and_config(rest)
    splits, warnings = _splits(_load(name, config))
    words = folder / "words"
    words.mkdir(parents=True)
    export = Export()
    for split, parts in splits.items():
        for own_name, dataset in parts:
            try:
                columns = _columns(dataset, params, rest)
            except DataError as error:
                if split == "train" and own_name == parts[0][0]:
                    raise
                warnings.append(f"The split '{own_name}' was not used: {error}")
                continue
            export_split(dataset, split, columns, words, export)
    for split, file in LISTS.items():
        if export.listed.get(split):
            (words / file).write_text("".join(f"{entry}\n" for entry in export.listed[split]), encoding="utf-8")
    if not any(export.listed.values()):
        raise DataError(f"the dataset {rest} has no row with a recording and a label: give another source.")
    warnings += [
        f"{counted(count, 'row')} of {rest} {'was' if count == 1 else 'were'} left out: {reason}."
        for reason, count in export.left_out.items()
    ]
    facts = {"warnings": warnings, "labels": export.labels()}
    (words / FETCHED).write_text(json.dumps(facts), encoding="utf-8")
    return words


def _name_and_config(rest: str) -> tuple[str, str | None]:
    name, _, config = rest.partition(":")
    return name, config or None


def _load(name: str, config: str | None) -> Mapping[str, Any]:
    """Every split. Raises DataError with what cannot be reached and what to do instead."""
    import datasets

    what = f"the dataset hf:{name}" + (f":{config}" if config else "")
    is_cut_off = not Path(name).exists() and _is_cut_off(datasets.config.HF_ENDPOINT)
    try:
        with _quiet(datasets), _recordings_as_they_are(datasets.Audio), _offline_if(is_cut_off):
            loaded = datasets.load_dataset(str(Path(name).resolve()) if Path(name).exists() else name, config)
    except Exception as error:
        reason = f"{datasets.config.HF_ENDPOINT} does not answer" if is_cut_off else _reason(error)
        if "scripts are no longer supported" in reason or "trust_remote_code" in reason:
            raise DataError(
                f"{what} is made by a script, which seqbench does not run: give a dataset of Parquet or audio files, "
                "or download it and give the path of a folder with a folder of recordings per word."
            ) from None
        if config is None and "Config name is missing" in reason:
            choices = reason.partition("available configs:")[2].partition("Example")[0].strip() or reason
            raise DataError(f"{what} has several configurations: add one, hf:{name}:CONFIG, out of {choices}") from None
        raise DataError(
            f"cannot load {what} ({reason}): check the name and the connection, or download it elsewhere and give the "
            "path of a folder with a folder of recordings per word."
        ) from None
    return dict(loaded)


@contextlib.contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """No bars of the library's own over our progress."""
    was_on = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if was_on:
            datasets.enable_progress_bars()


def _is_cut_off(endpoint: str) -> bool:
    """Is there no way to the hub? The library itself would try for half a minute, and print each try."""
    if urllib.request.getproxies():
        return False
    address = urllib.parse.urlsplit(endpoint)
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        socket.create_connection((address.hostname or "", port), CONNECT_SECONDS).close()
    except OSError:
        return True
    return False


@contextlib.contextmanager
def _offline_if(is_cut_off: bool) -> Iterator[None]:
    """What the library has in its own cache can be had without a connection."""
    import datasets
    import huggingface_hub.constants as hub

    before = datasets.config.HF_HUB_OFFLINE, hub.HF_HUB_OFFLINE
    if is_cut_off:
        datasets.config.HF_HUB_OFFLINE = hub.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE, hub.HF_HUB_OFFLINE = before


@contextlib.contextmanager
def _recordings_as_they_are(feature: Any) -> Iterator[None]:
    """The library wants torchcodec even to note a file's path while it builds a folder of audio; here it need not."""
    own = feature.encode_example

    def encode(self: Any, value: Any) -> Any:
        if isinstance(value, (str, Path)):
            return {"bytes": None, "path": str(value)}
        if isinstance(value, (bytes, bytearray)):
            return {"bytes": bytes(value), "path": None}
        if isinstance(value, Mapping) and "array" not in value:
            return {"bytes": value.get("bytes"), "path": value.get("path")}
        return own(self, value)

    feature.encode_example = encode
    try:
        yield
    finally:
        feature.encode_example = own


def _splits(loaded: Mapping[str, Any]) -> tuple[dict[str, list[tuple[str, Any]]], list[str]]:
    """The dataset's own splits, with their names, by what they are to us, and what to warn of.

    Several of one kind (`train.clean.100`, `train.clean.360`) are put together; a dataset with one split has it to
    train. Raises DataError when none is train.
    """
    found: dict[str, list[tuple[str, Any]]] = {"train": [], "validation": [], "test": []}
    unused = []
    for name, dataset in loaded.items():
        split = _kind(name)
        if split is not None:
            found[split].append((name, dataset))
        else:
            unused.append(name)
    if not found["train"]:
        if len(loaded) > 1:
            raise DataError(f"the dataset has no train split but {', '.join(loaded)}: give another source.")
        return {"train": list(loaded.items())}, []
    warnings = [
        f"The splits {', '.join(name for name, _ in parts)} were put together to {split}."
        for split, parts in found.items()
        if len(parts) > 1
    ]
    warnings += [f"The split '{name}' was not used: its name is of no train, validation or test." for name in unused]
    return {split: parts for split, parts in found.items() if parts}, warnings


def _kind(name: str) -> str | None:
    """What a split's name says it is. Whole words count: Common Voice's `validated` holds its test split again."""
    for part in re.split(r"[^a-z]+", name.casefold()):
        split = SPLIT_OF.get(part) or SPLIT_OF.get(re.sub(r"(set|data|split)$", "", part))
        if split is not None:
            return split
    return None


def _columns(dataset: Any, params: SpeechParams, rest: str) -> Columns:
    import datasets

    features = dataset.features
    for column in (params.audio_column, params.label_column):
        if column is not None and column not in features:
            raise DataError(f"the dataset {rest} has no column '{column}': there is {', '.join(features)}.")
    typed = [name for name, kind in features.items() if isinstance(kind, datasets.Audio)]
    audio = params.audio_column or _first(typed, AUDIO_NAMES) or _first(_holding_audio(features), AUDIO_NAMES)
    numbered = [name for name, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
    plain = [name for name, kind in features.items() if name != audio and _is_plain(kind)]
    named = [name for name in plain if name.casefold() in LABEL_NAMES]
    label = params.label_column or _first(numbered, LABEL_NAMES) or _first(named, LABEL_NAMES)
    for column, what in ((audio, "audio"), (label, "label")):
        if column is None:
            raise DataError(
                f"the dataset {rest} has no {what} column that can be told from its type or name (it has "
                f"{', '.join(features)}): name it with --set tasks.speech_commands.{what}_column=NAME."
            )
    assert audio is not None
    assert label is not None
    speaker = next((name for name in features if name.casefold() in SPEAKER_NAMES), None)
    names = features[label].names if isinstance(features[label], datasets.ClassLabel) else ()
    return Columns(audio, label, speaker, names)


def _holding_audio(features: Mapping[str, Any]) -> list[str]:
    """Columns without the type, whose values may be a recording: bytes, or a struct that has them."""
    import datasets

    return [
        name
        for name, kind in features.items()
        if (isinstance(kind, dict) and ("bytes" in kind or "array" in kind))
        or (isinstance(kind, datasets.Value) and kind.dtype in {"binary", "large_binary"})
    ]


def _is_plain(kind: Any) -> bool:
    import datasets

    return isinstance(kind, datasets.Value) and kind.dtype not in {"binary", "large_binary"}


def _first(found: Sequence[str], names: Sequence[str]) -> str | None:
    """The column whose name comes first among the usual names, else the first."""
    order = {name: place for place, name in enumerate(names)}
    return min(found, key=lambda name: order.get(name.casefold(), len(order)), default=None)


def _reason(error: BaseException) -> str:
    while type(error).__name__ == "DatasetGenerationError" and error.__cause__ is not None:
        error = error.__cause__
    text = " ".join(str(error).split())[:200].rstrip(".")
    return text or type(error).__name__
