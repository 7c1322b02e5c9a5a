"""The dataclass that makes its methods at first use does what the standard library's does."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, field, replace
from typing import Any, ClassVar

import pytest

from orchestrator_tui.dataclass import dataclass

Decorator = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A frozen one, at the top of a module, as pickle wants it."""

    name: str
    depth: int = 0
    tags: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False, repr=False)
    made: str = field(default="made", init=False)
    KINDS: ClassVar[int] = 3


@dataclass(frozen=True)
class Measured:
    """One whose field is not equal to itself."""

    value: float


def like(decorator: Decorator, **flags: bool) -> Any:
    """Return a class with the fields of `Place`, made by another decorator."""
    fields: dict[str, Any] = {
        "__annotations__": dict(Place.__annotations__),
        "__qualname__": "Place",
        "__doc__": "x",
        "depth": 0,
        "tags": field(default_factory=list),
        "note": field(default="", compare=False, repr=False),
        "made": field(default="made", init=False),
        "KINDS": 3,
    }
    return decorator(**flags)(type("Place", (), fields))


@pytest.mark.parametrize(
    "flags", [{"frozen": True}, {}, {"eq": False}, {"frozen": True, "eq": False}]
)
@pytest.mark.parametrize("slots", [True, False])
def test_it_does_what_the_standard_library_does(flags: dict[str, bool], slots: bool) -> None:
    mine, theirs = (
        like(dataclass, slots=slots, **flags),
        like(dataclasses.dataclass, slots=slots, **flags),
    )
    ways: tuple[Decorator, ...] = (
        lambda cls: cls("a"),
        lambda cls: cls("a", 2, ["t"], note="n"),
        lambda cls: cls(name="a", tags=["t"]),
        lambda cls: replace(cls("a", 2), depth=5),
    )
    for make in ways * 20:  # the plain methods do the first, compiled ones the rest
        one, other = make(mine), make(theirs)
        assert repr(one) == repr(other)
        assert dataclasses.asdict(one) == dataclasses.asdict(other)
        assert (one == make(mine)) == (other == make(theirs))
        assert (one == mine("b")) == (other == theirs("b"))
    assert mine("a").tags is not mine("a").tags
    assert (mine("a", note="x") == mine("a")) == (theirs("a", note="x") == theirs("a"))
    assert (mine.__hash__ is None) == (theirs.__hash__ is None)
    assert hasattr(mine("a"), "__dict__") == hasattr(theirs("a"), "__dict__")
    assert mine.__match_args__ == theirs.__match_args__


def test_equal_ones_hash_alike_and_others_are_not_equal() -> None:
    one, same = Place("a", 1, ()), Place("a", 1, (), "n")  # type: ignore[arg-type]
    assert one == same
    assert hash(one) == hash(same)
    assert one != Place("a", 2, ())  # type: ignore[arg-type]
    assert one != object()


def test_a_frozen_one_cannot_be_changed() -> None:
    place = Place("a")
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'name'"):
        place.name = "b"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'name'"):
        del place.name
    assert place.name == "a"


@pytest.mark.parametrize("given", [(), ("a", 1, [], "n", "m"), ("a", 1, [], "n", 5, 6)])
def test_wrong_arguments_are_refused(given: tuple[Any, ...]) -> None:
    made = like(dataclass, frozen=True, slots=True)  # of which no method was compiled yet
    for kind in (made, Place):
        with pytest.raises(TypeError, match="__init__"):
            kind(*given)
    with pytest.raises(TypeError, match="multiple values for argument 'name'"):
        like(dataclass)("a", name="b")
    with pytest.raises(TypeError, match="unexpected keyword argument 'made'"):
        Place("a", made="b")  # type: ignore[call-arg]


def test_what_is_the_very_same_is_equal_as_in_a_tuple() -> None:
    one, other = Measured(float("nan")), Measured(float("nan"))
    for _ in range(40):
        assert one == Measured(one.value)
        assert one != other


def test_it_can_be_copied_and_pickled() -> None:
    place = Place("a", 2, ["t"], "n")
    for other in (copy.copy(place), copy.deepcopy(place), pickle.loads(pickle.dumps(place))):
        assert other == place
        assert other.note == "n"


def test_one_that_holds_itself_is_told() -> None:
    place = Place("a")
    place.tags.append(place)  # type: ignore[arg-type]
    assert repr(place) == "Place(name='a', depth=0, tags=[...], made='made')"


def test_what_a_class_says_itself_stays() -> None:
    @dataclass(frozen=True, slots=True)
    class Own:
        name: str
        length: int = field(init=False, default=0)

        def __post_init__(self) -> None:
            object.__setattr__(self, "length", len(self.name))

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own) and self.length == other.length

        def __hash__(self) -> int:
            return self.length

        def __repr__(self) -> str:
            return "own"

    assert Own("abc").length == 3
    assert Own("abc") == Own("xyz")
    assert hash(Own("abc")) == 3
    assert repr(Own("a")) == "own"


def test_fields_are_inherited() -> None:
    @dataclass(frozen=True, slots=True)
    class Deeper(Place):
        end: str = "end"

    class Named(Place):
        pass

    deeper = Deeper("a", 1, [], "n", "e")
    assert (deeper.name, deeper.end, deeper.made) == ("a", "e", "made")
    assert deeper != Place("a", 1)
    assert Named("a").name == "a"
    assert Named("b").name == "b"


def test_what_it_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError):
        dataclass(order=True)


def test_many_threads_may_be_the_first() -> None:
    for _ in range(50):
        made = like(dataclass, frozen=True, slots=True)
        with ThreadPoolExecutor(8) as pool:
            places = list(pool.map(lambda name, of=made: of(name), "abcdefgh"))
        assert [place.name for place in places] == list("abcdefgh")
