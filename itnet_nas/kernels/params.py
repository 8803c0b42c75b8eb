"""Parameters of a kernel family: frozen, closed, bounded, each with the values worth trying."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from itnet_nas.errors import BrokenPlugin


class Values:
    """The default search domain of a parameter, as metadata of its annotation.

    radius: Annotated[int, Field(ge=1, le=64), Values(1, 3, 6)]
    """

    def __init__(self, *values: Any) -> None:
        self.values = values


class KernelParams(BaseModel):
    """What tells two operators of one family apart.

    Subclasses annotate every field with a type, bounds (`pydantic.Field`) and `Values`. An unknown
    key is an error, so a typo never becomes a default.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, validate_default=True
    )

    @classmethod
    def default_values(cls) -> dict[str, tuple[Any, ...]]:
        """Field name -> the values to try when a file does not say.

        Raises BrokenPlugin for a field without `Values`.
        """
        found: dict[str, tuple[Any, ...]] = {}
        for name, field in cls.model_fields.items():
            domains = [item for item in field.metadata if isinstance(item, Values)]
            if not domains or not domains[0].values:
                raise BrokenPlugin(
                    f"{cls.__module__}.{cls.__name__}.{name} states no values to try; "
                    f"annotate it with itnet_nas.kernels.Values(…)"
                )
            found[name] = domains[0].values
        return found
