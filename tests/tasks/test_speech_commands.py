"""The speech task: splits by speaker, a scaler of train's, any recording, and clear words about those that are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from seqbench import Classes, DataError, Dense, SequenceSet, TaskData
from seqbench_tasks.classification import accuracy, macro_f1, majority
from seqbench_tasks.speech_commands.builtin import FOLDER, RATE
from seqbench_tasks.speech_commands.noise import coloured_noise, in_bursts
from seqbench_tasks.speech_commands.params import SpeechParams
from seqbench_tasks.speech_commands.splits import which_set
from seqbench_tasks.speech_commands.task import SPEC, augment, describe

WORDS = {"high": 1200.0, "low": 300.0}


@pytest.fixture(scope="module")
def builtin() -> TaskData:
    return SPEC.prepare("builtin", SpeechParams(), Path())


def prepare(folder: Path, **params: Any) -> TaskData:
    return SPEC.prepare(str(folder), SpeechParams(**params), folder)


Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A folder of tones in Speech Commands layout: 10 speakers say two words; the last two are listed."""

    def made(name: str = "data", rate: int = 8000, channels: int = 1, suffix: str = "wav", loud: float = 0.5) -> Path:
        folder = tmp_path / name
        random = np.random.default_rng(0)
        for word, pitch in WORDS.items():
            (folder / word).mkdir(parents=True)
            for speaker in range(10):
                level = loud if speaker >= 8 else 0.5
                time = np.arange(int(rate * 0.3)) / rate
                sound = level * np.sin(2 * np.pi * pitch * time) + 0.01 * random.normal(size=len(time))
                frames = np.repeat(sound[:, None], channels, 1)
                soundfile.write(folder / word / f"s{speaker}_nohash_0.{suffix}", frames, rate)
        for list_name, speaker in (("validation_list.txt", 8), ("testing_list.txt", 9)):
            (folder / list_name).write_text("".join(f"{word}/s{speaker}_nohash_0.{suffix}\n" for word in WORDS))
        return folder

    return made


def test_the_embedded_data_is_as_promised(builtin: TaskData) -> None:
    """Ten words by 72 voices, none of them in two splits, in at most 5 MB."""
    assert (Dense(40), 10) == (builtin.input, builtin.output.size)
    assert (2880, 160, 320) == (len(builtin.train), len(builtin.validation), len(builtin.test))
    voices = [
        {name.split("/")[1].split("_")[0] for name in split.ids.tolist()}
        for split in (builtin.train, builtin.validation, builtin.test)
    ]
    assert [48, 8, 16] == [len(found) for found in voices]
    assert 72 == len(set.union(*voices))
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 5_000_000


def test_noise_follows_its_seed(builtin: TaskData) -> None:
    """The same seed gives the same frames, another seed other noise, and no ratio none."""
    again = SPEC.prepare("builtin", SpeechParams(), Path())
    other = SPEC.prepare("builtin", SpeechParams(noise_seed=1, words=("yes", "no")), Path())
    clean = SPEC.prepare("builtin", SpeechParams(noise_snr_db=(), words=("yes", "no")), Path())
    assert np.array_equal(builtin.test.values, again.test.values)
    assert not np.array_equal(other.test.values, clean.test.values)
    assert ("no", "yes") == clean.output.labels  # type: ignore[union-attr]


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_noise_has_its_colour(exponent: float) -> None:
    """Unit power, and a spectrum that falls with frequency as it should: the slope in decades is the exponent."""
    noise = coloured_noise(1 << 16, exponent, np.random.default_rng(0))
    assert np.mean(noise**2) == pytest.approx(1)
    power = np.abs(np.fft.rfft(noise)) ** 2
    low, high = power[100:200].mean(), power[10_000:20_000].mean()
    assert np.log10(low / high) / 2 == pytest.approx(exponent, abs=0.1)


