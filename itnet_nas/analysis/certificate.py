"""The certificate: which bias of each layer the task needs, tested by swapping it.

A question is one layer and axis. Its replacements (`swaps`) are trained with the candidate's seeds,
and the verdict reads their losses (`evidence`):

    necessary        of every replacement the lower bound of its mean loss lies above the floor
    preferred        every mean does, but not every bound
    not identified   some replacement's mean lies within the floor: without this bias it does as
                     well
    not tested       there is nothing to compare with, or not yet; a reason says which
    not solved       the task says what counts as solved, and the candidate does not reach it: then
                     nobody is named

Correction. Within a question none is needed: it is rejected only when all of its replacements lose,
an intersection-union test, whose p-value is the largest of theirs. Over the questions of one
certificate Holm's procedure holds the probability of any false "necessary" to α. Seeds come one by
one, so each p-value is multiplied by the number of looks.

Everything is a pure function of the records, so a certificate that was interrupted goes on where it
stopped, and their order means nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from itnet_nas.analysis.axis_verdict import AxisVerdict, Verdict, listed, words
from itnet_nas.analysis.evidence import LEAST, Evidence
from itnet_nas.analysis.expected_quality import expected_quality
from itnet_nas.analysis.numbers import count, short
from itnet_nas.analysis.questions import Question, questions, wanted
from itnet_nas.analysis.words import value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

__all__ = ["AxisVerdict", "Certificate", "Verdict", "certificate", "next_trainings", "words"]

ALPHA = 0.05


@dataclass(frozen=True)
class Certificate:
    """All questions of one candidate; plain values throughout.

    mean           of the candidate's quality over its seeds, in its own sign; None before any
    ceiling        what the task says can be reached; `solved_at` what it calls solved
    solved         None where the task does not say, or the candidate has too few seeds yet
    floor          of a comparison with all of the candidate's seeds; None before there are two
    seeds          those at which the candidate is trained
    trainings      how many have been spent, failed ones included
    left           how many the plan asks for now; 0 when nothing is left
    """

    trial: int
    key: str
    label: str
    quality: str
    direction: str
    mean: float | None
    chance: float | None
    ceiling: float | None
    solved_at: float | None
    solved: bool | None
    floor: float | None
    seeds: tuple[int, ...]
    correction: str
    axes: tuple[AxisVerdict, ...]
    trainings: int
    left: int

    def as_json(self) -> dict[str, Any]:
        """Lists, dicts, texts and numbers alone."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), allow_nan=False))
        return plain

    def __str__(self) -> str:
        """As in a terminal: the candidate, a line per question, and how it was corrected."""
        lines = [f"trial {self.trial}: {self.label}", self._level()]
        layer = ""
        axis = max((len(one.axis) for one in self.axes), default=0)
        wide = max((len(one.value) for one in self.axes), default=0)
        for one in self.axes:
            if one.layer != layer:
                layer = one.layer
                lines.append(f"{', '.join([layer, *one.tied])}: {one.label}")
            said = words(one, self.quality, self.direction)
            lines.append(f"  {one.axis:{axis}}  {one.value:{wide}}  {said}")
        return "\n".join([*lines, self.correction])

    def _level(self) -> str:
        if self.mean is None:
            return f"{self.quality}: not trained again yet"
        known = {"chance": self.chance, "solved from": self.solved_at, "ceiling": self.ceiling}
        beside = [
            f"{name} {value(self.quality, figure)}"
            for name, figure in known.items()
            if figure is not None
        ]
        text = (
            f"{self.quality} {value(self.quality, self.mean)} over {count(len(self.seeds), 'seed')}"
        )
        return f"{text} ({', '.join(beside)})" if beside else text


def certificate(
    space: Space,
    candidate: TrialRecord,
    records: Sequence[TrialRecord],
    *,
    seeds: Sequence[int],
    alpha: float = ALPHA,
    most: int = 2,
    least: int = LEAST,
) -> Certificate:
    """What the records say of the candidate now.

    records   of any trials; those count that train the candidate or a swap of it at one of `seeds`
    seeds     at most so many trainings of each, paired by seed
    alpha     of any false "necessary" in this certificate
    most      replacements per question, as in `swaps`
    least     seeds before anything is said; all of them where there are fewer

    Raises ValueError as `Evidence` and `swaps` do.
    """
    evidence = Evidence(space, candidate, records, seeds=seeds, alpha=alpha, least=least)
    asked = questions(evidence, candidate.architecture, most=most)
    quality, metric = space.objectives[0], evidence.metric
    mine = evidence.figures(candidate.key)
    keys = {candidate.key} | {one.key for question in asked for one in question.tested}
    return Certificate(
        trial=candidate.number,
        key=candidate.key,
        label=candidate.architecture.label,
        quality=quality.name,
        direction=quality.direction,
        mean=evidence.mean,
        chance=metric.chance if metric else None,
        ceiling=metric.ceiling if metric else None,
        solved_at=metric.solved if metric else None,
        solved=evidence.solved,
        floor=evidence.floor(len(mine)) if len(mine) > 1 else None,
        seeds=tuple(evidence.seeds[index] for index in mine),
        correction=_correction(evidence, asked),
        axes=tuple(_answer(evidence, question) for question in asked),
        trainings=sum(evidence.known(key, i) for key in keys for i in range(len(seeds))),
        left=len(wanted(evidence, asked)),
    )


