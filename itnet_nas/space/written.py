"""The file of a space once more, for the place of what is found wrong after it was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.errors import ItnetError
from itnet_nas.space.graph import from_node_link, is_node_link
from itnet_nas.space.source import from_data, parse_text

if TYPE_CHECKING:
    from itnet_nas.space.source import Source
    from itnet_nas.space.space import Space
    from itnet_nas.space.values import ValuePath


def written(space: Space, text: str, path: ValuePath) -> Source:
    """The source that has a place for the value at `path`; without places where `text` has none."""
    name = f"{space.name}.json" if text.lstrip().startswith("{") else f"{space.name}.yaml"
    try:
        source = parse_text(text, name) if text else from_data({}, space.name)
        source = from_node_link(source) if is_node_link(source.data) else source
    except ItnetError:
        return from_data({}, space.name)
    return source if path in source.places else from_data(source.data, space.name)
