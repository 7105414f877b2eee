"""Instances of every kind are encoded as docs/design/encoding.md says."""

from __future__ import annotations

import abc
import collections
import contextvars
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import inspect
import math
import os
import pathlib
import pickle
import re
import struct
import sys
import threading
import types
import uuid
import weakref
from typing import Any, NamedTuple

import numpy as np
import pytest
from rememo import freeze
from soundness.encoding_twin.agreement import assert_agree

pytestmark = pytest.mark.soundness


class Node:
    """An instance with nothing but attributes."""


class Colour(enum.Enum):
    """Members with values of several types."""

    RED = 1
    BLUE = "blue"


class Access(enum.Flag):
    """Members that combine."""

    READ = enum.auto()
    WRITE = enum.auto()


@dataclasses.dataclass
class Point:
    """A dataclass with defaults."""

    x: float
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Fixed:
    """A dataclass without a dictionary."""

    x: int
    y: int = 2


class Pair(NamedTuple):
    """A tuple with names."""

    x: int
    y: int = 2


class Slotted(Node):
    """Slots besides a dictionary."""

    __slots__ = ("a", "b")

    def __init__(self) -> None:
        self.a = [1]
        self.z = 3


class Mapping(dict[str, int]):
    """A dictionary that says it is empty."""

    def items(self) -> Any:
        return {}.items()


class Items(list[int]):
    """A list with attributes."""


class Unique(frozenset[int]):
    """A set with attributes."""


class Metres(float):
    """A number that pickles like one."""


class Count(int):
    """A number that says it is another."""

    def __index__(self) -> int:
        return 7


class Letters(str):
    """A text that says it is another."""

    __slots__ = ("a",)

    def __str__(self) -> str:
        return "other"


class Queue(collections.deque[int]):
    """With a base that hides its state, and iteration of its own."""

    def __iter__(self) -> Any:
        return iter([])


