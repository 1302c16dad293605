"""Sources of the sentiment task: every shape that labelled texts come in is read as what it says, or told of."""

from __future__ import annotations

import bz2
import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sentiment_files import ROWS, Write, prepare
from seqbench import DataError, TaskData
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.task import SPEC


def table(rows: list[tuple[Any, ...]], separator: str = ",", end: str = "\n") -> str:
    file = io.StringIO()
    csv.writer(file, delimiter=separator, lineterminator=end).writerows(rows)
    return file.getvalue()


def labels(data: TaskData) -> tuple[str, ...]:
    return data.output.labels  # type: ignore[union-attr]


def texts(data: TaskData) -> dict[str, str]:
    """Every example's label by its text, over all splits."""
    splits = (data.train, data.validation, data.test)
    return {
        str(text): labels(data)[int(target)]
        for split in splits
        for text, target in zip(split.extras["text"], split.targets, strict=True)
    }


def header(*names: str) -> list[tuple[Any, ...]]:
    return [names]


SHAPES: dict[str, str | bytes] = {
    "semicolons.csv": table([("text", "label"), *ROWS], ";"),
    "semicolons_without_header.csv": table([(label, text) for text, label in ROWS], ";"),
    "bars.csv": table([("Review Text", "Rating"), *ROWS], "|"),
    "unnamed_columns.csv": table([("v1", "v2", "", "", ""), *[(label, text, "", "", "") for text, label in ROWS]]),
    "sentiment140.csv": table(
        [
            (label, 1467810369 + row, f"Mon Apr 06 22:19:{row % 60} PDT 2009", "NO_QUERY", f"user{row}", text)
            for row, (text, label) in enumerate(sorted(ROWS, key=lambda item: item[1]))
        ]
    ),
    "airline.csv": table(
        [
            (
                "tweet_id",
                "airline_sentiment",
                "airline_sentiment_confidence",
                "airline_sentiment_gold",
                "text",
                "place",
            ),
            *[(570306133677760513 + i, label, 1.0, "", text, "Texas") for i, (text, label) in enumerate(ROWS)],
        ]
    ),
    "amazon.csv": table([(label, f"Title {row % 7}", text) for row, (text, label) in enumerate(ROWS)]),
    "several_lines.tsv": table(
        [("text", "label"), *[(text.replace("film", "film\n"), pol) for text, pol in ROWS]], "\t"
    ),
    "line_breaks.csv": table(
        [("review", "sentiment"), *[(text.replace(", ", ",<br /><br />"), pol) for text, pol in ROWS]]
    ),
    "entities.csv": table([("text", "label"), *[(text.replace(",", "&#44;"), pol) for text, pol in ROWS]]),
    "backslashes.csv": "label,text\n" + "".join(f'{label},"\\"{text}\\""\n' for text, label in ROWS).replace('\\"', ""),
    "crlf.csv": table([("text", "label"), *ROWS], end="\r\n"),
    "old_mac.csv": table([("text", "label"), *ROWS], end="\r"),
    "utf16.csv": table([("text", "label"), *ROWS]).encode("utf-16"),
    "utf16_without_mark.csv": table([("text", "label"), *ROWS]).encode("utf-16-le"),
    "packed.csv.bz2": bz2.compress(table([("text", "label"), *ROWS]).encode()),
    "fasttext.txt": "".join(f"__label__{label} {text}\n" for text, label in ROWS),
    "fasttext_behind.txt": "".join(f"{text} __label__{label}\n" for text, label in ROWS),
    "label_first.txt": "".join(f"{label} {text}\n" for text, label in ROWS),
    "at.txt": "".join(f"{text}@{label}\n" for text, label in ROWS),
    "emotions.txt": "".join(f"{text};{label}\n" for text, label in ROWS),
    "SMSSpamCollection": "".join(f"{label}\t{text}\n" for text, label in ROWS),
    "stars.txt": "text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in ROWS),
    "list.json": json.dumps([{"headline": text, "is_good": label} for text, label in ROWS], indent=1),
    "columns.json": json.dumps({"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]}),
    "frame.json": json.dumps({name: {str(i): row[k] for i, row in enumerate(ROWS)} for k, name in enumerate("tl")}),
    "index.json": json.dumps({f"row {i}": {"text": text, "label": label} for i, (text, label) in enumerate(ROWS)}),
    "split.json": json.dumps({"columns": ["text", "label"], "index": list(range(80)), "data": ROWS}),
    "pairs.jsonl": "".join(json.dumps([label, text]) + "\n" for text, label in ROWS),
}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_a_file_of_any_shape(write: Write, name: str) -> None:
    """Each text has its own label, none is missing, whatever the file looks like."""
    data = prepare(write(name, SHAPES[name]))
    assert dict(ROWS) == texts(data)
    assert (64, 8, 8) == (len(data.train), len(data.validation), len(data.test))


def test_numbers_and_stars(write: Write) -> None:
    """Labels 0/1, -1/1 and stars as floats are ordered by value; `0 text` lines with commas are no table."""
    assert ("-1", "1") == labels(
        prepare(write("a.tsv", table([(1 - 2 * (i % 2), t) for i, (t, _) in enumerate(ROWS)], "\t")))
    )
    stars = [("reviewText", "overall"), *[(text, float(1 + i % 5)) for i, (text, _) in enumerate(ROWS)]]
    assert ("1", "2", "3", "4", "5") == labels(prepare(write("b.csv", table(stars))))
    lines = "".join(f"{i % 2} {text}\n" for i, (text, _) in enumerate(ROWS))
    assert ("0", "1") == labels(prepare(write("c.txt", lines)))


def test_trees(write: Write) -> None:
    """SST's trees give the root's label and the leaves in order, brackets as brackets."""
    lines = "".join(f"({i % 5} (2 -LRB-) ({i % 3} (2 film) (1 {i})))\n" for i in range(60))
    data = prepare(write("train.txt", lines))
    assert texts(data) == {f"( film {i}": str(i % 5) for i in range(60)}


def test_folders_of_texts(write: Write) -> None:
    """aclImdb: a text per file under train and test; unsup, vocabularies and lists of addresses are ignored."""
    for split in ("train", "test"):
        for number, (text, label) in enumerate(ROWS):
            write(f"top/aclImdb/{split}/{label}/{number}_9.txt", f"{split} {text}")
        write(f"top/aclImdb/{split}/urls_pos.txt", "http://a\n")
        write(f"top/aclImdb/{split}/urls_neg.txt", "http://b\n")
    write("top/aclImdb/train/unsup/0_0.txt", "what is this")
    write("top/aclImdb/README", "about")
    root = write("top/aclImdb/imdb.vocab", "the\n").parent
    for source in (root, root.parent, root / "*"):
        data = prepare(source)
        assert {f"{split} {text}": label for split in ("train", "test") for text, label in ROWS} == texts(data)
        assert (72, 8, 80) == (len(data.train), len(data.validation), len(data.test))
    assert "train/neg/0_9.txt" in {*data.train.ids, *data.validation.ids}
    assert dict(ROWS) == {text.removeprefix("train "): label for text, label in texts(prepare(root / "train")).items()}


def test_files_per_class(write: Write) -> None:
    """rt-polarity.pos and .neg are a text per line, as a folder or a pattern; one alone says what is missing."""
    for label in ("pos", "neg"):
        content = "".join(f"{text} caf\xe9 \x96 \n" for text, own in ROWS if own == label)
        path = write(f"rt/rt-polarity.{label}", content.encode("latin-1"))
    for source in (path.parent, path.with_suffix(".*")):
        data = prepare(source)
        assert {f"{text} café \N{EN DASH}": label for text, label in ROWS} == texts(data)
        assert 2 == sum("read as cp1252" in warning for warning in data.notes["warnings"])
    with pytest.raises(DataError, match="one label only"):
        prepare(path)


def test_texts_beside_labels(write: Write) -> None:
    """tweet_eval: texts and labels line by line, the labels' names from mapping.txt."""
    for split, part in (("train", ROWS[:60]), ("val", ROWS[60:70]), ("test", ROWS[70:])):
        write(f"t/{split}_text.txt", "".join(f"{text}\u2028 \x85\n" for text, _ in part))
        write(f"t/{split}_labels.txt", "".join(f"{int(label == 'pos')}\n" for _, label in part))
    data = prepare(write("t/mapping.txt", "0\tneg\n1\tpos\n").parent)
    assert (60, 10, 10, ("neg", "pos")) == (len(data.train), len(data.validation), len(data.test), labels(data))
    write("t/val_labels.txt", "1\n")
    with pytest.raises(DataError, match=r"10 lines and val_labels\.txt 1"):
        prepare(data_folder := write("t/mapping.txt", "").parent)
    assert data_folder.is_dir()


def test_a_pattern_joins_files(write: Write) -> None:
    """Files that a pattern matches are one source, places say which; named after splits they are the splits."""
    for part in range(2):
        path = write(f"p/part{part}_labelled.txt", "".join(f"{text}\t{label}\n" for text, label in ROWS[part::2]))
    data = prepare(path.with_name("*_labelled.txt"), dedupe=False)
    assert 80 == len(data.train) + len(data.validation) + len(data.test)
    assert {"part0_labelled.txt", "part1_labelled.txt"} == {place.partition(":")[0] for place in data.train.ids}
    for split in ("train", "test"):
        path = write(f"p/my_{split}.csv", table([("text", "label"), *[(f"{split} {t}", label) for t, label in ROWS]]))
    assert 80 == len(prepare(path.with_name("my_*.csv")).test)


def test_a_column_of_splits(write: Write) -> None:
    """A column that says train, val or test gives the splits."""
    names = ("train", "train", "train", "val", "test")
    rows = [("text", "label", "split"), *[(*row, names[i % 5]) for i, row in enumerate(ROWS)]]
    data = prepare(write("one.csv", table(rows)))
    assert (48, 16, 16, "by column split") == (
        len(data.train),
        len(data.validation),
        len(data.test),
        data.notes["split"],
    )


@pytest.mark.parametrize("test", [[("text",), ("a fine film",)], [("text", "label"), ("a fine film", -1), ("bad", -1)]])
def test_a_test_split_without_labels(write: Write, test: list[tuple[Any, ...]]) -> None:
    """It is an error that names the setting which holds a test split out of train, and that setting does so."""
    write("d/train.csv", table([("text", "label"), *[(text, int(label == "pos")) for text, label in ROWS]]))
    folder = write("d/test.csv", table(test)).parent
    with pytest.raises(DataError, match=r"test\.csv has .* tasks\.sentiment\.test_split=hold_out"):
        prepare(folder)
    data = prepare(folder, test_split="hold_out")
    assert (64, 8, 8) == (len(data.train), len(data.validation), len(data.test))
    assert any("tasks.sentiment.test_split=hold_out" in warning for warning in data.notes["warnings"])


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "naïve café"),
        ("cp1250", "był słaby, trochę nudny"),
        ("cp1254", "çok güzeldi, hiç s\u0131k\u0131lmad\u0131m, şahane"),
        ("cp1251", "очень хороший фильм"),
        ("gb18030", "这部电影非常好看"),
        ("cp932", "とても面白い"),
    ],
)
def test_other_encodings_are_told(write: Write, encoding: str, text: str) -> None:
    """What is not UTF-8 is read by the encoding that it is in, and a warning says which."""
    rows = [(f"{words} {text}", label) for words, label in ROWS]
    data = prepare(write("a.csv", table([("text", "label"), *rows]).encode(encoding)))
    assert dict(rows) == texts(data)
    assert [f"a.csv is not UTF-8 (line 2): it was read as {encoding}"] == data.notes["warnings"]


