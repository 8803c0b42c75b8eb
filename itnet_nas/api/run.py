"""`Run`, `Front` and `Trial`: a run as Python sees it.

Reading a run starts nothing and needs neither Ray nor a plugin; `Trial.module` and `Trial.export`
import torch.
"""

from __future__ import annotations

import html
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from itnet_nas.errors import RunError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from torch import nn

    from itnet_nas.analysis.certificate import Certificate
    from itnet_nas.analysis.hypervolume import Scale
    from itnet_nas.explanation import Explanation
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.search.run_session import Backend
    from itnet_nas.space.space import Space


@final
class Run:
    """A run's folder, read afresh at every call: a search may still be writing to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.space: Space = self._read("space")

    @property
    def records(self) -> list[TrialRecord]:
        """Every record so far, by number."""
        from itnet_nas.results.store import Store

        with Store.open(self.folder) as store:
            return store.records()

    @property
    def stamp(self) -> dict[str, Any]:
        """Versions, command, machine and start of the search."""
        return dict(self._read("stamp"))

    def pareto(self) -> Front:
        """The front of the trials that are complete."""
        return Front(self)

    def trial(self, number: int) -> Trial:
        """One trial. Raises UsageError for a number without a record."""
        records = self.records
        found = next((record for record in records if record.number == number), None)
        if found is not None:
            return Trial(self, found)
        there = f"trials 0 to {records[-1].number}" if records else "no trial has ended"
        raise UsageError(f"{self.folder} has no record of trial {number}: {there}")

    def certify(
        self,
        trial: int | str = "knee",
        *,
        seeds: int = 5,
        most: int = 2,
        trials: int | None = None,
        workers: int | None = None,
        time: str | None = None,
        address: str | None = None,
        backend: Backend = "ray",
    ) -> Certificate:
        """Test by training what each layer of a trial needs; what was trained before is kept.

        trial    its number, or a rule of `Front.pick`
        seeds    paired seeds at most; most: swaps of one axis at most
        trials   at most so many trainings now; a later call goes on

        Raises UsageError for a trial that is not complete, and what `search` raises.
        """
        from itnet_nas.search.certify import certify_run

        number = trial if isinstance(trial, int) else self.pareto().pick(trial).number
        summary = certify_run(
            self.folder,
            number,
            seeds=seeds,
            most=most,
            trainings=trials,
            workers=workers,
            time=time,
            address=address,
            backend=backend,
        )
        if summary.ended == "interrupted":
            raise KeyboardInterrupt
        found = self.certificate(number)
        if found is None:  # the request was written before anything was trained
            raise RunError(f"{self.folder} has lost the request for this certificate")
        self.report()
        return found

    def certificate(self, trial: int | None = None) -> Certificate | None:
        """The certificate of a trial, or the one asked for last; None where none was asked for.

        Made afresh from the records, however many of its trainings have ended.
        """
        from itnet_nas.results.store import Store
        from itnet_nas.search.session import paired_seeds

        with Store.open(self.folder) as store:
            requests, swaps = store.swaps.requests(), store.swaps.records()
            records, seed = store.records(), store.search.seed
        if trial is None and requests:
            trial = next(reversed(requests))
        if trial not in requests:
            return None
        from itnet_nas.analysis.certificate import certificate

        asked = requests[trial]
        return certificate(
            self.space,
            next(record for record in records if record.number == trial),
            swaps,
            seeds=paired_seeds(seed, asked.seeds),
            most=asked.most,
        )

    def frame(self) -> pd.DataFrame:
        """One row per trial: number, state, objectives, figures, one column per layer."""
        from itnet_nas.results.frame import frame

        return frame(self.space, self.records)

    def layers(self) -> pd.DataFrame:
        """One row per trial and layer: family, params, the four axes of its bias."""
        from itnet_nas.results.frame import layers_frame

        return layers_frame(self.space, self.records)

    def report(self, path: str | Path | None = None) -> Path:
        """Write the report, one HTML file that needs nothing else; `report.html` in the run.

        Raises RunError where it cannot be written.
        """
        from itnet_nas.analysis.report import write_report

        target = Path(path) if path is not None else self.folder / "report.html"
        try:
            write_report(
                self.space,
                self.records,
                self.stamp,
                target,
                run=str(self.folder),
                certificate=self.certificate(),
            )
        except OSError as error:
            raise RunError(f"{target} cannot be written: {error.strerror}") from error
        return target

    def _repr_html_(self) -> str:
        return self.pareto()._repr_html_()

    def _read(self, name: str) -> Any:
        from itnet_nas.results.store import Store

        with Store.open(self.folder) as store:
            return getattr(store, name)


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
        """What the hypervolume is measured against: ideal and reference of every objective."""
        from itnet_nas.analysis.hypervolume import scale

        return scale(self._run.space, self._all)

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

        return explain(
            self._run.space, self._run.records, self.record, self._run.certificate(self.number)
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
        export_python(self.record, self.weights(), target)
        return target

    def __repr__(self) -> str:
        return f"<Trial {self.number}: {self.label}>"
