"""The embedded reviews: sentences from a grammar in which word order decides.

A review is about a thing with aspects. Each clause says something good or bad of one aspect: plainly, intensified,
negated ("not at all dull") or as a wish ("should have been gripping"). Clauses are joined by contrast, and what is
stressed counts more: the clause after "but", the second after "although", the verdict at the end. The same words in
another order give another label, so a bag of words sees a part of it and a reader of sequences all, except where a
review is so mixed that its writer's mood, drawn at random, decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LABELS = ("negative", "positive")
MIN_WORDS = 5
MAX_WORDS = 60

THINGS = {
    "film": ("plot", "acting", "dialogue", "pacing", "score", "ending", "camera work", "humour"),
    "book": ("story", "prose", "opening", "characters", "ending", "humour", "pacing", "translation"),
    "hotel": ("room", "breakfast", "staff", "view", "bed", "lobby", "pool", "service"),
    "phone": ("screen", "battery", "camera", "speaker", "keyboard", "design", "software", "sound"),
    "restaurant": ("soup", "service", "menu", "wine", "dessert", "music", "starters", "waiter"),
}
GOOD = (
    *("good", "great", "wonderful", "superb", "excellent", "lovely", "impressive", "brilliant", "delightful", "fine"),
    *("pleasant", "splendid"),
)
BAD = (
    *("bad", "awful", "terrible", "dreadful", "poor", "mediocre", "disappointing", "annoying", "horrible", "weak"),
    *("unpleasant", "lousy"),
)
GOOD_OF = {
    "film": ("gripping", "clever", "charming", "memorable", "elegant"),
    "book": ("gripping", "clever", "charming", "memorable", "elegant"),
    "hotel": ("charming", "memorable", "spotless", "elegant", "inviting"),
    "phone": ("clever", "sharp", "polished", "solid", "elegant"),
    "restaurant": ("charming", "memorable", "fresh", "elegant", "inviting"),
}
BAD_OF = {
    "film": ("boring", "dull", "clumsy", "tired", "forgettable"),
    "book": ("boring", "dull", "clumsy", "tired", "forgettable"),
    "hotel": ("dull", "shabby", "tired", "forgettable", "dirty"),
    "phone": ("clumsy", "flimsy", "ugly", "dated", "unreliable"),
    "restaurant": ("dull", "bland", "stale", "forgettable", "clumsy"),
}
STRONG = ("very", "really", "truly", "remarkably", "so", "incredibly")
MILD = ("rather", "somewhat", "fairly", "a little", "mostly")
NEGATIONS = ("not", "never", "hardly", "by no means", "not at all", "anything but", "far from")
HOPES = ("should have been", "could have been", "might have been", "promised to be", "tried to be")
"""Said of what was to be good and was not."""
FEARS = ("might have been", "could have been", "threatened to be", "seemed at first to be", "would once have been")
"""Said of what was to be bad and was not."""
CONCESSIONS = ("although", "even though", "while", "despite what they say ,")
CONTRASTS = ("but", "yet", "however ,", "still ,")
ADDITIONS = ("and", "and also ,", ", and on top of that", ";")
OPENINGS = (
    "honestly ,",
    "to be fair ,",
    "in short ,",
    "for the price ,",
    "after two days ,",
    "on paper ,",
    "my friends agree that",
)
GOOD_VERDICTS = ("i would come back", "i recommend it", "worth every minute", "go for it", "i want more of this")
BAD_VERDICTS = ("i want my money back", "avoid it", "a waste of time", "look elsewhere", "never again for me")
PARTING = ("as my friend predicted", "all things considered", "in the end", "so there it is", "whatever others write")


@dataclass(frozen=True)
class Clause:
    """A clause's words, and how much it says for (above 0) or against (below 0)."""

    words: str
    value: float


class Writer:
    """Writes reviews with random numbers from `random`."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random

    def pick(self, options: Sequence[str]) -> str:
        """One of the options, each as likely."""
        return options[int(self.random.integers(len(options)))]

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.random.random() < probability)

    def statement(self, thing: str, aspect: str) -> Clause:
        """One clause about an aspect: its adjective's value, turned round by a negation, a hope or a fear."""
        is_good = self.chance(0.5)
        word = self.pick(GOOD + GOOD_OF[thing] if is_good else BAD + BAD_OF[thing])
        value = 1.0 if is_good else -1.0
        verb = "were" if aspect.endswith("s") else "was"
        kind = self.random.random()
        if kind < 0.35:
            return Clause(f"the {aspect} {verb} {word}", value)
        if kind < 0.55:
            return Clause(f"the {aspect} {verb} {self.pick(STRONG)} {word}", 1.5 * value)
        if kind < 0.67:
            return Clause(f"the {aspect} {verb} {self.pick(MILD)} {word}", 0.5 * value)
        if kind < 0.88:
            return Clause(f"the {aspect} {verb} {self.pick(NEGATIONS)} {word}", -value)
        return Clause(f"the {aspect} {self.pick(HOPES if is_good else FEARS)} {word}", -0.8 * value)

    def sentence(self, thing: str, aspects: list[str]) -> Clause:
        """One clause, or two of which the stressed one counts double."""
        first = self.statement(thing, aspects.pop())
        if not aspects or self.chance(0.35):
            return first
        second = self.statement(thing, aspects.pop())
        kind = self.random.random()
        if kind < 0.35:
            return Clause(
                f"{self.pick(CONCESSIONS)} {first.words} , {second.words}", 0.25 * first.value + 2 * second.value
            )
        if kind < 0.7:
            return Clause(
                f"{first.words} , {self.pick(CONTRASTS)} {second.words}", 0.25 * first.value + 2 * second.value
            )
        return Clause(f"{first.words} {self.pick(ADDITIONS)} {second.words}", first.value + second.value)

    def review(self) -> tuple[str, int]:
        """A text of 5 to 60 words, and its label."""
        while True:
            thing = self.pick(tuple(THINGS))
            aspects = [str(name) for name in self.random.permutation(THINGS[thing])]
            sentences = [
                self.sentence(thing, aspects) for _ in range(int(self.random.integers(1, 5))) if len(aspects) > 1
            ]
            words = " . ".join(self.opened(sentence.words) for sentence in sentences) + " ."
            value = sum(sentence.value for sentence in sentences)
            if self.chance(0.25):
                is_good = self.chance(0.5)
                said = self.pick(GOOD_VERDICTS if is_good else BAD_VERDICTS)
                words += f" {self.pick(PARTING)} , {said} ."
                value += 1.5 if is_good else -1.5
            mood = float(self.random.normal(0.0, 0.25))
            if MIN_WORDS <= len(words.split()) <= MAX_WORDS and abs(value + mood) > 0.1:
                return words, int(value + mood > 0)

    def opened(self, words: str) -> str:
        """A sentence, sometimes with an opening that says nothing."""
        return f"{self.pick(OPENINGS)} {words}" if self.chance(0.2) else words


def write_reviews(sizes: Sequence[int], seed: int) -> list[tuple[list[str], list[int]]]:
    """Texts and labels for each size, no text twice in all of them."""
    import numpy as np

    writer = Writer(np.random.default_rng(seed))
    seen: set[str] = set()
    splits: list[tuple[list[str], list[int]]] = []
    for size in sizes:
        texts: list[str] = []
        labels: list[int] = []
        while len(texts) < size:
            text, label = writer.review()
            if text not in seen:
                seen.add(text)
                texts.append(text)
                labels.append(label)
        splits.append((texts, labels))
    return splits
