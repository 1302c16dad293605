"""Names that people type: finding the nearest valid one, and turning parameters into a short label."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any


def nearest(name: str, valid: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the closest of `valid`, if any is close, and what there is."""
    names = sorted(valid)
    if not names:
        return ""
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    there = ", ".join(names)
    return f": did you mean '{close[0]}'? There is {there}." if close else f": there is {there}."


def variant_label(changed: Mapping[str, Any]) -> str:
    """`[key=value,...]` of the parameters that differ from the defaults, sorted; empty for none."""
    if not changed:
        return ""
    parts = (f"{key}={_short(value)}" for key, value in sorted(changed.items()))
    return f"[{','.join(parts)}]"


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
