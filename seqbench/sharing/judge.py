"""Does a claim hold? A recorded cell beside the same cell trained again here. Pure, but for reading predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import stdev
from typing import TYPE_CHECKING, Any

from seqbench.examples import PREDICTIONS, example_scores, read_table
from seqbench.sharing.compare import same_number

if TYPE_CHECKING:
    from seqbench.plan import Cell
    from seqbench.records import CellRecord

IDENTICAL = "identical"
WITHIN = "within tolerance"
FALSE = "does not hold"
NOT_TRIED = "cannot be tried"

SEED_DEVIATIONS = 3.0
"""How many standard deviations over seeds a cell trained again may be from the claim."""
ROUNDING = 1e-9
"""How far metrics of the same outputs may be apart, relative to their size: other libraries add in other orders."""
OF_THIS_MACHINE = ("oom", "timeout", "crashed", "interrupted", "skipped")
"""Statuses that say something of this machine, not of the claim."""


@dataclass(frozen=True)
class Verdict:
    """Of one cell. claimed, found: its primary metric; tolerance: how far they may be apart, and where that comes from.

    differs: facts that are not as they were when the claim was made, in words.
    """

    key: str
    task_id: str
    label: str
    seed: int
    metric: str
    verdict: str
    reason: str = ""
    claimed: float | None = None
    found: float | None = None
    tolerance: float | None = None
    tolerance_is: str = ""
    differs: tuple[str, ...] = ()

    @classmethod
    def of(cls, claim: CellRecord, verdict: str, reason: str = "", **more: Any) -> Verdict:
        """About a claim."""
        claimed = claim.metrics.get(claim.primary)
        return cls(
            claim.key, claim.task_id, claim.label, claim.seed, claim.primary, verdict, reason, claimed=claimed, **more
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        return {**vars(self), "differs": list(self.differs)}


def judged(
    claim: CellRecord,
    again: CellRecord,
    claims: Path,
    here: Path,
    seeds: Sequence[CellRecord],
    differs: Sequence[str],
    own: Mapping[str, float] | None = None,
) -> Verdict:
    """The verdict on a claim from the same cell trained again.

    claims, here: the results folders with the predictions of both. seeds: the claim's series, itself among them.
    own: the metrics that the claim's own stored outputs have, by the task that is installed here; None without any.
    """
    told = tuple(differs)
    if again.status != "ok":
        why = f"trained again it ended {again.status}: {again.failure.message if again.failure else ''}"
        return Verdict.of(claim, NOT_TRIED if again.status in OF_THIS_MACHINE else FALSE, why, differs=told)
    found = again.metrics.get(again.primary)
    are_same = _same_outputs(claims / claim.folder, here / again.folder)
    names = sorted({*claim.metrics, *again.metrics})
    differing = [name for name in names if not same_number(claim.metrics.get(name), again.metrics.get(name))]
    more: dict[str, Any] = {"found": found, "differs": told}
    if not differing and are_same is not False:
        without = "" if are_same else "its metrics; there are no stored predictions to compare"
        return Verdict.of(claim, IDENTICAL, without, **more)
    wrong = [name for name in differing if not _is_rounding(claim.metrics.get(name), again.metrics.get(name))]
    if are_same and wrong:
        return Verdict.of(claim, FALSE, f"its predictions are the same, but do not give its {', '.join(wrong)}", **more)
    missed = [name for name, value in (own or {}).items() if not _is_rounding(claim.metrics.get(name), value)]
    if missed:
        why = f"its own predictions do not give the {', '.join(missed)} that it claims"
        return Verdict.of(claim, FALSE, why, **more)
    if example_scores(again, here) is not None and are_same is not None and example_scores(claim, claims) is None:
        return Verdict.of(claim, FALSE, f"its own predictions do not give the {claim.primary} that it claims", **more)
    return _by_tolerance(claim, again, tolerance_of(claim, again, claims, here, seeds), more)


def _by_tolerance(
    claim: CellRecord, again: CellRecord, tolerance: tuple[float, str] | None, more: Mapping[str, Any]
) -> Verdict:
    claimed, found = claim.metrics.get(claim.primary), again.metrics.get(claim.primary)
    if claimed is None or found is None or not (math.isfinite(claimed) and math.isfinite(found)):
        return Verdict.of(claim, FALSE, f"there is no {claim.primary} to compare on both sides", **more)
    if tolerance is None:
        why = "neither further seeds nor scores of examples say how near it should come"
        return Verdict.of(claim, FALSE, f"{why}, and it is not the same", **more)
    allowed, source = tolerance
    verdict = WITHIN if abs(claimed - found) <= allowed else FALSE
    return Verdict.of(claim, verdict, tolerance=allowed, tolerance_is=source, **more)


def tolerance_of(
    claim: CellRecord, again: CellRecord, claims: Path, here: Path, seeds: Sequence[CellRecord]
) -> tuple[float, str] | None:
    """How far the primary metric may be from the claim, and where that comes from; None where nothing says it.

    Where training cannot be repeated bit for bit (another processor, another PyTorch), small differences grow over the
    epochs until it is as if another seed had been drawn: so three standard deviations over the series' seeds. With one
    seed, or seeds that all score the same, half the 95 % interval of the mean over the test examples, scored here.
    """
    scores = [seed.metrics[claim.primary] for seed in seeds if math.isfinite(seed.metrics.get(claim.primary, math.nan))]
    spread = stdev(scores) if len(scores) > 1 else 0.0
    if spread > 0:
        return SEED_DEVIATIONS * spread, f"{SEED_DEVIATIONS:g} standard deviations over its {len(scores)} seeds"
    return _half_interval(example_scores(again, here))


def _half_interval(scores: Any) -> tuple[float, str] | None:
    from seqbench.stats import long_run_variance, student_t

    if scores is None or len(scores.values) < 2:
        return None
    count = len(scores.values)
    variance = (
        long_run_variance(scores.values, scores.horizon) if scores.horizon else float(scores.values.var(ddof=1)) / count
    )
    half = student_t(0.95, count - 1) * math.sqrt(max(0.0, variance))
    return half, f"half the 95 % interval over {count} test examples"


def _same_outputs(one: Path, other: Path) -> bool | None:
    """Are ids, targets and outputs the same, bit for bit? None where one has no predictions."""
    tables = [table for folder in (one, other) if (table := read_table(folder / PREDICTIONS)) is not None]
    if len(tables) < 2:
        return None
    kept = [table[[name for name in table.columns if name.startswith(("id", "target", "output_"))]] for table in tables]
    return bool(kept[0].equals(kept[1]))


def _is_rounding(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return False
    return same_number(one, other) or abs(one - other) <= ROUNDING * max(abs(one), abs(other))


def obstacles(claim: CellRecord, cell: Cell) -> tuple[list[str], list[str]]:
    """What makes the cell as it would be trained here another experiment, and what else is not as it was.

    It is another with other code of the task or the model, other parameters, or another protocol of training. Versions
    of libraries, the core's code and the kind of device may differ: the tolerance is for these.
    """
    there, here = _flat(claim.provenance), _flat(cell.provenance)
    blocking, other = [], []
    for name in sorted({*there, *here} - {"seqbench", "location"}):
        mine, theirs = here.get(name), there.get(name)
        if mine == theirs or name.startswith("rescored"):
            continue
        part, _, rest = name.partition(".")
        if rest == "source_hash":
            versions = f"version {there.get(f'{part}.version')} there, {here.get(f'{part}.version')} here"
            blocking.append(f"the {part}'s plugin has other code than the claim's ({versions})")
        elif name == "protocol" or rest.startswith(("params.", "trainer.", "fingerprint")):
            blocking.append(f"{name} is {mine} here, {theirs} there")
        elif name == "core":
            other.append("the core's code is not the claim's")
        elif rest != "distribution":
            other.append(f"{name} {mine} here, {theirs} there")
    return blocking, other


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested values by their dotted names."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = value
    return found
