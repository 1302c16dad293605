"""Features of speech: the same by any number of threads, of every kind, train with copies in noise; the sentinels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from seqbench import TaskData
from seqbench_tasks.speech_commands import sentinels
from seqbench_tasks.speech_commands import task as task_module
from seqbench_tasks.speech_commands.audio import Clip, Recordings
from seqbench_tasks.speech_commands.features import task_data
from seqbench_tasks.speech_commands.noise import mixed
from seqbench_tasks.speech_commands.params import SpeechParams
from seqbench_tasks.speech_commands.stream import scale, scaler
from seqbench_tasks.speech_commands.task import SPEC, read

RATE = 8000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two words by 30 speakers, four takes each, of different lengths; two speakers each of validation and test."""
    root = tmp_path_factory.mktemp("speech")
    random = np.random.default_rng(0)
    for word, pitch in (("high", 1200), ("low", 300)):
        (root / word).mkdir()
        for number in range(120):
            seconds = np.arange(int(RATE * random.uniform(0.2, 0.6))) / RATE
            sound = 0.4 * np.sin(2 * np.pi * pitch * seconds) + 0.05 * random.normal(size=len(seconds))
            soundfile.write(root / word / f"s{number // 4:02d}_nohash_{number % 4}.wav", sound, RATE)
    for file, speakers in (("validation_list.txt", (28, 29)), ("testing_list.txt", (26, 27))):
        names = [f"{w}/s{s}_nohash_{take}.wav" for w in ("high", "low") for s in speakers for take in range(4)]
        (root / file).write_text("\n".join(names))
    return root


def prepare(folder: Path, cache: Path, **params: Any) -> TaskData:
    return SPEC.prepare(str(folder), SpeechParams(**params), cache)


def test_the_number_of_threads_changes_nothing(folder: Path, tmp_path: Path) -> None:
    """One thread and three give the same bits, in the same order."""
    params = SpeechParams(sample_rate=11025)
    one, three = (task_data(read(str(folder), params), params, tmp_path, workers) for workers in (1, 3))
    assert one.train.ids.tolist() == three.train.ids.tolist()
    for name in ("train", "validation", "test"):
        assert np.array_equal(getattr(one, name).values, getattr(three, name).values)


def test_frames_lie_in_a_file_that_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    """Values are mapped from the cache's disk, not held in memory, and no file stays behind."""
    data = prepare(folder, tmp_path / "new" / "cache")
    assert isinstance(data.train.values, np.memmap)
    assert [] == list((tmp_path / "new" / "cache").iterdir())


def test_a_scaler_by_blocks_is_that_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Means and deviations summed block by block are those of all rows at once, and scaling in place uses them."""
    from seqbench_tasks.speech_commands import stream

    rows = np.random.default_rng(0).normal(-5, 3, (1000, 4)).astype(np.float32)
    monkeypatch.setattr(stream, "BLOCK", 64)
    mean, deviation = scaler(rows, 1e-3)
    np.testing.assert_allclose(mean, rows.mean(0), rtol=1e-5)
    np.testing.assert_allclose(deviation, rows.std(0), rtol=1e-5)
    expected = (rows - mean) / deviation
    scale(rows, mean, deviation)
    assert np.array_equal(expected, rows)


def test_cepstra_are_the_cosine_transform_of_log_mel(folder: Path, tmp_path: Path) -> None:
    """Frames of `mfcc`, unscaled, are the orthonormal DCT-II of those of `log_mel`, as scipy computes it."""
    from scipy.fft import dct

    mel, cepstra = (prepare(folder, tmp_path, features=kind) for kind in ("log_mel", "mfcc"))
    expected = dct(unscaled(mel), type=2, norm="ortho", axis=1)[:, :13]
    np.testing.assert_allclose(unscaled(cepstra), expected, atol=2e-3)


def unscaled(data: TaskData) -> Any:
    """Train's frames before they were scaled."""
    return data.train.values * np.array(data.notes["scaler"]["scale"]) + np.array(data.notes["scaler"]["mean"])


def test_deltas_are_derivatives_of_each_clip(folder: Path, tmp_path: Path) -> None:
    """Beside the features stand the slopes of the regression over five frames, which no other clip reaches into."""
    plain, first, second = (prepare(folder, tmp_path, deltas=order) for order in (0, 1, 2))
    assert (40, 80, 120) == tuple(d.train.values.shape[1] for d in (plain, first, second))
    row = slice(int(first.train.starts[3]), int(first.train.starts[3] + first.train.lengths[3]))
    frames, deltas = unscaled(first)[row, :40], unscaled(first)[row, 40:]
    np.testing.assert_allclose(frames, unscaled(plain)[row], atol=1e-4)
    padded = np.pad(frames, ((2, 2), (0, 0)), mode="edge")
    n = len(frames)
    slopes = sum(step * (padded[2 + step : 2 + step + n] - padded[2 - step : 2 - step + n]) for step in (1, 2)) / 10
    np.testing.assert_allclose(deltas, slopes, atol=1e-3)


