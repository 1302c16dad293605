"""What the sentiment task leaves out of a source, joins or repairs: nothing of it goes without a word."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentiment_files import ROWS, Write, prepare, table
from seqbench import DataError, TaskData
from seqbench.sources import files_of
from seqbench_tasks.sentiment.encoding import read_bytes
from seqbench_tasks.sentiment.task import SPEC


def labels(data: TaskData) -> tuple[str, ...]:
    return data.output.labels  # type: ignore[union-attr]


def sizes(data: TaskData) -> tuple[int, int, int]:
    return len(data.train), len(data.validation), len(data.test)


def by_column(words: dict[int, str], *, column: str = "split") -> str:
    """ROWS with a column that divides them 3 : 1 : 1, but for the rows where `words` says another."""
    names = ("train", "train", "train", "val", "test")
    rows = [(*row, words.get(number, names[number % 5])) for number, row in enumerate(ROWS)]
    return table(("text", "label", column), *rows)


def test_rows_of_no_split_are_told(write: Write) -> None:
    """A row whose split cell is empty or says something unknown is left out by line and reason."""
    data = prepare(write("a.csv", by_column({4: "", 9: "holdout"})))
    assert ["a.csv:6 has no split", "a.csv:11 has the unknown split 'holdout'"] == data.notes["dropped"]
    assert (48, 16, 14) == sizes(data)


def test_many_rows_of_no_split_are_an_error(write: Write) -> None:
    """More than 5 % of them are an error that lists the first ten, and is not a split drawn instead."""
    with pytest.raises(
        DataError, match=r"a\.csv has 16 incomplete rows of 80 .*a\.csv:6 has no split; .*a\.csv:51 "
    ) as caught:
        prepare(write("a.csv", by_column(dict.fromkeys(range(4, 80, 5), ""))))
    assert 10 == str(caught.value).count("has no split")
    with pytest.raises(DataError, match=r"has the unknown split 'x'"):
        prepare(write("b.csv", by_column(dict.fromkeys(range(4, 80, 5), "x"))))


def test_unlabelled_rows_and_held_out_ones_of_a_column_are_told(write: Write) -> None:
    """`unsup` is no split and no mistake: its rows are counted in a warning, as are those of a test not wanted."""
    path = write("a.csv", by_column(dict.fromkeys(range(0, 80, 5), "unsup"), column="set"))
    data = prepare(path, test_split="hold_out")
    assert (32 + 16) == sum(sizes(data))
    assert [
        "16 rows of a.csv not used: no label, by column set",
        "the source's own test split was not used: tasks.sentiment.test_split=hold_out",
    ] == data.notes["warnings"]


def test_a_column_of_splits_over_several_files(write: Write) -> None:
    """Files of a pattern, each of one split by its column, are divided by it."""
    for split, part in (("train", ROWS[:60]), ("val", ROWS[60:70]), ("test", ROWS[70:])):
        path = write(
            f"p/{'abc'[len(split) % 3]}_{split[0]}.csv",
            table(("text", "label", "split"), *[(*row, split) for row in part]),
        )
    assert (60, 10, 10) == sizes(prepare(path.with_name("*.csv")))


def test_rows_of_neither_text_nor_label_are_told(write: Write) -> None:
    """A row with other cells only is left out and named; an empty line of a spreadsheet is not."""
    rows = [(number, *row) for number, row in enumerate(ROWS)]
    data = prepare(write("a.csv", table(("id", "text", "label"), *rows, (80, "", ""), ("", "", ""))))
    assert ["a.csv:82 has neither text nor label"] == data.notes["dropped"]


def test_every_class_folder_is_read_or_told(write: Write) -> None:
    """Texts may be .md, .text or numbered, folders links; what is no text, or no class, is told by name."""
    for number in range(12):
        for label, name in (("pos", f"{number}.txt"), ("neg", f"deep/{number}.text"), ("neutral", f"{number}.md")):
            write(f"d/{label}/{name}", f"the {label} film {number}")
        write(f"elsewhere/a.b.{number}", f"the mixed film {number}")
        write(f"d/html/{number}.html", "<p>")
    write("d/pos/README.md", "about")
    write("d/pos/x.html", "<p>")
    write("d/docs/guide.md", "about")
    write("d/more.csv", "text,label\n")
    root = write("d/LICENSE", "free").parent
    (root / "mixed").symlink_to(root.parent / "elsewhere", target_is_directory=True)
    for source in (root, root / "*"):
        data = prepare(source)
        assert (("mixed", "neg", "neutral", "pos"), 48) == (labels(data), sum(sizes(data)))
        assert ["docs, html and more.csv were not used", "x.html of d/pos was not used"] == data.notes["warnings"]
    assert {f"d/neg/deep/{number}.text" for number in range(12)} < {
        *data.train.ids,
        *data.validation.ids,
        *data.test.ids,
    }


def test_a_link_back_gives_no_class_the_texts_of_another(write: Write) -> None:
    """A link in a class's folder to where all classes lie is not followed into them."""
    for text, label in ROWS:
        folder = write(f"d/{label}/{text[9:20]}.txt", text).parent
    (folder / "all").symlink_to(folder.parent, target_is_directory=True)
    data = prepare(folder.parent)
    assert dict(ROWS) == {
        str(text): labels(data)[int(target)]
        for split in (data.train, data.validation, data.test)
        for text, target in zip(split.extras["text"], split.targets, strict=True)
    }
    assert 80 == sum(sizes(data))


