"""Methods: of instances, classes and neither; inherited, overridden, asked through an object."""

from __future__ import annotations

import abc
import copy
import dataclasses
import functools
import gc
import inspect
import pickle
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from rememo import BoundMemoized, NotCached, memoize

if TYPE_CHECKING:
    from conftest import Program

pytestmark = pytest.mark.usefixtures("rememo_cache")

Events = list[dict[str, Any]]


class Shape(abc.ABC):
    """An abstract class."""

    unit = "m"

    def __init__(self, side: int) -> None:
        self.side = side

    @abc.abstractmethod
    def sides(self) -> int:
        """How many sides it has."""

    @memoize
    def around(self, times: int = 1) -> int:
        """The way around it."""
        return self.sides() * self.side * times

    @classmethod
    @memoize
    def named(cls, suffix: str) -> str:
        """What it is called."""
        return cls.__name__ + suffix

    @staticmethod
    @memoize
    def half(x: int) -> float:
        """Half of it."""
        return x / 2

    @property
    @memoize
    def label(self) -> str:
        """What is written on it."""
        return f"{self.side} {self.unit}"

    @functools.cached_property
    @memoize
    def kept(self) -> int:
        """Computed once for each object, at most."""
        return self.side + 1


class Square(Shape):
    """Inherits all but one."""

    def sides(self) -> int:
        return 4


class Triangle(Shape):
    """Overrides one more."""

    def sides(self) -> int:
        return 3

    @memoize
    def around(self, times: int = 1) -> int:
        """Calls the one that it overrides."""
        return super().around(times) + 1000


class Slotted:
    """Has no namespace."""

    __slots__ = ("x", "y")

    def __init__(self, x: int) -> None:
        self.x = x

    @memoize
    def doubled(self) -> int:
        return 2 * self.x


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """A dataclass."""

    x: int
    y: int = 0

    @memoize
    def sum(self) -> int:
        return self.x + self.y


def names(events: Events) -> list[str]:
    """What happened, in order."""
    return [event["event"] for event in events]


def test_equal_instances_share_results(rememo_events: Events) -> None:
    """By what they hold, not by who they are."""
    assert Square(2).around() == Square(2).around(times=1) == 8
    assert names(rememo_events) == ["miss", "stored", "hit"]
    assert Square(3).around() == 12
    assert names(rememo_events)[3:] == ["miss", "stored"]


def test_an_instance_that_changes_misses_and_changed_back_hits() -> None:
    """For its state counts at each call."""
    square = Square(2)
    assert square.around() == 8
    square.side = 5
    assert not square.around.would_hit()
    assert square.around() == 20
    square.side = 2
    assert square.around.would_hit()


def test_a_class_that_overrides_a_method_has_results_of_its_own() -> None:
    """Whether the method is memoized or used by one."""
    assert (Square(1).around(), Triangle(1).around()) == (4, 1003)
    assert (Square(1).around(), Triangle(1).around()) == (4, 1003)
    assert Shape.around(Triangle(1)) == 3


def test_methods_of_classes_and_static_methods(rememo_events: Events) -> None:
    """The class is an argument of the former."""
    assert Square.named("!") == Square(1).named("!") == "Square!"
    assert Triangle.named("!") == "Triangle!"
    assert Square.half(3) == Triangle(9).half(3) == 1.5
    assert names(rememo_events) == [
        "miss",
        "stored",
        "hit",
        "miss",
        "stored",
        "miss",
        "stored",
        "hit",
    ]
    assert Square.half.would_hit(3)


def test_properties(rememo_events: Events) -> None:
    """Plain ones and cached ones; the class's attributes count."""
    assert Square(2).label == Square(2).label == "2 m"
    assert Square(2).kept == Square(2).kept == 3
    assert names(rememo_events) == ["miss", "stored", "hit"] * 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shape, "unit", "cm")
        assert Square(2).label == "2 cm"
    assert Square(2).label == "2 m"


def test_slots_and_dataclasses() -> None:
    """Count by their fields."""
    slotted, other = Slotted(1), Slotted(1)
    assert slotted.doubled() == 2
    other.y = 5
    assert Slotted(1).doubled.would_hit()
    assert not other.doubled.would_hit()
    assert Point(1, 2).sum() == 3
    assert Point(1, y=2).sum.would_hit()
    assert not Point(2, 1).sum.would_hit()
    assert Point(2, 1).sum() == 3


def test_methods_are_asked_through_an_instance() -> None:
    """All that can be asked of a function, without the first argument."""
    square = Square(7)
    assert not square.around.would_hit(2)
    with pytest.raises(NotCached):
        square.around.call_if_cached(2)
    assert square.around.explain(2).reason == "new"
    assert square.around.call(2) == 56
    assert square.around.call_if_cached(2) == 56
    assert square.around.explain(2).hit
    assert Square.around.would_hit(square, 2)
    assert square.around.clear_entry(2)
    assert not square.around.would_hit(2)
    assert square.around.cache_info().entries == 0


def test_a_bound_method_is_much_like_any_other() -> None:
    """Equal, hashable, described, with the parameters that are left."""
    square = Square(7)
    bound = square.around
    assert isinstance(bound, BoundMemoized)
    assert bound == square.around
    assert hash(bound) == hash(square.around)
    assert bound != Square(7).around
    assert bound.__self__ is square
    assert bound.__func__ is Square.around
    assert (bound.__name__, bound.__doc__) == ("around", "The way around it.")
    assert str(inspect.signature(bound)) == "(times: 'int' = 1) -> 'int'"
    assert list(map(bound, [1, 2])) == [28, 56]


def test_bound_methods_travel_with_their_instance() -> None:
    """To the workers of a pool, say."""
    sent = pickle.loads(pickle.dumps(Point(3, 4).sum))
    assert sent() == 7
    assert sent.would_hit()
    assert copy.copy(sent) == sent


def test_no_instance_is_kept_alive() -> None:
    """Neither by a call, nor by a question, nor by a result in memory."""
    square = Square(11)
    square.around()
    square.around()
    square.around.would_hit()
    assert square.label
    gone = weakref.ref(square)
    del square
    gc.collect()
    assert gone() is None


def test_an_abstract_method_may_be_memoized() -> None:
    """It stays abstract."""

    class Base(abc.ABC):
        @abc.abstractmethod
        @memoize
        def size(self) -> int:
            return 1

    class Whole(Base):
        @memoize
        def size(self) -> int:
            return super().size() + 1

    with pytest.raises(TypeError, match="abstract"):
        Base()  # type: ignore[abstract]
    assert Whole().size() == 2
    assert Whole().size.would_hit()


def test_edits_of_a_class_are_seen(program: Program) -> None:
    """Of another method that is used, of a base, and not of a comment."""
    text = """
        from rememo import memoize
        class Base:
            def helper(self):
                return {0}  # {1}
        class C(Base):
            @memoize
            def m(self):
                return self.helper()
    """
    for value, comment, expected in (
        (1, "a", ["miss", "stored"]),
        (1, "b", ["hit"]),
        (2, "b", ["miss", "stored"]),
    ):
        program.write(m=text.format(value, comment))
        out, events = program.run("from m import C; out = C().m()")
        assert out == value
        assert events == expected
