"""Speech folders as people have them: deep, with strange lists, without lists, in every kind of file."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import Any
from unicodedata import normalize

import numpy as np
import pytest
import soundfile

from seqbench import Classes, DataError, SequenceSet, TaskData, walk_files
from seqbench_tasks.speech_commands.folder import read_folder
from seqbench_tasks.speech_commands.params import SpeechParams
from seqbench_tasks.speech_commands.task import SPEC, describe
from seqbench_tasks.speech_commands.variants import COMMANDS

RATE = 8000
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a short tone as `data/NAME`, any further arguments those of soundfile.write."""
    count = iter(range(100_000))

    def written(name: str, rate: int = RATE, seconds: float = 0.3, level: float = 0.5, **form: Any) -> Path:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(next(count))
        time = np.arange(max(1, int(rate * seconds))) / rate
        sound = level * np.sin(2 * np.pi * 440 * time) + level * 0.1 * random.normal(size=len(time))
        soundfile.write(path, sound.clip(-1, 1), rate, **form)
        return path

    return written


def prepare(folder: Path, **params: Any) -> TaskData:
    return SPEC.prepare(str(folder), SpeechParams(**params), folder.parent / "cache")


def ids(split: SequenceSet) -> set[str]:
    return set(split.ids.tolist())


def speakers(split: SequenceSet, place: int = 0) -> set[str]:
    return {name.rpartition("/")[2].split("_")[place] for name in ids(split)}


def many(write: Write, pattern: str, words: tuple[str, ...] = ("yes", "no"), voices: int = 12, takes: int = 2) -> None:
    for word in words:
        for voice in range(voices):
            for take in range(takes):
                write(pattern.format(word=word, voice=f"v{voice}", take=take))


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("yes/v1_nohash_0.wav\r\nno/v1_nohash_0.wav\r\n", "utf-8"),
        ("./yes/v1_nohash_0.wav\n./no/v1_nohash_0.wav", "utf-8"),
        ("yes\\v1_nohash_0.wav\nno\\v1_nohash_0.wav\n\n", "utf-8-sig"),
        ("speech/yes/v1_nohash_0.WAV\n/no/v1_nohash_0.flac\n", "utf-8"),
        ("yes/v1_nohash_0.wav\nno/v1_nohash_0.wav\n", "utf-16"),
    ],
    ids=["crlf", "dot", "backslash", "prefix_case_suffix", "utf16"],
)
def test_lists_are_read_as_people_write_them(write: Write, tmp_path: Path, content: str, encoding: str) -> None:
    """Line ends, prefixes, separators, suffixes and encodings of lists do not matter."""
    many(write, "{word}/{voice}_nohash_{take}.wav", voices=4, takes=1)
    folder = tmp_path / "data"
    (folder / "testing_list.txt").write_bytes(content.encode(encoding))
    (folder / "validation_list.txt").write_text("yes/v2_nohash_0.wav\nno/v2_nohash_0.wav\n")
    data = prepare(folder)
    assert {"yes/v1_nohash_0.wav", "no/v1_nohash_0.wav"} == ids(data.test)
    assert [] == data.notes["warnings"]


def test_entries_without_a_recording_are_warned_of(write: Write, tmp_path: Path) -> None:
    """A list may name what is not there: it is counted and the first is named; the rest of the list holds."""
    many(write, "{word}/{voice}_nohash_{take}.wav", voices=4, takes=1)
    folder = tmp_path / "data"
    (folder / "testing_list.txt").write_text("yes/v1_nohash_0.wav\nno/lost.wav\nno/gone.wav\n")
    (folder / "validation_list.txt").write_text("yes/v2_nohash_0.wav\n")
    data = prepare(folder)
    expected = "2 entries of testing_list.txt name no recording that is there, 'no/lost.wav' first."
    assert expected in data.notes["warnings"]
    assert "1 speaker is in train and in test, as the source's own split says." in data.notes["warnings"]
    assert {"yes/v1_nohash_0.wav"} == ids(data.test)


def test_a_split_that_no_list_tells_is_held_out(write: Write, tmp_path: Path) -> None:
    """With a list of test files only, validation is held out of train by speaker, and the test split is the list's."""
    many(write, "{word}/{voice}_nohash_{take}.wav")
    folder = tmp_path / "data"
    listed = {f"{word}/v3_nohash_{take}.wav" for word in ("yes", "no") for take in (0, 1)}
    (folder / "testing_list.txt").write_text("\n".join(sorted(listed)))
    data = prepare(folder)
    assert listed == ids(data.test)
    assert len(data.validation)
    assert not speakers(data.train) & speakers(data.validation)
    assert any("no validation split" in text for text in data.notes["warnings"])


