"""A sound model, and copies of it with one mistake each, named after the mistake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqbench import Dense, ModelSpec, hookimpl

HERE = Path(__file__)


@dataclass(frozen=True)
class Params:
    parameter_budget: int = 1500
    dropout: float = 0.0


def network(mistake: Callable[[Any], Any] | None) -> Callable[[Any, Any, Params], Any]:
    """The `build` of the sound network, or of the class that a mistake makes of it."""

    def build(input: Any, output: Any, params: Params) -> Any:
        made = sound_network() if mistake is None else mistake(sound_network())
        return made(input, output, int((params.parameter_budget / 3) ** 0.5) - 5)  # a GRU's weights are 3 size**2

    return build


def sound_network() -> Any:
    """A GRU, its last state, and a linear head."""
    import torch
    from torch import nn

    from seqbench.nn import last_state, token_embedding

    class Net(nn.Module):
        def __init__(self, input: Any, output: Any, size: int) -> None:
            super().__init__()
            self.embedding = None if isinstance(input, Dense) else token_embedding(input.vocabulary, 8)
            features = input.features if isinstance(input, Dense) else 8
            self.recurrent = nn.GRU(features, size, batch_first=True)
            self.head = nn.Linear(size, output.size)

        def states(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            return self.recurrent(x if self.embedding is None else self.embedding(x))[0]

        def pool(self, states: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            return last_state(states, lengths)

        def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            return self.head(self.pool(self.states(x, lengths), lengths))

    return Net


def padding_in_mean(net: Any) -> Any:
    class Broken(net):
        def pool(self, states: Any, lengths: Any) -> Any:
            return states.mean(1)

    return Broken


def last_padded_step(net: Any) -> Any:
    class Broken(net):
        def pool(self, states: Any, lengths: Any) -> Any:
            return states[:, -1]

    return Broken


def detached_parameter(net: Any) -> Any:
    class Broken(net):
        def pool(self, states: Any, lengths: Any) -> Any:
            import torch

            last = super().pool(states, lengths)
            weight = self.gate.weight.detach()
            return last * torch.sigmoid(last @ weight.T)

        def __init__(self, input: Any, output: Any, size: int) -> None:
            from torch import nn

            super().__init__(input, output, size)
            self.gate = nn.Linear(size, 1, bias=False)

    return Broken


def unused_parameter(net: Any) -> Any:
    class Broken(net):
        def __init__(self, input: Any, output: Any, size: int) -> None:
            from torch import nn

            super().__init__(input, output, size)
            self.left_over = nn.Linear(2, 2)

    return Broken


def batch_statistics(net: Any) -> Any:
    class Broken(net):
        def __init__(self, input: Any, output: Any, size: int) -> None:
            from torch import nn

            super().__init__(input, output, size)
            self.norm = nn.LayerNorm(size)

        def pool(self, states: Any, lengths: Any) -> Any:
            last = super().pool(states, lengths)
            return self.norm(last - last.mean(0, keepdim=True) / 2)

    return Broken


def place_in_batch(net: Any) -> Any:
    class Broken(net):
        def forward(self, x: Any, lengths: Any) -> Any:
            import torch

            return super().forward(x, lengths) + 0.1 * torch.arange(len(x), device=x.device)[:, None]

    return Broken


def dropout_in_evaluation(net: Any) -> Any:
    class Broken(net):
        def pool(self, states: Any, lengths: Any) -> Any:
            import torch

            return torch.nn.functional.dropout(super().pool(states, lengths), 0.1)

    return Broken


def code_in_state(net: Any) -> Any:
    class Broken(net):
        def get_extra_state(self) -> Any:
            return {"pool": self.pool}

        def set_extra_state(self, state: Any) -> None:
            self.extra = state

    return Broken


def chance_outside_weights(net: Any) -> Any:
    class Broken(net):
        def __init__(self, input: Any, output: Any, size: int) -> None:
            import random

            super().__init__(input, output, size)
            self.scale = random.uniform(0.5, 2.0)

        def pool(self, states: Any, lengths: Any) -> Any:
            return self.scale * super().pool(states, lengths)

    return Broken


def squeezed_outputs(net: Any) -> Any:
    class Broken(net):
        def forward(self, x: Any, lengths: Any) -> Any:
            return super().forward(x, lengths).squeeze()

    return Broken


def needs_two_steps(net: Any) -> Any:
    class Broken(net):
        def forward(self, x: Any, lengths: Any) -> Any:
            if int(lengths.min()) < 2:
                raise IndexError("there is no step before the last")
            return super().forward(x, lengths)

    return Broken


def first_step_lost(net: Any) -> Any:
    class Broken(net):
        def forward(self, x: Any, lengths: Any) -> Any:
            x = x.clone()
            x[:, 0] = 1
            return super().forward(x, lengths)

    return Broken


def double_weights(net: Any) -> Any:
    class Broken(net):
        def __init__(self, input: Any, output: Any, size: int) -> None:
            super().__init__(input, output, size)
            self.head.double()

        def pool(self, states: Any, lengths: Any) -> Any:
            return super().pool(states, lengths).to(self.head.weight.dtype)

    return Broken


def only_float32(net: Any) -> Any:
    class Broken(net):
        def pool(self, states: Any, lengths: Any) -> Any:
            import torch

            before = torch.ones(states.shape[2], dtype=torch.float32, device=states.device)
            return torch.lerp(super().pool(states, lengths), before.expand(len(lengths), -1), 0.1)

    return Broken


def two_dtypes(net: Any) -> Any:
    class Broken(net):
        def forward(self, x: Any, lengths: Any) -> Any:
            import torch

            scores = super().forward(x, lengths)
            rows = torch.arange(len(scores), device=x.device)
            return torch.zeros(scores.shape, dtype=self.head.weight.dtype, device=x.device).index_put((rows,), scores)

    return Broken


def forgotten_buffer(net: Any) -> Any:
    class Broken(net):
        def __init__(self, input: Any, output: Any, size: int) -> None:
            import torch

            super().__init__(input, output, size)
            self.scale = torch.full((size,), 2.0)

        def pool(self, states: Any, lengths: Any) -> Any:
            return super().pool(states, lengths) * self.scale.to(states.dtype)

    return Broken


def left_on_cpu(net: Any) -> Any:
    class Broken(net):
        def states(self, x: Any, lengths: Any) -> Any:
            import torch

            states = super().states(x, lengths)
            return states + torch.linspace(0, 1, states.shape[2], dtype=states.dtype)

    return Broken


def looks_ahead(net: Any) -> Any:
    class Broken(net):
        def states(self, x: Any, lengths: Any) -> Any:
            from seqbench.nn import reverse_padded

            states = super().states(x, lengths)
            backwards = reverse_padded(reverse_padded(states, lengths).cumsum(1), lengths)
            return states + backwards

    return Broken


def list_of_layers(net: Any) -> Any:
    class Broken(net):
        def __init__(self, input: Any, output: Any, size: int) -> None:
            from torch import nn

            super().__init__(input, output, size)
            self.layers = [nn.Linear(size, size)]

        def pool(self, states: Any, lengths: Any) -> Any:
            return self.layers[0](super().pool(states, lengths))

    return Broken


def cannot_learn(net: Any) -> Any:
    class Broken(net):
        def forward(self, x: Any, lengths: Any) -> Any:
            return super().forward(x, lengths).tanh() / 10

    return Broken


def fixed_generator(net: Any) -> Any:
    class Broken(net):
        def __init__(self, input: Any, output: Any, size: int) -> None:
            import torch

            super().__init__(input, output, size)
            generator = torch.Generator().manual_seed(0)
            with torch.no_grad():
                for parameter in self.parameters():
                    parameter.uniform_(-0.2, 0.2, generator=generator)

    return Broken


def own_generator(net: Any) -> Any:
    class Broken(net):
        def __init__(self, input: Any, output: Any, size: int) -> None:
            import numpy as np
            import torch

            super().__init__(input, output, size)
            drawn = np.random.default_rng().uniform(-0.2, 0.2, self.head.weight.shape)
            with torch.no_grad():
                self.head.weight.copy_(torch.tensor(drawn))

    return Broken


def seeds_in_build(input: Any, output: Any, params: Params) -> Any:
    import torch

    torch.manual_seed(7)
    return network(None)(input, output, params)


def sets_threads(input: Any, output: Any, params: Params) -> Any:
    import torch

    torch.set_num_threads(2)
    return network(None)(input, output, params)


def sets_a_flag(input: Any, output: Any, params: Params) -> Any:
    import torch

    torch.backends.cudnn.benchmark = True
    return network(None)(input, output, params)


def opens_a_file(input: Any, output: Any, params: Params) -> Any:
    (HERE.parent / "vocabulary.txt").exists()
    (HERE.parent / "README.md").read_text()
    return network(None)(input, output, params)


def opens_a_socket(input: Any, output: Any, params: Params) -> Any:
    import contextlib
    import socket

    with contextlib.suppress(OSError), socket.socket() as asked:
        asked.settimeout(1)
        asked.connect(("127.0.0.1", 9))
    return network(None)(input, output, params)


def over_budget(input: Any, output: Any, params: Params) -> Any:
    return network(None)(input, output, Params(2 * params.parameter_budget))


def raises(input: Any, output: Any, params: Params) -> Any:
    return network(None)(input, output.labels, params)


def fit(train: Any, validation: Any, input: Any, output: Any, params: Params, seed: int) -> Any:
    """The mean of each feature, or of the tokens, and a ridge on it."""
    import numpy as np
    from sklearn.linear_model import Ridge

    def means(split: Any) -> Any:
        return np.array([np.atleast_1d(split.example(row).mean(0)) for row in range(len(split))])

    targets = np.eye(output.size)[train.targets] if train.targets.ndim == 1 else train.targets
    ridge = Ridge(random_state=seed % 2**32).fit(means(train), targets)
    return lambda split: ridge.predict(means(split)).reshape(len(split), output.size)


def fit_peeking(train: Any, validation: Any, input: Any, output: Any, params: Params, seed: int) -> Any:
    import numpy as np

    sound = fit(train, validation, input, output, params, seed)
    return lambda split: sound(split) + 0.1 * np.asarray(split.targets).reshape(len(split), -1)[:, :1]


def fit_by_chance(train: Any, validation: Any, input: Any, output: Any, params: Params, seed: int) -> Any:
    import numpy as np

    shift = np.random.default_rng().normal()
    sound = fit(train, validation, input, output, params, seed)
    return lambda split: sound(split) + shift


MISTAKES = (
    padding_in_mean, last_padded_step, detached_parameter, unused_parameter, batch_statistics, place_in_batch,
    dropout_in_evaluation, code_in_state, chance_outside_weights, squeezed_outputs, needs_two_steps, first_step_lost,
    double_weights, only_float32, two_dtypes, forgotten_buffer, left_on_cpu, list_of_layers, cannot_learn,
    fixed_generator, own_generator,
)  # fmt: skip
BUILDS = (seeds_in_build, sets_threads, sets_a_flag, opens_a_file, opens_a_socket, over_budget, raises)


@hookimpl
def seqbench_models() -> list[ModelSpec]:
    return [
        ModelSpec("sound", network(None), Params, causal=True),
        ModelSpec("looks_ahead", network(looks_ahead), Params, causal=True),
        *(ModelSpec(mistake.__name__, network(mistake), Params, ("dense",)) for mistake in MISTAKES),
        *(ModelSpec(build.__name__, build, Params, ("dense",)) for build in BUILDS),
        ModelSpec("sound_estimator", fit=fit),
        ModelSpec("fit_peeking", fit=fit_peeking, accepts=("dense",)),
        ModelSpec("fit_by_chance", fit=fit_by_chance, accepts=("dense",)),
    ]
