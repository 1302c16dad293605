"""Data sets of the Hugging Face hub: `hf:OWNER/NAME[:CONFIG]` → parquet files in a folder."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seqbench import DataError
from seqbench_tasks.sentiment.layout import split_in

TIMEOUT_SECONDS = 10
INSTEAD = "download its files elsewhere and give the path of their folder"


def fetch(rest: str, params: object, folder: Path) -> Path:
    """Write every split of a data set (of the hub, or of a local folder in its form) as parquet; gives their folder.

    rest: `OWNER/NAME[:CONFIG]` or `/PATH[:CONFIG]`. Classes keep their names. No code of the data set's is run. Splits
    that are one of ours by several names (`dev` and `validation`) lie in a folder of it, and are read together.
    Raises DataError for what cannot be reached, and where a configuration has to be named.
    """
    name, config = _parsed(rest)
    is_local = Path(name).exists()
    cached_only = not is_local and not _is_reachable(name)
    with _quiet(), _offline(cached_only):
        splits = _load(name, config, str(folder / ".cache") if is_local else None, cached_only)
    target = folder / "splits"
    target.mkdir()
    for split, file in _files(map(str, splits)).items():
        (target / file).parent.mkdir(exist_ok=True)
        with _quiet():
            splits[split].to_parquet(str(target / file))
    _remove(folder / ".cache")
    return target


def _files(splits: Iterable[str]) -> dict[str, str]:
    """The file of each split: `train.parquet`, or `validation/dev.parquet` beside `validation/validation.parquet`.

    A name that says more than the split (`train.small`) counts only where no other is the split's own (`train`): it
    would give the same rows again.
    """
    files = {split: f"{split}.parquet" for split in splits}
    kinds: dict[str, dict[bool, list[str]]] = {}
    for split, file in files.items():
        if found := split_in(Path(file)):
            kinds.setdefault(found[0], {}).setdefault(found[1], []).append(split)
    for kind, named in kinds.items():
        same = named.get(True) or named[False]
        files |= {split: f"{kind}/{split}.parquet" if len(same) > 1 else f"{kind}.parquet" for split in same}
    return files


def _parsed(rest: str) -> tuple[str, str | None]:
    """Name and configuration; a colon behind a drive's letter is part of a path."""
    match = re.fullmatch(r"((?:[A-Za-z]:[\\/])?[^:]+)(?::([^:]+))?", rest)
    if match is None:
        raise DataError(f"hf:{rest} is no data set: write hf:OWNER/NAME or hf:OWNER/NAME:CONFIG.")
    name = match[1].removeprefix("//").rstrip("/")
    if name.startswith(("/", "~", ".")):
        path = Path(name).expanduser()
        if not path.is_dir():
            raise DataError(f"there is no folder {path} for hf:{rest}: give a data set's folder or its OWNER/NAME.")
        name = str(path)
    return name, match[2]


def _is_reachable(name: str) -> bool:
    """Does the hub answer? Asked once and briefly: `datasets` asks six times over. Raises DataError for a no."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        HfApi().dataset_info(name, timeout=TIMEOUT_SECONDS)
    except GatedRepoError:
        raise DataError(f"hf:{name} asks for permission: get it on its page and set HF_TOKEN, or {INSTEAD}.") from None
    except RepositoryNotFoundError:
        raise DataError(f"the hub has no data set {name} (or HF_TOKEN is not set for it): correct the name.") from None
    except HFValidationError:
        raise DataError(f"hf:{name} is no data set's name: write hf:OWNER/NAME or hf:OWNER/NAME:CONFIG.") from None
    except Exception:
        return False
    return True


def _load(name: str, config: str | None, cache: str | None, cached_only: bool) -> dict[str, Any]:
    import datasets

    try:
        found = datasets.load_dataset(name, config, cache_dir=cache)
    except Exception as error:
        raise _sentence(name, config, error, cached_only) from None
    return dict(found)


def _sentence(name: str, config: str | None, error: Exception, cached_only: bool) -> DataError:
    text = " ".join(str(error).split()).rstrip(".!")
    among = re.search(r"available configs: \[(.*?)\]", text) or re.search(r"Available: \[(.*?)\]", text)
    if among:
        choices = among[1].replace("'", "")
        first = choices.partition(",")[0]
        said = f"has no configuration '{config}'" if config else "has several configurations"
        return DataError(f"hf:{name} {said}: name one of {choices} (hf:{name}:{first}).")
    if cached_only:
        return DataError(f"cannot reach the hub for hf:{name}, nor is it in the local cache: try again, or {INSTEAD}.")
    if "script" in text.lower():
        return DataError(f"hf:{name} needs code of its own to be loaded, which is never run: {INSTEAD}.")
    return DataError(f"hf:{name} cannot be loaded ({text[:200]}): correct it, or {INSTEAD}.")


@contextmanager
def _offline(wanted: bool) -> Iterator[None]:
    """While inside, `datasets` looks into its cache at once instead of waiting for the hub."""
    import datasets
    from huggingface_hub import constants

    homes = (
        (datasets.config, "HF_HUB_OFFLINE"),
        (datasets.config, "HF_DATASETS_OFFLINE"),
        (constants, "HF_HUB_OFFLINE"),
    )
    before = [getattr(home, key, False) for home, key in homes]
    for (home, key), value in zip(homes, before, strict=True):
        setattr(home, key, wanted or value)
    try:
        yield
    finally:
        for (home, key), value in zip(homes, before, strict=True):
            setattr(home, key, value)


@contextmanager
def _quiet() -> Iterator[None]:
    """Neither progress bars nor logged errors: what goes wrong is said once, by the DataError."""
    from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    loggers = [logging.getLogger("datasets"), logging.getLogger("huggingface_hub")]
    levels = [logger.level for logger in loggers]
    had_bars = not are_progress_bars_disabled()
    disable_progress_bars()
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if had_bars:
            enable_progress_bars()


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