@pytest.mark.parametrize("top", ["", "a/b/", "speech_commands_v0.02/"])
def test_words_are_found_however_deep(write: Write, tmp_path: Path, top: str) -> None:
    """Folders around the words are gone through, and ids begin with the word; other files lying about are no matter."""
    many(write, top + "{word}/{voice}_nohash_{take}.WAV", voices=20, takes=1)
    folder = tmp_path / "data"
    (folder / "README.md").write_text("read me")
    (folder / top / "yes" / "notes.txt").write_text("notes")
    (folder / top / "yes" / "._v1_nohash_0.WAV").write_bytes(b"what macOS leaves in archives")
    (folder / "__MACOSX" / "yes").mkdir(parents=True)
    (folder / "__MACOSX" / "yes" / "x.wav").write_bytes(b"")
    (folder / "docs").mkdir()
    data = prepare(folder)
    assert ("no", "yes") == data.output.labels  # type: ignore[union-attr]
    assert 40 == sum(map(len, (data.train, data.validation, data.test)))
    assert all(name.startswith(("yes/", "no/")) for name in ids(data.train))
    assert [] == data.notes["dropped"]


def test_folders_of_splits_are_the_splits(write: Write, tmp_path: Path) -> None:
    """`train/WORD/...`, `dev/WORD/...` and `test/WORD/...` are taken as they are called."""
    for split, count in (("train", 6), ("dev", 2), ("test", 3)):
        for number in range(count):
            for word in ("yes", "no"):
                write(f"{split}/{word}/{number}.wav")
    data = prepare(tmp_path / "data")
    assert (12, 4, 6) == (len(data.train), len(data.validation), len(data.test))
    assert all(name.startswith("dev/") for name in ids(data.validation))


@pytest.mark.parametrize(
    ("pattern", "place"),
    [("{word}/{voice}_{take}.wav", 0), ("{word}/{word}_{voice}_{take}.wav", 1), ("{word}/{voice}/{take}.wav", None)],
)
def test_without_lists_speakers_are_kept_apart(write: Write, tmp_path: Path, pattern: str, place: int | None) -> None:
    """Where names or folders tell who speaks, nobody is in two splits and every split has every word; seeds differ."""
    many(write, pattern)
    found = {}
    for seed in (0, 1):
        recordings = read_folder(str(tmp_path / "data"), SpeechParams(split_seed=seed))
        who = {name: {clip.speaker for clip in clips} for name, clips in recordings.splits.items()}
        assert {f"v{voice}" for voice in range(12)} == set().union(*who.values())
        assert 12 == sum(map(len, who.values()))
        assert all({clip.word for clip in clips} == {"yes", "no"} for clips in recordings.splits.values())
        assert f"by speaker (seed {seed})" == recordings.notes["split"]
        found[seed] = who["test"]
    assert found[0] != found[1]
    data = prepare(tmp_path / "data")
    assert [] == data.notes["warnings"]
    assert 0 == data.notes["speakers_in_train_and_test"]
    if place is not None:
        assert not speakers(data.train, place) & speakers(data.test, place)


def test_names_that_tell_no_speaker_are_split_by_word_with_a_warning(write: Write, tmp_path: Path) -> None:
    """Numbered files are split a tenth each within every word, always the same way, and it is said what that risks."""
    for word, count in (("yes", 20), ("no", 40), ("rare", 3)):
        for number in range(count):
            write(f"{word}/{word}_{number:03d}.wav")
    data, again = (prepare(tmp_path / "data") for _ in range(2))
    assert ids(data.test) == ids(again.test)
    assert {"no": 4, "rare": 1, "yes": 2} == data.notes["classes"]["test"] == data.notes["classes"]["validation"]
    assert any("one voice may be in train and in test" in text for text in data.notes["warnings"])


def test_few_speakers_are_split_all_the_same(write: Write, tmp_path: Path) -> None:
    """Three speakers, whom the hash rule puts into one split, are kept apart all the same: one for each."""
    many(write, "{word}/{voice}_nohash_{take}.wav", voices=3)
    recordings = read_folder(str(tmp_path / "data"), SpeechParams())
    assert [1, 1, 1] == [len({clip.speaker for clip in clips}) for clips in recordings.splits.values()]


