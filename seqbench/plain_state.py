"""Nested values with tensors in them as one safetensors file: exact, and without the code that a pickle may hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

TENSOR, TUPLE, ITEMS = "$tensor", "$tuple", "$items"
STATE = "state"


def save(state: Mapping[str, Any], path: Path) -> None:
    """Write tensors, numbers, strings, None, and lists, tuples and mappings of them.

    Raises TypeError for anything else.
    """
    from safetensors.torch import save_file

    tensors: dict[str, torch.Tensor] = {}
    text = json.dumps(_plain(state, tensors))
    save_file(tensors, path, {STATE: text})


def load(path: Path) -> Any:
    """What `save` wrote, with tensors on the CPU. Raises the library's errors for a file that is none of its kind."""
    from safetensors import safe_open

    with safe_open(path, "pt", "cpu") as file:
        return _restored(json.loads(file.metadata()[STATE]), file)


def _plain(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {TENSOR: name}
    if isinstance(value, Mapping):
        return {ITEMS: [[_plain(key, tensors), _plain(item, tensors)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        items = [_plain(item, tensors) for item in value]
        return {TUPLE: items} if isinstance(value, tuple) else items
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(f"a {type(value).__name__} is neither a tensor nor a plain value")


def _restored(value: Any, file: Any) -> Any:
    if isinstance(value, list):
        return [_restored(item, file) for item in value]
    if not isinstance(value, dict):
        return value
    if TENSOR in value:
        return file.get_tensor(value[TENSOR])
    if TUPLE in value:
        return tuple(_restored(item, file) for item in value[TUPLE])
    return {_restored(key, file): _restored(item, file) for key, item in value[ITEMS]}
