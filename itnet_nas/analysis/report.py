"""The report of a run: one HTML file that needs nothing else, neither network nor script.

The template is given plain values and draws them; every text is escaped by it.
"""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from itnet_nas.analysis.attribution_section import attribution_section
from itnet_nas.analysis.baseline_section import baseline_section
from itnet_nas.analysis.beside import NOTHING
from itnet_nas.analysis.bias_table import bias_table
from itnet_nas.analysis.chart import scatter
from itnet_nas.analysis.confirmed_section import confirmed_section
from itnet_nas.analysis.failures import failed_by_kind
from itnet_nas.analysis.halved_section import halved_section
from itnet_nas.analysis.imported import imported_text, own
from itnet_nas.analysis.learned import learned
from itnet_nas.analysis.numbers import column, count, duration, short
from itnet_nas.analysis.palette import palette
from itnet_nas.analysis.pareto import front as front_of
from itnet_nas.analysis.pick import RULES, pick
from itnet_nas.analysis.verdict import biases_differ, trust, verdict
from itnet_nas.analysis.words import value
from itnet_nas.results.record import TrialState
from itnet_nas.space.constraint import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from itnet_nas.analysis.beside import Beside
    from itnet_nas.analysis.certificate import Certificate
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

TEMPLATES = Path(__file__).parent / "templates"
MESSAGE = 400  # characters of an error that are shown


def write_report(
    space: Space,
    records: Sequence[TrialRecord],
    stamp: Mapping[str, Any],
    path: str | Path,
    run: str = "RUN",
    beside: Beside = NOTHING,
) -> Path:
    """Write the report to `path`, replacing it at once; a reader never sees half of it."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".part")
    draft.write_text(render(space, records, stamp, run, beside), encoding="utf-8")
    draft.replace(target)
    return target


def render(
    space: Space,
    records: Sequence[TrialRecord],
    stamp: Mapping[str, Any],
    run: str = "RUN",
    beside: Beside = NOTHING,
) -> str:
    """The page as text. `run` is the run's folder as commands name it.

    What the layers learned is shown of the trial that the certificate belongs to, of the knee
    without one.

    `stamp` may have: command, started (seconds since the epoch), python, platform, versions
    (package -> version), git; what it lacks is left out.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"short": short, "duration": duration}
    environment.globals |= {"value": value, "count": count}
    return environment.get_template("report.html.j2").render(
        view(space, records, stamp, run, beside)
    )


def view(
    space: Space,
    records: Sequence[TrialRecord],
    stamp: Mapping[str, Any],
    run: str,
    beside: Beside = NOTHING,
) -> dict[str, Any]:
    """All that the template shows."""
    front = front_of(space, records)
    certificate = beside.certificate
    knee = pick(space, front, "knee") if front else None
    best = pick(space, front, "best") if front else None
    table = bias_table(space, records)
    colours = palette(space, records)
    named = {}
    if knee is not None and best is not None:
        named = {best.number: f"best {best.number}", knee.number: f"knee {knee.number}"}
    charts = [scatter(space, records, front, cost, named) for cost in space.objectives[1:]]
    return {
        "space": space,
        "run": run,
        "head": _head(space, records, stamp),
        "front": front,
        "figures_of_front": {
            objective.name: column([record.objectives[objective.name] for record in front])
            for objective in space.objectives
        },
        "members": {row.trial: row for row in table.members},
        "named": named,
        "knee": knee,
        "learned": None
        if knee is None or best is None
        else learned(space, _shown(records, knee, certificate), best, table, run, certificate),
        "rule": RULES["knee"],
        "verdict": "" if knee is None or best is None else verdict(space, knee, best),
        "differ": "" if knee is None else biases_differ(space, knee),
        "figures": {} if knee is None else dict(sorted(knee.figures.items())),
        "matters": attribution_section(space, records),
        "confirmed": confirmed_section(space, records, beside),
        "halved": halved_section(space, records, beside),
        "trust": trust(space, records, knee, confirmed=bool(beside.confirmations)),
        "charts": [chart for chart in charts if chart is not None],
        "table": table,
        "layers": [layer.name for layer in space.layers],
        "families": {family: place for place, family in enumerate(colours)},
        "colours": colours,
        "settled": baseline_section(space, records, beside.baseline),
        "failures": _failures(records),
        "untested": _untested(table.untested),
        "commands": _commands(space, knee, run, done=len(own(records)) >= space.search.trials),
        "stamp": _stamp_rows(space, records, stamp),
    }


def _shown(
    records: Sequence[TrialRecord], knee: TrialRecord, certificate: Certificate | None
) -> TrialRecord:
    """The trial whose layers are shown."""
    if certificate is None:
        return knee
    tested = (one for one in records if one.complete and one.number == certificate.trial)
    return next(tested, knee)


