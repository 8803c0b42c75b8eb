"""`Front` and `Trial`: the good ones of a run, and what can be made of one of them.

`Trial.module` and `Trial.export` import torch; the rest needs neither that nor a plugin.
"""

from __future__ import annotations

import html
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, final

from itnet_nas.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from itnet_nas.analysis.hypervolume import Scale
    from itnet_nas.api.run import Run
    from itnet_nas.explanation import Explanation
    from itnet_nas.results.record import TrialRecord


@final
class Front:
    """The non-dominated trials of a run at the moment of asking, cheapest first."""

    def __init__(self, run: Run) -> None:
        from itnet_nas.analysis.pareto import front

        self._run = run
        self._all = run.records
        self._records = front(run.space, self._all)

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Trial]:
        return (Trial(self._run, record) for record in self._records)

    def __getitem__(self, place: int) -> Trial:
        return Trial(self._run, self._records[place])

    def pick(self, rule: str = "knee") -> Trial:
        """One member by a stated rule: best, cheapest, knee, a bound ("flops<=1e6"), a number.

        Raises UsageError for an unknown rule, InfeasibleError when no member obeys it.
        """
        from itnet_nas.analysis.pick import pick

        return Trial(self._run, pick(self._run.space, self._records, rule))

    @cached_property
    def scale(self) -> Scale:
        """What the hypervolume is measured against: ideal and reference of every objective.

        Where the trials decide, those of random search beside the search are among them.
        """
        from itnet_nas.analysis.hypervolume import scale

        return scale(self._run.space, [*self._all, *self._run.random_records])

    @property
    def hypervolume(self) -> float:
        """The share of the space of objectives that the front dominates, from 0 to 1."""
        return self.scale.hypervolume(self._records)

    def _repr_html_(self) -> str:
        names = [objective.name for objective in self._run.space.objectives]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in ("trial", *names, "layers"))
        rows = "".join(
            "<tr>"
            + "".join(
                f"<td>{html.escape(cell)}</td>"
                for cell in (
                    str(trial.number),
                    *(f"{trial.objectives[name]:.4g}" for name in names),
                    trial.label,
                )
            )
            + "</tr>"
            for trial in self
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


@final
class Trial:
    """One architecture trained once, and what can be made of it."""

    def __init__(self, run: Run, record: TrialRecord) -> None:
        self._run = run
        self.record = record

    @property
    def number(self) -> int:
        """Its number in the run."""
        return self.record.number

    @property
    def objectives(self) -> dict[str, float]:
        """Every objective by name; empty for a trial that failed."""
        return dict(self.record.objectives)

    @property
    def label(self) -> str:
        """The architecture in one line."""
        return self.record.architecture.label

    def explain(self) -> Explanation:
        """Which bias each layer has, and where the trial stands; `print` it."""
        from itnet_nas.explanation import explain

        confirmation = self._run.confirmation()
        return explain(
            self._run.space,
            self._run.records,
            self.record,
            self._run.certificate(self.number),
            None if confirmation is None else confirmation.of(self.number),
        )

    def module(self) -> nn.Module:
        """The trained network. Raises RunError when its weights were not kept."""
        from itnet_nas.nn.network import load_network

        return load_network(self.record, self.weights())

    def weights(self) -> bytes:
        """The state dict as `torch.save` wrote it. Raises RunError when it was not kept."""
        from itnet_nas.results.store import Store

        with Store.open(self._run.folder) as store:
            found = store.weights(self.number)
        if found is None:
            raise RunError(
                f"the weights of trial {self.number} ({self.record.state}) were not kept; a run "
                f"keeps those of the front, or with --keep-weights all those of every complete "
                f"trial"
            )
        return found

    def export(self, folder: str | Path) -> Path:
        """Write the network as Python source with its weights; the source needs torch alone."""
        from itnet_nas.nn.export import export_python

        target = Path(folder)
        confirmation = self._run.confirmation()
        found = None if confirmation is None else confirmation.of(self.number)
        export_python(
            self.record,
            self.weights(),
            target,
            confirmed=None if found is None else found.as_json(),
            says="" if found is None else str(found),
        )
        return target

    def __repr__(self) -> str:
        return f"<Trial {self.number}: {self.label}>"
