"""Texts: YAML 1.2 in meaning, places of values, and what cannot be read."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itnet_nas.errors import SpaceError
from itnet_nas.space.source import parse_text, read


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("1e-3", 0.001),
        ("1e6", 1e6),
        ("50E6", 50e6),
        ("1.5", 1.5),
        (".5", 0.5),
        ("010", 10),
        ("0o10", 8),
        ("0x1f", 31),
        ("-3", -3),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-11-25", "2026-11-25"),
        ("null", None),
        ("~", None),
        ("", None),
        ('"1e6"', "1e6"),
        ("'true'", "true"),
        ("!!str 12", "12"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(written: str, meant: Any) -> None:
    found = parse_text(f"key: {written}", "a.yaml").data["key"]

    assert found == meant
    assert type(found) is type(meant)


def test_not_a_number_is_a_number_that_is_reported_later() -> None:
    assert math.isnan(parse_text("key: .nan", "a.yaml").data["key"])


def test_every_value_and_key_has_line_and_column_from_1() -> None:
    source = parse_text("a: 1\nb:\n  - {c: é, d: x}\n", "a.yaml")

    assert source.place(("a",)) == (1, 4)
    assert source.place(("a",), key=True) == (1, 1)
    assert source.place(("b", 0)) == (3, 5)
    assert source.place(("b", 0, "d")) == (3, 15)
    assert source.place(("b", 0, "d"), key=True) == (3, 12)


def test_what_is_not_there_has_the_place_of_its_parent() -> None:
    source = parse_text("a:\n  b: 1\n", "a.yaml")

    assert source.place(("a", "c", 3)) == source.place(("a",)) == (2, 3)


def test_a_key_given_twice_is_a_problem_that_names_both_lines() -> None:
    (problem,) = parse_text("a: 1\nb: 2\na: 3\n", "a.yaml").problems

    assert problem.message == 'the key "a" is given twice, at line 1 and at line 3'
    assert (problem.line, problem.column) == (3, 1)


def test_an_alias_stands_for_the_anchored_value_at_the_place_of_the_anchor() -> None:
    source = parse_text("a: &x {r: 1}\nb: *x\n", "a.yaml")

    assert source.data == {"a": {"r": 1}, "b": {"r": 1}}
    assert source.place(("b", "r")) == (1, 11)


def test_keys_beside_a_merge_win_and_the_first_merged_mapping_wins() -> None:
    source = parse_text(
        "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}\n", "a.yaml"
    )

    assert source.data["c"] == {"x": 3, "y": 1, "z": 2}
    assert source.problems == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !!python/name:os.system x\n", "the tag !!python/name:os.system has no meaning in a "),
        ("a: !mine {b: 1}\n", "the tag !mine has no meaning in a "),
    ],
)
def test_a_tag_is_a_problem(text: str, message: str) -> None:
    (problem,) = parse_text(text, "a.yaml").problems

    assert problem.message == message + "search space"


@pytest.mark.parametrize("key", ["1", "true", "null", "[a, b]"])
def test_a_key_that_is_no_text_is_a_problem(key: str) -> None:
    (problem,) = parse_text(f"? {key}\n: 1\n", "a.yaml").problems

    shown = "a list or a mapping" if key == "[a, b]" else key
    assert problem.message == f"a key must be text, got {shown}"


def test_merging_what_is_no_mapping_is_a_problem() -> None:
    (problem,) = parse_text("a: {<<: 3}\n", "a.yaml").problems

    assert problem.message == "only another mapping can be merged"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "a: [1, 2\nb: 3\n",
            "a.yaml:2:2: the file\n"
            "  the text is not YAML: did not find expected ',' or ']'\n"
            "  see to colons, quotes, brackets and indentation here or just above",
        ),
        (
            "a:\n\t- b\n",
            "a.yaml:2:1: the file\n"
            "  the text is not YAML: found character that cannot start any token\n"
            "  indent with spaces, not with tabs",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "a.yaml:2:1: the file\n"
            "  the file holds a second document\n"
            "  a search space is one document: remove the line ---",
        ),
        (
            "",
            "a.yaml: the file\n  the file is empty\n  `itnet-nas init` writes one to start from",
        ),
        (
            "# nothing but a comment\n",
            "a.yaml: the file\n  the file is empty\n  `itnet-nas init` writes one to start from",
        ),
        ("a: &x [*x]\n", "a.yaml:1:4: a[0]\n  an alias stands for a value that contains it"),
        (
            "a: \x01\n",
            "a.yaml: the file\n"
            "  not text that YAML allows: control characters are not allowed\n"
            "  remove it",
        ),
    ],
)
def test_what_is_no_yaml_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(SpaceError) as raised:
        parse_text(text, "a.yaml")

    assert str(raised.value) == f"a.yaml: 1 problem\n\n{said}"


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]

    with pytest.raises(SpaceError, match="the file stands for more than 100000 values"):
        parse_text("\n".join(lines), "a.yaml")


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(SpaceError, match="nested more than 100 deep"):
        parse_text("a: " + "[" * 200 + "]" * 200, "a.yaml")


_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=10,
)


@given(_json, st.sampled_from([None, 2, "\t"]), st.booleans())
def test_json_says_what_json_says(value: Any, indent: int | str | None, ascii_only: bool) -> None:
    text = json.dumps({"a": value}, indent=indent, ensure_ascii=ascii_only)

    assert parse_text(text, "a.json").data == {"a": value}


def test_a_file_is_read_with_its_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")

    source = read(path)

    assert source.data == {"a": 1, "b": 2}
    assert source.place(("b",)) == (2, 4)


def test_a_missing_file_is_said_with_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SpaceError) as raised:
        read("a.yaml")

    assert str(raised.value) == (
        "a.yaml: 1 problem\n\n"
        "a.yaml: the file\n"
        "  there is no such file\n"
        f"  the folder of the command is {tmp_path}"
    )


def test_a_folder_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spaces").mkdir()
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SpaceError) as raised:
        read("spaces")

    assert str(raised.value) == (
        "spaces: 1 problem\n\n"
        "spaces: the file\n"
        "  this is a folder, not a file\n"
        "  name a .yaml or .json file in it"
    )


def test_a_file_that_may_not_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))  # root may read everything

    monkeypatch.setattr(Path, "read_bytes", refuse)

    with pytest.raises(SpaceError, match="the file cannot be read: Permission denied"):
        read("a.yaml")


def test_text_that_is_not_utf_8_is_said_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_bytes("a: 1\nb: é\n".encode("latin-1"))
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SpaceError) as raised:
        read("a.yaml")

    assert str(raised.value) == (
        "a.yaml: 1 problem\n\n"
        "a.yaml:2:4: the file\n"
        "  the text is not UTF-8: byte 0xe9 has no meaning here\n"
        "  save the file as UTF-8"
    )
