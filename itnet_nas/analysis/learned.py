"""Which inductive bias each layer of one trial learned: declared, measured and tested, in rows.

One value for the page and the terminal. What a layer is said to need comes from a certificate
alone; without one, or where the task is not solved, nobody is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from itnet_nas.analysis.acts_like import with_article
from itnet_nas.analysis.axis_verdict import Verdict, listed, plus_minus, words
from itnet_nas.analysis.expressed import express
from itnet_nas.analysis.sure import how_sure, not_solved, what_next
from itnet_nas.analysis.swaps import value_words
from itnet_nas.analysis.words import axis_words, unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.analysis.axis_verdict import AxisVerdict
    from itnet_nas.analysis.bias_table import BiasTable, Share
    from itnet_nas.analysis.certificate import Certificate
    from itnet_nas.analysis.expressed import Expressed
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

# Of several axes the strongest word stands for the layer.
STRONGEST = (Verdict.NECESSARY, Verdict.PREFERRED, Verdict.NOT_IDENTIFIED, Verdict.NOT_TESTED)


@dataclass(frozen=True)
class Cell:
    """One axis of one layer: `● near: 90 % within 2`, what it may do, and what testing said."""

    marked: str
    declared: str  # empty where the words are the declared ones
    figures: str
    change: str
    verdict: Verdict | None


@dataclass(frozen=True)
class LearnedLayer:
    """One row. `kernel` is None for a layer that is left out; then only `layer` says something.

    share, chance   of its family among the best trials and by chance; None where nobody is named
    verdict         the strongest of its axes; `needs` names the axes that have it
    together        which of its axes were tested with others only, so cannot be told from them
    lost            `0.48 ± 0.03` of quality, for the axis of `needs` that costs most: `dearest`
    """

    layer: str
    kernel: str | None = None
    family: str = ""
    acts_like: str = ""
    leaning: str = ""
    cells: tuple[tuple[str, Cell], ...] = ()
    partings: tuple[str, ...] = ()
    share: float | None = None
    chance: float | None = None
    lost: str = ""
    dearest: str = ""
    verdict: Verdict | None = None
    needs: tuple[str, ...] = ()
    together: str = ""
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Learned:
    """The section: what (`lead` and `rows`), how sure, what next.

    `warns` marks a lead that names nobody; `next` has commands with a word on what each is for.
    """

    trial: int
    lead: str
    warns: bool
    rows: tuple[LearnedLayer, ...]
    measured: bool
    tested: bool
    quality: str
    sure: tuple[str, ...]
    next: tuple[tuple[str, str], ...]


def learned(
    space: Space,
    record: TrialRecord,
    best: TrialRecord,
    table: BiasTable,
    run: str,
    certificate: Certificate | None = None,
) -> Learned:
    """The rows of one complete trial; `best` is the run's best, by which a task counts as solved.

    A certificate of another trial is left aside.
    """
    if certificate is not None and certificate.trial != record.number:
        certificate = None
    unsolved = not_solved(space, best, certificate)
    rows = tuple(
        _row(space, record, name, table, certificate, named=not unsolved)
        for name in _layers(space, record)
    )
    return Learned(
        trial=record.number,
        lead=unsolved or _lead(rows, certificate),
        warns=bool(unsolved),
        rows=rows,
        measured=bool(record.probe),
        tested=certificate is not None,
        quality=unit(space.objectives[0].name),
        sure=tuple(how_sure(record, certificate)),
        next=tuple(
            what_next(record, certificate, run, trials=space.search.trials, solved=not unsolved)
        ),
    )


def expressed_layers(space: Space, record: TrialRecord) -> dict[str, Expressed]:
    """Layer -> what it was measured to do, for those that were probed."""
    return {
        layer.name: express(record.bias[layer.name], probe, space.facts.domain)
        for layer in record.architecture.layers
        if (probe := record.probe.get(layer.name)) is not None
    }


def _row(
    space: Space,
    record: TrialRecord,
    name: str,
    table: BiasTable,
    certificate: Certificate | None,
    *,
    named: bool,
) -> LearnedLayer:
    choice = next((one for one in record.architecture.layers if one.name == name), None)
    if choice is None:
        return LearnedLayer(layer=name)
    bias = record.bias[name]
    probe = record.probe.get(name)
    seen = None if probe is None else express(bias, probe, space.facts.domain)
    axes = verdicts(certificate, name)
    verdict, needs, dearest = _strongest(list(axes.values()))
    lost = "" if dearest is None else _plus_minus(dearest)
    share = _share(table, name, choice.family)
    return LearnedLayer(
        layer=name,
        kernel=choice.label,
        family=choice.family,
        acts_like="" if seen is None else seen.acts_like,
        leaning="" if seen is None else seen.leaning,
        cells=tuple(
            (axis, _cell(seen, axis, text, axes.get(axis)))
            for axis, text in axis_words(bias).items()
        ),
        partings=() if seen is None else seen.partings,
        share=share.in_best if share is not None and named else None,
        chance=share.chance if share is not None and named else None,
        lost=lost if named else "",
        dearest=dearest.axis if dearest is not None and lost and named else "",
        verdict=verdict if named else Verdict.NOT_SOLVED,
        needs=needs if named else (),
        together=_together(list(axes.values())) if named else "",
        sentences=tuple(
            f"{axis}: {words(one, certificate.quality, certificate.direction)}"
            for axis, one in axes.items()
            if certificate is not None and named
        ),
    )


def verdicts(certificate: Certificate | None, layer: str) -> dict[str, AxisVerdict]:
    """Axis -> what the certificate says of it at one layer; nothing without a certificate."""
    if certificate is None:
        return {}
    return {one.axis: one for one in certificate.axes if layer in (one.layer, *one.tied)}


def _cell(seen: Expressed | None, axis: str, declared: str, found: AxisVerdict | None) -> Cell:
    verdict = None if found is None else found.verdict
    if seen is None:
        return Cell(f"○ {declared}", "", "", "", verdict)
    one = seen.axes[axis]
    may = one.declared if one.evidence == "measured" else ""
    return Cell(one.marked, may, one.figures, one.change, verdict)


def _strongest(
    found: Sequence[AxisVerdict],
) -> tuple[Verdict | None, tuple[str, ...], AxisVerdict | None]:
    """The strongest verdict, the axes that have it, and that of them which costs most."""
    verdict = next((v for v in STRONGEST if any(one.verdict is v for one in found)), None)
    if verdict is None:
        return (Verdict.NOT_SOLVED if found else None), (), None
    those = [one for one in found if one.verdict is verdict]
    dearest = max(those, key=lambda one: float("-inf") if one.effect is None else one.effect)
    return verdict, tuple(one.axis for one in those), dearest


def _plus_minus(one: AxisVerdict) -> str:
    if one.effect is None or one.low is None or one.high is None:
        return ""
    return plus_minus(one.effect, (one.high - one.low) / 2)


def _share(table: BiasTable, layer: str, family: str) -> Share | None:
    shares = next((row.shares for row in table.layers if row.layer == layer), ())
    return next((share for share in shares if share.family == family), None)


def _layers(space: Space, record: TrialRecord) -> list[str]:
    names = [layer.name for layer in space.layers]
    return names + [one.name for one in record.architecture.layers if one.name not in names]


def _lead(rows: Sequence[LearnedLayer], certificate: Certificate | None) -> str:
    """What, in one to three sentences."""
    acting = [
        f"{row.layer} acts like {with_article(row.acts_like)}" for row in rows if row.acts_like
    ]
    said = f"{listed(acting)}." if acting else "What the layers do was not measured."
    if certificate is None:
        return f"{said} Whether the task needs it was not tested."
    needed = _named(certificate, Verdict.NECESSARY)
    preferred = _named(certificate, Verdict.PREFERRED)
    if not needed and not preferred:
        return f"{said} No bias was shown to be needed."
    parts = [said]
    if needed:
        parts.append(f"The task needs {needed}.")
    if preferred:
        parts.append(f"It prefers {preferred}, but not surely.")
    return " ".join(parts)


def _named(certificate: Certificate, verdict: Verdict) -> str:
    """`full support and no content at mix1, linear state at mix2`."""
    found: dict[str, list[str]] = {}
    for one in certificate.axes:
        if one.verdict is verdict:
            layers = listed([one.layer, *one.tied])
            found.setdefault(layers, []).append(value_words(one.axis, one.value))
    return ", ".join(f"{listed(axes)} at {layers}" for layers, axes in found.items())


def _together(found: Sequence[AxisVerdict]) -> str:
    """`support with state; content with sharing`: what no swap could change alone."""
    return "; ".join(
        f"{one.axis} with {listed(one.also)}"
        for one in found
        if one.also and one.verdict in (Verdict.NECESSARY, Verdict.PREFERRED)
    )