def test_copies_are_of_train_alone(folder: Path, tmp_path: Path) -> None:
    """Each clip of train comes again, changed, once per draw; validation and test stay; a seed decides the noise."""
    plain = prepare(folder, tmp_path)
    noisy, again, other = (prepare(folder, tmp_path, augment_draws=2, augment_seed=seed) for seed in (0, 0, 1))
    assert 3 * len(plain.train) == len(noisy.train)
    assert plain.test.ids.tolist() == noisy.test.ids.tolist()
    assert len(plain.validation) == len(noisy.validation)
    assert np.array_equal(noisy.train.values, again.train.values)
    assert not np.array_equal(noisy.train.values, other.train.values)
    place = noisy.train.ids.tolist().index(f"{plain.train.ids[0]}_copy_1")
    assert not np.array_equal(noisy.train.example(0), noisy.train.example(place))
    assert noisy.train.targets[0] == noisy.train.targets[place]


@pytest.mark.parametrize("ratio", [-5.0, 0.0, 10.0])
def test_noise_has_its_ratio(ratio: float) -> None:
    """What was added has the power that the ratio in decibels says; noise in silence stays silence."""
    random = np.random.default_rng(0)
    sound, noise = (random.normal(0, level, 8000).astype(np.float32) for level in (0.2, 3.0))
    added = mixed(sound, noise, ratio) - sound
    assert 10 * np.log10(np.mean(sound**2) / np.mean(added**2)) == pytest.approx(ratio, abs=0.01)
    assert not mixed(np.zeros(10, np.float32), noise[:10], ratio).any()


def test_an_example_as_a_person_reads_it(folder: Path, tmp_path: Path) -> None:
    """Its id, the word, how long it is heard, and its frames."""
    data = prepare(folder, tmp_path, words=("high", "low"))
    assert SPEC.show is not None
    text = SPEC.show(data, data.test, 0)
    frames = int(data.test.lengths[0])
    samples, _ = soundfile.read(folder / str(data.test.ids[0]))
    seconds = float(text.split(" s, ")[0].rpartition(" ")[2])
    assert text.startswith("high/s26_nohash_0.wav: 'high', ")
    assert f"{frames} frames of 40 (log_mel)" in text
    assert seconds == pytest.approx(len(samples) / RATE, abs=0.011)


def test_sentinels_are_content_with_what_we_split(folder: Path, tmp_path: Path) -> None:
    """The scaler is train's and no speaker is on both sides, in the embedded data and in a folder."""
    assert {"scaler_is_trains", "speakers_are_apart"} == set(SPEC.sentinels)
    for sentinel in SPEC.sentinels.values():
        assert "" == sentinel("builtin", SpeechParams(noise_draws=1), tmp_path)
        assert "" == sentinel(str(folder), SpeechParams(), tmp_path)


def test_sentinels_see_a_leak(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scaler fitted on all splits, and a speaker moved from train to test, are both told."""
    from seqbench_tasks.speech_commands import features

    everything = read("builtin", SpeechParams(noise_draws=1))
    moved: list[Clip] = everything.splits["train"][:3]
    leaky = replace(everything, splits={**everything.splits, "test": [*everything.splits["test"], *moved]})

    def leaked(source: str, params: SpeechParams) -> Recordings:
        return leaky

    def on_all(rows: Any, least: float) -> Any:
        return scaler(rows.base if rows.base is not None else rows, least)

    monkeypatch.setattr(task_module, "read", leaked)
    assert "1 speaker is in train and in validation or test" in sentinels.speakers_are_apart(
        "builtin", SpeechParams(), tmp_path
    )
    monkeypatch.setattr(features, "scaler", on_all)
    assert "not fitted on train" in sentinels.scaler_is_trains("builtin", SpeechParams(), tmp_path)


def test_threads_leave_torch_as_it_was(folder: Path, tmp_path: Path) -> None:
    """Preparing computes one thread to a batch, and afterwards torch has the threads it had."""
    before = torch.get_num_threads()
    prepare(folder, tmp_path)
    assert before == torch.get_num_threads()
