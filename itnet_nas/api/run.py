"""`Run`: a run as Python sees it. Reading one starts nothing and needs neither Ray nor a plugin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from itnet_nas.api.front import Front, Trial
from itnet_nas.errors import RunError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from itnet_nas.analysis.attributed import Attribution
    from itnet_nas.analysis.baseline import Baseline
    from itnet_nas.analysis.beside import Beside
    from itnet_nas.analysis.certificate import Certificate
    from itnet_nas.analysis.confirmed import Confirmation
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

    @property
    def halving(self) -> str:
        """What pausing trials early has saved, in a sentence; "" where none was to pause."""
        from itnet_nas.analysis.halved import halved
        from itnet_nas.results.store import Store

        with Store.open(self.folder) as store:
            found = halved(store.space, store.records(), store.rungs.records())
        return "" if found is None else found.summary

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

    def confirm(
        self,
        *,
        seeds: int | None = None,
        again: bool = False,
        workers: int | None = None,
        time: str | None = None,
        address: str | None = None,
        backend: Backend = "ray",
    ) -> Confirmation:
        """Train the first two fronts again under fresh seeds, and read the test split.

        seeds    of each candidate, 3 unless given
        again    once more, although the run was confirmed: the test split is read again

        What was interrupted goes on. Raises UsageError for a second confirmation without `again`,
        InfeasibleError where no trial is complete, and what `search` raises.
        """
        from itnet_nas.search.confirm import confirm_run

        summary = confirm_run(
            self.folder,
            seeds=seeds,
            again=again,
            workers=workers,
            time=time,
            address=address,
            backend=backend,
        )
        if summary.ended == "interrupted":
            raise KeyboardInterrupt
        found = self.confirmation()
        if found is None:
            raise RunError(
                f"the time was over before a training of the confirmation had ended; "
                f"`itnet-nas confirm {self.folder}` goes on"
            )
        self.report()
        return found

    def confirmation(self) -> Confirmation | None:
        """What `confirm` found so far; None where nothing was trained again."""
        from itnet_nas.analysis.confirmed import confirmation
        from itnet_nas.results.store import Store

        with Store.open(self.folder) as store:
            records, confirmed = store.records(), store.confirmations.records()
            left = store.confirmations.left()
        return confirmation(self.space, records, confirmed, left)

    def attribution(self) -> Attribution:
        """What matters in the space, by all trials: effects of options, shares, pairs.

        Made afresh from the records; takes some seconds.
        """
        from itnet_nas.analysis.attribution import attribution

        return attribution(self.space, self.records)

    @property
    def random_records(self) -> list[TrialRecord]:
        """Records of random search that was made beside the search; none without it."""
        from itnet_nas.results.store import Store

        with Store.open(self.folder) as store:
            return store.baseline.records()

    def baseline(self) -> Baseline | None:
        """What random search reaches with as many trials: made beside the search, or estimated.

        None where nothing is complete or too little was drawn at random to say anything.
        """
        from itnet_nas.analysis.baseline import baseline

        return baseline(self.space, self.records, self.random_records)

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
                beside=self._beside(),
            )
        except OSError as error:
            raise RunError(f"{target} cannot be written: {error.strerror}") from error
        return target

    def _beside(self) -> Beside:
        from itnet_nas.analysis.beside import Beside
        from itnet_nas.results.store import Store

        with Store.open(self.folder) as store:
            return Beside(
                certificate=self.certificate(),
                confirmations=store.confirmations.records(),
                baseline=store.baseline.records(),
                rungs=store.rungs.records(),
            )

    def _repr_html_(self) -> str:
        return self.pareto()._repr_html_()

    def _read(self, name: str) -> Any:
        from itnet_nas.results.store import Store

        with Store.open(self.folder) as store:
            return getattr(store, name)
