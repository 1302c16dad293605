"""What folders and names of recordings are read as, and what is told of recordings that are odd."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
import soundfile

from seqbench import Classes, DataError, TaskData
from seqbench_tasks.speech_commands.audio import Recordings, common_rate
from seqbench_tasks.speech_commands.folder import read_folder
from seqbench_tasks.speech_commands.params import SpeechParams
from seqbench_tasks.speech_commands.task import SPEC, describe

RATE = 8000
Write = Callable[..., Path]
PEOPLE = ("anna", "bob", "carl", "dora", "eve", "finn")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write noise of its own as `data/NAME`."""

    def written(name: str, rate: int = RATE, samples: int = 2400, level: float = 0.1) -> Path:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(crc32(name.encode()))
        soundfile.write(path, level * random.normal(size=samples).clip(-3, 3), rate)
        return path

    return written


def read(folder: Path) -> Recordings:
    return read_folder(str(folder), SpeechParams())


def prepare(folder: Path) -> TaskData:
    return SPEC.prepare(str(folder), SpeechParams(), folder.parent / "cache")


def speakers(recordings: Recordings) -> set[str]:
    return {clip.speaker for clips in recordings.splits.values() for clip in clips}


@pytest.mark.parametrize(
    ("people", "words", "file"),
    [
        (PEOPLE, ("yes", "no"), "{take}"),
        (tuple(f"s0{number}" for number in range(6)), ("hund", "katze"), "{take}"),
        (("p225", "p226", "p227", "p228"), ("hund", "katze", "maus"), "{take}"),
        (PEOPLE, ("hund", "katze"), "{word}{take}"),
        (("1", "2", "3", "4"), ("yes", "no"), "{take}"),
    ],
    ids=["known_words", "numbered", "vctk", "by_files", "digits"],
)
@pytest.mark.parametrize("is_speaker_first", [True, False])
def test_either_order_of_speaker_and_word_is_read(
    write: Write, tmp_path: Path, people: tuple[str, ...], words: tuple[str, ...], file: str, is_speaker_first: bool
) -> None:
    """`speaker/word` and `word/speaker` give the same words and speakers, who are kept apart, without a warning."""
    for who in people:
        for word in words:
            for take in range(2):
                top = f"{who}/{word}" if is_speaker_first else f"{word}/{who}"
                write(f"{top}/{file.format(word=word, take=take)}.wav")
    recordings = read(tmp_path / "data")
    assert tuple(sorted(words)) == recordings.words
    assert set(people) == speakers(recordings)
    assert "by speaker (seed 0)" == recordings.notes["split"]
    assert [] == recordings.notes["warnings"]


def test_speakers_above_words_below_splits(write: Write, tmp_path: Path) -> None:
    """`train/SPEAKER/WORD` and `test/SPEAKER/WORD`: what both splits have are the words, whatever the names."""
    for split, people in (("train", PEOPLE[:4]), ("val", PEOPLE[4:5]), ("test", PEOPLE[5:])):
        for who in people:
            for word in ("hund", "katze"):
                write(f"{split}/{who}/{word}/0.wav")
    recordings = read(tmp_path / "data")
    assert ("hund", "katze") == recordings.words
    assert {"finn"} == {clip.speaker for clip in recordings.splits["test"]}
    assert [] == recordings.notes["warnings"]


def test_a_grid_of_names_that_tell_nothing_is_told(write: Write, tmp_path: Path) -> None:
    """Where both readings fit, the first folder is the word, and a sentence says how it was read."""
    for who in PEOPLE:
        for word in ("hund", "katze"):
            write(f"{word}/{who}/0.wav")
    recordings = read(tmp_path / "data")
    assert ("hund", "katze") == recordings.words
    [told] = recordings.notes["warnings"]
    assert told.startswith("The folders were read as word/speaker ('hund/anna'), and could be speaker/word as well")


def test_digits_over_names_that_nobody_knows_are_told(write: Write, tmp_path: Path) -> None:
    """`3/hund` is read as speaker 3 saying it, with a sentence, since digits may be words as well."""
    for who in "1234":
        for word in ("hund", "katze"):
            write(f"{who}/{word}/0.wav")
    recordings = read(tmp_path / "data")
    assert ("hund", "katze") == recordings.words
    assert "The folders were read as speaker/word ('1/hund')" in recordings.notes["warnings"][0]


def test_few_words_below_many_speakers(write: Write, tmp_path: Path) -> None:
    """Two speakers of ten who broke off do not hide that the others all have the same words; the guess is told."""
    for number, who in enumerate((*PEOPLE, "gus", "hal", "ida", "joe")):
        for word in ("hund",) if number < 2 else ("hund", "katze", "maus", "ente"):
            write(f"{who}/{word}/0.wav")
    recordings = read(tmp_path / "data")
    assert ("ente", "hund", "katze", "maus") == recordings.words
    assert 10 == len(speakers(recordings))
    assert "The folders were read as speaker/word ('anna/hund')" in recordings.notes["warnings"][0]


def test_speakers_of_one_word_each_are_no_words(write: Write, tmp_path: Path) -> None:
    """`word/speaker` whose speakers each say one word stays that, and nothing is warned of the order."""
    for number in range(12):
        write(f"{('hund', 'katze')[number % 2]}/who{number}x/0.wav")
    recordings = read(tmp_path / "data")
    assert ("hund", "katze") == recordings.words
    assert not any("were read as" in told for told in recordings.notes["warnings"])


