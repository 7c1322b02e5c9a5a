"""frozen: values, as `dataclass(frozen=True, slots=True)` makes them, in a fifth of its time.

The standard decorator writes and compiles seven functions for each class. Of a program that ends
after five short stages that was a quarter of all its time. Here one is compiled with the class,
two more where they are first used, and the rest serve all classes alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from typing import Any, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")
_GIVEN_LATER = object()  # stands for a default that is made anew for each value


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """Make a class one of frozen values with slots; what it defines itself stays.

    Equality and hash go by all fields that are compared; `replace`, `fields`, `asdict`, patterns,
    copies and pickles work as with the standard decorator. Fields for keywords alone are not known.
    """
    own = {name for name, content in vars(cls).items() if content is not None}
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    methods = {
        "__init__": _init(made, fields(made)),
        "__eq__": _later(made, "__eq__", _EQ),
        "__hash__": _later(made, "__hash__", _HASH),
        **_COMMON,
    }
    for name in methods.keys() - own:
        setattr(made, name, methods[name])
    return made  # type: ignore[no-any-return]


def _init(made: Any, told: tuple[Field[Any], ...]) -> Callable[..., None]:
    given: list[str] = []
    lines: list[str] = []
    names: dict[str, Any] = {"given_later": _GIVEN_LATER}
    for one in told:
        name, content = one.name, one.name
        names[f"set_{name}"] = getattr(made, name).__set__
        if one.default is not MISSING:
            names[f"default_{name}"] = one.default
            parameter = f"{name}=default_{name}"
        elif one.default_factory is not MISSING:
            names[f"make_{name}"] = one.default_factory
            parameter = f"{name}=given_later"
            content = f"make_{name}() if {name} is given_later else {name}"
        else:
            parameter = name
        given.append(parameter)
        lines.append(f"set_{name}(self, {content})")
    if hasattr(made, "__post_init__"):
        lines.append("self.__post_init__()")
    return _compiled("__init__", f"self, {', '.join(given)}", lines or ["pass"], names)


def _later(made: Any, name: str, source: str) -> Callable[..., Any]:
    """Return a method that takes its own place, compiled, when it is first called."""

    def method(self: Any, *others: Any) -> Any:
        compared = [one.name for one in fields(made) if one.compare]
        parts = [
            "".join(f"{which}.{field_name}, " for field_name in compared)
            for which in ("self", "other")
        ]
        line = source.format(*parts)
        parameters = "self, other" if others else "self"
        compiled = _compiled(name, parameters, line.splitlines(), {})
        setattr(made, name, compiled)
        return compiled(self, *others)

    return method


_EQ = """\
if other.__class__ is self.__class__:
    return ({}) == ({})
return NotImplemented"""
_HASH = "return hash(({}))"


def _compiled(
    name: str, parameters: str, lines: list[str], names: dict[str, Any]
) -> Callable[..., Any]:
    body = "".join(f"    {line}\n" for line in lines)
    exec(f"def {name}({parameters}):\n{body}", names)
    method: Callable[..., Any] = names[name]
    return method


def _repr(self: Any) -> str:
    shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{type(self).__qualname__}({shown})"


def _refuse_to_set(self: Any, name: str, content: Any) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, one.name) for one in fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for one, content in zip(fields(self), state, strict=True):
        object.__setattr__(self, one.name, content)


_COMMON: dict[str, Callable[..., Any]] = {
    "__repr__": _repr,
    "__setattr__": _refuse_to_set,
    "__delattr__": _refuse_to_delete,
    "__getstate__": _state,
    "__setstate__": _set_state,
}
