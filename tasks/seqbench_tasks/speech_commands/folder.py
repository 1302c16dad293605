"""A folder in Speech Commands layout, `<word>/<speaker>_nohash_<n>.wav`, as clips by split."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from seqbench import DataError, track
from seqbench_tasks.speech_commands.audio import (
    Clip,
    FileInfo,
    Recordings,
    check_bad,
    common_rate,
    cut_warning,
    inspect,
    mixed_warning,
    read_file,
)
from seqbench_tasks.speech_commands.layout import Layout, Recording, find, matching
from seqbench_tasks.speech_commands.noise import usable, with_copies
from seqbench_tasks.speech_commands.params import SpeechParams
from seqbench_tasks.speech_commands.speakers import read_speakers
from seqbench_tasks.speech_commands.splits import Splits, split
from seqbench_tasks.speech_commands.variants import (
    COMMANDS,
    SILENCE,
    UNKNOWN,
    all_words_warning,
    twelve,
)


def read_folder(source: str, params: SpeechParams) -> Recordings:
    """Find the words and their recordings, look at every header, and split.

    source: a folder, or a pattern. Raises DataError with one sentence when it is missing, has no words, an empty split
    or too many bad files.
    """
    layout = find(source)
    speakers = read_speakers(layout.recordings)
    chosen = _chosen(layout, params)
    infos = _inspect(chosen)
    where = str(layout.root)
    bad = [f"{name} {info.problem}" for name, info in infos.items() if info.problem]
    check_bad(bad, len(infos), where)
    good = [item for item in chosen.recordings if not infos[item.name].problem]
    splits = split(layout, good, speakers, params.split_seed)

    def clip(item: Recording, label: str) -> Clip:
        read = partial(read_file, layout.root / item.name, params.clip_seconds)
        return Clip(item.name, label, speakers[item.name], read, is_recording=True)

    noise, warnings = usable(layout.noise)
    if params.variant == 12:
        commands = matching(COMMANDS, layout.words, where)
        clips, further = twelve(splits.members, commands, clip, noise, params)
        words = (*sorted(commands), SILENCE, UNKNOWN)
        warnings += further
    else:
        clips = {name: [clip(item, item.word) for item in items] for name, items in splits.members.items()}
        words = tuple(sorted({item.word for item in splits.members["train"]}))
        warnings += all_words_warning(len(words)) if params.variant == 35 else []
    if len(words) < 2:
        raise DataError(
            f"the usable recordings of {where} are of fewer than two words (only of {', '.join(words) or 'none'}): "
            "repair those that cannot be used, or add others."
        )
    used = {item.id for items in clips.values() for item in items}
    warnings += cut_warning([infos[name].seconds for name in used if name in infos], params.clip_seconds)
    rate = params.sample_rate or common_rate([infos[item.name].rate for item in splits.members["train"]])
    warnings += mixed_warning([infos[name].rate for name in used if name in infos], rate)
    notes = _notes(infos, bad, splits, [*layout.warnings, *splits.warnings, *warnings])
    return with_copies(Recordings(clips, words, rate, notes, len(infos), where), noise, params)


def _chosen(layout: Layout, params: SpeechParams) -> Layout:
    """The words that are asked for; variant 12 has use for all."""
    words = COMMANDS if params.variant == 10 else params.words
    return layout.only(words) if words else layout


def _inspect(layout: Layout) -> dict[str, FileInfo]:
    """Name → what each header says, read by several threads: libsndfile lets go of the interpreter meanwhile."""
    items = layout.recordings
    with ThreadPoolExecutor() as pool:
        infos = pool.map(inspect, [layout.root / item.name for item in items], chunksize=64)
        return dict(zip([item.name for item in items], track(infos, "reading headers", len(items)), strict=True))


def _notes(infos: dict[str, FileInfo], bad: list[str], splits: Splits, warnings: list[str]) -> dict[str, Any]:
    good = [info for info in infos.values() if not info.problem]
    return {
        "split": splits.rule,
        "split_by_source": splits.by_source,
        "dropped": bad,
        "warnings": warnings,
        "file_rates": {str(rate): count for rate, count in Counter(info.rate for info in good).items()},
        "file_seconds": sum(info.seconds for info in good),
    }
