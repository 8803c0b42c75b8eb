"""The place of a problem that is found after the file was read."""

from __future__ import annotations

from support.tiny import tiny_space

from itnet_nas.space.written import written

TEXT = "version: 1\nsearch:\n  seeds: [attention]\n"
PATH = ("search", "seeds")


def test_the_text_has_the_place_of_a_value() -> None:
    source = written(tiny_space(), TEXT, PATH)

    assert source.name == "tiny.yaml"
    assert source.place(PATH) == (3, 10)


def test_json_is_called_json() -> None:
    source = written(tiny_space(), '{"search": {"seeds": ["attention"]}}', PATH)

    assert source.name == "tiny.json"
    assert source.place(PATH) == (1, 22)


def test_a_value_that_the_text_does_not_have_has_no_place() -> None:
    for text in ("", "version: 1\n", "version: ["):
        assert written(tiny_space(), text, PATH).place(PATH) == (None, None)
