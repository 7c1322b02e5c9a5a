"""When the interpreter looks for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from orchestrator_tui.primitives.garbage import looking_for_none


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    was_enabled = gc.isenabled()
    yield
    gc.unfreeze()
    (gc.enable if was_enabled else gc.disable)()


@pytest.mark.parametrize("was_looking", [True, False])
def test_garbage_is_looked_for_again_only_where_it_was_before(was_looking: bool) -> None:
    (gc.enable if was_looking else gc.disable)()
    with pytest.raises(LookupError), looking_for_none():
        assert not gc.isenabled()
        raise LookupError
    assert gc.isenabled() == was_looking


def test_what_was_made_meanwhile_is_not_looked_through_later() -> None:
    gc.enable()
    with looking_for_none():
        kept = [[number] for number in range(1000)]
    assert gc.get_freeze_count() >= len(kept)
