"""Which columns of a table are the text, the label and the split, and whether its first row is a header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

TEXT_NAMES = (
    *("text", "sentence", "review", "content", "comment", "body", "phrase", "tweet", "document", "reviewtext"),
    *("reviews", "comments", "message", "headline", "post", "utterance", "statement", "question", "title", "summary"),
)
LABEL_NAMES = (
    *("label", "sentiment", "class", "polarity", "rating", "stars", "score", "target", "category", "labels"),
    *("overall", "emotion", "star", "sentiments", "ratings", "intent", "spam", "toxic"),
)
SENTIMENT_WORDS = {"positive", "negative", "neutral", "pos", "neg", "ham", "spam", "good", "bad", "joy", "sadness"}
SPLIT_COLUMNS = ("split", "set", "partition", "subset", "splitset", "split_name", "dataset", "usage", "phase", "part")
SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "devel", "eval"),
    "test": ("test", "testing"),
}
UNLABELLED = {"unsup", "unsupervised", "unlabeled", "unlabelled"}
"""What texts without labels are called, beside those of the splits."""
MAX_LABEL_WORDS = 4
"""A label is short; a text has more words on average."""
MAX_LABELS = 50
MIN_FILLED_PART = 0.9
"""Of its cells a column of labels must have."""
SAMPLE_ROWS = 500
WITHOUT_SPACES = re.compile("[\u0e00-\u0e7f\u2e80-\u9fff\uac00-\ud7ff]")
"""Letters of Thai, Chinese, Japanese and Korean: about two make a word."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

Table = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Columns:
    """The names of the text and the label column, and of those that could be the label as well."""

    text: str
    label: str
    rivals: tuple[str, ...] = ()


def find_columns(columns: Table, text: str | None = None, label: str | None = None) -> Columns | None:
    """By name where a column has a usual one, else by type: the text is the wordiest, the label repeats itself."""
    text, label, rivals = likely_columns(columns, text, label)
    return Columns(text, label, rivals) if text and label else None


def likely_columns(
    columns: Table, text: str | None = None, label: str | None = None
) -> tuple[str | None, str | None, tuple[str, ...]]:
    """The text, the label, and what else the label could be; None for what no column looks like."""
    given = text
    text = text or _text_by_name(columns, exclude=label) or _wordiest(columns, exclude=label)
    rest = {name: values for name, values in columns.items() if name != text}
    rivals: list[str] = []
    if label is None:
        label = _label_by_name(rest)
        if label is None:
            rivals = _most_repeated(rest)
            label = rivals[0] if rivals else None
    if text is None and given is None and label is not None:
        others = [name for name in columns if name != label]
        is_text = len(others) == 1 and not all(map(NUMBER.fullmatch, columns[others[0]]))
        text = others[0] if is_text else None
    return text, label, tuple(rivals[1:])


def split_column(columns: Table) -> str | None:
    """The column that says of each row which split it is in, if there is one: it names train and another."""
    for name, values in columns.items():
        if name.strip().lower() in SPLIT_COLUMNS:
            kinds = {split_of(word) for word in set(values)} - {None}
            if len(kinds) > 1 and "train" in kinds:
                return name
    return None


def split_of(word: str) -> str | None:
    """The split that a word names (`dev` is validation)."""
    return next((split for split, names in SPLIT_NAMES.items() if word.strip().lower() in names), None)


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Is the first row of a file the names of its columns?

    rows: the first row and others from all over the file. Yes if it has a usual name that no row below repeats, or a
    word over a column of numbers; no if one of its cells is a number; else yes if its label is one that no row below
    has and its text is no more than two words.
    """
    first = [cell.strip() for cell in rows[0]]
    body = {str(place): [row[place] for row in rows[1:] if place < len(row)] for place in range(len(first))}
    known = {*TEXT_NAMES, *LABEL_NAMES}
    named = [place for place, cell in enumerate(first) if cell.lower() in known]
    if any(first[place] not in body[str(place)] for place in named):
        return True
    if any(NUMBER.fullmatch(cell) for cell in first):
        return False
    for place, cell in enumerate(first):
        filled = [value for value in body[str(place)] if value.strip()]
        numbers = sum(1 for value in filled if NUMBER.fullmatch(value.strip()))
        if cell and len(filled) > 1 and numbers >= MIN_FILLED_PART * len(filled):
            return True
    found = find_columns(body)
    if found is None:
        return False
    label, text = int(found.label), int(found.text)
    return rows[0][label] not in body[found.label] and len(first[text].split()) <= 2


def word_count(text: str) -> float:
    """Words of a text: what stands between spaces, and half of the letters of scripts without spaces."""
    return len(text.split()) + len(WITHOUT_SPACES.findall(text)) / 2


def mean_words(values: Sequence[str]) -> float:
    """Words per filled cell, of some rows from all over the column."""
    sample = [value for value in values[:: max(1, len(values) // SAMPLE_ROWS)] if value.strip()]
    return sum(map(word_count, sample)) / max(1, len(sample))


def _parts(name: str) -> set[str]:
    """The words of a name: `reviews.text`, `OriginalTweet`, `airline_sentiment`."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    return set(re.split(r"[^a-z]+", spaced.lower()))


def _plain(name: str) -> str:
    return name.strip().lower()


def _last(name: str) -> str:
    """`body` of `review.body`."""
    return _plain(name).rpartition(".")[2]


def _by_name(names: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """Names that are a wanted one, then those whose last part is, then those with one as a word, short names first."""
    pool = list(names)
    found: list[str] = []
    for key in (_plain, _last):
        exact = {key(name): name for name in reversed(pool)}
        found += [exact[want] for want in wanted if want in exact and exact[want] not in found]
    parts = {name: _parts(name) for name in pool}
    for want in wanted:
        found += sorted((name for name in pool if want in parts[name] and name not in found), key=len)
    return found


def _text_by_name(columns: Table, exclude: str | None) -> str | None:
    candidates = [name for name in columns if name != exclude]
    found = _by_name(candidates, TEXT_NAMES)
    exact = [name for name in found if _last(name) in TEXT_NAMES]
    likely = [name for name in found if mean_words(columns[name]) > 1.2]
    return next(iter(likely or exact), None)


def _label_by_name(columns: Table) -> str | None:
    found = _by_name(columns, LABEL_NAMES)
    exact = [name for name in found if _last(name) in LABEL_NAMES]
    likely = [name for name in found if _is_label(columns[name])]
    return next(iter(likely or exact), None)


def _is_label(values: Sequence[str]) -> bool:
    counts = Counter(value.strip() for value in values)
    empty = counts.pop("", 0)
    enough = max(2, (len(values) - empty) // 2)
    is_filled = empty <= (1 - MIN_FILLED_PART) * len(values)
    return is_filled and 2 <= len(counts) <= min(MAX_LABELS, enough) and mean_words(values) <= MAX_LABEL_WORDS


def _wordiest(columns: Table, exclude: str | None) -> str | None:
    words = {name: mean_words(values) for name, values in columns.items() if name != exclude}
    # Dates and places have words too, but come again and again.
    best = max(words, key=lambda name: words[name] * len(set(columns[name])), default=None)
    return best if best is not None and words[best] > 1 else None


def _most_repeated(columns: Table) -> list[str]:
    """Columns that may be labels: first those of words of sentiment, then that of the fewest kinds."""
    kinds = {name: {value.strip().lower() for value in values} for name, values in columns.items() if _is_label(values)}
    likely = sorted(kinds, key=lambda name: len(kinds[name]))
    said = [name for name in likely if len(kinds[name] & SENTIMENT_WORDS) > 1]
    return said or likely