class NumberedError(ValueError):
    """An exception with attributes."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Upper(Slotted):
    """With a slot of a name that its base has too."""

    __slots__ = ("a",)


def reading_chains(error: BaseException) -> object:
    """Reads what led to an exception."""
    return error.__cause__


def failure() -> NumberedError:
    """An exception with a cause."""
    error = NumberedError(1)
    error.__cause__ = KeyError("a")
    return error


class Described(property):
    """A wrapper with attributes."""


class Own:
    """Says what counts."""

    def __getfrozenstate__(self) -> object:
        return [1, {"a": 2}]


class Keyed:
    """Says it in the older way."""

    def __cache_key__(self) -> object:
        return "key"

    def __cache_ver__(self) -> object:
        return 2


class Lazy:
    """Remembers what it computed."""

    def __init__(self, value: int) -> None:
        self.value = value

    @functools.cached_property
    def doubled(self) -> int:
        return 2 * self.value


class Abstract(abc.ABC):
    """With a class that is registered and none that derives."""

    @property
    @abc.abstractmethod
    def size(self) -> int: ...


Abstract.register(Items)


def plus(x: int, y: int = 1) -> int:
    """A function."""
    return x + y


def with_attributes(value: Any, **attributes: object) -> Any:
    """A value with attributes set."""
    for name, attribute in attributes.items():
        setattr(value, name, attribute)
    return value


CONTEXT = contextvars.ContextVar[int]("context")
CONTEXT.set(3)
SOMETHING = Node()
INSTANCES: dict[str, Any] = {
    "members": [Colour.RED, Colour.BLUE, Access.READ | Access.WRITE, re.IGNORECASE],
    "dataclasses": [Point(1.0, ["a"]), Fixed(1), [Fixed(1), Fixed(2)], dataclasses.fields(Point)],
    "tuples with names": [Pair(1), sys.float_info, os.stat_result(range(10))],
    "slots": [Slotted(), with_attributes(Slotted(), b=1, c=2)],
    "dictionaries": [Mapping(a=1), with_attributes(Mapping(a=1), x=1)],
    "lists and sets": [with_attributes(Items([1]), x=1), with_attributes(Unique({1, 2}), x=1)],
    "numbers": [Metres(1.5), decimal.Decimal("1.00"), fractions.Fraction(1, 3), np.float32(1)],
    "numbers and texts of one's own": [
        with_attributes(Count(3), a=1),
        with_attributes(Letters("b"), a=1),
        type("Raw", (bytes,), {})(b"a"),
        type("Changing", (bytearray,), {})(b"a"),
        type("Plane", (complex,), {})(1, -0.0),
    ],
    "bases that hide their state": [
        with_attributes(Queue([1, 2], maxlen=3), a=1),
        failure(),
        [failure(), reading_chains],
        [KeyError("a"), reading_chains],
        with_attributes(type("Ordered", (collections.OrderedDict,), {})(b=1, a=2), x=1),
        with_attributes(type("Day", (dt.date,), {})(2020, 1, 1), x=1),
        type("Money", (decimal.Decimal,), {})("1.0"),
    ],
    "slots of one name": [Upper(), with_attributes(Upper(), b=3)],
    "documented instances": [
        with_attributes(Node(), __doc__="a", __annotations__={"a": 1}),
        [with_attributes(Node(), __doc__="a"), inspect.getdoc, lambda x: x.__doc__],
        [property(plus, doc="a"), lambda x: x.__doc__],
    ],
    "views": [
        {"a": 1}.keys(),
        {"a": 1}.values(),
        {"a": 1}.items(),
        collections.OrderedDict(a=1).keys(),
        collections.OrderedDict(a=1).values(),
        collections.OrderedDict(a=1).items(),
    ],
    "made in C": [
        super(Slotted, Slotted()),
        Slotted.__dict__["a"],
        type.__dict__["__dict__"],
        dict.__dict__["fromkeys"],
        struct.Struct("<i"),
        re.match("(a)(b)?", "a"),
        type(None),
        types.FunctionType,
    ],
    "long numbers": [
        np.longdouble(1) / 3,
        np.clongdouble(1j) / 3,
        np.arange(6, dtype=np.longdouble).reshape(2, 3).T / 7,
        np.zeros(2, np.dtype("i4", metadata={"a": 1})),
    ],
    "masked arrays": [
        np.ma.masked_array([1, 2], [True, False]),
        np.ma.masked_array([1.5], hard_mask=True, fill_value=3),
    ],
    "own states": [Own(), Keyed(), {"a": Own()}],
    "wrappers of one's own": [with_attributes(Described(plus), a=1)],
    "abstract classes": [Abstract, Items],
    "times": [dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.timedelta(1), dt.date(2020, 1, 1)],
    "texts": [pathlib.PurePosixPath("a"), re.compile("a", re.IGNORECASE), uuid.UUID(int=1)],
    "collections": [
        collections.deque([1], maxlen=2),
        collections.OrderedDict(b=1, a=2),
        collections.Counter("aab"),
        collections.defaultdict(list, a=[1]),
        types.SimpleNamespace(b=1, a=2),
        range(3),
        slice(1, None),
    ],
    "buffers": [memoryview(b"ab"), memoryview(b"abcd").cast("h"), pickle.PickleBuffer(b"ab")],
    "references": [weakref.ref(SOMETHING), weakref.WeakSet([SOMETHING])],
    "weak dictionaries": [
        weakref.WeakValueDictionary(a=SOMETHING),
        weakref.WeakKeyDictionary({SOMETHING: 1}),
    ],
    "methods": [[].append, "a".upper, Point(1.0).__eq__, Slotted().__init__, str.upper, {}.__len__],
    "wrappers": [
        functools.partial(plus, 1, y=2),
        functools.lru_cache(plus),
        functools.singledispatch(plus),
        functools.wraps(plus)(lambda: 0),
        types.MappingProxyType({"a": 1}),
        Lazy.__dict__["doubled"],
        property(plus),
        staticmethod(plus),
        CONTEXT,
        contextvars.ContextVar("unset"),
        with_attributes(threading.local(), a=1),
    ],
    "of libraries": [abs, math.pi, math, np, np.add, np.mean, np.float64, Any, list[int], type],
    "remembered": [Lazy(1), with_attributes(Lazy(1), doubled=5)],
}


@pytest.mark.filterwarnings("ignore:non-string key in the __dict__")
@pytest.mark.parametrize("name", [1, None, "a\ud800"])
def test_an_attribute_whose_name_is_no_text_is_refused(name: Any) -> None:
    """Under a name in its place it could be taken for another."""
    holders: list[Any] = [Node(), lambda: 0, type("C", (), {name: 1})]
    vars(holders[0])[name] = vars(holders[1])[name] = 1
    for holder in holders:
        with pytest.raises(TypeError, match="no text"):
            freeze(holder)


def test_names_in_what_pickling_gives_are_told_apart() -> None:
    """Those that look alike as text too."""
    values = []
    for name in (1, "1", "a\ud800", "a\udc00", "a\ufffd", "a?"):
        value = types.SimpleNamespace(b=2)
        vars(value)[name] = 1
        values.append(value)
        assert_agree(value)
    assert len({freeze(value) for value in values}) == len(values)


@pytest.mark.parametrize("group", INSTANCES)
def test_instances_agree(group: str) -> None:
    """By every way in which one can be encoded."""
    for value in INSTANCES[group]:
        assert_agree(value)
