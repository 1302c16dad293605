"""What the page's figures are made of: elements, scales, lines with few decimals.

Inline SVG, coloured by the page's CSS. ElementTree writes the markup, so that whatever a label holds is escaped.
Figures are made for 360 units of width, which is a phone's, and are laid side by side where there is room.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

WIDTH = 360.0
LOG_FROM = 20.0
"""A cost whose largest value is so many times its smallest is drawn on a logarithmic scale."""
LARGEST = 1e100
"""What is larger is no result; it takes no part in a scale."""
LARGEST_RATIO = 1e12
"""So far a logarithmic scale goes down from its largest value."""

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its caption. model: the label of the row that it is about, empty for a whole board."""

    svg: Markup
    caption: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from `low` to `high` laid from `begin` to `end` in units of the drawing; what lies outside is clipped."""

    low: float
    high: float
    begin: float
    end: float
    is_log: bool = False

    def __call__(self, value: float) -> float:
        """Where the value lies; what is no number lies at the beginning."""
        if math.isnan(value):
            return self.begin
        low, high, value = (self._bent(each) for each in (self.low, self.high, value))
        part = 0.5 if high == low else (value - low) / (high - low)
        return self.begin + (self.end - self.begin) * min(max(part, 0.0), 1.0)

    def _bent(self, value: float) -> float:
        return math.log10(max(value, self.low)) if self.is_log else value

    def holds(self, value: float) -> bool:
        """Does the value lie within?"""
        return self.low <= value <= self.high

    def ticks(self, most: int = 5, whole: bool = False) -> list[float]:
        """A few round values within the scale; whole: only whole numbers."""
        if self.is_log:
            return self._log_ticks(most)
        from matplotlib.ticker import MaxNLocator

        found = MaxNLocator(most, steps=[1, 2, 2.5, 5, 10], integer=whole).tick_values(self.low, self.high)
        slack = 1e-9 * (self.high - self.low)
        return [float(value) for value in found if self.low - slack <= value <= self.high + slack]

    def _log_ticks(self, most: int) -> list[float]:
        exponents = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for digits in ((1, 2, 5), (1, 3), (1,)):
            found = [digit * 10.0**power for power in exponents for digit in digits if self.holds(digit * 10.0**power)]
            if len(found) <= most + 1:
                return found
        step = -(-len(found) // most)
        return found[::step]


def scale(values: Iterable[float], begin: float, end: float, *, pad: float = 0.05, is_cost: bool = False) -> Scale:
    """A scale that holds all finite values with some room; logarithmic for costs that differ by much."""
    finite = [value for value in values if abs(value) < LARGEST] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    if is_cost:
        positive = [value for value in finite if value > 0]
        if positive and high > LOG_FROM * min(positive):
            least = max(min(positive) / (3.0 if low <= 0 else 1.3), high / LARGEST_RATIO)
            return Scale(least, high * 1.3, begin, end, is_log=True)
    is_flat = high - low <= 1e-9 * max(abs(high), abs(low))
    room = (0.05 * abs(high) or 1.0) if is_flat else pad * (high - low)
    return Scale(low - room, high + room, begin, end)


def drawing(height: float, title: str, description: str, ident: str, width: float = WIDTH) -> Element:
    """An empty drawing with a name and a description for those who do not see it. ident: unique on the page."""
    root = Element(
        "svg",
        {
            "viewBox": f"0 0 {number(width)} {number(height)}",
            "role": "img",
            "aria-labelledby": f"{ident}-t {ident}-d",
        },
    )
    SubElement(root, "title", {"id": f"{ident}-t"}).text = printable(title)
    SubElement(root, "desc", {"id": f"{ident}-d"}).text = printable(description)
    return root


def add(parent: Element, tag: str, css: str = "", text: str | None = None, **attributes: float | str) -> Element:
    """An element with attributes (`text_anchor` is `text-anchor`); numbers get one decimal at most."""
    values = {
        name.replace("_", "-"): value if isinstance(value, str) else number(value) for name, value in attributes.items()
    }
    element = SubElement(parent, tag, {"class": css, **values} if css else values)
    if text is not None:
        element.text = printable(text)
    return element


def hint(element: Element, text: str) -> None:
    """What a pointer over the element shows."""
    SubElement(element, "title").text = printable(text)


def markup(root: Element) -> Markup:
    """The drawing as it goes into the page."""
    return Markup(tostring(root, encoding="unicode"))  # noqa: S704 - ElementTree has escaped all texts


def line(points: Iterable[tuple[float, float]]) -> str:
    """Path data through the points."""
    return _path(points, "L")


def area(lower: Sequence[tuple[float, float]], upper: Sequence[tuple[float, float]]) -> str:
    """Path data of the area between two lines."""
    return _path([*lower, *reversed(upper)], "L") + "Z"


def dots(points: Iterable[tuple[float, float]]) -> str:
    """Path data of dots, which a round line cap makes visible: a tenth of the bytes of so many circles."""
    return "".join(f"M{number(x)} {number(y)}h0" for x, y in points)


def _path(points: Iterable[tuple[float, float]], joint: str) -> str:
    texts = [f"{number(x)} {number(y)}" for x, y in points]
    return "M" + joint.join(texts) if texts else ""


def number(value: float) -> str:
    """A coordinate: one decimal at most."""
    text = f"{value:.1f}"
    return text.removesuffix(".0")


def printable(text: str) -> str:
    """The text without what no page can hold."""
    return UNPRINTABLE.sub("\ufffd", text)


def tick_text(value: float, ticks: Sequence[float]) -> str:
    """A tick's label, as exact as it takes to tell it from its neighbours."""
    largest = max(map(abs, ticks), default=0.0)
    steps = [abs(b - a) for a, b in pairwise(ticks) if b != a]
    if largest >= 10_000 or (0 < largest < 0.001):
        return compact(value)
    step = min(steps, default=largest) or 1.0
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if round(step, decimals) != round(step, decimals + 1):
        decimals += 1
    return f"{value:,.{decimals}f}"


def compact(value: float) -> str:
    """A number in at most five characters: 1.2k, 35M."""
    for bound, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= bound:
            return f"{value / bound:.3g}{suffix}"
    return f"{value:.3g}"


def x_axis(root: Element, axis: Scale, y: float, label: str, top: float, *, whole: bool = False) -> None:
    """Ticks with faint lines up to `top`, and the label at the right end below."""
    ticks = axis.ticks(whole=whole)
    for value in ticks:
        x = axis(value)
        add(root, "path", "grid", d=f"M{number(x)} {number(top)}V{number(y)}")
        add(
            root,
            "text",
            "tick",
            compact(value) if axis.is_log else tick_text(value, ticks),
            x=x,
            y=y + 13,
            text_anchor="middle",
        )
    add(root, "text", "axis", label, x=axis.end, y=y + 27, text_anchor="end")


def y_axis(root: Element, axis: Scale, left: float, right: float, most: int = 4) -> None:
    """Ticks with faint lines from `left` to `right`."""
    ticks = axis.ticks(most)
    for value in ticks:
        y = axis(value)
        add(root, "path", "grid", d=f"M{number(left)} {number(y)}H{number(right)}")
        add(root, "text", "tick", tick_text(value, ticks), x=left - 5, y=y + 3.5, text_anchor="end")


def evenly(count: int, most: int) -> list[int]:
    """At most `most` indices of `count`, evenly spread, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(place * (count - 1) / (most - 1)) for place in range(most)})
