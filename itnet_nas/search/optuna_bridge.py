"""Two samplers of Optuna as strategies, so that they can be compared on one's own space.

Optuna keeps a study and changes it at every step; a strategy here keeps nothing. So each question
builds the study of the log anew, in memory: every trial with its answers (`decisions`), figures and
state, what is pending as running, and the generations that NSGA-II counts by. One generation are
the next `population` complete trials, in the order of their numbers.

What Optuna proposes may be known already or break a constraint; it is asked up to 20 times, then a
random architecture is taken. Needs the package `optuna`, which `itnet-nas[optuna]` brings.

Source  Ozaki et al., multiobjective tree-structured Parzen estimator, 2020; Deb et al., NSGA-II,
        2002; Akiba et al., Optuna, arXiv 1907.10902.
"""

from __future__ import annotations

import importlib
import importlib.util
from abc import abstractmethod
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, final

from itnet_nas.arch.architecture import Architecture
from itnet_nas.arch.feasible import feasible
from itnet_nas.arch.genotype import genotype_of, realise
from itnet_nas.arch.plan import plan_of
from itnet_nas.errors import EnvironmentProblem
from itnet_nas.search.decisions import Decision, answers_of, settle
from itnet_nas.search.drawing import draw_new, known_keys
from itnet_nas.search.priors import split
from itnet_nas.search.searcher import RANDOM, Proposal, Searcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from itnet_nas.arch.plan import Plan
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

ASKS = 20
LEAST_POPULATION, MOST_POPULATION = 10, 50


class OptunaSearcher(Searcher):
    """What both have in common. Failed, stopped and infeasible trials are failures to Optuna."""

    @abstractmethod
    def sampler(self, optuna: Any, space: Space, seed: int) -> Any:
        """A new sampler."""

    def marks(self, space: Space, complete: int) -> dict[str, Any]:
        """What the sampler wants to find at a trial that was the n-th to be complete."""
        del space, complete
        return {}

    def ask(
        self,
        space: Space,
        records: Sequence[TrialRecord],
        pending: Sequence[Architecture],
        rng: Random,
    ) -> Proposal | None:
        """A feasible architecture with a new key. EnvironmentProblem without Optuna."""
        optuna = require_optuna()
        known = known_keys(space, records, pending)
        with _quiet(optuna):
            study = self.study(optuna, space, records, pending, rng.getrandbits(32))
            for _ in range(ASKS):
                proposed = _proposed(space, study.ask())
                if proposed is not None and proposed.key not in known and feasible(space, proposed):
                    return Proposal(proposed, self.name)
        drawn = draw_new(space, known, rng)
        return None if drawn is None else Proposal(drawn, RANDOM)

    def study(
        self,
        optuna: Any,
        space: Space,
        records: Sequence[TrialRecord],
        pending: Sequence[Architecture],
        seed: int,
    ) -> Any:
        """The log as a study of Optuna; records of other spaces are left out."""
        study = optuna.create_study(
            study_name="log",
            directions=[_direction(objective.direction) for objective in space.objectives],
            sampler=self.sampler(optuna, space, seed),
        )
        state = optuna.trial.TrialState
        names = [objective.name for objective in space.objectives]
        complete = 0
        for record in split(space, records)[0]:
            answers = _answers(space, record.architecture)
            if answers is None:
                continue
            able = record.complete and record.objectives.keys() >= set(names)
            study.add_trial(
                optuna.trial.create_trial(
                    state=state.COMPLETE if able else state.FAIL,
                    values=[record.objectives[name] for name in names] if able else None,
                    system_attrs=self.marks(space, complete) if able else {},
                    **_params(optuna, answers),
                )
            )
            complete += able
        for architecture in pending:
            answers = _answers(space, architecture)
            if answers is not None:
                trial = optuna.trial.create_trial(state=state.RUNNING, **_params(optuna, answers))
                study.add_trial(trial)
        return study


@final
class TpeSearcher(OptunaSearcher):
    """`TPESampler` as it comes."""

    name: ClassVar[str] = "optuna_tpe"

    def sampler(self, optuna: Any, space: Space, seed: int) -> Any:
        del space
        return optuna.samplers.TPESampler(seed=seed)


@final
class Nsga2Searcher(OptunaSearcher):
    """`NSGAIISampler` with a population of a fifth of the trials, at least 10 and at most 50.

    Its default of 50 would leave a search of 100 trials a single step of selection.
    """

    name: ClassVar[str] = "optuna_nsga2"

    def sampler(self, optuna: Any, space: Space, seed: int) -> Any:
        return optuna.samplers.NSGAIISampler(population_size=population(space), seed=seed)

    def marks(self, space: Space, complete: int) -> dict[str, Any]:
        return {"NSGAIISampler:generation": complete // population(space)}


def population(space: Space) -> int:
    """How many trials NSGA-II takes for a generation."""
    return min(MOST_POPULATION, max(LEAST_POPULATION, space.search.trials // 5))


def require_optuna() -> Any:
    """The package. EnvironmentProblem, with what to install, where it is not there."""
    if importlib.util.find_spec("optuna") is None:
        raise EnvironmentProblem(
            "the strategies optuna_tpe and optuna_nsga2 need the package optuna, which is not "
            "installed here; install it with `pip install 'itnet-nas[optuna]'`, or choose another "
            "strategy"
        )
    return importlib.import_module("optuna")


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Without a line for each study; the level is put back."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _direction(direction: str) -> str:
    return "maximize" if direction == "max" else "minimize"


def _proposed(space: Space, trial: Any) -> Architecture | None:
    """What a trial of Optuna stands for; None where it leaves no layer."""

    def ask(decision: Decision, _: Any) -> int:
        if decision.ordered:
            return int(trial.suggest_int(decision.name, 0, decision.number - 1))
        return int(trial.suggest_categorical(decision.name, list(range(decision.number))))

    genotype = settle(plan_of(space), ask)
    try:
        return realise(space, genotype)
    except ValueError:
        return None


def _params(optuna: Any, answers: dict[Decision, int]) -> dict[str, Any]:
    """Answers as Optuna writes them down: values, and where they come from."""
    kinds = optuna.distributions
    return {
        "params": {decision.name: answer for decision, answer in answers.items()},
        "distributions": {
            decision.name: kinds.IntDistribution(0, decision.number - 1)
            if decision.ordered
            else kinds.CategoricalDistribution(tuple(range(decision.number)))
            for decision in answers
        },
    }


def _answers(space: Space, architecture: Architecture) -> dict[Decision, int] | None:
    """The answers that give an architecture; None for one of another space."""
    return _read(plan_of(space), architecture.model_dump_json())


@lru_cache(maxsize=4_096)
def _read(plan: Plan, text: str) -> dict[Decision, int] | None:
    # Every question goes through the whole log, and each architecture takes a millisecond.
    genotype = genotype_of(plan.space, Architecture.model_validate_json(text))
    return None if genotype is None else answers_of(plan, genotype)
