"""How fast recordings become prepared features, and in how much memory, beside a loop over files with torchaudio.

    python benchmarks/speech_features.py [--clips 20000] [--sample 2000] [--out FOLDER]

makes that many one-second clips (16 kHz WAV) in a temporary folder, then measures in one run, each in a process of its
own: seqbench's preparation, from files to checksummed arrays on disk; and a loop that reads a file, applies
torchaudio's MelSpectrogram, takes the logarithm and keeps the result, on a sample, its time scaled to all clips, with
torch's own number of threads and with one. Peak memory is that of the process and its children together, looked at
every 50 ms. Writes speech_features.json and speech_features.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RATE = 16_000
WORDS = 20
GOAL_CLIPS = 20_000
GOAL_SECONDS = 60.0
GOAL_BYTES = 1.5e9
LOOK_SECONDS = 0.05
Measured = dict[str, Any]
WHAT_ROWS_DO = (
    "- seqbench: imports its libraries, finds the files and reads their headers, splits them, reads and mixes them to",
    "  mono, computes log-mel features on all cores, scales them by train's mean and deviation, saves the arrays, and",
    "  checksums them on disk. It does not hash the recordings for the data's key, nor train anything.",
    "- loop with torchaudio: reads one file after the other, computes log-mel features with as many threads as torch",
    "  takes by itself, and keeps them in memory. Its imports and finding the files are not in its time; it does not",
    "  split, scale, save or checksum. It is measured on a sample spread over all clips, and its time scaled to all.",
    "- the same loop on one thread: the same with torch held to one thread.",
    "- All read files written just before, so from the system's memory. Peak memory is that of the process with its",
    "  libraries and all that is mapped; few clips say little of either, since what is paid once weighs most.",
)
"""What each row of the table does and does not do."""


def make_clips(folder: Path, count: int) -> None:
    """One-second tones in noise, a hundredth of the speakers' clips from each of a hundred speakers."""
    import numpy as np
    import soundfile

    random = np.random.default_rng(0)
    seconds = np.arange(RATE) / RATE
    noise = random.normal(0, 0.05, 4 * RATE).astype(np.float32)
    for word in range(WORDS):
        (folder / f"word{word:02d}").mkdir(parents=True)
    for number in range(count):
        word, take = number % WORDS, number // WORDS
        first = int(random.integers(0, 3 * RATE))
        tone = 0.3 * np.sin(2 * np.pi * (150 + 90 * word) * seconds) + noise[first : first + RATE]
        path = folder / f"word{word:02d}" / f"s{take % 100:03d}_nohash_{take // 100}.wav"
        soundfile.write(path, tone.astype(np.float32), RATE, subtype="PCM_16")


def prepare_all(folder: Path) -> Measured:
    """Seqbench's own preparation, with its default parameters."""
    from seqbench.prepare import prepare
    from seqbench_tasks.speech_commands.task import SPEC

    begin = time.perf_counter()
    made = prepare(SPEC, str(folder), {}, "benchmark")
    return {"clips": sum(made.sizes), "seconds": time.perf_counter() - begin}


