"""A class whose annotated fields are checked when an instance is made, spelled as pydantic spells it.

It takes what settings come as: text from flags and variables, and TOML's values. An annotation is `bool`, `int`,
`float`, `str`, `Path`, `Literal[...]`, `tuple[X, ...]`, `X | None`, a class of one's own, or `Annotated` around one of
them with `BeforeValidator`, `Field` and `PlainSerializer`. docs/decisions/0040-settings-without-pydantic.md tells why
the library itself is not used here.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

__all__ = ["BeforeValidator", "Complaint", "Field", "Model", "ModelField", "PlainSerializer", "ValidationError"]

_UNSET: Any = object()

_TRUE = frozenset({"1", "on", "t", "true", "y", "yes"})
_FALSE = frozenset({"0", "off", "f", "false", "n", "no"})

Check = Callable[[Any], Any]
"""Gives the value a field holds for one that was given, or raises ValueError."""


@dataclass(frozen=True)
class BeforeValidator:
    """Changes a value before its type is looked at; a ValueError it raises is what is wrong with it."""

    change: Check


@dataclass(frozen=True)
class PlainSerializer:
    """How `Model.model_dump` writes a value."""

    write: Callable[[Any], Any]


@dataclass(frozen=True)
class _Bounds:
    ge: float | None = None
    le: float | None = None
    min_length: int = 0
    finite: bool = False
    default: Any = _UNSET
    default_factory: Callable[..., Any] | None = None


def Field(  # noqa: N802 - named as a type is, where it stands among types
    default: Any = _UNSET,
    *,
    default_factory: Callable[..., Any] | None = None,
    ge: float | None = None,
    le: float | None = None,
    min_length: int = 0,
    allow_inf_nan: bool = True,
) -> Any:
    """Bounds of a value in `Annotated`, or a field's default. A factory that takes an argument is given the values of
    the fields before it."""
    return _Bounds(ge, le, min_length, not allow_inf_nan, default, default_factory)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with one field, or, without a name, with how several fit together."""

    name: str
    what: str


class ValidationError(ValueError):
    """Some fields are wrong."""

    def __init__(self, complaints: list[Complaint]) -> None:
        super().__init__("; ".join(f"{each.name}: {each.what}" if each.name else each.what for each in complaints))
        self.complaints = complaints


class ModelField:
    """A field, by what its annotation and default say."""

    def __init__(self, hint: Any, default: Any) -> None:
        self.annotation = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        """The type without what `Annotated` adds."""
        self._hint = hint
        self._default = default

    @cached_property
    def check(self) -> Check:
        """Checks a value."""
        return _check_of(self._hint)

    @cached_property
    def write(self) -> Callable[[Any], Any]:
        """Writes a value in JSON's types."""
        return _writer_of(self._hint)

    def default(self, before: Mapping[str, Any]) -> Any:
        """The value when none is given. Raises KeyError when it follows from a field that is wrong."""
        if not isinstance(self._default, _Bounds):
            return self._default
        factory = self._default.default_factory
        if factory is None:
            return self._default.default
        return factory(before) if factory.__code__.co_argcount else factory()


class Model:
    """Derive from it; instances are immutable."""

    model_fields: ClassVar[Mapping[str, ModelField]] = {}

    def __init_subclass__(cls) -> None:
        hints = get_type_hints(cls, include_extras=True)
        cls.model_fields = {
            name: ModelField(hint, getattr(cls, name))
            for name, hint in hints.items()
            if name in cls.__annotations__ and not name.startswith("_")
        }

    def __init__(self, **given: Any) -> None:
        """Raises ValidationError with everything that is wrong."""
        values: dict[str, Any] = {}
        complaints = [Complaint(name, "there is no such field") for name in given if name not in self.model_fields]
        for name, field in self.model_fields.items():
            try:
                values[name] = field.check(given[name]) if name in given else field.default(values)
            except ValueError as error:
                complaints.append(Complaint(name, str(error)))
            except KeyError:
                pass  # it follows from one that is wrong: that is no second complaint
        if not complaints:
            self.__dict__.update(values)
            try:
                self.agree()
            except ValueError as error:
                complaints.append(Complaint("", str(error)))
        if complaints:
            raise ValidationError(complaints)

    def agree(self) -> None:
        """Raises ValueError when fields that are right do not fit together."""

    def model_dump(self) -> dict[str, Any]:
        """Every field in JSON's types."""
        return {name: field.write(self.__dict__[name]) for name, field in self.model_fields.items()}

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: {name}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={self.__dict__[n]!r}' for n in self.model_fields)})"