@pytest.mark.parametrize(
    "pattern", ["Recording ({take})", "prise n° {take} é", "p{take}", "IMG_{take}_x", "{word}_p{take}"]
)
def test_numbers_of_takes_are_no_speakers(write: Write, tmp_path: Path, pattern: str) -> None:
    """A number that each word has once is a take: speakers are unknown, and that is warned of."""
    for word, count in (("yes", 10), ("no", 14)):
        for take in range(count):
            write(f"{word}/{pattern.format(word=word, take=take)}.wav")
    data = prepare(tmp_path / "data")
    assert {"train": 0, "validation": 0, "test": 0} == data.notes["speakers"]
    assert any("Who speaks cannot be read" in told for told in data.notes["warnings"])
    assert "(speakers unknown)" in describe(data)
    assert "0 speakers" not in describe(data)


def test_numbers_of_takes_under_splits_are_no_speakers(write: Write, tmp_path: Path) -> None:
    """`train/WORD/train3.wav`: unknown too, and what is held out of train without speakers is warned of."""
    for split, count in (("train", 10), ("test", 3)):
        for word in ("yes", "no"):
            for take in range(count):
                write(f"{split}/{word}/{split}{take}.wav")
    recordings = read(tmp_path / "data")
    assert {""} == speakers(recordings)
    assert any("one voice may be in train and in validation" in told for told in recordings.notes["warnings"])


@pytest.mark.parametrize("pattern", ["{word}_jackson{who}_3", "s0{who}_{word}_1", "v{who}_1", "v{who}_a", "spk{who}"])
def test_numbered_speakers_are_speakers(write: Write, tmp_path: Path, pattern: str) -> None:
    """A number that is part of a speaker's name, with one of the take behind it or a name that says so, still is."""
    for word in ("yes", "no"):
        for who in range(8):
            write(f"{word}/{pattern.format(word=word, who=who)}.wav")
    assert 8 == len(speakers(read(tmp_path / "data")) - {""})


def test_the_rate_is_that_of_most(write: Write, tmp_path: Path) -> None:
    """Whatever is above 16 kHz counts as that; one recording of 8 kHz changes nothing but a warning."""
    assert 16000 == common_rate([8000] * 2 + [22050, 44100, 48000])
    assert 8000 == common_rate([8000] * 3 + [44100] * 2)
    assert 16000 == common_rate([8000, 16000])
    for number in range(12):
        for word in ("yes", "no"):
            write(f"{word}/v{number}_0.wav", rate=8000 if (number, word) == (0, "no") else 44100, samples=9000)
    data = prepare(tmp_path / "data")
    assert 16000 == data.notes["sample_rate"]
    [told] = [text for text in data.notes["warnings"] if "sample rates" in text]
    assert told.startswith(
        "The recordings have different sample rates (23 of 44100 Hz, 1 of 8000 Hz): all were brought to 16000 Hz"
    )


def test_odd_recordings_are_told_and_kept(write: Write, tmp_path: Path) -> None:
    """Clips below a window, silent ones and copies under another word are counted, the first named, all kept."""
    for number in range(10):
        for word in ("yes", "no"):
            write(f"{word}/v{number}_0.wav")
    assert [] == prepare(tmp_path / "data").notes["warnings"]
    write("yes/v3_1.wav", samples=10)
    write("no/v3_1.wav", level=0)
    write("yes/v4_1.wav", level=0)
    shutil.copy(tmp_path / "data" / "yes" / "v5_0.wav", tmp_path / "data" / "no" / "v5_1.wav")
    shutil.copy(tmp_path / "data" / "yes" / "v6_0.wav", tmp_path / "data" / "yes" / "v6_2.wav")
    data = prepare(tmp_path / "data")
    assert 25 == sum(map(len, (data.train, data.validation, data.test)))
    short, silent, twice = data.notes["warnings"]
    assert short.startswith("1 recording is shorter than one window (0.032 s), 'yes/v3_1.wav' first")
    assert silent.startswith("2 recordings hold nothing but digital silence, 'no/v3_1.wav' first")
    assert twice.startswith("1 recording has the same content as one of another word, 'no/v5_1.wav' and 'yes/v5_0.wav'")


def test_copies_made_for_training_are_no_odd_recordings(write: Write, tmp_path: Path) -> None:
    """What augmentation makes is not told of: only what was recorded is."""
    for number in range(10):
        for word in ("yes", "no"):
            write(f"{word}/v{number}_0.wav")
    write("no/v3_1.wav", level=0)
    params = SpeechParams(augment_draws=2)
    [told] = SPEC.prepare(str(tmp_path / "data"), params, tmp_path / "cache").notes["warnings"]
    assert told.startswith("1 recording holds")


def test_labels_in_names_are_told(write: Write, tmp_path: Path) -> None:
    """One folder of files named after what is in them: what was found, where labels may be, and what would do."""
    for number in range(3):
        write(f"recordings/{number}_jackson_0.wav")
    expected = r"only of 'recordings': 3 recordings, 'recordings/0_jackson_0.wav' first.*in the names of.*WORD/FILE"
    with pytest.raises(DataError, match=expected):
        read(tmp_path / "data")


def test_a_readable_folder_below_is_named(write: Write, tmp_path: Path) -> None:
    """Words one folder deeper, beside a stray recording: that folder is named, and giving it does."""
    write("speech/intro.wav")
    for number in range(4):
        for word in ("yes", "no"):
            write(f"speech/{word}/v{number}_0.wav")
    with pytest.raises(DataError, match=r"words one folder deeper: give .*data.speech\.$"):
        read(tmp_path / "data")
    data = prepare(tmp_path / "data" / "speech")
    assert isinstance(data.output, Classes)
    assert ("no", "yes") == data.output.labels