def loop_over_files(folder: Path, sample: int, threads: int) -> Measured:
    """What a script does: file after file through torchaudio's transform, kept in a list. threads: torch's; 0 as is."""
    import soundfile
    import torch
    from torchaudio.transforms import MelSpectrogram

    if threads:
        torch.set_num_threads(threads)
    transform = MelSpectrogram(RATE, n_fft=512, win_length=400, hop_length=160, n_mels=40, center=False)
    paths = sorted(folder.glob("*/*.wav"))
    paths = paths[:: max(1, len(paths) // sample)][:sample]
    begin = time.perf_counter()
    kept = []
    for path in paths:
        samples, _ = soundfile.read(str(path), dtype="float32")
        kept.append(torch.log(transform(torch.from_numpy(samples)) + 1e-6).T)
    torch.cat(kept)
    return {"clips": len(paths), "seconds": time.perf_counter() - begin}


def measured(work: Callable[..., Measured], *arguments: Any) -> Measured:
    """The work's own facts, with the peak memory in bytes and the seconds of a fresh process that did it."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(sender, work, arguments), daemon=False)
    begin = time.perf_counter()
    process.start()
    assert process.pid is not None
    peak = _Peak(process.pid)
    peak.start()
    sender.close()
    try:
        facts: Measured = receiver.recv()
    finally:
        process.join()
        peak.stop()
    return {**facts, "peak_bytes": peak.bytes, "process_seconds": time.perf_counter() - begin}


def _child(sender: Any, work: Callable[..., Measured], arguments: tuple[Any, ...]) -> None:
    sender.send(work(*arguments))


class _Peak(threading.Thread):
    """Looks at a process and its children until told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.bytes = 0
        self._done = threading.Event()

    def run(self) -> None:
        import psutil

        process = psutil.Process(self.pid)
        while not self._done.wait(LOOK_SECONDS):
            total = 0
            try:
                tree = [process, *process.children(recursive=True)]
            except psutil.Error:
                return
            for one in tree:
                try:
                    total += one.memory_info().rss
                except psutil.Error:
                    continue
            self.bytes = max(self.bytes, total)

    def stop(self) -> None:
        self._done.set()
        self.join()


def report(clips: int, ours: Measured, loop: Measured, one_thread: Measured) -> Measured:
    """All figures, the loops' times scaled to all clips, and whether the goal is met; None for too few clips."""
    import torch
    import torchaudio

    from seqbench_tasks.speech_commands.params import SpeechParams

    loops = [{**one, "scaled_seconds": one["seconds"] * clips / one["clips"]} for one in (loop, one_thread)]
    is_met = ours["seconds"] * GOAL_CLIPS / clips <= GOAL_SECONDS and ours["peak_bytes"] <= GOAL_BYTES
    return {
        "clips": clips,
        "seqbench": ours,
        "loop": loops[0],
        "loop_on_one_thread": loops[1],
        "goal": {"seconds": GOAL_SECONDS, "bytes": GOAL_BYTES, "clips": GOAL_CLIPS},
        "goal_met": is_met if clips >= GOAL_CLIPS else None,
        "machine": {
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "platform": platform.platform(),
            "device": SpeechParams().device,
            "torch": torch.__version__,
            "torchaudio": torchaudio.__version__,
            "python": platform.python_version(),
        },
    }


def as_markdown(facts: Measured) -> str:
    """The report as a table."""
    ours, machine = facts["seqbench"], facts["machine"]
    loop, one_thread = facts["loop"], facts["loop_on_one_thread"]
    verdict = {True: "met", False: "missed", None: "not told by so few"}[facts["goal_met"]]
    lines = [
        "# Features of speech",
        "",
        f"{facts['clips']:,} one-second clips at 16 kHz, {machine['cores']} cores, {machine['device']}.",
        f"Goal for {GOAL_CLIPS:,} clips: {GOAL_SECONDS:.0f} s and {GOAL_BYTES / 1e9:.1f} GB: {verdict}.",
        "",
        "| | clips measured | seconds for all | clips/s | peak memory |",
        "|---|---|---|---|---|",
        "| seqbench " + _row(ours["clips"], f"{ours['seconds']:.1f}", ours),
        "| loop with torchaudio " + _row(loop["clips"], f"{loop['scaled_seconds']:.1f} (scaled)", loop),
        "| the same loop on one thread "
        + _row(one_thread["clips"], f"{one_thread['scaled_seconds']:.1f} (scaled)", one_thread),
        "",
        *WHAT_ROWS_DO,
        "",
    ]
    return "\n".join(lines)


def _row(clips: int, seconds: str, facts: Measured) -> str:
    return f"| {clips:,} | {seconds} | {clips / facts['seconds']:,.0f} | {facts['peak_bytes'] / 1e6:,.0f} MB |"


def main() -> None:
    """Run both and write the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--sample", type=int, default=2_000, help="clips that the loop is measured on")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the report")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="speech-features-") as name:
        folder = Path(name)
        os.environ["SEQBENCH_CACHE"] = str(folder / "cache")
        make_clips(folder / "clips", given.clips)
        sample = min(given.sample, given.clips)
        loop = measured(loop_over_files, folder / "clips", sample, 0)
        one_thread = measured(loop_over_files, folder / "clips", sample, 1)
        ours = measured(prepare_all, folder / "clips")
    facts = report(given.clips, ours, loop, one_thread)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "speech_features.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    (given.out / "speech_features.md").write_text(as_markdown(facts), encoding="utf-8")
    sys.stdout.write(as_markdown(facts))


if __name__ == "__main__":
    main()
