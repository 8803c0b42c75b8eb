"""Arrays: the user's own numbers, out of .npz files.

    task: {name: arrays, train: train.npz}                                      # classify
    task: {name: arrays, domain: points, train: clouds.npz}                     # point clouds
    task: {name: arrays, kind: forecast, train: weather.npz, context: 96, horizon: 24, columns: [0]}

classify   "x" and "y" (n,) with classes numbered from 0. x is (n, L) or (n, L, C) for sequences,
           (n, H, W) or (n, H, W, C) for pictures. (n, L) is taken for sequences, four sizes for
           pictures; three sizes may be either, so `domain` must say. Integers in x are numbers, not
           symbols. `validation` and `test` are files with the same keys; a part without a file is a
           tenth of `train`, drawn with `split_seed`. Metric: `error`.
points     classify with `domain: points`: "points" (n, N, A) says where N points of n clouds stand,
           "y" (n,) or (n, N) what each cloud, or each point, is. "x" (n, N, C), what is known of
           the points beside, and "mask" (n, N), 0 where a cloud has no such point, may be left out.
           Places are scaled to deviation 1, all axes alike; they are no input of the network but
           where a kernel reads them, so put them into "x" too if they shall be.
forecast   "x" (T, C) or (T,), one series, time first; split by time 70 / 10 / 20. Windows of
           `context` rows predict the next `horizon` rows of `columns`. Metric: `mse` of the
           standardised numbers, beside that of persistence.

Every channel is standardised with the training part. Paths are relative to the current directory.
The facts read the arrays in full: a gap in the data must be found before anything is trained.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, final

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from itnet_nas.tasks import (
    Domain,
    Metric,
    Real,
    Recipe,
    Target,
    Task,
    TaskFacts,
    TaskParams,
    classification_loss,
    count_errors,
)
from itnet_tasks.clouds import Clouds, Keys, load_clouds
from itnet_tasks.files import absolute, stamp
from itnet_tasks.labelled import Labelled, load_labelled
from itnet_tasks.npz import complain
from itnet_tasks.series import Series, load_series

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from itnet_nas.tasks import Batch, Split

REMEDY = "give the path of an .npz file that can be read from here"
CONTEXT, HORIZON = 96, 24

File = Annotated[str, AfterValidator(absolute)]
Column = Annotated[int, Field(ge=0)]


class ArraysParams(TaskParams):
    """Which files and keys, and what is to be learned from them."""

    kind: Annotated[Literal["classify", "forecast"], Field(description="what is predicted")] = (
        "classify"
    )
    train: Annotated[File, Field(description=".npz file, relative to the current directory")]
    validation: Annotated[
        File | None, Field(description="classify: .npz file; default: a tenth of `train`")
    ] = None
    test: Annotated[
        File | None, Field(description="classify: .npz file; default: a tenth of `train`")
    ] = None
    x_key: Annotated[str, Field(description="key of the numbers")] = "x"
    y_key: Annotated[str, Field(description="classify: key of the labels")] = "y"
    points_key: Annotated[str, Field(description="points: key of where they stand")] = "points"
    mask_key: Annotated[str, Field(description="points: key of which are there")] = "mask"
    domain: Annotated[
        Literal["sequence", "grid", "points"] | None,
        Field(description="classify: needed for points, and when x has three sizes"),
    ] = None
    causal: Annotated[
        bool | None,
        Field(description="may a position read earlier ones alone? default: forecast yes"),
    ] = None
    split_seed: Annotated[int, Field(ge=0, description="classify: draws the held-out tenths")] = 0
    context: Annotated[
        int | None, Field(ge=1, description=f"forecast: rows read; default {CONTEXT}")
    ] = None
    horizon: Annotated[
        int | None, Field(ge=1, description=f"forecast: rows predicted; default {HORIZON}")
    ] = None
    columns: Annotated[
        tuple[Column, ...] | None,
        Field(min_length=1, description="forecast: columns predicted; default: all"),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _spell_out_the_defaults(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        forecast = given.get("kind") == "forecast"
        own = {"context": CONTEXT, "horizon": HORIZON} if forecast else {}
        own["causal"] = forecast
        return given | {key: value for key, value in own.items() if given.get(key) is None}

    @model_validator(mode="after")
    def _keys_belong_to_the_kind(self) -> Self:
        if self.kind == "forecast":
            for key in ("validation", "test", "domain"):
                if getattr(self, key) is not None:
                    raise ValueError(
                        f"`{key}` belongs to kind: classify; a forecast splits one series by time"
                    )
            if self.columns is not None and len(set(self.columns)) < len(self.columns):
                raise ValueError("`columns` names a column twice")
            return self
        for key in ("context", "horizon", "columns"):
            if getattr(self, key) is not None:
                raise ValueError(f"`{key}` belongs to kind: forecast")
        if self.causal and self.domain == "grid":
            raise ValueError("a grid has no order, so it cannot be causal")
        if self.causal and self.domain == "points":
            raise ValueError("points have no order, so they cannot be causal")
        given = [path for path in (self.train, self.validation, self.test) if path is not None]
        if len(set(given)) < len(given):
            raise ValueError("`train`, `validation` and `test` must be different files")
        return self


@final
class ArraysTask(Task[ArraysParams]):
    """The user's own arrays: classes of sequences, pictures and clouds, or a series' future."""

    Params = ArraysParams
    summary = "your own arrays (.npz): classify sequences, pictures or clouds, or forecast a series"

    @cached_property
    def _data(self) -> Labelled | Clouds | Series:
        params = self.params
        train = stamp(params.train, REMEDY)
        if params.kind == "forecast":
            return load_series(
                train,
                params.x_key,
                params.context or CONTEXT,
                params.horizon or HORIZON,
                params.columns,
            )
        validation = None if params.validation is None else stamp(params.validation, REMEDY)
        test = None if params.test is None else stamp(params.test, REMEDY)
        seed = params.split_seed
        if params.domain == "points":
            keys = Keys(params.points_key, params.x_key, params.mask_key, params.y_key)
            return load_clouds(train, validation, test, keys, seed)
        found = load_labelled(
            train, validation, test, params.x_key, params.y_key, params.domain, seed
        )
        if params.causal and found.kind == "grid":
            raise complain(
                train, params.x_key, "holds pictures; a grid has no order, so leave `causal` out"
            )
        return found

    @cached_property
    def _facts(self) -> TaskFacts:
        data = self._data
        if isinstance(data, Series):
            domain = Domain(kind="sequence", shape=(data.context,), causal=bool(self.params.causal))
            size = data.horizon * len(data.columns)
            target = Target(where="last", kind="reals", size=size)
            metric = Metric(
                name="mse",
                direction="min",
                description="mean squared error of the standardised numbers",
                baselines={"persistence": data.persistence},
            )
            recipe = Recipe(steps=250, batch_size=32, lr=2e-3)
        else:
            what = "examples"
            where: Literal["pooled", "per_position"] = "pooled"
            recipe = Recipe(steps=400, batch_size=64, lr=3e-3)
            if isinstance(data, Labelled):
                domain = Domain(kind=data.kind, shape=data.shape, causal=bool(self.params.causal))
            else:
                domain = Domain(kind="points", shape=(data.length,), coordinates=data.coordinates)
                if data.per_point:
                    what, where = "points", "per_position"
            target = Target(where=where, kind="classes", size=data.classes)
            metric = Metric(
                name="error",
                direction="min",
                description=f"fraction of {what} put into a wrong class",
                chance=round(1 - 1 / data.classes, 4),
                baselines={"majority": data.majority},
            )
        return TaskFacts(
            domain=domain,
            inputs=(Real(channels=data.channels),),
            target=target,
            metrics=(metric,),
            recipe=recipe,
            licence="that of your files",
            source="arrays of the user",
            data=data.digest,
        )

    def facts(self) -> TaskFacts:
        return self._facts

    def train_batch(self, step: int, batch_size: int, seed: int) -> Batch:
        from itnet_nas.tasks import visit

        index_B = visit(self._data.count("train"), batch_size, seed, step)
        return self._data.batch("train", index_B.numpy())

    def eval_batches(self, split: Split, batch_size: int) -> Iterator[Batch]:
        count = self._data.count(split)
        for first in range(0, count, batch_size):
            yield self._data.batch(split, np.arange(first, min(first + batch_size, count)))

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        if self.params.kind == "classify":
            return classification_loss(out, batch.target)
        return (out.float() - batch.target).square().mean()

    def score(self, out: Tensor, batch: Batch) -> dict[str, tuple[float, float]]:
        if self.params.kind == "classify":
            return {"error": count_errors(out, batch.target)}
        squares = (out.detach().double() - batch.target).square()
        return {"mse": (float(squares.sum()), float(squares.numel()))}
