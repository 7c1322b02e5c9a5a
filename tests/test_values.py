"""Frozen values behave as those of the standard decorator, which makes them slowly."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, astuple, dataclass, field, fields, replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.values import frozen

Decorator = Callable[[type[Any]], Any]
standard: Decorator = dataclass(frozen=True, slots=True)
DECORATORS = pytest.mark.parametrize("decorator", [standard, frozen])


class Point:
    x: float
    name: str = "here"
    tags: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False, repr=False)


class Empty:
    pass


class Single:
    x: float


def copied(plain: type[Any], decorator: Decorator) -> Any:
    """Return a class of the same content, as the decorator makes it."""
    body = {name: item for name, item in vars(plain).items() if name not in _NOT_COPIED}
    return decorator(type(plain.__name__, plain.__bases__, body))


_NOT_COPIED = ("__dict__", "__weakref__")
POINTS = [copied(Point, decorator) for decorator in (standard, frozen)]


@frozen
class Kept:
    """A value that can be found again by those who unpickle it."""

    x: int
    tags: tuple[str, ...] = ()


@frozen
class More(Kept):
    """A value with further fields."""

    y: int = 0


@given(
    st.floats(allow_nan=True),
    st.none() | st.text(max_size=3),
    st.none() | st.lists(st.text(max_size=2), max_size=2),
    st.floats(allow_nan=True),
)
def test_values_are_equal_and_shown_as_the_standard_ones(
    x: float, name: str | None, tags: list[str] | None, other: float
) -> None:
    more = {k: v for k, v in {"name": name, "tags": tags}.items() if v is not None}
    (one, two), (far, away) = ([p(v, **more) for p in POINTS] for v in (x, other))
    assert repr(one).rpartition(".")[2] == repr(two).rpartition(".")[2]
    assert (one == far, one != far) == (two == away, two != away)
    assert astuple(replace(one, note="n")) == astuple(replace(two, note="n"))
    assert orjson.dumps(one) == orjson.dumps(two)


@DECORATORS
def test_what_is_not_compared_counts_neither_for_equality_nor_for_the_hash(
    decorator: Decorator,
) -> None:
    made = copied(Point, decorator)
    one, two = made(1.0, tags=()), made(1.0, tags=(), note="other")
    assert one == two and hash(one) == hash(two) and len({one, two}) == 1
    assert one != (1.0, "here", ()) and one != 1


@DECORATORS
def test_values_of_two_classes_are_never_equal(decorator: Decorator) -> None:
    assert copied(Empty, decorator)() != copied(Empty, decorator)()
    single = copied(Single, decorator)
    nan = float("nan")
    assert single(nan) == single(nan) and copied(Empty, decorator)() != 0


@DECORATORS
def test_each_value_gets_a_default_of_its_own(decorator: Decorator) -> None:
    made = copied(Point, decorator)
    assert made(1).tags is not made(1).tags
    given = ["given"]
    assert made(1, "a", given).tags is given


@DECORATORS
@pytest.mark.parametrize("words", [(), (1, 2, 3, 4, 5)])
def test_wrong_numbers_of_fields_are_refused(decorator: Decorator, words: tuple[int, ...]) -> None:
    with pytest.raises(TypeError, match="__init__"):
        copied(Point, decorator)(*words)
    with pytest.raises(TypeError, match="nosuch"):
        copied(Point, decorator)(1, nosuch=1)


@DECORATORS
def test_nothing_can_be_changed_or_added(decorator: Decorator) -> None:
    one = copied(Point, decorator)(1)
    with pytest.raises(FrozenInstanceError, match="'x'"):
        one.x = 2
    with pytest.raises((FrozenInstanceError, TypeError)):  # the standard one stumbles here
        one.nosuch = 2
    with pytest.raises(FrozenInstanceError):
        del one.x
    assert not hasattr(one, "__dict__")


@DECORATORS
def test_patterns_and_fields_are_known(decorator: Decorator) -> None:
    made = copied(Point, decorator)
    assert made.__match_args__ == ("x", "name", "tags", "note")
    assert [one.name for one in fields(made)] == list(made.__match_args__)
    assert asdict(made(1, tags=["a"])) == {"x": 1, "name": "here", "tags": ["a"], "note": ""}


def test_copies_and_pickles_are_equal() -> None:
    one = More(1, ("a",), 2)
    for again in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert again == one and again is not one


def test_a_value_may_have_the_fields_of_another() -> None:
    assert More(1, y=3) == More(1, (), 3)
    assert repr(More(1)) == "More(x=1, tags=(), y=0)"
    assert Kept(1) != More(1)
    assert hash(Kept(1)) != hash(Kept(2))


def test_what_a_class_defines_itself_stays() -> None:
    @frozen
    class Named:
        x: int

        def __post_init__(self) -> None:
            if self.x < 0:
                raise ValueError

        def __repr__(self) -> str:
            return "named"

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 7

    assert (repr(Named(1)), Named(1) == 2, hash(Named(1))) == ("named", True, 7)
    with pytest.raises(ValueError):
        Named(-1)
