"""A task from a table: one sequence per group of rows, or look-back windows over series and what follows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from seqbench.adapters.contents import beside, content_parameter
from seqbench.adapters.loading import loader_of
from seqbench.adapters.origin import home_of
from seqbench.adapters.parameters import Parameter
from seqbench.adapters.splitting import Order, split_parameters
from seqbench.adapters.tables import TableSource, as_pandas, check_doubled, plain_table
from seqbench.errors import DataError, SpecError
from seqbench.spec import Dense, Forecast, Input, Output, TaskData, TaskSpec, Tokens

Positive = Annotated[int, Field(ge=1)]

Column = str | int
"""The name of a column; a number is the same as its text."""


def task_from_frame(
    name: str,
    frame: Any = None,
    *,
    values: Column | Sequence[Column] = (),
    target: Column,
    time: Column | None = None,
    group: Column | None = None,
    split: Column | None = None,
    look_back: int | None = None,
    horizons: Sequence[int] = (1,),
    season: int | None = None,
    predict: Literal["level", "change"] = "level",
    input: Input | str | None = None,
    output: Output | str | None = None,
    order: Order = "random",
    scale: bool = True,
    files: tuple[str, ...] = (),
    version: str | None = None,
    **further: Any,
) -> TaskSpec:
    """A task from a pandas or Polars table, a function `load(source, **parameters)` that gives one, or a file's path.

    `--data NAME=FILE` reads another table with the same columns: CSV, TSV, Parquet, JSON; without `frame` it has to.
    A path counts from the folder of the plugin's file. Times are dates or numbers; rows are put in their order.
    An index counts as a column, called `index` if it has no name.

    Without `look_back`: one sequence per value of `group`, of the columns `values`, in the order of `time`. `target`
    is the column with each group's class or number, the same in all of its rows. One column of texts, or
    `input="tokens"`, gives tokens. `split` names a column with `train`, `validation` or `test`, the same in all rows
    of a group; without it groups are split at random, seeded and stratified, or by `order="time"` in the order of
    their last times. Standardised by train, unless `scale=False`. Scores: those of `task_from_dataset`.

    With `look_back`: windows of that many rows of `values` (and of `target`, always the first), and `target` at each of
    `horizons`, in rows after the window's last. With `group` there are several series, and no window crosses from one
    to another. Splits follow time, at the same two moments for all series; a window whose forecasts lie in two splits
    is left out. Each series is standardised by its rows before the first of these moments. A missing value is filled
    with the one before it, a missing target is never forecast. `predict="change"`: models give the change since the
    window's last value, not the level. `season`: rows in a season, for the baseline `seasonal_naive`. The primary
    score is MASE: the mean absolute error over that of the naive forecast (the last value repeated) on the same
    windows, mean over the series; beside it `mae` and `rmse` in the target's units, and `mae_h6` and so on per
    horizon. Parameters to set: `look_back`, `stride`, `predict`, `season`, `validation_part`, `test_part`.

    files, version, further: as in `task_from_dataset`. Raises SpecError for what cannot be a task.
    """
    who = f"task '{name}'"
    columns = tuple(map(str, (values,) if isinstance(values, (str, int)) else values))
    target = str(target)
    time, group, split = (None if item is None else str(item) for item in (time, group, split))
    own: tuple[Parameter, ...] = ()
    given = frame
    if callable(frame) and not hasattr(frame, "columns"):
        given, own = loader_of(frame, who)
    elif not (frame is None or isinstance(frame, (str, Path)) or hasattr(frame, "columns")):
        raise SpecError(
            f"{who}: {type(frame).__name__} is no pandas DataFrame, no path, and no function that gives one"
        )
    home = home_of(frame) if given is not frame else home_of()
    given = as_pandas(given)
    if isinstance(given, (str, Path)):  # in a worker process that module may not be there
        given = beside(str(given), home)
    needed = tuple(dict.fromkeys(item for item in (*columns, target, time, group, split) if item is not None))
    source = TableSource(who, given, needed, home, tuple(files), version)
    if source.is_frame:
        _check_columns(source, who)
    content = content_parameter(source.content if source.has_content else None)
    if look_back is not None:
        if split is not None or input is not None or output is not None:
            raise SpecError(f"{who}: split=, input= and output= are for groups; windows are split by time and forecast")
        return _windows(
            name, source, (*own, *content), further, columns, target, time, group, look_back, horizons, season, predict
        )
    if group is None:
        raise SpecError(
            f"{who}: give group=, the column that says which rows are one sequence, or look_back= for windows"
        )
    if not columns:
        raise SpecError(f"{who}: give values=, the columns that a sequence is made of")
    from seqbench.adapters.groups import Grouped

    grouped = Grouped(columns, target, group, time, split)
    return _groups(name, source, grouped, (own, content), further, input, output, order, scale=scale)


def _check_columns(source: TableSource, who: str) -> None:
    names = [str(item) for item in plain_table(source.given).columns]
    missing = [item for item in source.columns if item not in names]
    if missing:
        raise SpecError(f"{who}: its table has no column '{missing[0]}', only {', '.join(names[:12])}")
    try:
        check_doubled(source.columns, names, f"the table of {who}")
    except DataError as error:
        raise SpecError(str(error)) from None


def _groups(
    name: str,
    source: TableSource,
    grouped: Any,
    parameters: tuple[tuple[Parameter, ...], tuple[Parameter, ...]],
    further: dict[str, Any],
    input: Input | str | None,
    output: Output | str | None,
    order: Order,
    *,
    scale: bool,
) -> TaskSpec:
    from seqbench.adapters.assembling import assembled, data_parameters
    from seqbench.adapters.examples import kinds_of
    from seqbench.adapters.specs import task_spec

    first = grouped.first(plain_table(source.given)) if source.is_frame else None
    kinds = kinds_of(input or (None if first else Dense.kind), output, first, source.who)
    is_tokens = kinds.input_kind == Tokens.kind

    def prepare(location: str, params: Any, cache: Path) -> TaskData:
        table, where = source.table(location, params)
        return assembled(grouped.examples(table, where, is_tokens=is_tokens), kinds, params, source.who)

    own, content = parameters
    fitted = [Parameter("scale", bool, scale) if item.name == "scale" else item for item in data_parameters(kinds)]
    everything = (*own, *split_parameters(order), *fitted, *content)
    return task_spec(
        name,
        source.home,
        prepare,
        kinds.input_kind,
        kinds.output_kind,
        everything,
        further,
        made_of=source.functions,
    )


def _windows(
    name: str,
    source: TableSource,
    parameters: tuple[Parameter, ...],
    further: dict[str, Any],
    columns: tuple[str, ...],
    target: str,
    time: str | None,
    group: str | None,
    look_back: int,
    horizons: Sequence[int],
    season: int | None,
    predict: str,
) -> TaskSpec:
    from seqbench.adapters import forecasts
    from seqbench.adapters.specs import task_spec
    from seqbench.adapters.splitting import Part
    from seqbench.adapters.windows import Windowed, windowed

    steps = tuple(horizons)
    if not steps or any(type(step) is not int or step < 1 for step in steps) or len(set(steps)) < len(steps):
        raise SpecError(f"{source.who}: horizons={horizons!r} are no different whole numbers of rows from 1")
    shape = Windowed(columns, target, time, group, steps)
    own = (
        Parameter("look_back", Positive, look_back),
        Parameter("stride", Positive, 1),
        Parameter("predict", Literal["level", "change"], predict),
        Parameter("season", Positive | None, season),
        Parameter("validation_part", Part, 0.15),
        Parameter("test_part", Part, 0.2),
    )

    def prepare(location: str, params: Any, cache: Path) -> TaskData:
        table, where = source.table(location, params)
        return windowed(table, where, shape, params, source.who)

    def future(location: str, params: Any, cache: Path) -> str:
        table, where = source.table(location, params)
        return forecasts.future_changes_no_training(table, where, shape, params, source.who)

    def moments(location: str, params: Any, cache: Path) -> str:
        return forecasts.moments_are_in_one_split(prepare(location, params, cache))

    sentinels: dict[str, Callable[[str, Any, Path], str]] = {
        "moments_are_in_one_split": moments,
        "future_changes_no_training": future,
    }
    return task_spec(
        name,
        source.home,
        prepare,
        Dense.kind,
        Forecast.kind,
        (*parameters, *own),
        further,
        metrics=forecasts.metrics(steps),
        baselines=forecasts.baselines(has_season=season is not None),
        example_scores=forecasts.SCORES,
        sentinels=sentinels,
        made_of=source.functions,
    )