@pytest.mark.parametrize(
    ("suffix", "form"),
    [
        ("wav", {"subtype": "PCM_U8"}),
        ("wav", {"subtype": "PCM_24"}),
        ("wav", {"subtype": "FLOAT"}),
        ("wav", {"subtype": "DOUBLE"}),
        ("wav", {"subtype": "ALAW"}),
        ("wav", {"subtype": "ULAW"}),
        ("flac", {}),
        ("ogg", {}),
        ("mp3", {"format": "MP3"}),
    ],
    ids=str,
)
def test_every_encoding_is_read(write: Write, tmp_path: Path, suffix: str, form: dict[str, str]) -> None:
    """Whatever the encoding, nothing is left out, and a tone of 440 Hz is loudest in the band it belongs to."""
    for word in ("yes", "no"):
        for number in range(6):
            write(f"{word}/{number}.{suffix}", rate=16000, **form)
    data = prepare(tmp_path / "data")
    assert [] == data.notes["dropped"]
    mean = np.array(data.notes["scaler"]["mean"])
    # 40 bands over 0..8 kHz on the mel scale: 440 Hz is 549 of 2840 mel, in the eighth.
    assert abs(int(mean.argmax()) - 7) <= 1


def test_mixed_rates_short_silent_and_stereo_clips(write: Write, tmp_path: Path) -> None:
    """Clips of any rate come at the commonest, one sample or silence is a frame of finite numbers, none is left out."""
    for word in ("yes", "no"):
        for number, rate in enumerate((16000, 16000, 16000, 8000, 22050, 44100, 48000)):
            write(f"{word}/{number}.wav", rate=rate)
        write(f"{word}/7.wav", rate=16000, seconds=0)
        write(f"{word}/8.wav", rate=16000, level=0)
    stereo = np.random.default_rng(0).normal(0, 0.1, (16000, 2))
    soundfile.write(tmp_path / "data" / "yes" / "9.wav", stereo, 16000)
    data = prepare(tmp_path / "data")
    assert (16000, []) == (data.notes["sample_rate"], data.notes["dropped"])
    lengths = np.concatenate([data.train.lengths, data.validation.lengths, data.test.lengths])
    assert 2 == (lengths == 1).sum()
    # Resampled clips have the frames of the others: 0.3 s.
    assert 15 <= (lengths == 1 + (4800 - 512) // 160).sum()
    assert np.isfinite(data.train.values).all()


def test_what_only_reading_shows_is_dropped_too(write: Write, tmp_path: Path) -> None:
    """A file with a sound header and samples that are not numbers is named and left out, its neighbours kept."""
    for word in ("yes", "no"):
        for number in range(20):
            write(f"{word}/{number}.wav")
    soundfile.write(tmp_path / "data" / "yes" / "3.wav", np.full(4000, np.nan), RATE, subtype="FLOAT")
    data = prepare(tmp_path / "data")
    assert 39 == sum(map(len, (data.train, data.validation, data.test)))
    assert ["yes/3.wav has samples that are no sound: not finite, or far beyond full scale"] == data.notes["dropped"]
    assert "1 recording was left out: yes/3.wav" in describe(data)


def test_padding_makes_all_clips_as_long(write: Write, tmp_path: Path) -> None:
    """With `pad` every clip has the frames of clip_seconds, whose beginning is as without."""
    many(write, "{word}/{voice}_{take}.wav", takes=1)
    short, padded = prepare(tmp_path / "data"), prepare(tmp_path / "data", pad=True, clip_seconds=0.5)
    frames = 1 + (4000 - 256) // 80
    assert {frames} == set(padded.train.lengths.tolist())
    assert set(short.train.lengths.tolist()) == {1 + (2400 - 256) // 80}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["one.wav", "two.wav"], "2 recordings .'one.wav' first. and no folder per word"),
        (["yes/one.wav", "yes/two.wav"], "fewer than two words .only of 'yes'"),
        (["_background_noise_/a.wav", "yes/one.wav"], "fewer than two words"),
        (["yes/one.wav", "no/two.wav"], "the validation split of .* is empty"),
    ],
)
def test_folders_that_cannot_do_are_told(write: Write, tmp_path: Path, files: list[str], message: str) -> None:
    """No words, one word, only noise beside it, or too little to split: one sentence each."""
    for name in files:
        write(name)
    with pytest.raises(DataError, match=message):
        prepare(tmp_path / "data")


