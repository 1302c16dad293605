"""The addresses of boards in MLflow's UI: an experiment's page with the view that shows only its model-level runs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from seqbench.tracking.view import VIEW

PREFIX = "seqbench/"
OVERALL = "overall"
SECONDS = 10
"""How long the server may take to answer."""


@dataclass(frozen=True)
class Link:
    """A board: the task's id, or `overall`, and the address of its page."""

    name: str
    address: str


def board_links(address: str) -> list[Link]:
    """Of every board that the server at this address has, the one over all tasks first; none if it does not answer."""
    import requests

    try:
        answer = requests.post(
            f"{address.rstrip('/')}/api/2.0/mlflow/experiments/search",
            json={"max_results": 1000, "filter": f"name LIKE '{PREFIX}%'"},
            timeout=SECONDS,
            **_credentials(),
        )
        answer.raise_for_status()
        experiments = answer.json().get("experiments", [])
        names = {item["name"].removeprefix(PREFIX): item["experiment_id"] for item in experiments}
    except (requests.RequestException, ValueError, KeyError, AttributeError):
        return []  # the links are a convenience: the UI itself lists its experiments
    ordered = sorted(names, key=lambda name: (name != OVERALL, name))
    return [Link(name, board_page(address, names[name])) for name in ordered]


def _credentials() -> dict[str, Any]:
    """What MLflow's own client would show: its settings in the environment. Those in the address come by themselves."""
    token, user = os.environ.get("MLFLOW_TRACKING_TOKEN"), os.environ.get("MLFLOW_TRACKING_USERNAME")
    if user:
        return {"auth": (user, os.environ.get("MLFLOW_TRACKING_PASSWORD", ""))}
    return {"headers": {"Authorization": f"Bearer {token}"}} if token else {}


def board_page(address: str, experiment: str) -> str:
    """The address of an experiment's page with the view that shows its board."""
    return (
        f"{address.rstrip('/')}/#/experiments/{experiment}/runs?viewStateShareKey={VIEW}&workflowType=machine_learning"
    )
