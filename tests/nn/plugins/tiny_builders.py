"""Architectures, jobs and records over the tiny plugins, in one line each."""

from __future__ import annotations

import itertools
from typing import Any

from tiny_plugins import EchoParams, EchoTask

from itnet_nas.arch.architecture import Architecture, LayerChoice
from itnet_nas.nn.network import load_families
from itnet_nas.registry import Origin
from itnet_nas.results.job import TrialJob
from itnet_nas.space.space import Objective, TaskChoice

WIDTH = 8
FAMILIES = ("shift", "near", "noisy", "diverging", "raising", "greedy", "interrupting")

Layers = dict[str, tuple[str, dict[str, Any]]]


def origin(name: str, path: str) -> Origin:
    return Origin(name=name, path=path, package="tiny", version="1")


ORIGINS = {name: origin(name, f"tiny_plugins:{name.upper()}") for name in FAMILIES}


def architecture(
    layers: Layers | None = None,
    edges: list[tuple[str, str]] | None = None,
    width: int = WIDTH,
    mlp_ratio: int = 2,
) -> Architecture:
    """A chain of the layers unless edges are given; one shift(radius=2) unless layers are."""
    layers = {"mix": ("shift", {"radius": 2})} if layers is None else layers
    if edges is None:
        stops = ["input", *layers, "output"]
        edges = list(itertools.pairwise(stops))
    return Architecture(
        width=width,
        mlp_ratio=mlp_ratio,
        layers=tuple(
            LayerChoice(name=name, family=family, params=params)
            for name, (family, params) in layers.items()
        ),
        edges=tuple(edges),
    )


BRANCHES = architecture(
    {
        "half": ("shift", {"radius": 1}),
        "left": ("shift", {"radius": 2}),
        "right": ("shift", {"radius": 3}),
    },
    [
        ("half", "left"),
        ("half", "output"),
        ("half", "right"),
        ("input", "half"),
        ("input", "right"),
        ("left", "output"),
        ("right", "output"),
    ],
)


def job(member: Architecture | None = None, task: dict[str, Any] | None = None, **changes: Any):
    """A job on the echo task; keys of the recipe and of the job may be given."""
    member = architecture() if member is None else member
    origins = changes.pop("kernel_origins", ORIGINS)
    families = load_families({c.family: origins[c.family] for c in member.layers})
    facts = EchoTask(EchoParams(**(task or {}))).facts()
    recipe = facts.recipe
    known = set(type(recipe).model_fields)
    recipe = recipe.model_copy(update={k: changes.pop(k) for k in set(changes) & known})
    fields: dict[str, Any] = {
        "number": 3,
        "proposed_by": "tests",
        "architecture": member,
        "bias": {
            c.name: families[c.family].bias(families[c.family].Params(**c.params))
            for c in member.layers
        },
        "task": TaskChoice(name="echo", params=task or {}),
        "task_origin": origin("echo", "tiny_plugins:EchoTask"),
        "data": facts.data,
        "kernel_origins": {name: origins[name] for name in families},
        "recipe": recipe,
        "seed": 0,
        "objectives": (
            Objective(name="error", direction="min"),
            Objective(name="flops", direction="min"),
        ),
        "probe": False,
        "costs": {"flops": 1000.0, "params": 500.0},
    }
    return TrialJob(**{**fields, **changes})


def on_clouds(here: TrialJob) -> TrialJob:
    """The same job on the task of point clouds."""
    changes = {
        "task": TaskChoice(name="cloud", params={}),
        "task_origin": origin("cloud", "tiny_plugins:CloudTask"),
        "data": "cloud-1",
    }
    return here.model_copy(update=changes)
