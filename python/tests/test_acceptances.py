"""A change of code is accepted from within the program, where the new code is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from rememo import Acceptance, Cache, NondeterminismWarning, _core

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def cache() -> Iterator[Cache]:
    """A cache of its own."""
    with Cache(temporary=True) as cache:
        yield cache


def edited(cache: Cache, helper: str, **options: Any) -> Any:
    """A memoized function whose helper has this source."""
    names: dict[str, Any] = {"__name__": "edited", "runs": []}
    exec(f"def helper(x):\n    {helper}\ndef price(x):\n    return helper(x) + 1\n", names)
    return cache.memoize(**options)(names["price"])


def test_what_the_old_code_returned_answers_for_the_new(cache: Cache) -> None:
    """Whatever kind of question is asked, until it is revoked."""
    heard: list[dict[str, Any]] = []
    token = _core.subscribe(heard.append, ["hit", "miss"])
    try:
        old = edited(cache, "return 3 * x")
        assert [old(1), old(2)] == [4, 7]
        new = edited(cache, "y = 3 * x; return y")
        accepted = new.accept("a variable more")
        assert isinstance(accepted, Acceptance)
        assert "edited.price: a variable more" in str(accepted)
        assert [change.name for change in accepted.changes] == ["edited.helper"]
        assert cache.acceptances() == [accepted]
        assert new.would_hit(1)
        explanation = new.explain(1)
        assert explanation.accepted == (accepted,)
        assert accepted.id in str(explanation)
        del heard[:]
        assert [new(1), new(1), new.call_if_cached(2)] == [4, 4, 7]
        assert [event["accepted"] for event in heard] == [accepted.id] * 3
        assert [event["tier"] for event in heard] == ["directory", "memory", "directory"]
        assert new.accept("again") == accepted
        assert cache.revoke(accepted.id)
        assert not cache.revoke(accepted.id)
        assert not new.would_hit(1)
        assert new(1) == 4
        assert heard[-1]["event"] == "miss"
    finally:
        _core.unsubscribe(token)


def test_what_cannot_be_accepted_is_a_mistake(cache: Cache) -> None:
    """It says why, and accepts nothing."""
    old = edited(cache, "return 3 * x")
    with pytest.raises(ValueError, match="no results are stored but of its code as it is"):
        old.accept("nothing there")
    old(1)
    key = old.entry(1).key
    with pytest.raises(ValueError, match="no results are stored but of its code as it is"):
        old.accept("nothing new")
    with pytest.raises(ValueError, match="argument version changed, which is not code"):
        edited(cache, "return x * 3", version=1).accept("of another version")
    with pytest.raises(ValueError, match="cache_exceptions changed, which is not code"):
        edited(cache, "return x * 3", cache_exceptions=KeyError).accept("of other options")
    with pytest.raises(ValueError, match="has no stored result ffff"):
        edited(cache, "return x * 3").accept("not there", entry="ffff")
    assert edited(cache, "return x * 3").accept("commutes", entry=key[:8]).reason == "commutes"


def test_a_wrong_word_is_found_out_by_verifying(cache: Cache) -> None:
    """And what is right is stored in place of what answered."""
    edited(cache, "return 3 * x")(1)
    wrong = edited(cache, "return 4 * x", verify=1.0)
    wrong.accept("wrong")
    with pytest.warns(NondeterminismWarning, match="4 became 5"):
        assert wrong(1) == 5
    assert edited(cache, "return 4 * x")(1) == 5


def test_results_that_come_later_are_accepted_too(cache: Cache) -> None:
    """As those of other functions."""
    import asyncio

    def coroutine(source: str) -> Any:
        names: dict[str, Any] = {"__name__": "edited"}
        exec(f"async def fetch(x):\n    {source}\n", names)
        return cache.memoize(names["fetch"])

    assert asyncio.run(coroutine("return 3 * x")(1)) == 3
    new = coroutine("y = 3 * x; return y")
    new.accept("a variable more")
    assert new.would_hit(1)
    assert asyncio.run(new(1)) == 3