def test_files_that_are_no_folder_are_told(write: Write, tmp_path: Path) -> None:
    """A single file, and recordings that libsndfile has no reader for, are told with what would do."""
    with pytest.raises(DataError, match="is a file: give a folder"):
        prepare(write("yes.wav"))
    foreign = tmp_path / "foreign" / "yes"
    foreign.mkdir(parents=True)
    (foreign / "a.m4a").write_bytes(b"x")
    with pytest.raises(DataError, match=r"only \.m4a files.*convert them"):
        prepare(foreign.parent)


def test_one_word_is_refused(write: Write, tmp_path: Path) -> None:
    """One word, however it is written or left over, is told in a sentence where it is asked for or found."""
    with pytest.raises(ValueError, match="words has only 'yes', which leaves nothing to tell apart"):
        SpeechParams(words="yes")  # type: ignore[arg-type]
    many(write, "{word}/{voice}_nohash_{take}.wav", voices=30)
    for source in (str(tmp_path / "data"), "builtin"):
        with pytest.raises(DataError, match=r"only the word 'yes' of .* is asked for.*give two or more out of"):
            SPEC.prepare(source, SpeechParams(words=("yes", "YES")), tmp_path)
    for number in range(40):
        write(f"no/w{number}_nohash_0.wav")
    for path in (tmp_path / "data" / "yes").iterdir():
        path.unlink()
    (tmp_path / "data" / "yes" / "v1_nohash_0.wav").write_bytes(b"RIFF nonsense")
    with pytest.raises(DataError, match=r"usable recordings of .* are of fewer than two words .only of no.: repair"):
        prepare(tmp_path / "data")


def test_long_recordings_are_counted(write: Write, tmp_path: Path) -> None:
    """What clip_seconds cuts off is told with how many and how long, and the value that the sentence gives keeps it."""
    many(write, "{word}/{voice}_{take}.wav", takes=1)
    write("yes/v3_7.wav", seconds=2.5)
    write("no/v3_8.wav", seconds=1.2)
    data = prepare(tmp_path / "data")
    [told] = data.notes["warnings"]
    assert told.startswith(
        "2 of 26 recordings are longer than clip_seconds = 1 and are cut there, the longest of 2.50 s"
    )
    assert "clip_seconds = 2.50 would keep" in told
    assert [] == prepare(tmp_path / "data", clip_seconds=2.5).notes["warnings"]
    [told] = prepare(tmp_path / "data", clip_seconds=0.2).notes["warnings"]
    assert told.startswith("26 of 26")
    [told] = SPEC.prepare("builtin", SpeechParams(words=("yes", "no"), clip_seconds=0.5), tmp_path).notes["warnings"]
    assert "longer than clip_seconds = 0.5" in told


