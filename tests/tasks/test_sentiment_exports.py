"""Exports as users have them: Western letters, nested records, packed files that are none, labels that contradict."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from sentiment_files import ROWS, Write, prepare, table
from seqbench import DataError, TaskData
from seqbench_tasks.sentiment.encoding import detect
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.task import describe


def texts(data: TaskData) -> dict[str, str]:
    """Every example's label by its text, over all splits."""
    labels = data.output.labels  # type: ignore[union-attr]
    return {
        str(text): labels[int(target)]
        for split in (data.train, data.validation, data.test)
        for text, target in zip(split.extras["text"], split.targets, strict=True)
    }


LATIN = {
    "French": ("cp1252", "très bon, déjà vu à l\N{RIGHT SINGLE QUOTATION MARK}hôtel"),
    "French among English": ("cp1252", "\N{LEFT DOUBLE QUOTATION MARK}très\N{RIGHT DOUBLE QUOTATION MARK} naïve, €5"),
    "Italian": ("cp1252", "è così buono, perché no, più volte, però città"),
    "Danish": ("cp1252", "må få gå på, gør før"),
    "Spanish": ("cp1252", "¿Qué tal? ¡Muy bueno! años"),
    "runs of dashes": ("cp1252", "\N{EM DASH}" * 9 + " café"),
    "Polish": ("cp1250", "był słaby, trochę nudny, świetny ośrodek, część pokojów"),
    "Polish, ISO": ("iso8859_2", "był słaby, trochę nudny, świetny ośrodek, część pokojów"),
    "Czech": ("cp1250", "byl opravdu špatný, nelíbil se mi vůbec, příště půjdu jinam, děkuji"),
    "Hungarian": ("cp1250", "őszintén szólva a szűk szoba rossz volt, gyönyörű kilátás"),
    "Romanian": ("cp1250", "mâncarea a fost excelentă şi murdară, însă preţ mic"),
    "Turkish": ("cp1254", "çok güzel, hiç s\u0131k\u0131lmad\u0131m, şahane, müthiş, değil mi"),
}


@pytest.mark.parametrize("language", LATIN)
def test_latin_letters_are_read_by_their_encoding(language: str) -> None:
    """Bytes that Western and central European letters share are Western, unless only the others are a language."""
    encoding, words = LATIN[language]
    assert encoding == detect("".join(f"the film {number}, {words}\n" for number in range(40)).encode(encoding))


def test_a_named_encoding_wins(write: Write) -> None:
    """`encoding` is taken for every kind of text file, and told; one that cannot be is an error."""
    rows = [(f"{text} à è", label) for text, label in ROWS]
    path = write("a.csv", table(("text", "label"), *rows).encode("cp1250", errors="replace").replace(b"?", b"\xe8"))
    assert all(text.endswith("č č") for text in texts(prepare(path, encoding="cp1250")))
    assert ["a.csv was read as cp1250, by tasks.sentiment.encoding"] == prepare(path, encoding="cp1250").notes[
        "warnings"
    ]
    with pytest.raises(DataError, match=r"^a\.csv cannot be read as ascii: correct tasks\.sentiment\.encoding\.$"):
        prepare(path, encoding="ascii")
    with pytest.raises(ValidationError, match="no encoding of text"):
        SentimentParams(encoding="cp9999")
    for number, (text, label) in enumerate(ROWS):
        folder = write(f"d/{label}/{number}.txt", f"{text} \xe8".encode("latin-1")).parent
    assert all(text.endswith("č") for text in texts(prepare(folder.parent, encoding="cp1250")))
    marked = write("b.csv", table(("text", "label"), *rows).encode("utf-8-sig"))
    assert dict(rows) == texts(prepare(marked, encoding="utf-8"))


def test_objects_in_objects_are_columns(write: Write, tmp_path: Path) -> None:
    """Their columns have dotted names, found by the last part or named; lists are no labels, and are told of."""
    records = [
        {"id": number, "review": {"body": text, "lang": "en"}, "meta": {"label": label}, "tags": [label]}
        for number, (text, label) in enumerate(ROWS)
    ]
    path = write("a.jsonl", "".join(json.dumps(record) + "\n" for record in records))
    pq.write_table(pa.Table.from_pylist(records), tmp_path / "a.parquet")
    for source in (path, tmp_path / "a.parquet"):
        data = prepare(source)
        assert ("review.body", "meta.label") == (data.notes["text_column"], data.notes["label_column"])
        assert dict(ROWS) == texts(data) == texts(prepare(source, text_column="review.body"))
        with pytest.raises(DataError, match=r"^column 'tags' of a\.\w+ has lists or objects in it"):
            prepare(source, label_column="tags")
        with pytest.raises(DataError, match=r"set tasks\.sentiment\.label_column to meta\.label\.$"):
            prepare(source, label_column="meta")
    only_lists = [{"text": text, "label": [label]} for text, label in ROWS]
    with pytest.raises(DataError, match=r"looks like a label \(text, label \(lists or objects\)\)"):
        prepare(write("b.jsonl", "".join(json.dumps(record) + "\n" for record in only_lists)))


