from __future__ import annotations

from analysis.support import run, space

from itnet_nas.analysis.failures import failed_by_kind


def test_failures_are_grouped_and_the_most_frequent_kind_is_first() -> None:
    records = run(space(), 20, failing=0.5)

    found = failed_by_kind(records)

    failed = [record.number for record in records if record.error is not None]
    assert failed
    assert sorted(one.number for group in found.values() for one in group) == failed
    sizes = [len(group) for group in found.values()]
    assert sizes == sorted(sizes, reverse=True)
    assert all(
        one.error is not None and one.error.kind == kind
        for kind, group in found.items()
        for one in group
    )
