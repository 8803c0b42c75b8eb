"""From a source to a space: the sense of what is written, all problems at once.

Nothing is trained and no torch is imported here; what a family or a task says about itself is all
that is asked.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any, final

from pydantic import ValidationError

from itnet_nas.errors import DataUnavailable, ItnetError, PluginError
from itnet_nas.kernels import Site
from itnet_nas.registry import KERNELS, TASKS, Registry
from itnet_nas.space.axis_filter import filtered, read_axes
from itnet_nas.space.choices import any_choices, named_choices
from itnet_nas.space.goals import check_constraints, read_objectives
from itnet_nas.space.parse import Part, draft, read_model
from itnet_nas.space.plugins import Plugins, failure, report_plugin
from itnet_nas.space.seeds import check_named_seeds, check_seeds
from itnet_nas.space.sentences import report
from itnet_nas.space.source import Source, from_data
from itnet_nas.space.space import (
    Layer,
    Objective,
    Space,
    TaskChoice,
)
from itnet_nas.space.spec import LayerSpec, RepeatSpec, SpaceSpec
from itnet_nas.space.topology import check_graph, write_out
from itnet_nas.space.values import ValuePath, listed
from itnet_nas.tasks import Recipe, TaskFacts

if TYPE_CHECKING:
    from itnet_nas.kernels import Cost
    from itnet_nas.space.findings import Findings
    from itnet_nas.space.parse import Draft
    from itnet_nas.space.space import Choice
    from itnet_nas.tasks import Task


def check(
    source: Source | SpaceSpec,
    *,
    kernels: Registry = KERNELS,
    tasks: Registry = TASKS,
    notes: list[str] | None = None,
) -> Space:
    """The space that a source or a spec describes.

    `notes` receives a line for each installed family that `kernels: any` had to leave out.

    Raises SpaceError with everything that is wrong, in shape and in sense; DataUnavailable when the
    task's data is missing and nothing else is wrong.
    """
    if isinstance(source, SpaceSpec):
        plain = source.model_dump(mode="json", by_alias=True, exclude_unset=True)
        source = from_data(plain, "space")
    found = _Check(draft(source), Plugins(kernels, tasks))
    space = found.space()
    if notes is not None:
        notes += found.notes
    return space


def _stem(name: str) -> str:
    path = PurePath(name)
    return path.stem if path.suffix in (".yaml", ".yml", ".json") else path.name


@final
class _Check:
    """One pass over a draft. Later steps use what earlier ones could make out."""

    def __init__(self, read: Draft, plugins: Plugins) -> None:
        self.draft = read
        self.findings: Findings = read.findings
        self.plugins = plugins
        self.notes: list[str] = []
        self.missing: DataUnavailable | None = None
        self._any: list[Choice] | None = None

    def space(self) -> Space:
        top = self.draft.top
        task = self._task()
        facts = self._facts(task) if task is not None else None
        site = None
        if facts is not None and self._width_is_known():
            site = Site(domain=facts.domain, width=top.spec.network.width)
        check_graph(self.draft.items, ("layers",), self.findings)
        choices = {
            part.path: self._choices(part, site)
            for item in self.draft.items
            for part in (item.layers if isinstance(item.spec, RepeatSpec) else (item,))
        }
        objectives = read_objectives(top, facts, self.findings)
        check_constraints(top, self.findings)
        check_seeds(top, self.findings)
        self._end()
        assert task is not None  # or a problem was found
        assert facts is not None
        space = self._space(task, facts, choices, objectives)
        check_named_seeds(space, self.findings)
        return space

    def _width_is_known(self) -> bool:
        """Whether the width is what its author meant, though the ratio beside it may be wrong."""
        top = self.draft.top
        if top.whole("network"):
            return True
        given = self.findings.source.data.get("network")
        return isinstance(given, dict) and (
            "width" not in given or "width" in top.spec.network.model_fields_set
        )

    def _end(self) -> None:
        if self.missing is not None:
            if not self.findings.problems:
                raise self.missing
            self.findings.add(("task",), str(self.missing))
        self.findings.raise_if_any()

    def _space(
        self,
        task: Task[Any],
        facts: TaskFacts,
        choices: dict[ValuePath, tuple[Choice, ...]],
        objectives: tuple[Objective, ...],
    ) -> Space:
        spec = SpaceSpec.model_validate(self.findings.source.data)
        graph = write_out(spec.layers)
        optional = {part.path: part.spec.optional for part in self._layer_parts()}
        used = {choice.family for path in graph.layers.values() for choice in choices[path]}
        coding = self._coding_cost(task, spec.network.width)
        changes = spec.training.model_dump(exclude_none=True)
        return Space(
            name=_stem(self.findings.source.name),
            task=TaskChoice(name=spec.task.name, params=task.params.model_dump(mode="json")),
            facts=facts,
            width=spec.network.width,
            mlp_ratio=spec.network.mlp_ratio,
            layers=tuple(
                Layer(name=name, choices=choices[path], optional=optional[path])
                for name, path in graph.layers.items()
            ),
            edges=graph.edges,
            repeats=graph.repeats,
            objectives=objectives,
            constraints=spec.constraints,
            recipe=Recipe.model_validate({**facts.recipe.model_dump(), **changes}),
            search=spec.search,
            coding_cost=coding,
            kernel_origins={name: self.plugins.kernels.origin(name) for name in sorted(used)},
            task_origin=self.plugins.tasks.origin(spec.task.name),
        )

    def _coding_cost(self, task: Task[Any], width: int) -> Cost:
        try:
            return task.coding_cost(width)
        except Exception as error:  # the plugin's own code; anything may come out of it
            self._task_failed(error)
            self.findings.raise_if_any()
            raise

    def _layer_parts(self) -> list[Part[LayerSpec]]:
        found: list[Part[LayerSpec]] = []
        for item in self.draft.items:
            found += item.layers if isinstance(item.spec, RepeatSpec) else [item]
        return found

    def _task(self) -> Task[Any] | None:
        top = self.draft.top
        name = getattr(top.spec.task, "name", None) if "task" in top.spec.model_fields_set else None
        if not isinstance(name, str):
            return None
        try:
            task = self.plugins.task(name)
        except PluginError as error:
            report_plugin(
                self.findings, ("task", "name"), self.plugins.tasks, name, error, key=False
            )
            return None
        given = {
            key: value for key, value in self.findings.source.data["task"].items() if key != "name"
        }
        before = len(self.findings.problems)
        # A task reads its own params: what it takes for a list of files is for it to say.
        read_model(task.Params, given, ("task",), self.findings, lax=True)
        if len(self.findings.problems) > before:
            return None
        try:
            return task(task.Params.model_validate(given))
        except ValidationError as error:
            errors = error.errors(include_url=False)
            report(self.findings, errors, given, ("task",), (task.Params,))
        except DataUnavailable as error:
            self.missing = error
        except Exception as error:  # the plugin's own code; anything may come out of it
            self._task_failed(error)
        return None

    def _facts(self, task: Task[Any]) -> TaskFacts | None:
        try:
            facts = task.facts()
        except DataUnavailable as error:
            self.missing = error
        except Exception as error:  # the plugin's own code; anything may come out of it
            self._task_failed(error)
        else:
            if isinstance(facts, TaskFacts):
                return facts
            self._task_failed(TypeError("facts() gave no TaskFacts"))
        return None

    def _task_failed(self, error: Exception) -> None:
        if isinstance(error, ItnetError):
            self.findings.add(("task",), str(error))
            return
        name = self.findings.source.data["task"]["name"]
        origin = self.plugins.tasks.origin(name)
        self.findings.add(
            ("task",),
            failure(f'the task "{name}"', error),
            f"see to its parameters, or tell the author of {origin.package} {origin.version}",
        )

    def _choices(self, part: Part[Any], site: Site | None) -> tuple[Choice, ...]:
        path = (*part.path, "kernels")
        axes = read_axes(part, self.findings)
        if not part.whole("kernels"):
            return ()
        found: list[Choice] | None = []
        if part.spec.kernels == "any":
            found = self._any_choices(site) if site is not None else None
            if found == []:
                self.findings.add(
                    path,
                    f"no installed kernel family can stand at {site}",
                    f"installed: {listed(self.plugins.kernels.names())}",
                )
                return ()
        elif not part.spec.kernels:
            self.findings.add(path, "no kernel family is named", "name one, or write: kernels: any")
            return ()
        else:
            for name, given in part.spec.kernels.items():
                tried = named_choices(name, given, (*path, name), site, self.plugins, self.findings)
                found = None if found is None or tried is None else found + tried
        if found is None or axes is None:
            return ()
        return filtered(part, found, axes, self.findings)

    def _any_choices(self, site: Site) -> list[Choice]:
        if self._any is None:
            self._any = any_choices(site, self.plugins, self.notes)
        return self._any