def test_class_folders_of_a_pattern_keep_their_splits(write: Write) -> None:
    """Class folders that lie in folders named after splits are of these, and what lies in others is told."""
    for split in ("train", "test", "more"):
        for number, (text, label) in enumerate(ROWS):
            folder = write(f"d/{split}/{label}/{number}.txt", f"{split} {text}").parent
    data = prepare(folder.parents[1] / "*" / "*")
    assert ((72, 8, 80), ["neg and pos were not used"]) == (sizes(data), data.notes["warnings"])


def test_what_lies_beside_splits_is_told(write: Write) -> None:
    """Files and folders that are of no split are named, by their folders where there are several, not all of many."""
    for split in ("train", "test"):
        for number, (text, label) in enumerate(ROWS):
            write(f"d/{split}/{label}/{number}.txt", f"{split} {text}")
        for kind in ("pos", "neg", "unsup"):
            write(f"d/{split}/urls_{kind}.txt", "http://a\n")
    data = prepare(write("d/notes.xlsx", b"PK").parents[0])
    named = "test/urls_neg.txt, test/urls_pos.txt, test/urls_unsup.txt, train/urls_neg.txt, train/urls_pos.txt"
    assert [f"{named} and 2 others were not used"] == data.notes["warnings"]


def test_files_of_several_names_in_a_split_are_told(write: Write) -> None:
    """They are read together, and a warning says so; shards of one name need none."""
    for name, part in (("a.csv", ROWS[:40]), ("b.csv", ROWS[40:])):
        folder = write(f"d/train/{name}", table(("text", "label"), *part)).parent
    data = prepare(folder.parent)
    assert (80, ["a.csv and b.csv are read together as train"]) == (sum(sizes(data)), data.notes["warnings"])
    for path in folder.iterdir():
        path.rename(path.with_name(f"train-0000{path.stem == 'b':d}-of-00002.csv"))
    assert [] == prepare(folder.parent).notes["warnings"]


def complaint(path: Path) -> str:
    """What is said of a file that cannot be read, if it cannot."""
    try:
        read_bytes(path)
    except DataError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".bz2"])
def test_damaged_archives_are_one_sentence(write: Write, suffix: str) -> None:
    """Whatever byte is wrong and wherever a file is cut, texts and vectors give a sentence and no traceback."""
    packs: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}
    whole = packs[suffix](table(("text", "label"), *ROWS).encode())
    damaged = [
        whole[: len(whole) // 2],
        *[whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :] for at in range(12, len(whole), 9)],
    ]
    told = [sentence for sentence in (complaint(write(f"a.csv{suffix}", content)) for content in damaged) if sentence]
    assert len(told) > len(damaged) / 2
    assert all("cannot be read" in sentence and "\n" not in sentence for sentence in told)
    for content in damaged[:6]:
        with pytest.raises(DataError, match=r"vectors|cannot be read|numbers"):
            prepare("builtin", reviews=(60, 20, 20), embeddings=str(write(f"v.txt{suffix}", content)))


def test_halves_of_characters_are_replaced(write: Write) -> None:
    """A tweet cut within an emoji reads as U+FFFD, in texts, labels, names of columns and of folders alike."""
    rows = [{"text": f"{text} \ud83d", "label": f"{label}\udc00", "\ud83d": 1} for text, label in ROWS]
    data = prepare(write("a.jsonl", "".join(json.dumps(row) + "\n" for row in rows)))
    assert (("neg\ufffd", "pos\ufffd"), 80) == (labels(data), sum(sizes(data)))
    assert all(str(text).endswith(" \ufffd") for text in data.train.extras["text"])
    for label in ("n\udce9g", "pos"):
        for number in range(10):
            folder = write(f"d/{label}/{number}\udce9.txt", f"the film {label == 'pos'} {number}").parent
    data = prepare(folder.parent)
    assert ("n\ufffdg", "pos") == labels(data)
    assert all(str(name).encode() for name in data.train.ids)


def test_strings_of_parquet_that_are_no_utf8(tmp_path: Path) -> None:
    """Broken strings and byte columns of parquet are read, what cannot be as U+FFFD."""
    texts = pa.array([text.encode() + b" \xed\xa0\xbd" for text, _ in ROWS])
    broken = pa.StringArray.from_buffers(len(texts), *texts.buffers()[1:])
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": broken, "label": [label.encode() for _, label in ROWS]}), path)
    data = prepare(path)
    assert ("neg", "pos") == labels(data)
    assert all("film" in str(text) and str(text).endswith("\ufffd") for text in data.test.extras["text"])


