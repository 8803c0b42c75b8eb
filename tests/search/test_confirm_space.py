"""A confirmation of a run whose space was changed since."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.confirmed import SPACE, trials

from itnet_nas.errors import InfeasibleError
from itnet_nas.results.store import Store
from itnet_nas.search.confirm import confirm_run
from itnet_nas.space.space import Layer, Space


def without(*families: str) -> Space:
    """The space of the run, some families left out of its first layer."""
    first, second = SPACE.layers
    kept = tuple(choice for choice in first.choices if choice.family not in families)
    changed = (Layer(name=first.name, choices=kept), second)
    return Space.model_validate(SPACE.model_dump() | {"layers": changed})


def extended(folder: Path, space: Space) -> Path:
    with Store.create(folder, SPACE) as store:
        for record in trials():
            store.add_record(record)
        store.extend(space, "")
    return folder


def test_what_the_space_no_longer_has_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("itnet_nas.search.confirm.run_session", lambda *_: None)

    confirm_run(extended(tmp_path, without("left")), backend="local")

    with Store.open(tmp_path) as store:
        keys = [job.architecture.key for job in store.confirmations.jobs()]
        numbers = [record.number for record in store.records() if record.key in keys]
    assert numbers == [1, 2, 3, 5]  # trial 0 begins with the family that is gone


def test_where_nothing_is_left_the_answer_is_no(tmp_path: Path) -> None:
    folder = extended(tmp_path, without("left", "middle", "right"))

    with pytest.raises(InfeasibleError, match="has none of its best architectures any more"):
        confirm_run(folder, backend="local")