def _check_of(hint: Any) -> Check:
    if get_origin(hint) is Annotated:
        inner, *extras = get_args(hint)
        check = _check_of(inner)
        # As in pydantic the last to stand there is asked first, and bounds are looked at behind the type.
        for extra in extras:
            if isinstance(extra, _Bounds):
                check = _bounded(check, extra)
        for extra in extras:
            if isinstance(extra, BeforeValidator):
                check = _changed(check, extra.change)
        return check
    origin = get_origin(hint)
    if origin is Literal:
        return _one_of(get_args(hint))
    if origin in {Union, types.UnionType}:
        inner = [each for each in get_args(hint) if each is not type(None)]
        if len(inner) != 1:
            raise TypeError(f"a field is one type, or that and None: {hint}")
        check = _check_of(inner[0])
        return lambda value: None if value is None else check(value)
    if origin is tuple:
        return _each(_check_of(get_args(hint)[0]))
    return _PLAIN.get(hint) or _instance_of(hint)


def _changed(check: Check, change: Check) -> Check:
    return lambda value: check(change(value))


def _bounded(check: Check, bounds: _Bounds) -> Check:
    def bounded(given: Any) -> Any:
        value = check(given)
        if bounds.finite and not math.isfinite(value):
            raise ValueError(f"should be a finite number, not {given!r}")
        if bounds.ge is not None and value < bounds.ge:
            raise ValueError(f"should be greater than or equal to {bounds.ge}, not {given!r}")
        if bounds.le is not None and value > bounds.le:
            raise ValueError(f"should be less than or equal to {bounds.le}, not {given!r}")
        if bounds.min_length and len(value) < bounds.min_length:
            raise ValueError(f"should have at least {bounds.min_length} item{'s'[: bounds.min_length > 1]}")
        return value

    return bounded


def _one_of(choices: tuple[Any, ...]) -> Check:
    *others, last = map(repr, choices)
    words = f"{', '.join(others)} or {last}" if others else last

    def one_of(value: Any) -> Any:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"should be {words}, not {value!r}")
        return value

    return one_of


def _each(check: Check) -> Check:
    def each(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError(f"should be a list, not {value!r}")  # noqa: TRY004 - what was given is wrong, not the code
        return tuple(check(item) for item in value)

    return each


def _instance_of(kind: Any) -> Check:
    if not isinstance(kind, type):
        raise TypeError(f"no field can be a {kind}")

    def instance(value: Any) -> Any:
        if not isinstance(value, kind):
            raise ValueError(f"should be a {kind.__name__}, not {value!r}")  # noqa: TRY004 - as above
        return value

    return instance


def _bool(value: Any) -> bool:
    word = value.lower() if isinstance(value, str) else str(value).lower() if isinstance(value, bool | int) else ""
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"should be a valid boolean, not {value!r}")


def _int(value: Any) -> int:
    try:
        if isinstance(value, str | int) or (isinstance(value, float) and value.is_integer()):
            return int(value)
    except ValueError:
        pass
    raise ValueError(f"should be a valid integer, not {value!r}")


def _float(value: Any) -> float:
    try:
        if isinstance(value, str | int | float):
            return float(value)
    except ValueError:
        pass
    raise ValueError(f"should be a valid number, not {value!r}")


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"should be a valid string, not {value!r}")  # noqa: TRY004 - as above
    return value


def _path(value: Any) -> Path:
    if not isinstance(value, str | Path):
        raise ValueError(f"should be a path, not {value!r}")  # noqa: TRY004 - as above
    return Path(value)


_PLAIN: Mapping[Any, Check] = {bool: _bool, int: _int, float: _float, str: _str, Path: _path}


def _writer_of(hint: Any) -> Callable[[Any], Any]:
    if get_origin(hint) is Annotated:
        inner, *extras = get_args(hint)
        for extra in extras:
            if isinstance(extra, PlainSerializer):
                return extra.write
        return _writer_of(inner)
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        write = _writer_of(next(each for each in get_args(hint) if each is not type(None)))
        return lambda value: None if value is None else write(value)
    if origin is tuple:
        item = _writer_of(get_args(hint)[0])
        return lambda value: [item(each) for each in value]
    return str if hint is Path else lambda value: value