def test_noise_comes_in_bursts() -> None:
    """Half of the time there is noise, the rest 26 dB less, in pieces of a fifth of a second, of unit power in all."""
    noise = in_bursts(np.ones(RATE * 200), np.random.default_rng(0))
    assert np.mean(noise**2) == pytest.approx(1)
    loud = noise > noise.max() / 2
    assert 0.45 < loud.mean() < 0.55
    assert noise.max() / noise.min() == pytest.approx(20)
    assert RATE * 200 / (np.count_nonzero(np.diff(loud.astype(int))) + 1) == pytest.approx(0.2 * RATE, rel=0.05)


def test_lists_are_the_splits(make: Make) -> None:
    """What the lists name is validation and test, the rest is train; ids are the files' names."""
    data = prepare(make())
    assert (16, 2, 2) == (len(data.train), len(data.validation), len(data.test))
    assert ["high/s9_nohash_0.wav", "low/s9_nohash_0.wav"] == sorted(data.test.ids.tolist())
    assert {"train": 8, "validation": 1, "test": 1} == data.notes["speakers"]
    assert (8000, 0) == (data.notes["sample_rate"], data.notes["speakers_in_train_and_test"])


def test_the_scaler_is_trains(make: Make) -> None:
    """Louder test recordings change neither the scaler nor train; train's bands have mean 0 and deviation 1."""
    one, two = prepare(make("a")), prepare(make("b", loud=0.05))
    assert one.notes["scaler"] == two.notes["scaler"]
    assert np.array_equal(one.train.values, two.train.values)
    assert not np.array_equal(one.test.values, two.test.values)
    np.testing.assert_allclose(one.train.values.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(one.train.values.std(0), 1, atol=1e-2)


@pytest.mark.parametrize(
    ("rate", "channels", "suffix"), [(16000, 1, "wav"), (44100, 2, "wav"), (22050, 1, "flac"), (16000, 2, "ogg")]
)
def test_any_recording_is_read(make: Make, rate: int, channels: int, suffix: str) -> None:
    """Any rate, one channel or two, WAV, FLAC or OGG: at most 16 kHz, mono, and a tone stays in its band."""
    data = prepare(make(rate=rate, channels=channels, suffix=suffix))
    assert min(rate, 16000) == data.notes["sample_rate"]
    means = {str(name).split("/")[0]: split_mean(data.test, index) for index, name in enumerate(data.test.ids)}
    peak = {word: int((mean * scale(data)).argmax()) for word, mean in means.items()}
    assert peak["high"] > peak["low"]


def scale(data: TaskData) -> Any:
    """The scaler's standard deviations, which undo what makes a quiet band as large as a loud one."""
    return np.array(data.notes["scaler"]["scale"])


def split_mean(split: SequenceSet, index: int) -> Any:
    """The mean frame of an example."""
    return split.example(index).mean(0)


def test_frames_depend_on_their_own_clip_alone(make: Make) -> None:
    """A clip's frames are the same whatever its batch, and long recordings are cut at clip_seconds."""
    folder = make()
    whole = prepare(folder)
    few = prepare(folder, words=("high", "low"), clip_seconds=0.1)
    assert few.train.lengths.max() < whole.train.lengths.max()
    samples, rate = soundfile.read(folder / "high" / "s9_nohash_0.wav")
    soundfile.write(folder / "high" / "s7_nohash_0.wav", np.tile(samples, 3), rate)
    longer = prepare(folder)
    assert longer.train.lengths.max() > 2 * whole.train.lengths.max()
    frames = 1 + (int(0.3 * rate) - 256) // 80
    assert frames == whole.test.lengths[0]


def test_the_published_hash_rule() -> None:
    """A speaker's takes fall together, and about a tenth of speakers each into validation and test."""
    assert which_set("yes/abc_nohash_0.wav") == which_set("no/abc_nohash_7.wav")
    found = [which_set(f"yes/{number:08x}_nohash_0.wav") for number in range(4000)]
    assert 0.08 < found.count("validation") / 4000 < 0.12
    assert 0.08 < found.count("test") / 4000 < 0.12


def test_bad_recordings_are_told(make: Make) -> None:
    """One unreadable file of 20 is dropped and named; two are more than 5 % and an error."""
    folder = make()
    (folder / "high" / "s0_nohash_0.wav").write_bytes(b"RIFF nonsense")
    data = prepare(folder)
    assert 15 == len(data.train)
    assert data.notes["dropped"][0].startswith("high/s0_nohash_0.wav cannot be read")
    assert "1 recording was left out" in describe(data)
    soundfile.write(folder / "low" / "s0_nohash_0.wav", np.zeros(0), 8000)
    with pytest.raises(DataError, match=r"2 of 20 recordings .* has no samples"):
        prepare(folder)


def test_errors_are_sentences(make: Make, tmp_path: Path) -> None:
    """A missing folder, one without words, an unknown word, and an empty split."""
    folder = make()
    (tmp_path / "empty").mkdir()
    cases: list[tuple[Path, dict[str, Any], str]] = [
        (tmp_path / "nothing", {}, "is no folder"),
        (tmp_path / "empty", {}, "fewer than two words"),
        (folder, {"words": ("high", "maybe")}, "no word 'maybe': there is high, low"),
    ]
    for source, params, expected in cases:
        with pytest.raises(DataError, match=expected):
            prepare(source, **params)
    (folder / "testing_list.txt").write_text("")
    with pytest.raises(DataError, match=r"the test split of .* is empty"):
        prepare(folder)


def test_augmentation_keeps_padding_and_shape(builtin: TaskData) -> None:
    """Shift, noise and masks change real frames, leave padding 0, and follow the generator; off, nothing changes."""
    x = torch.randn(8, 30, 40)
    lengths = torch.tensor([30, 20, 10, 5, 1, 30, 25, 15])
    padding = torch.arange(30) >= lengths[:, None]
    x[padding] = 0
    params = SpeechParams(time_shift=3, noise_std=0.1, frequency_masks=2, time_masks=2)
    changed, again = (augment(x, lengths, torch.Generator().manual_seed(4), params) for _ in range(2))
    assert torch.equal(changed, again)
    assert not torch.equal(x, changed)
    assert not changed[padding].any()
    masked = augment(x, lengths, torch.Generator().manual_seed(4), SpeechParams(frequency_masks=1, frequency_width=8))
    assert ((masked == 0) & (x != 0)).any(1).sum(1).max() <= 8
    assert torch.equal(x, augment(x, lengths, torch.Generator(), SpeechParams()))


def test_metrics_and_baselines() -> None:
    """Accuracy and macro-F1 by hand, and the majority baseline gives train's most frequent label."""
    split = SequenceSet.from_sequences([np.zeros((1, 1), np.float32)] * 4, np.array([0, 0, 0, 1]))
    outputs = np.array([[2.0, 1], [2, 1], [1, 2], [1, 2]])
    assert 0.75 == accuracy(outputs, split)
    assert (0.8 + 2 / 3) / 2 == pytest.approx(macro_f1(outputs, split))
    always = majority(split, split, Classes(("a", "b")))(split)
    assert [0, 0, 0, 0] == always.argmax(1).tolist()


def test_order_is_needed_beyond_pooled_frames(builtin: TaskData) -> None:
    """Logistic regression on pooled frames is far above chance and far from perfect."""
    predict = SPEC.baselines["logistic_regression"](builtin.train, builtin.validation, builtin.output)
    assert 0.5 < accuracy(predict(builtin.test), builtin.test) < 0.9


def test_fsdd_and_speech_commands(real_data: Path) -> None:
    """The real folders are split as their lists say, at their own rates."""
    fsdd = prepare(real_data / "speech" / "fsdd")
    assert (2400, 300, 300) == (len(fsdd.train), len(fsdd.validation), len(fsdd.test))
    assert (8000, 10) == (fsdd.notes["sample_rate"], fsdd.output.size)
    v001 = prepare(real_data / "speech" / "speech_commands_v0.01")
    assert (307, 80, 87) == (len(v001.train), len(v001.validation), len(v001.test))
    assert (16000, 30) == (v001.notes["sample_rate"], v001.output.size)
    for name, split in (("train", v001.train), ("validation", v001.validation), ("test", v001.test)):
        assert {name} == {which_set(file) for file in split.ids.tolist()}