def test_a_readme_is_not_the_data(write: Write) -> None:
    """Pang and Lee's archive has its README beside the folder, which is read; so is the only folder with data."""
    for label in ("pos", "neg"):
        write(f"d/rt/rt-polarity.{label}", "".join(f"{text}\n" for text, own in ROWS if own == label))
    write("d/docs/guide.pdf", b"%PDF")
    root = write("d/rt-polaritydata.README.1.0.txt", "what this is\nand where from\n").parent
    data = prepare(root)
    assert (dict(ROWS), ["docs was not used"]) == (texts(data), data.notes["warnings"])


def test_contradicting_labels_are_counted(write: Write) -> None:
    """A text with two labels, in one split or in two, is counted once and told with its places."""
    train = [*ROWS[:60], (ROWS[0][0].upper(), "pos"), (ROWS[0][0], "pos")]
    write("d/train.csv", table(("text", "label"), *train))
    folder = write("d/test.csv", table(("text", "label"), *ROWS[60:], (ROWS[3][0], "neg"))).parent
    data = prepare(folder)
    told = "2 texts with more than one label (the first: train.csv:2 (neg) and train.csv:62 (pos))"
    assert 2 == data.notes["contradictions"]
    counted = {warning.partition(" (")[0] for warning in data.notes["warnings"]}
    assert {told.partition(" (")[0]} == counted
    clean = prepare(write("b.csv", table(("text", "label"), *ROWS)))
    assert (0, []) == (clean.notes["contradictions"], clean.notes["warnings"])


def test_what_was_done_is_described(write: Write) -> None:
    """Columns, rows, duplicates and how it was split are said; names of files keep their letters."""
    rows = [*ROWS, *ROWS[:30]]
    said = describe(prepare(write("a.csv", table(("review", "class"), *rows, ("", "neg")))))
    assert "split at random, the same part of every label (split_seed 0): " in said
    assert "The text is column 'review', the label column 'class', of 111 rows." in said
    assert "Left out: 1 row (a.csv:112 has no text)." in said
    assert "Texts removed as duplicates of a later split's: " in said
    write("d/train.csv", table(("text", "label"), *ROWS[:60]))
    folder = write("d/test.csv", table(("text", "label"), *ROWS[60:])).parent
    drawn = "split by files, validation at random, the same part of every label (split_seed 3): "
    assert drawn in describe(prepare(folder, split_seed=3))
    lines = describe(prepare(write("l.txt", "".join(f"__label__{label} {text} \xe9\n" for text, label in ROWS))))
    assert "column" not in lines
    strange = write("small.csv", table(("text", "label"), *[(f"{t} \xe9", n) for t, n in ROWS]).encode("latin-1"))
    assert "Note: small.csv is not UTF-8 (line 2): it was read as cp1252." in describe(prepare(strange))


def test_names_do_not_say_what_is_packed(write: Write) -> None:
    """A plain file named .gz is read as it is, and a packed one without the ending too."""
    content = table(("text", "label"), *ROWS)
    assert dict(ROWS) == texts(prepare(write("plain.csv.gz", content)))
    assert dict(ROWS) == texts(prepare(write("packed.csv", gzip.compress(content.encode()))))
    vectors = "".join(f"{word} 1.0 {number}.0\n" for number, word in enumerate(("film", "good", "bad")))
    data = prepare(write("b.csv", content), embeddings=str(write("v.txt.gz", vectors)))
    assert 3 == data.notes["embeddings"]["found"]


def test_what_no_column_looks_like(write: Write) -> None:
    """A table without labels says so, with the names of its header, even where prices are missing."""
    path = write("a.csv", table(("id", "text"), *enumerate(text for text, _ in ROWS)))
    with pytest.raises(DataError, match=r"^no column of a\.csv looks like a label \(id, text\)"):
        prepare(path)
    prices = [(f"2015-01-{day:02}", 150 + day / 7, "null" if day == 9 else 140 + day / 7) for day in range(1, 29)]
    with pytest.raises(DataError, match=r"looks like a .* \(Date, Open, Adj Close\)"):
        prepare(write("b.csv", table(("Date", "Open", "Adj Close"), *prices)))


def test_errors_of_a_folder_name_the_files(write: Write) -> None:
    """Labels that are none, in files of a folder, are told with the names of the files."""
    for name, part in (("one.csv", ROWS[:40]), ("two.csv", ROWS[40:])):
        rows = [(text, f"{text[:20]}") for text, _ in part]
        folder = write(f"d/train/{name}", table(("text", "label"), *rows)).parent
    with pytest.raises(DataError, match=r"column 'label' of one\.csv and two\.csv has 80 different labels in 80 rows"):
        prepare(folder.parent)
