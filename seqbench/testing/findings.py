"""What a check found, and the report of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["ok", "failed", "skipped"]


@dataclass(frozen=True)
class Finding:
    """What one check found.

    check: its name. expected: what has to hold, in one sentence. seen: what was seen instead, or what was looked at;
    for `skipped` the reason. where: where to look, and what would do; empty unless `failed`.
    """

    check: str
    status: Status
    expected: str
    seen: str = ""
    where: str = ""


@dataclass(frozen=True)
class Report:
    """Every check's finding, in the order in which they ran.

    kind: `model` or `task`; name: the plugin's. seconds: wall time of all checks.
    """

    kind: str
    name: str
    findings: tuple[Finding, ...]
    seconds: float = 0.0

    @property
    def is_well(self) -> bool:
        """Did no check fail? What was skipped had its reason."""
        return not self.failures

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings of the checks that failed."""
        return tuple(finding for finding in self.findings if finding.status == "failed")

    def to_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        findings = [asdict(finding) for finding in self.findings]
        return {
            "kind": self.kind,
            "name": self.name,
            "is_well": self.is_well,
            "seconds": self.seconds,
            "findings": findings,
        }

    def __str__(self) -> str:
        """The failures in words, for an assertion that shows them: `assert report.is_well, str(report)`."""
        counts = {
            status: sum(item.status == status for item in self.findings) for status in ("ok", "failed", "skipped")
        }
        head = f"{self.kind} '{self.name}': " + ", ".join(f"{count} {status}" for status, count in counts.items())
        return "\n".join([head, *map(in_words, self.failures)])


def in_words(finding: Finding) -> str:
    """What a failed check expected, saw, and where to look, a line each."""
    lines = [finding.check, f"  expected: {finding.expected}", f"  seen:     {finding.seen}"]
    return "\n".join([*lines, *([f"  look at:  {finding.where}"] if finding.where else [])])


class UnmetError(Exception):
    """What a check demands does not hold.

    seen: what is the case; where: where to look, and what would do. function: of the plugin, that it is about.
    """

    def __init__(self, seen: str, where: str = "", function: Callable[..., Any] | None = None) -> None:
        super().__init__(seen)
        self.seen, self.where, self.function = seen, where, function


class InapplicableError(Exception):
    """The check has nothing to look at here; its message is the reason."""


@dataclass(frozen=True)
class Check:
    """One thing that has to hold.

    name: stable, and the name of the function that checks it, in `home` (a module of this package):
    `check(subject) -> what was looked at`, raising UnmetError or InapplicableError. expected: what has to hold. needs:
    checks that this one makes no sense without. where: where to look when it does not hold and the check cannot tell.
    """

    name: str
    home: str
    expected: str
    needs: tuple[str, ...] = ()
    where: str = ""

    def function(self, home: str = "") -> Callable[[Any], str] | None:
        """The function that checks it, in another module where one is given; None where that has none."""
        from importlib import import_module

        module = import_module(f"seqbench.testing.{home or self.home}")
        found: Callable[[Any], str] | None = getattr(module, self.name, None)
        return found