def test_a_device_that_is_not_there_is_told(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a CUDA device `cuda` is one sentence with what there is; by default features are made on the CPU."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    many(write, "{word}/{voice}_{take}.wav", takes=1)
    with pytest.raises(DataError, match=r"no CUDA device here .there is: cpu.: use .*device=cpu"):
        prepare(tmp_path / "data", device="cuda")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert len(prepare(tmp_path / "data").train)


def read_names(source: str) -> set[str]:
    recordings = read_folder(source, SpeechParams())
    return {clip.id for clips in recordings.splits.values() for clip in clips}


def test_a_pattern_reads_what_its_key_tells(write: Write, tmp_path: Path) -> None:
    """Of a pattern only what it matches is read, and lists beside it: none elsewhere, no noise, no fetcher's notes."""
    many(write, "{word}/{voice}_nohash_{take}.wav", words=("yes", "no", "maybe"))
    write("_background_noise_/hum.wav", seconds=3)
    folder = tmp_path / "data"
    (folder / "fetched.json").write_text('{"warnings": ["told by a fetcher"]}')
    (folder / "Testing_List.TXT").write_text("yes/v1_nohash_0.wav\nno/v1_nohash_0.wav")
    files = SPEC.prepare(str(folder / "*" / "*_1.wav"), SpeechParams(augment_draws=1), tmp_path)
    assert "by lists" not in files.notes["split"]
    assert "synthetic" == files.notes["augmentation"]["noise"]
    assert any("no validation_list.txt or testing_list.txt does" in text for text in files.notes["warnings"])
    words = SPEC.prepare(str(folder / "[yn]*"), SpeechParams(augment_draws=1), tmp_path)
    assert {"yes/v1_nohash_0.wav", "no/v1_nohash_0.wav"} == ids(words.test)
    assert "synthetic" == words.notes["augmentation"]["noise"]
    assert "told by a fetcher" not in words.notes["warnings"]
    whole = SPEC.prepare(str(folder), SpeechParams(augment_draws=1), tmp_path)
    assert "recorded" == whole.notes["augmentation"]["noise"]
    assert "told by a fetcher" in whole.notes["warnings"]


def test_what_is_read_is_what_is_hashed(write: Write, tmp_path: Path) -> None:
    """Folders behind links are read once, by the names under which they are hashed; a broad pattern doubles nothing."""
    many(write, "{word}/{voice}_{take}.wav")
    folder = tmp_path / "data"
    (tmp_path / "elsewhere").mkdir()
    (folder / "no").rename(tmp_path / "elsewhere" / "no")
    (folder / "no").symlink_to(tmp_path / "elsewhere" / "no", target_is_directory=True)
    (folder / "yes" / "loop").symlink_to(folder, target_is_directory=True)
    hashed = {path.relative_to(folder).as_posix() for path in walk_files(folder)}
    assert hashed == read_names(str(folder))
    assert 48 == len(hashed)
    (folder / "yes" / "loop").unlink()
    recordings = read_folder(str(folder / "**"), SpeechParams())
    assert 48 == sum(map(len, recordings.splits.values()))
    assert hashed == read_names(str(folder / "**"))


def test_links_that_lead_nowhere_are_told(write: Write, tmp_path: Path) -> None:
    """A recording whose content is not there is warned of, and more than a twentieth of such are an error."""
    many(write, "{word}/{voice}_{take}.wav")
    (tmp_path / "data" / "yes" / "gone_0.wav").symlink_to(tmp_path / "nowhere")
    data = prepare(tmp_path / "data")
    assert ["1 recording is a link to a file that is not there, 'yes/gone_0.wav' first: left out."] == (
        data.notes["warnings"]
    )
    for number in range(1, 4):
        (tmp_path / "data" / "yes" / f"gone_{number}.wav").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"4 of 52 recordings .*yes/gone_0.wav is a link to a file that is not there"):
        prepare(tmp_path / "data")


