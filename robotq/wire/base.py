"""What the shapes of answers are made of. Each is said once: the server fills and documents them,
the client reads them.

A text below a field is its description in OpenAPI and in the reference. What a field can be left
out for, and what a reader takes then, is said by its default:

- none: it is always there, and an answer without it is none;
- `missing(...)`: it is always there too, but an older daemon may not know it;
- any other: it is left out where it has this value.

A reader passes over what it does not know. Words are plain text, so that a newer daemon can say
one that an older client does not know; `one_of` and `like` name them for the docs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeAlias, cast, dataclass_transform

from msgspec import Meta, Raw, Struct, ValidationError, convert, field
from msgspec.structs import asdict

REF = "#/components/schemas/"
"""Where the shapes stand in an OpenAPI document."""

Object: TypeAlias = Mapping[str, Any]


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True, dict=True):
    @property
    def raw(self) -> Object:
        """The answer as it came, with what an older client does not know."""
        found: Object = self.__dict__.get("raw", {})
        return found

    @classmethod
    def read(cls, answer: Mapping[str, Any], /, **own: Any) -> Self:
        """What an answer says; `own`: what its reader knows besides. Raises ValueError for what
        is no such answer."""
        try:
            found = convert({**answer, **own}, cls)
        except ValidationError as error:
            raise ValueError(str(error)) from error
        _keep(found, answer)
        return found


def _keep(found: Any, raw: Any) -> None:
    """Every shape in what was read knows what it came from."""
    if isinstance(found, Answer):
        found.__dict__["raw"] = raw
        for name, key in zip(found.__struct_fields__, found.__struct_encode_fields__, strict=True):
            if key in raw:
                _keep(getattr(found, name), raw[key])
    elif isinstance(found, tuple):
        for one, its in zip(found, raw, strict=True):
            _keep(one, its)
    elif isinstance(found, dict) and isinstance(next(iter(found.values()), None), Answer):
        for name, one in found.items():
            _keep(one, raw[name])


class Open(Answer, kw_only=True):
    """Further keys can be there."""


def missing(value: Any = None) -> Any:
    """The default of a field that is always written, for whoever reads an older daemon."""
    if value == {}:
        # an empty one would be left out, were `dict` itself the factory
        return field(default_factory=lambda: {})  # noqa: PIE807
    return field(default_factory=lambda: value)


def one_of(*words: str) -> Meta:
    """The words that a text can be."""
    told = {"enum": list(words)} if len(words) > 1 else {"const": words[0]}
    return Meta(extra_json_schema=told)


def like(kind: type) -> Meta:
    """What is described by another shape or by an enum, and read as it is."""
    SHAPES[kind.__name__] = kind
    return Meta(extra_json_schema={"$ref": REF + kind.__name__})


SHAPES: dict[str, type] = {}
"""Name -> what something is `like`."""

NULL: Any = cast("Any", Raw(b"null"))
"""A null that is written where None would be left out."""


def opened(shape: Open, more: Mapping[str, Any]) -> Any:
    """A shape with further keys; its own come first and win. To be written, or to stand in
    another one."""
    own = asdict(shape)
    return {**own, **more, **own}


LocalTime = Annotated[str, Meta(extra_json_schema={"pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"})]
"""`YYYY-MM-DD HH:MM:SS` in the time zone of the daemon."""
Success = Annotated[bool, Meta(extra_json_schema={"const": True})]
Failure = Annotated[bool, Meta(extra_json_schema={"const": False})]
Params = Annotated[
    Any, Meta(extra_json_schema={"anyOf": [{"type": "object"}, {"type": "array", "items": {}}]})
]