def next_trainings(
    space: Space,
    candidate: TrialRecord,
    records: Sequence[TrialRecord],
    *,
    seeds: Sequence[int],
    alpha: float = ALPHA,
    most: int = 2,
    least: int = LEAST,
) -> list[tuple[Architecture, int]]:
    """Every training that may start now, most useful first: (architecture, index of its seed).

    The candidate comes first, and alone while it is open whether it solves the task. Then every
    swap gets `least` seeds, those with the least expected loss first, since they are the ones that
    can overturn "necessary". A question is settled when one of its replacements is harmless (the
    upper bound of its loss lies within the floor) or all of them lose (it is necessary); what
    serves settled questions alone gets no more seeds. Others get one seed at a time.

    Empty when nothing is left. Trainings that are under way are not known here, so they are named
    again until their records are there. Arguments and errors are those of `certificate`; all
    complete records help to guess which swap loses least.
    """
    evidence = Evidence(space, candidate, records, seeds=seeds, alpha=alpha, least=least)
    asked = questions(evidence, candidate.architecture, most=most)
    found = wanted(evidence, asked)
    networks = {candidate.key: candidate.architecture}
    for question in asked:
        for swap in question.asked.swaps:
            networks.setdefault(swap.architecture.key, swap.architecture)
    expected = expected_quality(space, records, {key: networks[key] for key, _ in found})
    place = {key: index for index, key in enumerate(networks)}
    order = sorted(
        found, key=lambda one: (one[0] != candidate.key, expected[one[0]], place[one[0]], one[1])
    )
    return [(networks[key], index) for key, index in order]


def _answer(evidence: Evidence, question: Question) -> AxisVerdict:
    asked = question.asked
    verdict, reason = _verdict(evidence, question)
    found = AxisVerdict(
        layer=asked.layer,
        axis=asked.axis,
        value=asked.value,
        label=asked.label,
        tied=asked.tied,
        verdict=verdict,
        alternatives=question.tested,
        note=reason or "; ".join(_notes(question)),
    )
    if not question.compared:
        return found
    mildest, said = min(question.compared, key=lambda pair: pair[1].loss)
    return replace(
        found,
        mildest=mildest.label,
        effect=said.loss,
        low=said.low,
        high=said.high,
        bound=min(other.bound for _, other in question.compared),
        floor=said.floor,
        seeds=mildest.seeds,
        also=mildest.also,
    )


def _verdict(evidence: Evidence, question: Question) -> tuple[Verdict, str]:
    """The verdict, and the reason where there is no answer."""
    metric, mean = evidence.metric, evidence.mean
    if evidence.solved is False and metric and metric.solved is not None and mean is not None:
        reach, need = value(metric.name, mean), value(metric.name, metric.solved)
        return Verdict.NOT_SOLVED, (
            f"the candidate reaches {metric.name} {reach} on average, and the task counts as "
            f"solved from {need} on, so no bias is named"
        )
    if not question.tested:
        return Verdict.NOT_TESTED, question.asked.reason
    if not question.compared:
        return Verdict.NOT_TESTED, _nothing(evidence, question)
    if any(said.loss <= said.floor for _, said in question.compared):
        return Verdict.NOT_IDENTIFIED, ""
    return (Verdict.NECESSARY if question.necessary else Verdict.PREFERRED), ""


def _nothing(evidence: Evidence, question: Question) -> str:
    """Why none of the replacements has been compared."""
    if evidence.hopeless(evidence.key):
        kinds = evidence.failures(evidence.key).values()
        return f"the candidate itself failed to train ({listed(sorted(set(kinds)))})"
    if question.waiting:
        pairs = max(one.seeds for one in question.tested)
        return f"{pairs} of {count(evidence.least, 'paired seed')} so far"
    return "; ".join(_failures(question)) or "too few seeds are complete"


def _notes(question: Question) -> list[str]:
    compared = question.compared
    notes = _failures(question)
    if len(compared) < len(question.tested):
        notes.insert(0, f"{len(compared)} of {count(len(question.tested), 'replacement')} tested")
    if question.asked.tied:
        notes.append(f"swapped together with {listed(question.asked.tied)}: they share one kernel")
    if any(one.differs == "size" for one in question.tested):
        notes.append(f"no other {question.asked.axis} is offered here, only other sizes")
    notes += [
        f"{one.label} in its place is better by {short(-said.loss, 2)}"
        for one, said in compared
        if said.high < 0.0 and -said.loss > said.floor
    ]
    return notes


def _failures(question: Question) -> list[str]:
    """What failed is no evidence that it loses, so it is named."""
    return [
        f"{one.label} failed in {count(len(one.failures), 'training')} "
        f"({listed(sorted(set(one.failures)))})"
        for one in question.tested
        if one.failures
    ]


def _correction(evidence: Evidence, asked: Sequence[Question]) -> str:
    """How the bounds were corrected, in a sentence."""
    family = sum(bool(question.tested) for question in asked)
    most = len(evidence.seeds)
    text = f"one-sided bounds, Holm over {count(family, 'question')} at {evidence.alpha:.2g} in all"
    if evidence.looks > 1:
        text += f", split evenly over {evidence.looks} looks ({evidence.least} to {most} seeds)"
    return f"{text}; all replacements of a question have to lose, which needs no correction"