@pytest.mark.parametrize(
    "content", ["[" * 100_000, '{"a": ' * 100_000, f"[{'9' * 5000}]", '{"a": 1' + "0" * 5000 + "}"]
)
def test_json_beyond_limits_is_one_sentence(write: Write, content: str) -> None:
    """Deep nesting and endless numbers are told like any other json that cannot be read."""
    with pytest.raises(DataError, match="cannot be read as json") as caught:
        prepare(write("a.json", content))
    assert "\n" not in str(caught.value)


def test_small_files_of_utf16(write: Write) -> None:
    """Texts of a class's folder are read by their byte order marks, one by one."""
    for number, (text, label) in enumerate(ROWS):
        folder = write(f"d/{label}/{number}.txt", text.encode("utf-16" if number % 3 else "utf-8")).parent
    data = prepare(folder.parent)
    assert {text for text, _ in ROWS} > {str(text) for text in data.train.extras["text"]}


def test_a_pattern_reads_no_more_than_is_in_its_key(write: Write) -> None:
    """Labels and their names beside the texts that a pattern matches are read, and are files of its key."""
    for split, part in (("train", ROWS[:60]), ("val", ROWS[60:70]), ("test", ROWS[70:])):
        write(f"t/{split}_text.txt", "".join(f"{text}\n" for text, _ in part))
        write(f"t/{split}_labels.txt", "".join(f"{int(label == 'pos')}\n" for _, label in part))
    write("t/other.csv", "text,label\n")
    mapping = write("t/mapping.txt", "0\tneg\n1\tpos\n")
    pattern = str(mapping.with_name("*_text.txt"))
    data = prepare(pattern)
    assert ((60, 10, 10), ("neg", "pos")) == (sizes(data), labels(data))
    key = {path.name for path in files_of(pattern, SPEC.sidecars)}
    assert {f"{s}_{k}.txt" for s in ("train", "val", "test") for k in ("text", "labels")} | {"mapping.txt"} == key


def test_pairs_in_several_folders_are_joined(write: Write) -> None:
    """Files of one name in several folders are one split, none of them is lost."""
    for folder, part in (("a", ROWS[:40]), ("b", ROWS[40:])):
        write(f"t/{folder}/train_text.txt", "".join(f"{text}\n" for text, _ in part))
        path = write(f"t/{folder}/train_labels.txt", "".join(f"{label}\n" for _, label in part))
    data = prepare(path.parents[1] / "*" / "train_*.txt")
    assert 80 == sum(sizes(data))
    assert {f"{folder}/train_text.txt:{line}" for folder in "ab" for line in range(1, 41)} == {
        *data.train.ids,
        *data.validation.ids,
        *data.test.ids,
    }


def test_nothing_is_read_beside_a_plain_file(write: Write) -> None:
    """A file given by its path is all that its key has, so a mapping.txt beside it changes nothing."""
    path = write("t/train_text.txt", "".join(f"{int(label == 'pos')}\t{text}\n" for text, label in ROWS))
    alone = prepare(path)
    write("t/mapping.txt", "0\tneg\n1\tpos\n")
    write("t/train_labels.txt", "neg\n" * 80)
    beside = prepare(path)
    assert ("0", "1") == labels(alone) == labels(beside)
    assert np.array_equal(alone.train.values, beside.train.values)
    assert [path] == files_of(str(path), SPEC.sidecars)


def test_a_label_that_only_test_has_offers_hold_out(write: Write) -> None:
    """Sentiment140's neutral tweets, which are in test only: one sentence says what would do, and it does."""
    write("d/train.csv", table(("text", "label"), *[(text, 4 * (label == "pos")) for text, label in ROWS[:60]]))
    folder = write(
        "d/test.csv", table(("text", "label"), *[(text, i % 3 * 2) for i, (text, _) in enumerate(ROWS[60:])])
    ).parent
    with pytest.raises(
        DataError, match=r"test\.csv:3 has the label '2'.* tasks\.sentiment\.test_split=hold_out\.$"
    ) as caught:
        prepare(folder)
    assert 1 == str(caught.value).count(". ") + str(caught.value).endswith(".")
    assert ("0", "4") == labels(prepare(folder, test_split="hold_out"))


def test_errors_name_the_settings(write: Write) -> None:
    """A setting that would mend things is named by its full key."""
    path = write("a.csv", table(("text", "label"), *ROWS))
    for wrong, key in (({"label_column": "nope"}, "label_column"), ({"text_column": "nope"}, "text_column")):
        with pytest.raises(DataError, match=rf"correct tasks\.sentiment\.{key}\.$"):
            prepare(path, **wrong)
    with pytest.raises(DataError, match=r"tasks\.sentiment\.text_column and tasks\.sentiment\.label_column"):
        prepare(path, text_column="text", label_column="text")
