"""Every check of a task by name: what has to hold, and what it depends on. Imports nothing heavy."""

from __future__ import annotations

from seqbench.testing.findings import Check
from seqbench.testing.shared_checks import DEPRECATIONS, DISCOVERY, PROCESS

_PREPARED = ("prepares",)
_VALID = ("prepares", "inputs_in_range", "targets_in_range")

TASK_CHECKS: tuple[Check, ...] = (
    *DISCOVERY,
    Check(
        "trainer_defaults",
        "preparing",
        "the task's defaults for the trainer and for models are valid",
        where="TaskSpec.trainer and TaskSpec.model_defaults",
    ),
    Check("prepares", "preparing", "prepare gives TaskData with the promised input, and examples to train and test on"),
    *(Check(check.name, check.home, check.expected, _PREPARED, check.where) for check in PROCESS),
    Check(
        "inputs_in_range",
        "preparing",
        "inputs are finite float32[steps, features], or tokens from 1 to vocabulary - 1",
        _PREPARED,
        where="token 0 is padding: no sequence may contain it",
    ),
    Check(
        "targets_in_range",
        "preparing",
        "targets are int64[N] label numbers from 0, or finite float32[N, values]",
        _PREPARED,
    ),
    Check(
        "deterministic",
        "identity",
        "prepared twice, the data is the same to the last byte",
        _PREPARED,
        where="a generator without a seed, the order of a set or of a folder, the clock",
    ),
    Check(
        "survives_the_cache",
        "identity",
        "stored in the cache and loaded again, the data is the same",
        _VALID,
        where="arrays of objects cannot be stored; state and raw_examples have to be JSON",
    ),
    Check(
        "fingerprint_changes",
        "identity",
        "other data, or parameters that change the data, give another fingerprint",
        (*_VALID, "deterministic", "survives_the_cache"),
        where="leave TaskData.fingerprint to the core; training_params and file_params of the TaskSpec",
    ),
    Check(
        "splits_are_disjoint",
        "leaks",
        "no example is in two splits",
        _PREPARED,
        where="split first, then cut; take out what occurs twice",
    ),
    Check("ids_are_unique", "leaks", "no id occurs twice in a split", _PREPARED, where="the ids of the SequenceSet"),
    Check(
        "fitted_on_train_only",
        "fitting",
        "scalers and vocabularies are fitted on train alone",
        (*_VALID, "deterministic", "splits_are_disjoint"),
        where="fit on the part that becomes train, then apply to all",
    ),
    Check(
        "metrics_agree",
        "scoring",
        "a perfect prediction has the best primary score, and no metric fails for a constant or a shuffled one",
        _VALID,
        where="the metric, or TaskSpec.higher_is_better",
    ),
    Check(
        "example_scores_average",
        "scoring",
        "the mean of example_scores is the primary metric",
        (*_VALID, "metrics_agree"),
        where="TaskSpec.example_scores",
    ),
    Check(
        "evaluates",
        "scoring",
        "remarks and columns of predictions are made for any outputs",
        (*_VALID, "metrics_agree", "example_scores_average"),
        where="TaskSpec.remarks and TaskSpec.predictions",
    ),
    Check(
        "baselines_run",
        "baselines",
        "every baseline gives finite float[N, output.size] for the test split",
        _VALID,
        where="TaskSpec.baselines",
    ),
    Check(
        "baselines_ignore_targets",
        "baselines",
        "no baseline's predictions change with the targets of what it predicts",
        (*_VALID, "baselines_run"),
        where="whatever the predictor reads of split.targets",
    ),
    Check(
        "shuffled_labels_give_chance",
        "leaks",
        "baselines fitted to labels in random order are no better than chance",
        (*_VALID, "baselines_run", "baselines_ignore_targets", "splits_are_disjoint"),
        where="something beside the labels tells what they are: an id, an order, an extra column",
    ),
    Check("own_sentinels", "leaks", "the task's own sentinels stay silent", _PREPARED, where="TaskSpec.sentinels"),
    Check(
        "raw_inputs_are_as_prepared",
        "leaks",
        "the encoder of served models makes of raw examples what was prepared of them",
        _PREPARED,
        where="TaskSpec.serving, TaskData.state and TaskData.raw_examples",
    ),
    Check(
        "sample_can_be_shown",
        "showing",
        "an example of each split can be shown, and the data described",
        _VALID,
        where="TaskSpec.show and TaskSpec.describe",
    ),
    Check(
        "loss_trains",
        "showing",
        "the loss of a batch is one finite number with a gradient",
        _VALID,
        where="TaskSpec.loss",
    ),
    Check(
        "augment_is_seeded",
        "showing",
        "augment keeps shape and dtype, and draws from the generator it is given alone",
        _VALID,
        where="give generator=generator to every random call",
    ),
    Check(
        "missing_source_is_a_sentence",
        "sources",
        "a source that is missing or empty is a DataError of one sentence",
        where="raise seqbench.DataError: what is wrong, where, and what would do (seqbench.expand does)",
    ),
    DEPRECATIONS,
)
