"""Things that can be called, of every kind: memoized, or refused with what to do instead."""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any

import pytest
from rememo import memoize

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Program

pytestmark = pytest.mark.usefixtures("rememo_cache")


def area(width: int, height: int = 1, *, scale: int = 1) -> int:
    """The area of a rectangle."""
    return width * height * scale


def many(a: int, /, b: int, *rest: int, c: int = 3, **more: int) -> list[object]:
    """Takes arguments of every sort."""
    return [a, b, rest, c, more]


class Adder:
    """Adds what it holds."""

    def __init__(self, amount: int) -> None:
        self.amount = amount

    def __call__(self, x: int, times: int = 1) -> int:
        """Adds it so many times."""
        return x + self.amount * times

    def less(self, x: int) -> int:
        """Subtracts it."""
        return x - self.amount

    @classmethod
    def name(cls, suffix: str) -> str:
        """Its name."""
        return cls.__name__ + suffix


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator as people write them."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


# A callable, the ways to spell one call of it, and another call.
CALLABLES: dict[str, tuple[Any, list[tuple[tuple[Any, ...], dict[str, Any]]], tuple[Any, ...]]] = {
    "lambda": (lambda x, y=1: x + y, [((2,), {}), ((2, 1), {}), ((), {"y": 1, "x": 2})], (3,)),
    "partial": (functools.partial(area, 2), [((3,), {}), ((), {"height": 3})], (4,)),
    "partial by name": (
        functools.partial(area, height=2),
        [((3,), {}), ((), {"width": 3, "height": 2}), ((3,), {"scale": 1})],
        (4,),
    ),
    "partial of all sorts": (
        functools.partial(many, 1),
        [((2, 3), {"d": 4}), ((2, 3), {"c": 3, "d": 4})],
        (2, 4),
    ),
    "partial of a partial": (
        functools.partial(functools.partial(area, 2), scale=3),
        [((5,), {}), ((), {"height": 5})],
        (6,),
    ),
    "instance": (Adder(3), [((1,), {}), ((), {"x": 1}), ((1, 1), {})], (2,)),
    "bound method": (Adder(3).less, [((1,), {}), ((), {"x": 1})], (2,)),
    "class method": (Adder.name, [(("a",), {}), ((), {"suffix": "a"})], ("b",)),
    "partial of an instance": (functools.partial(Adder(3), times=2), [((1,), {})], (2,)),
    "wrapped": (logged(area), [((1, 2), {})], (2, 1)),
}


@pytest.mark.parametrize("name", CALLABLES)
def test_callables_of_every_kind(name: str, rememo_events: list[dict[str, Any]]) -> None:
    """All spellings of one call are one call, and another call is another."""
    function, spellings, other = CALLABLES[name]
    memoized = memoize(function)
    results = [memoized(*args, **kwargs) for args, kwargs in spellings]
    args, kwargs = spellings[0]
    assert results == [function(*args, **kwargs)] * len(spellings)
    events = [event["event"] for event in rememo_events]
    assert events == ["miss", "stored"] + ["hit"] * (len(spellings) - 1)
    assert memoized(*other) == function(*other)
    assert [event["event"] for event in rememo_events][len(events) :] == ["miss", "stored"]


def test_what_a_callable_holds_counts() -> None:
    """As if it were written out."""
    for first, second in (
        (functools.partial(area, 2), functools.partial(area, 3)),
        (functools.partial(area, scale=2), functools.partial(area, scale=3)),
        (Adder(1), Adder(2)),
        (Adder(1).less, Adder(2).less),
    ):
        one: Any = memoize(first)
        other: Any = memoize(second)
        again: Any = memoize(first)
        assert one(5) == first(5)
        assert again.would_hit(5)
        assert not other.would_hit(5)
        assert other(5) == second(5)


def test_an_instance_that_changes_is_another() -> None:
    """For its state counts at each call."""
    adder = Adder(1)
    memoized = memoize(adder)
    assert memoized(1) == 2
    adder.amount = 5
    assert not memoized.would_hit(1)
    assert memoized(1) == 6
    adder.amount = 1
    assert memoized.would_hit(1)


def test_it_goes_by_the_name_of_what_it_calls() -> None:
    """With its documentation and parameters."""
    memoized = memoize(functools.partial(area, 2))
    assert (memoized.__name__, memoized.__doc__) == ("area", "The area of a rectangle.")
    assert memoize(Adder(1)).__qualname__ == "Adder.__call__"
    with pytest.raises(TypeError, match="unexpected keyword argument 'depth'"):
        memoized(depth=3)  # type: ignore[call-arg]
    options: Any = {"ignore": ["scale"]}
    ignoring: Any = memoize(functools.partial(area, 2), **options)
    assert ignoring(3, scale=1) == ignoring(3, scale=2) == 6


def test_edits_of_what_is_inside_are_seen(program: Program) -> None:
    """In later runs too."""
    text = """
        import functools
        from rememo import memoize
        def power(x, n):
            return x ** n + {0}
        class Adder:
            def __call__(self, x):
                return x + {0}
        square = memoize(functools.partial(power, n=2))
        add = memoize(Adder())
    """
    for added, expected in ((0, ["miss", "stored"]), (0, ["hit"]), (1, ["miss", "stored"])):
        program.write(m=text.format(added))
        out, events = program.run("from m import square, add; out = [square(3), add(x=3)]")
        assert out == [9 + added, 3 + added]
        assert events == expected * 2


REFUSED: dict[str, tuple[object, str]] = {
    "function of C": (len, "the built-in function len: it has no Python code to watch"),
    "method of C": ([].append, "the built-in function list.append: it has no Python code"),
    "descriptor of C": (str.upper, "str.upper, of type method_descriptor: it has no Python code"),
    "callable of C": (operator.itemgetter(1), "of type itemgetter: it has no Python code"),
    "partial of C": (
        functools.partial(pow, 2),
        "of type partial, which calls pow: it has no Python code to watch",
    ),
    "class": (Adder, "the class Adder: memoize a function that makes and returns an instance"),
    "lru_cache": (functools.lru_cache(area), "area, which functools caches already: put @memoize"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_memoized_says_why(name: str) -> None:
    """And what to do instead."""
    thing, message = REFUSED[name]
    with pytest.raises(TypeError, match=f"^cannot memoize .*{message}"):
        memoize(thing)  # type: ignore[call-overload]
