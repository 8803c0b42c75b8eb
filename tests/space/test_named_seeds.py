"""Seeds that are named: which choices they mean, and what is said of those that mean none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from itnet_nas.space.findings import Findings
from itnet_nas.space.named_seeds import named_choices_of
from itnet_nas.space.source import from_data
from itnet_nas.space.space import Space

HEAD = "version: 1\ntask: {name: symbols}\n"
LAYERS = """\
layers:
  - {name: a, kernels: {conv: {radius: [1, 3, 6]}, attention: {heads: [2, 4]}, gru: {}}}
  - {name: b, after: [a], optional: true, kernels: {conv: {radius: [1, 3]}, gru: {}}}
"""
MOTIF = """\
layers:
  - repeat: block
    count: [1, 3]
    tied: TIED
    layers: [{name: mix, kernels: {conv: {radius: [1, 3]}, gru: {}}}]
"""


def seeded(text: str, layers: str = LAYERS) -> str:
    return f"{layers}search:\n  seeds:\n    - {text}\n"


def meant(space: Space) -> list[dict[str, str]]:
    """Per entry layer -> label of its choice, or `absent`."""
    found = named_choices_of(space, Findings(from_data({}, "a")))
    return [
        {name: "absent" if one is None else one.label for name, one in chosen.items()}
        for chosen in found
        if chosen is not None
    ]


def one(space_of: Callable[..., Space], text: str, layers: str = LAYERS) -> dict[str, str]:
    (found,) = meant(space_of(HEAD + seeded(text, layers)))
    return found


def test_a_family_alone_means_the_cheapest_of_its_choices(
    space_of: Callable[..., Space],
) -> None:
    found = one(space_of, "{a: attention, b: gru}")

    assert found == {"a": "attention(heads=2, rope=True)", "b": "gru"}


def test_params_pick_among_the_choices_of_a_family(space_of: Callable[..., Space]) -> None:
    found = one(space_of, "{a: {attention: {rope: false, heads: 4}}, b: {conv: {radius: 3}}}")

    assert found == {"a": "attention(heads=4, rope=False)", "b": "conv(radius=3, dilation=1)"}


def test_a_whole_number_may_be_written_with_a_point(space_of: Callable[..., Space]) -> None:
    assert one(space_of, "{a: {conv: {radius: 6.0}}}")["a"] == "conv(radius=6, dilation=1)"


def test_a_layer_that_is_not_named_is_left_out_or_has_its_cheapest_choice(
    space_of: Callable[..., Space],
) -> None:
    assert one(space_of, "{b: gru}") == {"a": "conv(radius=1, dilation=1)", "b": "gru"}
    assert one(space_of, "{a: gru}") == {"a": "gru", "b": "absent"}


def test_as_many_copies_stand_as_are_named(space_of: Callable[..., Space]) -> None:
    motif = MOTIF.replace("TIED", "false")

    alone = one(space_of, "{block_1_mix: gru}", motif)
    middle = one(space_of, "{block_2_mix: gru}", motif)

    assert list(alone.values()) == ["gru", "absent", "absent"]
    # Two copies are not among the counts.
    cheap = "conv(radius=1, dilation=1)"
    assert list(middle.values()) == [cheap, "gru", cheap]


def test_what_is_said_of_a_tied_copy_holds_for_all(space_of: Callable[..., Space]) -> None:
    found = one(space_of, "{block_3_mix: gru}", MOTIF.replace("TIED", "true"))

    assert list(found.values()) == ["gru", "gru", "gru"]


def test_entries_keep_their_order(space_of: Callable[..., Space]) -> None:
    space = space_of(HEAD + LAYERS + "search: {seeds: [recurrent, {a: attention}, convolution]}\n")

    firsts = [chosen["a"].split("(")[0] for chosen in meant(space)]

    assert firsts == ["gru", "attention", "conv"]


def test_every_problem_is_told_with_its_place(wrong_in: Callable[..., str]) -> None:
    said = wrong_in(
        LAYERS
        + """\
search:
  seeds:
    - {a: absent, c: gru}
    - a: {conv: {radius: 5}}
      b: attention
    - a: {conv: {radios: 1}}
      b: {convo: {}}
"""
    )

    assert (
        said
        == """\
a.yaml:8:11: search.seeds[0].a
  the layer "a" cannot be left out
  name a family, or make the layer optional

a.yaml:8:19: search.seeds[0].c
  there is no layer "c"
  layers: a, b

a.yaml:9:11: search.seeds[1].a.conv
  the layer "a" offers no conv with radius=5
  the nearest that it offers: conv(radius=6, dilation=1), conv(radius=3, dilation=1), \
conv(radius=1, dilation=1)

a.yaml:10:10: search.seeds[1].b
  the layer "b" offers no "attention"
  it offers conv, gru

a.yaml:11:18: search.seeds[2].a.conv.radios
  "conv" has no parameter "radios"
  did you mean "radius"? its parameters are radius, dilation

a.yaml:12:11: search.seeds[2].b.convo
  the layer "b" offers no "convo"
  did you mean "conv"? it offers conv, gru"""
    )


def test_tied_copies_cannot_be_named_apart(wrong_in: Callable[..., str]) -> None:
    said = wrong_in(seeded("{block_1_mix: gru, block_3_mix: conv}", MOTIF.replace("TIED", "true")))

    assert (
        said
        == """\
a.yaml:10:39: search.seeds[0].block_3_mix
  "block_3_mix" and "block_1_mix" are copies that make the same choice
  leave "block_3_mix" out"""
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("transformer", 'must be convolution, attention, recurrent or hybrid, got "transformer"'),
        ("3", "must be convolution, attention, recurrent or hybrid, got 3"),
        ("{a: {}}", "must have at least 1 entry, got {}"),
        ("{a: {conv: {}, gru: {}}}", 'must have at most 1 entry, got {"conv": {}, "gru": {}}'),
    ],
)
def test_what_is_no_seed_at_all_is_one_problem(
    wrong_in: Callable[..., str], text: str, message: str
) -> None:
    lines = wrong_in(seeded(text)).splitlines()

    assert lines[0].startswith("a.yaml:8:")
    assert lines[1] == f"  {message}"
    assert not any(line.startswith("a.yaml") for line in lines[1:])


def test_seeds_are_a_list_or_another_run(wrong_in: Callable[..., str]) -> None:
    said = wrong_in(LAYERS + "search: {seeds: convolution}\n")

    assert said == (
        'a.yaml:6:17: search.seeds\n  must be a list, got "convolution"\n  write [convolution]'
    )


def test_a_warm_start_needs_a_run(
    wrong_in: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    said = wrong_in(LAYERS + "search: {warm_start: runs/a}\n")

    assert (
        said
        == f"""\
a.yaml:6:22: search.warm_start
  there is no run in "runs/a": it has no run.sqlite
  name the folder of a run, as seen from {tmp_path}, or leave search.warm_start out"""
    )
