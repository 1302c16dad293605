"""Checks that a model learns, and that its seed decides how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqbench.spec import Classes, Dense
from seqbench.testing.findings import UnmetError
from seqbench.testing.lives import descend, loss_of, outputs
from seqbench.testing.subjects import LENGTHS, Case, ModelSubject

if TYPE_CHECKING:
    import torch

STEPS_OF_GRADIENTS = 5
"""A part that starts at zero (a gate, a head) lets gradients through after the first step only."""
STEPS = 300
RATES = (1e-2, 2e-3, 5e-2)
"""Of Adam: a model that learns with none of them would learn with few."""
LEARNED = 0.1
"""Of the loss that knowing nothing has."""


def gradients_reach_parameters(subject: ModelSubject) -> str:
    """In five steps of training every parameter has had a gradient that is not zero."""
    for case in subject.cases:
        module, batch = case.build(), case.batch()
        silent = {name for name, item in module.named_parameters() if item.requires_grad}
        detached = set(silent)
        for _ in range(STEPS_OF_GRADIENTS):
            descend(module, case, batch)
            given = {name: item.grad for name, item in module.named_parameters() if item.grad is not None}
            detached -= given.keys()
            silent -= {name for name, gradient in given.items() if bool(gradient.abs().sum() > 0)}
            if not silent:
                break
        if detached:
            raise UnmetError(f"{case}: no gradient reaches {_listed(detached)}")
        if silent:
            raise UnmetError(f"{case}: the gradient of {_listed(silent)} is zero")
    return "every parameter of every case"


def _listed(names: set[str]) -> str:
    found = sorted(names)
    shown = ", ".join(f"'{name}'" for name in found[:3])
    return f"{shown} and {len(found) - 3} more" if len(found) > 3 else shown


def gradient_reaches_first_step(subject: ModelSubject) -> str:
    """Dense: the gradient at the first step. Tokens: another first token gives another output."""
    lengths = (max(LENGTHS),) * 4
    for case in subject.cases:
        batch = case.batch(lengths)
        if isinstance(case.input, Dense):
            _check_gradient(case, lengths)
            continue
        module = case.stirred().double()
        before = outputs(module, batch)
        others = [(batch.x[:, :1] + shift - 1) % (case.input.vocabulary - 1) + 1 for shift in (1, 2, 3)]
        changed = [batch.x.clone() for _ in others]
        for x, first in zip(changed, others, strict=True):
            x[:, :1] = first
        module.eval()
        if all(bool((module(x, batch.lengths) == before).all()) for x in changed):
            raise UnmetError(f"{case}: the first of {lengths[0]} tokens changes no output")
    return f"sequences of {lengths[0]} steps"


def _check_gradient(case: Case, lengths: tuple[int, ...]) -> None:
    import torch

    module, batch = case.still, case.batch(lengths)
    x = batch.x.requires_grad_()
    scores = module(x, batch.lengths)
    weights = torch.linspace(1.0, 2.0, scores.numel()).reshape(scores.shape)
    if not scores.requires_grad:
        raise UnmetError(f"{case}: outputs have no gradient")
    (gradient,) = torch.autograd.grad((weights * scores).sum(), x, allow_unused=True)
    if gradient is None or not bool(gradient[:, 0].abs().sum() > 0):
        raise UnmetError(f"{case}: the gradient at the first of {lengths[0]} steps is zero")


def same_seed_same_result(subject: ModelSubject) -> str:
    """Built and trained by the harness's own loop twice."""
    for case in subject.cases:
        one, other = _trained(case), _trained(case)
        different = [name for name, value in one.items() if not value.equal(other[name])]
        if different:
            raise UnmetError(f"{case}: {_listed(set(different))} differ after training twice with seed 0")
    return "two epochs of training, twice"


def _trained(case: Case) -> dict[str, torch.Tensor]:
    """The weights after two epochs, and the outputs."""
    import torch

    from seqbench.optimisation import LOSS_FUNCTIONS, Objective
    from seqbench.protocol import TrainerConfig
    from seqbench.trainer import fit

    loss = LOSS_FUNCTIONS["cross_entropy" if isinstance(case.output, Classes) else "mse"]
    objective = Objective(loss, lambda scores, split: float(scores.mean()), higher_is_better=True)
    config = TrainerConfig(max_epochs=2, batch_size=4, early_stopping=False)
    module = case.build(seed=0)
    parts = (case.split(12, "train"), case.split(4, "validation"))
    fit(module, *parts, objective, config, 0, torch.device("cpu"))
    state = {name: value.clone() for name, value in module.state_dict().items() if isinstance(value, torch.Tensor)}
    return {**state, "the outputs": outputs(module, case.batch())}


def seed_decides_weights(subject: ModelSubject) -> str:
    """At least one parameter of each case begins otherwise."""
    for case in subject.cases:
        one, other = (list(case.build(seed=seed).parameters()) for seed in (0, 1))
        if all(a.equal(b) for a, b in zip(one, other, strict=True)):
            raise UnmetError(f"{case}: the weights are the same with seed 0 and with seed 1")
    return "seeds 0 and 1"


def overfits_one_batch(subject: ModelSubject) -> str:
    """Its own dropout is left out: what is asked is whether it can."""
    given: dict[str, Any] = {"dropout": 0.0} if subject.has("dropout") else {}
    seen = []
    for case in subject.cases:
        nothing = _loss_of_nothing(case)
        reached = []
        for rate in RATES:
            loss, steps = _overfit(case, rate, LEARNED * nothing, given)
            reached.append(loss)
            if loss <= LEARNED * nothing:
                seen.append(f"{case} {steps}")
                break
        else:
            asked = f"{LEARNED * nothing:.3g} is asked for and knowing nothing gives {nothing:.3g}"
            raise UnmetError(f"{case}: after {STEPS} steps the loss is {min(reached):.3g}, where {asked}")
    return f"steps: {'; '.join(seen)}"


def _loss_of_nothing(case: Case) -> float:
    """The loss of the best constant."""
    import torch

    targets = case.batch().targets
    if isinstance(case.output, Classes):
        part = torch.bincount(targets) / len(targets)
        return float(-(part * part.log()).sum())
    return float((targets - targets.mean(0)).square().mean())


def _overfit(case: Case, rate: float, enough: float, params: dict[str, Any]) -> tuple[float, int]:
    """The least loss in evaluation mode that Adam comes to, and in how many steps."""
    import torch

    module, batch = case.build(**params), case.batch()
    optimizer = torch.optim.Adam([item for item in module.parameters() if item.requires_grad], lr=rate)
    least = float("inf")
    for step in range(1, STEPS + 1):
        module.train()
        optimizer.zero_grad()
        torch.autograd.backward(loss_of(case, module(batch.x, batch.lengths), batch.targets))
        optimizer.step()
        if step % 10 == 0:
            least = min(least, float(loss_of(case, outputs(module, batch), batch.targets)))
            if least <= enough:
                return least, step
    return least, STEPS
