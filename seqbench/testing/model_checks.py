"""Every check of a model by name: what has to hold, and what it depends on. Imports nothing heavy."""

from __future__ import annotations

from seqbench.testing.findings import Check
from seqbench.testing.shared_checks import DEPRECATIONS, DISCOVERY, PROCESS

_BUILT = ("builds",)
_SHAPED = ("builds", "output_shape")
_STEADY = ("builds", "output_shape", "evaluation_is_deterministic")
_WHOLE = (*_STEADY, "parameters_found")

MODEL_CHECKS: tuple[Check, ...] = (
    *DISCOVERY,
    Check(
        "builds",
        "building",
        "each kind of input and output gives a torch.nn.Module (or a predictor), or is refused with a sentence",
    ),
    Check(
        "no_file_or_network_in_build",
        "building",
        "build opens no file, starts no process and asks no network; imports are free to",
        _BUILT,
        where="what a model needs of data belongs into the task; constants belong into the source",
    ),
    *(Check(check.name, check.home, check.expected, _BUILT, check.where) for check in PROCESS),
    Check(
        "parameters_found",
        "building",
        "the module has trainable parameters, and every one that it uses is registered with it",
        _BUILT,
        where="use nn.Parameter as an attribute, nn.ModuleList and nn.ParameterList in place of lists",
    ),
    Check(
        "within_budget",
        "building",
        "with a parameter_budget, between half of it and a tenth more than it are used, embeddings left out",
        ("builds", "parameters_found"),
        where="seqbench.nn.size_for_budget finds the size",
    ),
    Check(
        "output_shape",
        "outputs",
        "forward(x, lengths) gives finite float[batch, output.size] for any batch, also of one example",
        _BUILT,
        where="a squeeze() without an axis, or a fixed number of outputs, is the usual reason",
    ),
    Check(
        "evaluation_is_deterministic",
        "outputs",
        "in evaluation mode two passes over one batch give the same",
        _SHAPED,
        where="use nn.Dropout, or give `training=self.training` to the function",
    ),
    Check(
        "length_one",
        "outputs",
        "sequences of one step give finite outputs, alone and beside longer ones",
        _SHAPED,
        where="whatever looks at the step before the last, or divides by length - 1",
    ),
    Check(
        "padding_invariance",
        "outputs",
        "padding changes no output: the same sequence padded further, or not at all, gives the same",
        _STEADY,
        where="take the state at lengths - 1, pool over seqbench.nn.padding_mask; seqbench.nn.Pooling does both",
    ),
    Check(
        "batch_order_invariance",
        "outputs",
        "the order of a batch's examples changes no example's output",
        _STEADY,
        where="whatever looks at another row, or at a row's place in the batch",
    ),
    Check(
        "batch_size_invariance",
        "outputs",
        "an example's output does not depend on what else is in its batch",
        _STEADY,
        where="statistics over a batch (track_running_stats=False), or softmax and norms over axis 0",
    ),
    Check(
        "gradients_reach_parameters",
        "learning",
        "every trainable parameter gets a gradient that is not zero",
        _SHAPED,
        where="a detach(), .data, .item() or rounding on the way, or a part that forward does not use",
    ),
    Check(
        "gradient_reaches_first_step",
        "learning",
        "the first step of a sequence of eight reaches its output",
        _STEADY,
        where="truncation, a detach() between steps, or a receptive field shorter than eight steps",
    ),
    Check(
        "state_dict_is_plain",
        "weights",
        "state_dict() holds dense tensors and nothing else: no object, no code",
        _BUILT,
        where="get_extra_state, or a hook that adds to the state_dict",
    ),
    Check(
        "save_and_load",
        "weights",
        "saved as safetensors and loaded into a model of another seed, the outputs are the same",
        (*_WHOLE, "state_dict_is_plain"),
        where="whatever forward needs and training or chance decides belongs into parameters or buffers",
    ),
    Check(
        "same_seed_same_result",
        "learning",
        "built, trained and asked twice with one seed, weights and outputs are the same, bit for bit",
        _WHOLE,
        where="random numbers must come from the generators of torch, numpy.random or random, not from one of its own",
    ),
    Check(
        "seed_decides_weights",
        "learning",
        "another seed gives other initial weights",
        ("builds", "parameters_found", "no_global_random_state"),
        where="a generator of the model's own with a fixed seed",
    ),
    Check(
        "overfits_one_batch",
        "learning",
        "eight examples are learned by heart in at most 300 steps",
        (*_WHOLE, "gradients_reach_parameters"),
        where="saturated or dead units at the start, a head that is bounded, or a loss of information by pooling",
    ),
    Check("float32", "dtypes", "weights and outputs are float32 by default", _SHAPED),
    Check(
        "float64",
        "dtypes",
        "after .double() outputs are float64 and agree with those of float32",
        (*_WHOLE, "float32"),
        where="a tensor made with dtype=torch.float32, or a cast by .float()",
    ),
    Check(
        "bfloat16",
        "dtypes",
        "under bfloat16 autocast a step of training is finite and outputs stay close to those of float32",
        (*_WHOLE, "float32"),
        where="an in-place write of one dtype into another, or a sum that overflows",
    ),
    Check(
        "devices",
        "devices",
        "every tensor of the module moves with .to(device), and outputs agree on each device there is",
        _WHOLE,
        where="register_buffer for constants; device=x.device for what forward makes",
    ),
    Check(
        "causality",
        "outputs",
        "a model declared causal has states(x, lengths), and no state depends on later steps",
        _STEADY,
        where="a backward direction, attention without a mask, or a convolution padded on both sides",
    ),
    Check(
        "predictor_ignores_targets",
        "estimators",
        "a fitted model's predictions do not change with the targets of what it predicts",
        _SHAPED,
        where="whatever the predictor reads of split.targets",
    ),
    DEPRECATIONS,
)
