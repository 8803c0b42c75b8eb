"""What `searchers.py` compares with: Optuna, aging evolution, local search, chance.

Optuna keeps a study of its own, so its searchers are not functions of the log as ours are: one
object serves one search.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, ClassVar, final

from itnet_nas.analysis.pareto import nondominated, nondominated_rank, signed
from itnet_nas.arch.genotype import Genotype, realise
from itnet_nas.arch.mutate import mutate, neighbours
from itnet_nas.arch.plan import plan_of
from itnet_nas.search.drawing import draw_new
from itnet_nas.search.searcher import Proposal, Searcher

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.arch.plan import Slot
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

EDITS = 100  # of a parent, before a random architecture is drawn


@final
class OptunaSearcher(Searcher):
    """A sampler of Optuna over the space's own variables.

    A layer is a categorical variable, its families; a numeric param an integer, the place of its
    value, suggested where the layer has a family with that param. That is how a training script
    with `trial.suggest_…` is written. A failed trial is told as failed. Samplers have their own
    defaults; the study is told one objective or two.

    sampler  tpe | nsga2 | gp
    """

    name: ClassVar[str] = "optuna"

    def __init__(self, sampler: str, seed: int, *, single: bool = False) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some samplers say that they are experimental
            made = {
                "tpe": optuna.samplers.TPESampler,
                "nsga2": optuna.samplers.NSGAIISampler,
                "gp": optuna.samplers.GPSampler,
            }[sampler](seed=seed)
        self._failed = optuna.trial.TrialState.FAIL
        directions = ["minimize"] if single else ["minimize", "minimize"]
        self._study = optuna.create_study(directions=directions, sampler=made)
        self._open: dict[int, Any] = {}
        self._asked = 0
        self._single = single

    def ask(
        self,
        space: Space,
        records: Sequence[TrialRecord],
        pending: Sequence[Architecture],
        rng: Random,
    ) -> Proposal | None:
        """What the sampler suggests, whether it is new or not."""
        names = [objective.name for objective in space.objectives][: 1 if self._single else None]
        for record in records:
            trial = self._open.pop(record.number, None)
            if trial is not None and record.complete:
                self._study.tell(trial, [record.objectives[name] for name in names])
            elif trial is not None:
                self._study.tell(trial, state=self._failed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trial = self._study.ask()
            choices = tuple(
                _suggest(trial, layer.name, slot)
                for layer, slot in zip(space.layers, plan_of(space).slots, strict=True)
            )
        self._open[self._asked] = trial
        self._asked += 1
        return Proposal(realise(space, Genotype(choices, (), ())), self.name)


def _suggest(trial: Any, name: str, slot: Slot) -> int:
    """The place of the choice that a trial suggests for one layer."""
    family = trial.suggest_categorical(name, list(slot.families))
    left = slot.families[family]
    for param in slot.choices[left[0]].params:
        values = sorted({slot.choices[place].params[param] for place in left})
        value = values[trial.suggest_int(f"{name}.{param}", 0, len(values) - 1)]
        left = [place for place in left if slot.choices[place].params[param] == value]
    return left[0]


@final
class AgingEvolution(Searcher):
    """Regularised evolution: the oldest dies, the best of a sample has a child.

    The last 20 complete records are the population; of 5 drawn from them one of the least Pareto
    rank gets a child by one edit, drawn again while it is known. Ranks are those of the population.

    Source  arXiv 1802.01548, with the sizes that are usual at a few hundred trials
    """

    name: ClassVar[str] = "aging evolution"
    population: ClassVar[int] = 20
    sampled: ClassVar[int] = 5

    def ask(
        self,
        space: Space,
        records: Sequence[TrialRecord],
        pending: Sequence[Architecture],
        rng: Random,
    ) -> Proposal | None:
        """A child that is new, or a random architecture."""
        known = _known(records, pending)
        alive = [record for record in records if record.complete][-self.population :]
        if len(records) + len(pending) >= self.population and alive:
            rank = nondominated_rank([signed(record, space.objectives) for record in alive])
            drawn = rng.sample(range(len(alive)), min(self.sampled, len(alive)))
            best = min(rank[i] for i in drawn)
            parent = alive[rng.choice([i for i in drawn if rank[i] == best])].architecture
            for _ in range(EDITS):
                child = mutate(space, parent, rng)
                if child.key not in known:
                    return Proposal(child, self.name)
        return _random(space, known, rng)


@final
class LocalSearch(Searcher):
    """Ten random architectures, then untried neighbours of what is best; a restart where none is.

    A climb goes on from the non-dominated records since its start, each edit in random order: with
    one objective that is first improvement. Where every neighbour has been tried, a random
    architecture starts the next climb.

    Source  for one objective arXiv 2005.02960; Pareto local search for two
    """

    name: ClassVar[str] = "local search"
    start: ClassVar[int] = 10
    restart: ClassVar[str] = "restart"

    def ask(
        self,
        space: Space,
        records: Sequence[TrialRecord],
        pending: Sequence[Architecture],
        rng: Random,
    ) -> Proposal | None:
        """A new neighbour, or a random architecture."""
        known = _known(records, pending)
        if len(records) + len(pending) < self.start:
            return _random(space, known, rng)
        starts = [record.number for record in records if record.proposed_by == self.restart]
        climb = [r for r in records if r.complete and r.number >= max(starts, default=0)]
        points = [signed(record, space.objectives) for record in climb]
        front = [record for record, on in zip(climb, nondominated(points), strict=True) if on]
        for record in rng.sample(front, len(front)):
            for near in neighbours(space, record.architecture, rng):
                if near.key not in known:
                    return Proposal(near, self.name)
        drawn = draw_new(space, known, rng)
        return None if drawn is None else Proposal(drawn, self.restart)


@final
class UniformDraws(Searcher):
    """Architectures as `arch.sample` draws them, each key once: the plainest baseline."""

    name: ClassVar[str] = "uniform"

    def ask(
        self,
        space: Space,
        records: Sequence[TrialRecord],
        pending: Sequence[Architecture],
        rng: Random,
    ) -> Proposal | None:
        """A random architecture."""
        return _random(space, _known(records, pending), rng)


def _known(records: Sequence[TrialRecord], pending: Sequence[Architecture]) -> set[str]:
    return {record.key for record in records} | {architecture.key for architecture in pending}


def _random(space: Space, known: set[str], rng: Random) -> Proposal | None:
    drawn = draw_new(space, known, rng)
    return None if drawn is None else Proposal(drawn, "random")