def test_one_broken_character_changes_no_encoding(write: Write) -> None:
    """A file of UTF-8 with a broken byte stays UTF-8; the line is told."""
    rows = [(f"{text} café", label) for text, label in ROWS]
    content = table([("text", "label"), *rows]).encode() + b"the \xff film,pos\n"
    data = prepare(write("a.csv", content))
    assert set(dict(rows)) < set(texts(data))
    assert ["a.csv has 1 broken character, the first in line 82: read as U+FFFD"] == data.notes["warnings"]


def test_rows_that_do_not_fit_are_told(write: Write) -> None:
    """A row of too many fields is left out and named; a stray quote is no end of the world."""
    data = prepare(write("a.csv", table([("text", "label"), *ROWS, ("a", "pos", "c")])))
    assert ["a.csv:82 has 3 fields, not 2"] == data.notes["dropped"]
    rows = [(f'"{text}" he said', label) if i == 3 else (text, label) for i, (text, label) in enumerate(ROWS)]
    plain = "label\ttext\n" + "".join(f"{label}\t{text}\n" for text, label in rows)
    assert dict(rows) == texts(prepare(write("b.tsv", plain)))
    joined = prepare(write("c.csv", "label,text\n" + "".join(f"{label},{text}\n" for text, label in ROWS)))
    assert dict(ROWS) == texts(joined)


