"""A registered model as MLflow loads it: a table of raw inputs in, a table of answers out.

`mlflow models serve` and `mlflow.pyfunc.load_model` call `_load_pyfunc` with the folder of the model's data. Nothing in
it is a pickle: the module is built by its plugin and given its weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from seqbench.answering import Answerer


class ServedModel:
    """What MLflow calls `predict` of."""

    def __init__(self, answerer: Answerer) -> None:
        self.answerer = answerer

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """A row of answers for each row of raw inputs, which are in the column that the model's signature names.

        Raises MLflow's own exception, which its server answers with status 400, with one sentence that says what is
        wrong with an input.
        """
        import pandas as pd
        from mlflow.exceptions import MlflowException

        from seqbench.errors import SeqbenchError

        column = self.answerer.serving.column
        try:
            return pd.DataFrame(self.answerer.answers(_rows(model_input[column].tolist())))
        except SeqbenchError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None


def _rows(cells: list[Any]) -> list[Any]:
    """Raw inputs one by one: of `{"inputs": {"text": [...]}}` MLflow makes one cell with a list in it."""
    return [one for cell in cells for one in (cell if isinstance(cell, list) else [cell])]


def _load_pyfunc(data_path: str) -> ServedModel:
    """The model in a folder that `seqbench.tracking.registered` wrote."""
    from seqbench.answering import PLUGINS, Answerer
    from seqbench.registry import discover

    folder = Path(data_path)
    files = sorted(str(path) for path in (folder / PLUGINS).glob("*.py"))
    return ServedModel(Answerer.load(folder, discover(files)))
