"""The shape of a file: one problem per mistake, in our words, at its place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from itnet_nas.errors import SpaceError
from itnet_nas.space.parse import parse
from itnet_nas.space.source import from_data, parse_text
from itnet_nas.space.spec import EdgeSpec, HalvingSpec

HEAD = "version: 1\ntask: {name: symbols}\nlayers: [{name: a, kernels: any}]\n"


def test_a_file_becomes_a_spec() -> None:
    spec = parse(
        parse_text(
            """
            version: 1
            task: {name: symbols, length: 8}
            network: {width: 1e2}
            layers:
              - {name: a, kernels: {gru: , conv: {radius: 3}}}
              - {name: b, after: [a, {from: input, optional: true}], kernels: any}
              - {repeat: body, count: 2, layers: [{name: c, kernels: any}]}
            """,
            "a.yaml",
        )
    )

    a, b, body = spec.layers
    assert spec.network.width == 100
    assert spec.task.params == {"length": 8}
    assert a.kernels == {"gru": {}, "conv": {"radius": 3}}
    assert b.after == ("a", EdgeSpec.model_validate({"from": "input", "optional": True}))
    assert body.count == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "serch: {}",
            "a.yaml:4:1: serch\n"
            '  there is no key "serch" here\n'
            '  did you mean "search"? the keys here are version, task, network, layers, '
            "objectives, constraints, training, search",
        ),
        (
            "network: {width: 0}",
            "a.yaml:4:18: network.width\n  must be at least 1, got 0",
        ),
        (
            "network: {width: 6.5}",
            "a.yaml:4:18: network.width\n  must be a whole number, got 6.5",
        ),
        (
            "network: {width: wide}",
            'a.yaml:4:18: network.width\n  must be a whole number, got "wide"',
        ),
        (
            'network: {width: "64"}',
            'a.yaml:4:18: network.width\n  must be a number, got "64"\n  write it without quotes',
        ),
        (
            "network: {width: true}",
            "a.yaml:4:18: network.width\n  must be a number, got true",
        ),
        (
            "network:",
            "a.yaml:4:9: network\n"
            "  must be a mapping of keys to values, got nothing\n"
            "  such as: network: {width: 64}",
        ),
        (
            "training: {lr: 0}",
            "a.yaml:4:16: training.lr\n  must be more than 0, got 0",
        ),
        (
            "training: {lr: fast}",
            'a.yaml:4:16: training.lr\n  must be a number, got "fast"',
        ),
        (
            "training: {lr: .inf}",
            "a.yaml:4:16: training.lr\n  must be a finite number, got inf",
        ),
        (
            "training: {compile: yes}",
            'a.yaml:4:21: training.compile\n  must be true or false, got "yes"\n  write true',
        ),
        (
            "training: {compile: 1}",
            "a.yaml:4:21: training.compile\n  must be true or false, got 1",
        ),
        (
            "search: {strategy: evolutoin}",
            "a.yaml:4:20: search.strategy\n"
            '  must be surrogate, evolution, random, optuna_tpe or optuna_nsga2, got "evolutoin"\n'
            '  did you mean "evolution"?',
        ),
        (
            "search: {halving: {first: 0.2}}",
            "a.yaml:4:27: search.halving.first\n  must be at least 0.333333, got 0.2",
        ),
        (
            "search: {halving: {keep: 1}}",
            "a.yaml:4:26: search.halving.keep\n  must be less than 1, got 1",
        ),
        (
            "search: {halving: {rungs: 3}}",
            "a.yaml:4:27: search.halving.rungs\n  must be at most 2, got 3",
        ),
        (
            "search: {halving: {frist: 0.5}}",
            'a.yaml:4:20: search.halving.frist\n  there is no key "frist" here\n'
            '  did you mean "first"? the keys here are first, keep, rungs',
        ),
        (
            "search: {halving: often}",
            "a.yaml:4:19: search.halving\n"
            '  must be a mapping of keys to values, got "often"\n'
            "  such as: halving: {first: 0.34, keep: 0.5, rungs: 1}",
        ),
        (
            "search: {time: 10 minutes}",
            "a.yaml:4:16: search.time\n"
            '  must be a number with s, m, h or d behind it, such as 10m, got "10 minutes"',
        ),
        (
            "search: {time: 90}",
            "a.yaml:4:16: search.time\n  must be text, got 90\n  put it in quotes",
        ),
        (
            "objectives: error",
            'a.yaml:4:13: objectives\n  must be a list, got "error"\n  write [error]',
        ),
        (
            "objectives: [error, FLOPs]",
            "a.yaml:4:21: objectives[1]\n"
            '  must start with a small letter and go on with a-z, 0-9 and _, got "FLOPs"',
        ),
        (
            "constraints: [3]",
            "a.yaml:4:15: constraints[0]\n  must be text, got 3\n  put it in quotes",
        ),
    ],
)
def test_what_is_wrong_with_a_key_is_said_once(line: str, said: str) -> None:
    with pytest.raises(SpaceError) as raised:
        parse(parse_text(HEAD + line + "\n", "a.yaml"))

    assert str(raised.value) == f"a.yaml: 1 problem\n\n{said}"


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (
            "{kernels: any}",
            'a.yaml:4:5: layers[0]\n  the key "name" is missing',
        ),
        (
            "{nam: a, kernels: any}",
            "a.yaml:4:6: layers[0].nam\n"
            '  there is no key "nam" here\n'
            '  did you mean "name"? the keys here are name, after, kernels, axes, optional',
        ),
        (
            "{name: a}",
            "a.yaml:4:5: layers[0]\n"
            '  the key "kernels" is missing\n'
            "  such as: kernels: {conv: {radius: [1, 2]}, attention: {}}, or kernels: any",
        ),
        (
            "{name: 1a, kernels: any}",
            "a.yaml:4:12: layers[0].name\n"
            '  must start with a letter and go on with letters, digits and _, got "1a"',
        ),
        (
            f"{{name: {'a' * 41}, kernels: any}}",
            f'a.yaml:4:12: layers[0].name\n  must have at most 40 characters, got "{"a" * 41}"',
        ),
        (
            "{name: a, kernels: all}",
            "a.yaml:4:24: layers[0].kernels\n"
            '  must be any, got "all"\n'
            "  such as: kernels: {conv: {radius: [1, 2]}, attention: {}}, or kernels: any",
        ),
        (
            "{name: a, kernels: [conv]}",
            "a.yaml:4:24: layers[0].kernels\n"
            '  must be a mapping of keys to values, got ["conv"]\n'
            "  such as: kernels: {conv: {radius: [1, 2]}, attention: {}}, or kernels: any",
        ),
        (
            "{name: a, kernels: {conv: 3}}",
            "a.yaml:4:31: layers[0].kernels.conv\n  must be a mapping of keys to values, got 3",
        ),
        (
            "{name: a, kernels: any, after: b}",
            'a.yaml:4:36: layers[0].after\n  must be a list, got "b"\n  write [b]',
        ),
        (
            "{name: a, kernels: any, after: [3]}",
            "a.yaml:4:37: layers[0].after[0]\n  must be text, got 3\n  put it in quotes",
        ),
        (
            "{name: a, kernels: any, after: [{form: b}]}",
            "a.yaml:4:38: layers[0].after[0].form\n"
            '  there is no key "form" here\n'
            '  did you mean "from"? the keys here are from, optional',
        ),
        (
            "{name: a, kernels: any, axes: {support: window}}",
            'a.yaml:4:45: layers[0].axes.support\n  must be a list, got "window"\n  write [window]',
        ),
        (
            "{name: a, kernels: any, optional: no}",
            'a.yaml:4:39: layers[0].optional\n  must be true or false, got "no"\n  write false',
        ),
        (
            "mix",
            'a.yaml:4:5: layers[0]\n  a layer is a mapping of keys to values, got "mix"\n'
            "  such as: {name: mix1, kernels: any}",
        ),
        (
            "{repeat: a, count: 0, layers: [{name: x, kernels: any}]}",
            "a.yaml:4:24: layers[0].count\n  must be at least 1, got 0",
        ),
        (
            "{repeat: a, count: [1, 65], layers: [{name: x, kernels: any}]}",
            "a.yaml:4:28: layers[0].count[1]\n  must be at most 64, got 65",
        ),
        (
            "{repeat: a, layers: [{name: x, kernels: any}]}",
            'a.yaml:4:5: layers[0]\n  the key "count" is missing',
        ),
        (
            "{repeat: a, count: 2, layers: []}",
            "a.yaml:4:35: layers[0].layers\n  must have at least 1 entry, got []",
        ),
        (
            "{repeat: a, count: 2, layers: [{repeat: b, count: 1}]}",
            "a.yaml:4:36: layers[0].layers[0]\n  a repeat cannot stand inside a repeat\n"
            "  write the inner one out, layer by layer",
        ),
    ],
)
def test_what_is_wrong_with_a_layer_is_said_at_its_place(layer: str, said: str) -> None:
    text = f"version: 1\ntask: {{name: symbols}}\nlayers:\n  - {layer}\n"

    with pytest.raises(SpaceError) as raised:
        parse(parse_text(text, "a.yaml"))

    assert str(raised.value).split("\n\n", 1)[1] == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "- a\n- b\n",
            "a.yaml:1:1: the file\n"
            '  a search space is a mapping of keys to values, got ["a", "b"]\n'
            "  the keys are version, task, layers, …; `itnet-nas init` writes a first one",
        ),
        (
            "version: 1\n",
            'a.yaml:1:1: the file\n  the key "task" is missing\n'
            "  such as: task: {name: fashion_mnist}\n\n"
            'a.yaml:1:1: the file\n  the key "layers" is missing',
        ),
        (
            "version: 2\ntask: symbols\nlayers: []\n",
            "a.yaml:1:10: version\n  must be 1, got 2\n\n"
            'a.yaml:2:7: task\n  must be a mapping of keys to values, got "symbols"\n'
            "  such as: task: {name: fashion_mnist}\n\n"
            "a.yaml:3:9: layers\n  must have at least 1 entry, got []",
        ),
    ],
)
def test_what_is_wrong_with_the_whole_is_said(text: str, said: str) -> None:
    with pytest.raises(SpaceError) as raised:
        parse(parse_text(text, "a.yaml"))

    assert str(raised.value).split("\n\n", 1)[1] == said


def test_one_wrong_layer_does_not_hide_what_is_wrong_with_another(
    wrong_in: Callable[[str], str],
) -> None:
    found = wrong_in(
        """
        layers:
          - {name: a, kernels: {conv: 3, attention: {heads: [0]}}, optional: maybe}
          - {name: b, after: [c], kernels: {gru: {}}}
        """
    )

    assert [line for line in found.splitlines() if line.startswith("a.yaml")] == [
        "a.yaml:4:31: layers[0].kernels.conv",
        "a.yaml:4:54: layers[0].kernels.attention.heads[0]",
        "a.yaml:4:70: layers[0].optional",
        "a.yaml:5:23: layers[1].after[0]",
    ]


def test_data_from_python_has_problems_without_places() -> None:
    with pytest.raises(SpaceError) as raised:
        parse(from_data({"version": 1, "task": {"name": "symbols"}, "layers": {}}, "space"))

    assert str(raised.value) == ("space: 1 problem\n\nspace: layers\n  must be a list, got {}")


@pytest.mark.parametrize(
    ("line", "halving"),
    [
        ("{seed: 1}", None),
        ("{halving: {}}", HalvingSpec()),
        ("{halving: {keep: 0.25}}", HalvingSpec(keep=0.25)),
    ],
)
def test_halving_has_defaults_where_it_is_asked_for(line: str, halving: HalvingSpec | None) -> None:
    text = HEAD + f"search: {line}\n"

    assert parse(parse_text(text, "a.yaml")).search.halving == halving