def test_labels_that_differ_in_case_are_one(write: Write) -> None:
    """`Pos` beside `pos` is the same label, and a warning says so."""
    rows = [(text, {1: "Pos", 3: "POS"}.get(i, label)) for i, (text, label) in enumerate(ROWS)]
    data = prepare(write("a.csv", table([("text", "label"), *rows])))
    told = "labels that differ only in case are one class: POS, Pos, pos \N{RIGHTWARDS ARROW} pos"
    assert (("neg", "pos"), [told]) == (labels(data), data.notes["warnings"])


def test_no_text_in_two_splits(write: Write) -> None:
    """After dedupe no text is in two splits, whatever its case and white space; how many left is noted."""
    shared = [(text.upper().replace(" ", "  "), label) for text, label in ROWS[:4]]
    for split, part in (
        ("train", ROWS[:60] + ROWS[70:72]),
        ("dev", ROWS[60:70] + shared[:2]),
        ("test", ROWS[70:] + shared[1:]),
    ):
        folder = write(f"d/{split}.csv", table([("text", "label"), *part])).parent
    data = prepare(folder)
    keys = [
        {"".join(str(text).lower().split()) for text in s.extras["text"]}
        for s in (data.train, data.validation, data.test)
    ]
    assert not keys[0] & keys[1] | keys[0] & keys[2] | keys[1] & keys[2]
    assert (6, 1) == (data.notes["removed_from_train"], data.notes["removed_from_validation"])
    assert not SPEC.sentinels["no_text_in_two_splits"](str(folder), SentimentParams(), Path())
    assert 62 == len(prepare(folder, dedupe=False).train)
    assert np.array_equal(data.test.targets, prepare(folder, dedupe=False).test.targets)
