"""dataclass: the one of the standard library, whose methods are compiled when they are often used.

The standard library compiles five methods for each frozen class while its module is loaded, half a
millisecond a class and a third of all that loading the program's own modules takes. Most of those
classes are not used before the first frame, or not by a command at all, and most of the others a
few times only: until then methods that go through the fields do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError
from functools import partial
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Final, NoReturn

_Method = Callable[..., Any]
_FACTORY: Final = object()  # stands for a value that a factory gives
_IRREGULAR: Final = object()  # what a plain method returns for arguments that it does not take
_PLAIN_CALLS: Final = 16  # to compile a method takes as long as fifteen to forty


def _dataclass(
    cls: type[Any] | None = None, /, *, frozen: bool = False, slots: bool = False, eq: bool = True
) -> Any:
    """Return a dataclass, or what makes one; `dataclasses.fields` and `replace` take it as theirs.

    To type checkers it is `dataclasses.dataclass`. What it does not know (`order`, `kw_only`) is
    refused.
    """

    def make(given: type[Any]) -> type[Any]:
        if given.__doc__ is None:
            given.__doc__ = given.__name__  # else the standard library makes up a signature
        wrap = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)
        made: type[Any] = wrap(given)
        _add_methods(made, frozen=frozen, slots=slots, eq=eq)
        return made

    return make if cls is None else make(cls)


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    dataclass = _dataclass


def _add_methods(cls: Any, *, frozen: bool, slots: bool, eq: bool) -> None:
    own, fields = cls.__dict__, dataclasses.fields(cls)
    compared = tuple(field.name for field in fields if field.compare)
    # A class that says what is equal and not how it is hashed has a `__hash__` that is None.
    has_hash = own.get("__hash__") is not None or ("__hash__" in own and "__eq__" not in own)
    if "__init__" not in own:
        init = partial(_init, cls, fields, frozen=frozen, slots=slots)
        cls.__init__ = _made_when_used(cls, "__init__", partial(_plain_init, fields), init)
    if "__repr__" not in own:
        cls.__repr__ = _representation(tuple(field.name for field in fields if field.repr))
    if eq and not has_hash:
        hashing = partial(_plain_hashing, compared), partial(_hashing, compared)
        cls.__hash__ = _made_when_used(cls, "__hash__", *hashing) if frozen else None
    if eq and "__eq__" not in own:
        equality = partial(_plain_equality, compared), partial(_equality, compared)
        cls.__eq__ = _made_when_used(cls, "__eq__", *equality)
    if frozen:
        cls.__setattr__, cls.__delattr__ = _refuse_set, _refuse_delete
    if frozen and slots:
        cls.__getstate__, cls.__setstate__ = _state, _set_state


def _made_when_used(
    cls: type[Any], name: str, make_plain: Callable[[], _Method], make: Callable[[], _Method]
) -> _Method:
    """Return what first does as a plain method, then makes the real one and puts it in place."""
    calls = 0
    plain: _Method | None = None

    def method(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls, plain
        calls += 1
        if calls <= _PLAIN_CALLS:
            if plain is None:
                plain = make_plain()
            result = plain(*args, **kwargs)
            if result is not _IRREGULAR:
                return result
        real = make()
        setattr(cls, name, real)
        return real(*args, **kwargs)

    return method


def _plain_init(fields: tuple[Field[Any], ...]) -> _Method:
    """Return an `__init__` that leaves wrong arguments, and the words for it, to the real one."""
    told = tuple(field.name for field in fields if field.init)
    untold = {field.name for field in fields if not field.init}
    defaults = {each.name: each.default for each in fields if each.default is not MISSING}
    factories = {
        each.name: each.default_factory for each in fields if each.default_factory is not MISSING
    }
    names = {*told, *defaults, *factories}

    def init(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        given = dict(zip(told, args, strict=False)) | kwargs
        is_regular = len(given) == len(args) + len(kwargs) and untold.isdisjoint(kwargs)
        made = {name: factory() for name, factory in factories.items() if name not in given}
        values = defaults | made | given
        if not is_regular or values.keys() != names:
            return _IRREGULAR
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if hasattr(self, "__post_init__"):
            self.__post_init__()
        return None

    return init


def _plain_equality(names: tuple[str, ...]) -> _Method:
    def equality(self: object, other: object) -> Any:
        if self is other:
            return True
        if self.__class__ is not other.__class__:
            return NotImplemented
        # Tuples, which take what is the very same for equal: as the compiled method does.
        return _values(self, names) == _values(other, names)

    return equality


def _plain_hashing(names: tuple[str, ...]) -> _Method:
    return lambda self: hash(_values(self, names))


def _values(of: object, names: tuple[str, ...]) -> tuple[object, ...]:
    return tuple([getattr(of, name) for name in names])


def _compiled(name: str, parameters: list[str], lines: list[str], values: Any = None) -> _Method:
    made: dict[str, Any] = {}
    source = f"def {name}({', '.join(parameters)}):\n" + "\n".join(f"    {each}" for each in lines)
    exec(source, values or {}, made)  # the names of fields, as in the standard library
    method: _Method = made[name]
    return method


def _init(cls: type[Any], fields: tuple[Field[Any], ...], *, frozen: bool, slots: bool) -> _Method:
    """Compile `__init__`: its parameters are the fields, which it sets in their order."""
    names: dict[str, Any] = {"_factory": _FACTORY, "_set": object.__setattr__}
    parameters, lines = ["self"], []
    for field in fields:
        name, value = field.name, field.name
        if field.default is not MISSING:
            names[f"_default_{name}"] = field.default
            parameter, value_else = f"{name}=_default_{name}", f"_default_{name}"
        elif field.default_factory is not MISSING:
            names[f"_make_{name}"] = field.default_factory
            parameter, value_else = f"{name}=_factory", f"_make_{name}()"
            if field.init:
                value = f"_make_{name}() if {name} is _factory else {name}"
        else:
            parameter, value_else = name, ""
        if field.init:
            parameters.append(parameter)
        elif value_else:
            value = value_else
        else:
            continue
        if not frozen:
            lines.append(f"self.{name} = {value}")
        elif slots:
            # The slot itself, which takes two thirds of the time that `object.__setattr__` does.
            names[f"_set_{name}"] = getattr(cls, name).__set__
            lines.append(f"_set_{name}(self, {value})")
        else:
            lines.append(f"_set(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    return _compiled("__init__", parameters, lines or ["pass"], names)


def _tuple_of(of: str, names: tuple[str, ...]) -> str:
    return f"({''.join(f'{of}.{name}, ' for name in names)})"


def _equality(names: tuple[str, ...]) -> _Method:
    lines = [
        "if self is other: return True",
        "if self.__class__ is not other.__class__: return NotImplemented",
        f"return {_tuple_of('self', names)} == {_tuple_of('other', names)}",
    ]
    return _compiled("__eq__", ["self", "other"], lines)


def _hashing(names: tuple[str, ...]) -> _Method:
    return _compiled("__hash__", ["self"], [f"return hash({_tuple_of('self', names)})"])


def _representation(names: tuple[str, ...]) -> Callable[[Any], str]:
    @recursive_repr()
    def representation(self: Any) -> str:
        told = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({told})"

    return representation


def _refuse_set(self: object, name: str, value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(self: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[object]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[object]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