def _head(space: Space, records: Sequence[TrialRecord], stamp: Mapping[str, Any]) -> dict[str, Any]:
    states = Counter(record.state for record in records)
    planned, trained = space.search.trials, len(own(records))
    here = [record for record in own(records) if record.started > 0]
    started = [record.started for record in here]
    ended = [record.started + record.seconds for record in here]
    devices = Counter(record.device for record in records if record.device)
    if not records:
        status, done = "no trial has ended yet", False
    elif trained < planned:
        status, done = f"{trained} of {planned} planned trials have ended", False
    else:
        status, done = "every planned trial has ended", True
    begun = stamp.get("started") or min(started, default=0)
    return {
        "status": status,
        "done": done,
        "states": {str(state): states[state] for state in TrialState if states[state]},
        "trials": len(records),
        "imported": imported_text(records),
        "wall": duration(max(ended) - min(started)) if started else "",
        "spent": duration(sum(record.seconds for record in own(records))),
        "devices": ", ".join(f"{number} on {name}" for name, number in devices.most_common()),
        "started": _when(begun) if isinstance(begun, int | float) and begun > 0 else "",
    }


def _commands(space: Space, knee: TrialRecord | None, run: str, *, done: bool) -> list[str]:
    """What somebody would most likely type next."""
    folder = run if run == "RUN" else shlex.quote(run)
    go_on = [] if done else [f"itnet-nas resume {folder}"]
    if knee is None:
        return [f"itnet-nas status {folder}", *go_on]
    rule = "best"
    cost = space.objectives[1]
    if cost.name in NAMES and cost.direction == "min":
        bound = float(f"{1.05 * knee.objectives[cost.name]:.2g}")  # never below the candidate
        rule = f"{cost.name}<={bound:.12g}"
    return [
        f"itnet-nas explain {folder} {knee.number}",
        f"itnet-nas pareto {folder} --pick {shlex.quote(rule)}",
        f"itnet-nas export {folder} {knee.number} --format python",
        f"itnet-nas table {folder} --format csv -o trials.csv",
        *go_on,
    ]


def _failures(records: Sequence[TrialRecord]) -> list[dict[str, Any]]:
    """Failures by kind, most frequent first, each with its families and one example."""
    rows = []
    for kind, group in failed_by_kind(records).items():
        families = Counter(
            family
            for record in group
            for family in sorted({layer.family for layer in record.architecture.layers})
        )
        error = group[-1].error
        message = "" if error is None else error.message
        rows.append(
            {
                "kind": kind,
                "count": len(group),
                "families": ", ".join(f"{name} in {n}" for name, n in families.most_common(4)),
                "trial": group[-1].number,
                "label": group[-1].architecture.label,
                "message": message if len(message) <= MESSAGE else message[:MESSAGE] + " …",
            }
        )
    return rows


def _untested(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Layer -> families that no complete trial has there."""
    found: dict[str, list[str]] = defaultdict(list)
    for layer, family in pairs:
        found[layer].append(family)
    return dict(found)


def _stamp_rows(
    space: Space, records: Sequence[TrialRecord], stamp: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """What it takes to repeat the run; what is not known is left out."""
    recipe, search = space.recipe, space.search
    params = ", ".join(f"{name}={value}" for name, value in space.task.params.items())
    origins = {space.task_origin, *space.kernel_origins.values()}
    plugins = sorted({f"{origin.package} {origin.version}" for origin in origins})
    versions = stamp.get("versions") or {}
    rows = [
        ("command", str(stamp.get("command") or "")),
        ("search", f"{search.strategy}, {count(search.trials, 'trial')}, seed {search.seed}"),
        ("space", f"{space.name}, fingerprint {space.fingerprint}"),
        ("imported", imported_text(records)),
        ("constraints", "; ".join(space.constraints)),
        ("task", f"{space.task.name}({params})" if params else space.task.name),
        ("domain", str(space.facts.domain)),
        ("data", f"{space.facts.source}; hash {space.facts.data}"),
        ("licence of the data", space.facts.licence),
        (
            "training",
            f"{recipe.steps} steps of {recipe.batch_size} examples, peak rate {recipe.lr:g}, "
            f"weight decay {recipe.weight_decay:g}",
        ),
        ("network", f"width {space.width}, MLP ratio {space.mlp_ratio}"),
        ("plugins", ", ".join(plugins)),
        ("Python", str(stamp.get("python") or "")),
        ("packages", ", ".join(f"{name} {version}" for name, version in versions.items())),
        ("git commit", str(stamp.get("git") or "")),
        ("platform", str(stamp.get("platform") or "")),
        ("seeds of the trials", _seed_range(records)),
    ]
    return [(name, value) for name, value in rows if value]


def _seed_range(records: Sequence[TrialRecord]) -> str:
    seeds = sorted({record.seed for record in records})
    if not seeds:
        return ""
    if len(seeds) == 1:
        return str(seeds[0])
    return f"{len(seeds)} different ones, each in its record"


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