def test_somebody_elses_fetched_json_is_no_matter(write: Write, tmp_path: Path) -> None:
    """A file of a fetcher's name with other content in it is passed over."""
    many(write, "{word}/{voice}_{take}.wav")
    for content in ("[1, 2]", "not JSON", '{"warnings": 3}', '{"url": "x"}'):
        (tmp_path / "data" / "fetched.json").write_text(content)
        assert [] == prepare(tmp_path / "data").notes["warnings"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_odd_names_survive(write: Write, tmp_path: Path, encoding: str) -> None:
    """Words with spaces, signs and accents, the latter as macOS writes them, are labels, ids, and found by lists."""
    words = ("$HOME", "bon jour", normalize("NFD", "été"), "a=b,c", "100%", "-x")
    many(write, "{word}/{voice}_nohash_{take}.wav", words=words, voices=4, takes=1)
    folder = tmp_path / "data"
    for file, voice in (("testing_list.txt", 1), ("validation_list.txt", 2)):
        text = "\n".join(normalize("NFC", f"{word}/v{voice}_nohash_0.wav") for word in words)
        (folder / file).write_bytes(text.encode(encoding))
    data = prepare(folder)
    assert isinstance(data.output, Classes)
    assert tuple(sorted(words)) == data.output.labels
    assert {f"{word}/v1_nohash_0.wav" for word in words} == ids(data.test)
    assert [] == data.notes["warnings"]
    two = prepare(folder, words=("été", "BON JOUR"))
    assert tuple(sorted(("bon jour", words[2]))) == two.output.labels  # type: ignore[union-attr]


def test_names_that_are_no_text_are_told(write: Write, tmp_path: Path) -> None:
    """A folder whose name is in another encoding than UTF-8 is one sentence, with its name as it can be written."""
    many(write, "{word}/{voice}_{take}.wav", takes=1)
    try:
        (tmp_path / "data" / "no").rename(tmp_path / "data" / os.fsdecode(b"\xe9t\xe9"))
    except OSError:
        pytest.skip("this system has no such names")
    with pytest.raises(DataError, match=r"udce9t.*is no UTF-8 text.*rename it"):
        prepare(tmp_path / "data")


@pytest.fixture
def commands(write: Write, tmp_path: Path) -> Path:
    """The ten commands and four other words by ten `_nohash_` speakers, with lists."""
    words = (*COMMANDS, "bed", "cat", "dog", "tree")
    many(write, "{word}/{voice}_nohash_{take}.wav", words=words, voices=10)
    folder = tmp_path / "data"
    for file, voice in (("validation_list.txt", "v8"), ("testing_list.txt", "v9")):
        listed = [f"{word}/{voice}_nohash_{take}.wav" for word in words for take in (0, 1)]
        (folder / file).write_text("\n".join(listed))
    return folder


def test_variant_12_is_the_papers(commands: Path, write: Write) -> None:
    """To the ten words a tenth each of unknown words and silence; silence is of noise that no other split has."""
    write("_background_noise_/hum.wav", seconds=20)
    data = prepare(commands, variant="12")
    assert isinstance(data.output, Classes)
    assert (*sorted(COMMANDS), "_silence_", "_unknown_") == data.output.labels
    assert (160 + 32, 20 + 4, 20 + 4) == (len(data.train), len(data.validation), len(data.test))
    assert 16 == data.notes["classes"]["train"]["_silence_"] == data.notes["classes"]["train"]["_unknown_"]
    unknown = [name for name in data.train.ids.tolist() if name.split("/")[0] in {"bed", "cat", "dog", "tree"}]
    assert 16 == len(unknown)
    assert [] == data.notes["warnings"]
    contents = [split.example(i).tobytes() for split in (data.train, data.test) for i in range(len(split))]
    assert len(set(contents)) == len(contents)


def test_variants_without_what_they_need(commands: Path, write: Write) -> None:
    """Without noise silence is zeros and warned of; without other words, or a command, 12 is told to be impossible."""
    data = prepare(commands, variant=12)
    assert any("zeros" in text for text in data.notes["warnings"])
    ten = prepare(commands, variant=10)
    assert tuple(sorted(COMMANDS)) == ten.output.labels  # type: ignore[union-attr]
    everything = prepare(commands, variant=35)
    assert 14 == everything.output.size
    assert any("has 14" in text for text in everything.notes["warnings"])
    with pytest.raises(DataError, match="the embedded data has the 10 commands only"):
        SPEC.prepare("builtin", SpeechParams(variant=12), commands)
    for path in (commands / "stop").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="has no word 'stop'"):
        prepare(commands, variant=12)


def test_a_tasks_id_names_its_variant() -> None:
    """`-12` for a variant, `[words=a,b]` for words, and further parameters beside them."""
    assert SPEC.suffix is not None
    assert "" == SPEC.suffix({})
    assert "-12" == SPEC.suffix({"variant": 12})
    assert "[words=no,yes]" == SPEC.suffix({"words": ["no", "yes"]})
    assert "-10[hop_seconds=0.02,pad=true]" == SPEC.suffix({"pad": True, "hop_seconds": 0.02, "variant": 10})
    with pytest.raises(ValueError, match="either variant or words"):
        SpeechParams(variant=12, words=("yes", "no"))


@pytest.mark.skipif(not (which("espeak-ng") and which("sox")), reason="espeak-ng and sox are not installed")
def test_spoken_words_are_prepared(tmp_path: Path) -> None:
    """Words that a synthesiser speaks, converted by sox to 11,025 Hz A-law, are split by the voice in their names."""
    for word in ("yes", "no"):
        (tmp_path / "data" / word).mkdir(parents=True)
        for voice in range(4):
            for take in range(2):
                wide = tmp_path / "wide.wav"
                pitch = ["-p", str(20 + 20 * voice), "-s", str(140 + 30 * take), "-w", str(wide), word]
                subprocess.run(["espeak-ng", *pitch], check=True)
                target = tmp_path / "data" / word / f"voice{voice}_{take}.wav"
                subprocess.run(["sox", str(wide), "-r", "11025", "-e", "a-law", str(target)], check=True)
    data = prepare(tmp_path / "data")
    assert (11025, 4) == (data.notes["sample_rate"], sum(data.notes["speakers"].values()))
    assert 0 == data.notes["speakers_in_train_and_test"]
