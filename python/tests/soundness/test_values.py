"""Distinct values have distinct digests, equal values have equal ones: here, and in any process."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import pathlib
import re
import struct
import subprocess
import sys
import threading
import types
import uuid
import zoneinfo
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rememo import freeze


class Colour(enum.Enum):
    """An enumeration."""

    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    """Members that equal integers."""

    LOW = 1


@dataclasses.dataclass
class Point:
    """A dataclass."""

    x: int
    y: int = 0


class Pair(NamedTuple):
    """A tuple with names."""

    x: int
    y: int


class Slotted:
    """State in slots."""

    __slots__ = ("a", "b")

    def __init__(self, **state: object) -> None:
        """Sets some of them."""
        for name, value in state.items():
            setattr(self, name, value)


class Words(str):
    """A subclass of a built-in type."""

    __slots__ = ()


class Numbers(set[int]):
    """A set with attributes."""


class Unit(np.ndarray):
    """An array with a unit."""

    unit = ""


class Hidden(np.ndarray):
    """An array that pickles without its content."""

    def __reduce__(self) -> tuple[object, ...]:
        """Leaves out everything."""
        return Hidden, ((1,),)


class Day(dt.date):
    """A date with attributes."""


class Money(decimal.Decimal):
    """A number with attributes."""


class Groups(collections.defaultdict[str, int]):
    """A mapping with attributes."""


class Tally(collections.Counter[str]):
    """A counter with attributes."""


class Kept(collections.OrderedDict[str, int]):
    """A mapping that gives no items."""

    def items(self) -> Any:
        """None."""
        return {}.items()


class Number(int):
    """A number that pickles as another."""

    def __reduce__(self) -> tuple[object, ...]:
        """Leaves out everything."""
        return Number, ()


class Raw(bytes):
    """Bytes that pickle as others."""

    def __getnewargs__(self) -> Any:
        """Leaves out everything."""
        return ()


class ShortError(Exception):
    """An exception that pickles without its attributes."""

    def __reduce__(self) -> tuple[object, ...]:
        """Leaves out everything."""
        return ShortError, ("message",)


class Location(pathlib.PurePosixPath):
    """A path of one's own."""


class Node:
    """Makes another one when asked, and keeps it."""

    def __init__(self, number: int) -> None:
        """Takes a number."""
        self.number = number

    @functools.cached_property
    def next(self) -> Node:
        """The next one."""
        return Node(self.number + 1)


def having(value: Any, **attributes: object) -> Any:
    """The same value with attributes."""
    for name, attribute in attributes.items():
        setattr(value, name, attribute)
    return value


def used(path: pathlib.PurePath) -> pathlib.PurePath:
    """The same path, after it has been looked at."""
    hash(path)
    str(path)
    return path


def noisy(number: np.longdouble) -> np.longdouble:
    """The same number with other bytes after it, where it has any."""
    raw = np.array([number]).view("u1")
    raw[10:] = 255 if np.finfo(np.longdouble).nmant == 63 else raw[10:]
    return raw.view(np.longdouble)[0]


def filled(array: np.ma.MaskedArray[Any, Any]) -> np.ma.MaskedArray[Any, Any]:
    """The same array, after it has been asked for its fill value."""
    assert array.fill_value is not None
    return array


def plus(x: int, y: int = 1) -> int:
    """A function."""
    return x + y


UTC = dt.UTC
CEST = dt.timezone(dt.timedelta(hours=2))
NOON = dt.datetime(2020, 1, 1, 12, tzinfo=UTC)
MATRIX = np.arange(6.0).reshape(2, 3)
PADDED = np.dtype([("a", "i1"), ("b", "f8")], align=True)
FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})

# Each group lists values of which no two may share a digest.
DISTINCT: dict[str, list[Any]] = {
    "zeros and ones": [0, 0.0, -0.0, False, 0j, None, "", b"", "0", 1, 1.0, True, 1 + 0j],
    "empties": [[], (), {}, set(), frozenset(), "", b"", bytearray(), None],
    "text and bytes": ["a", b"a", bytearray(b"a"), 97, ["a"], Words("a")],
    "boundaries": [["ab", "c"], ["a", "bc"], ["abc"], [["ab"], "c"], [["ab", "c"]]],
    "nesting": [[[]], [[], []], [[[]]], ([],), [()], {(): []}],
    "sequences": [
        [1, 2],
        (1, 2),
        [2, 1],
        {1, 2},
        frozenset({1, 2}),
        {1: 2},
        Pair(1, 2),
        range(1, 3),
    ],
    "dicts": [
        {1: 2},
        {2: 1},
        {"1": 2},
        {1: 2, 3: 4},
        {3: 4, 1: 2},
        collections.OrderedDict({1: 2}),
    ],
    "big integers": [2**63, -(2**63), 2**63 - 1, 2**64, -(2**64), 2**1000, 2**1000 + 1],
    "floats": [0.1, 0.1 + 2**-55, float("inf"), float("-inf"), float("nan")],
    "surrogates": ["\ud800", "\udfff", "?", "\ufffd"],
    "enums": [Colour.RED, Colour.BLUE, Level.LOW, 1, "RED", Colour],
    "instances": [Point(1), Point(2), Point(1, 1), Slotted(), Slotted(a=1), Slotted(b=1)],
    "arrays with attributes": [
        having(np.zeros(2).view(Unit), unit="m"),
        having(np.zeros(2).view(Unit), unit="s"),
        having(np.ones(2).view(Unit), unit="s"),
    ],
    "hidden content": [np.zeros(1).view(Hidden), np.ones(1).view(Hidden)],
    "dates with attributes": [
        having(Day(2020, 1, 1), x=1),
        having(Day(2020, 1, 1), x=2),
        Day(2020, 1, 1),
        dt.date(2020, 1, 1),
    ],
    "decimals with attributes": [having(Money(1), x=1), having(Money(1), x=2), Money(1), Money(2)],
    "mappings with attributes": [
        having(Groups(int), x=1),
        having(Groups(int), x=2),
        having(Groups(list), x=2),
        having(Groups(int, a=1), x=2),
    ],
    "counters with attributes": [having(Tally("a"), x=1), having(Tally("a"), x=2), Tally("b")],
    "mappings without items": [Kept(a=1), Kept(a=2), Kept(a=1, b=2), Kept(b=2, a=1)],
    "numbers that pickle as others": [Number(1), Number(2), having(Number(2), x=1), 1],
    "bytes that pickle as others": [Raw(b"a"), Raw(b"b"), having(Raw(b"b"), x=1), b"a"],
    "exceptions that pickle as others": [
        having(ShortError("message"), a=1),
        having(ShortError("message"), a=2),
        ShortError("other"),
    ],
    "structs": [struct.Struct("<I"), struct.Struct(">I"), "<I"],
    "views": [{1: 2}.keys(), {1: 2}.values(), {1: 2}.items(), {2: 1}.keys(), [1]],
    "matches": [
        re.match("a", "aa"),
        re.match("a", "ab"),
        re.match("aa", "aa"),
        re.compile("a").match("aa", 1),
    ],
    "descriptors": [
        types.FunctionType.__code__,
        types.FunctionType.__globals__,
        dict.__dict__["fromkeys"],
    ],
    "types without a name": [types.FunctionType, types.MethodType, type(None), type([].append)],
    "sets with attributes": [Numbers({1}), {1}, Numbers({2})],
    "numbers": [decimal.Decimal("1.0"), decimal.Decimal("1.00"), fractions.Fraction(1), 1, 1.0],
    "times": [
        NOON,
        NOON.astimezone(CEST),
        NOON.replace(tzinfo=None),
        NOON.date(),
        NOON.replace(fold=1),
    ],
    "paths": [pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("a"), "a"],
    "slices and ranges": [slice(1), slice(0, 1), range(1), range(0, 2, 2), range(0, 1, 2)],
    "patterns": [re.compile("a"), re.compile("a", re.IGNORECASE), re.compile(b"a"), "a"],
    "identifiers": [uuid.UUID(int=1), uuid.UUID(int=2), 1],
    "functions": [plus, len, functools.partial(plus, 1), functools.partial(plus, 2), plus.__code__],
    "methods": [[].append, [1].append, "a".upper, "b".upper, Point(1).__eq__, str.upper],
    "collections": [
        collections.deque([1]),
        collections.deque([1], maxlen=1),
        collections.Counter({"a": 1}),
        collections.defaultdict(int, a=1),
        collections.defaultdict(list, a=1),
        {"a": 1},
        types.MappingProxyType({"a": 1}),
        types.SimpleNamespace(a=1),
    ],
    "buffers": [memoryview(b"ab"), b"ab", array.array("b", b"ab"), array.array("B", b"ab")],
    "array shapes": [
        MATRIX,
        MATRIX.T,
        MATRIX.ravel(),
        MATRIX.reshape(3, 2),
        MATRIX[:1],
        MATRIX[1:],
    ],
    "array types": [
        np.zeros(2),
        np.zeros(2, "f4"),
        np.zeros(2, "i8"),
        np.zeros(2, ">f8"),
        np.zeros(2, "M8[s]"),
        np.zeros(2, "M8[ns]"),
        np.zeros(2, "m8[s]"),
        np.zeros(2, bool),
        np.zeros(2, "S1"),
        np.zeros(2, "U1"),
        np.zeros(4, "f4"),
        [0.0, 0.0],
    ],
    "array of none": [
        np.zeros(0),
        np.zeros((0, 1)),
        np.zeros((1, 0)),
        np.zeros(0, "i8"),
        np.array(0.0),
    ],
    "object arrays": [
        np.array(["a,b", "c"], object),
        np.array(["a", "b,c"], object),
        np.array(["a", "b"]),
        np.array([1, "1"], object),
        np.array(["1", 1], object),
    ],
    "structured arrays": [
        np.zeros(1, PADDED),
        np.zeros(1, [("a", "i1"), ("b", "f8")]),
        np.zeros(1, [("a", "i1"), ("c", "f8")]),
    ],
    "masked arrays": [
        np.ma.array([1, 2], mask=[0, 1]),
        np.ma.array([1, 2], mask=[1, 0]),
        np.ma.array([1, 3], mask=[0, 1]),
        np.array([1, 2]),
    ],
    "metadata of an array": [
        np.zeros(1, np.dtype("f8", metadata={"unit": "m"})),
        np.zeros(1, np.dtype("f8", metadata={"unit": "s"})),
        np.zeros(1),
    ],
    "ways of masking": [
        np.ma.array([1, 2]),
        np.ma.array([1, 2], mask=[0, 0]),
        np.ma.array([1, 2], fill_value=5),
        np.ma.array([1, 2], hard_mask=True),
    ],
    "array scalars": [
        np.float64(1),
        1.0,
        np.float32(1),
        np.int64(1),
        np.bool_(True),
        np.array(1.0),
    ],
    "dtypes": [np.dtype("f8"), np.dtype(">f8"), np.dtype("f4"), PADDED, np.float64],
    "ufuncs": [np.add, np.subtract, np.mean, np.median],
    "random generators": [np.random.default_rng(1), np.random.default_rng(2)],
    "frames": [
        FRAME,
        FRAME.rename(columns={"a": "c"}),
        FRAME[["b", "a"]],
        FRAME.set_index("a"),
        FRAME.iloc[::-1],
        FRAME.astype({"a": "f8"}),
        FRAME.assign(a=[2, 1]),
        FRAME.rename_axis("i"),
        FRAME.reset_index(),
        FRAME["a"],
        FRAME[["a"]],
    ],
    "series": [
        pd.Series([1, 2]),
        pd.Series([1, 2], name="n"),
        pd.Series([1, 2], index=[1, 2]),
        pd.Series([1, 2], dtype="Int64"),
        pd.Series([1, None], dtype="Int64"),
        pd.Series([1, 2], dtype="category"),
        pd.Series(pd.Categorical([1, 2], categories=[2, 1])),
        pd.Series(pd.Categorical([1, 2], ordered=True)),
        pd.Series(["1", "2"], dtype="string"),
        pd.Series(["1", "2"], dtype=object),
        pd.Series([1, 2]).array,
        pd.Index([1, 2]),
    ],
    "dates": [
        pd.date_range("2020", periods=2),
        pd.date_range("2020", periods=2, tz="UTC"),
        pd.date_range("2020", periods=2, tz="Europe/Berlin"),
        pd.DatetimeIndex(["2020-01-01", "2020-01-02"]),
        pd.period_range("2020", periods=2, freq="D"),
        pd.Timestamp("2020"),
        pd.Timestamp("2020", tz="UTC"),
        pd.Timedelta("1D"),
        pd.NaT,
        pd.NA,
        None,
    ],
    "indexes": [
        pd.RangeIndex(2),
        pd.Index([0, 1]),
        pd.MultiIndex.from_tuples([(0, 1), (1, 0)]),
        pd.MultiIndex.from_tuples([(0, 1), (1, 0)], names=["a", "b"]),
        pd.interval_range(0, 2),
    ],
    "time zones": [
        zoneinfo.ZoneInfo("UTC"),
        zoneinfo.ZoneInfo("Europe/Berlin"),
        zoneinfo.ZoneInfo._unpickle,  # type: ignore[attr-defined]
        type(zoneinfo.ZoneInfo._unpickle),  # type: ignore[attr-defined]
        dt.datetime(2000, 1, 1, tzinfo=zoneinfo.ZoneInfo("UTC")),
        dt.datetime(2000, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
    ],
    "bound methods made in C": [
        [].append,
        [1].append,
        [].extend,
        type([].append),
    ],
}


def _cycle(*more: object) -> list[object]:
    cycle: list[object] = list(more)
    cycle.append(cycle)
    return cycle


DISTINCT["cycles"] = [_cycle(), _cycle(1), [_cycle()], [[]]]

# Each group lists values that must all share one digest.
SHARED = [1]
EQUAL: dict[str, list[Any]] = {
    "strides": [MATRIX[:, ::2], MATRIX[:, ::2].copy(), np.asfortranarray(MATRIX[:, ::2])],
    "orders": [MATRIX, np.asfortranarray(MATRIX), MATRIX.copy()],
    "sets": [{"a", "b", "c"}, {"c", "b", "a"}, set("abc")],
    "frozen sets": [frozenset("abc"), frozenset("cba")],
    "sharing": [[SHARED, SHARED], [[1], [1]], [SHARED, [1]]],
    "interning": ["ab?".replace("?", "!"), "ab!", sys.intern("ab!")],
    "blocks": [
        pd.DataFrame({"a": [1, 2], "b": [3, 4]}),
        pd.concat([pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"b": [3, 4]})], axis=1),
        pd.DataFrame(np.array([[1, 3], [2, 4]]), columns=["a", "b"]),
    ],
    "padding": [
        np.zeros(2, PADDED),
        np.frombuffer(b"\0\x01\x01" + b"\0" * 29, PADDED)[:1].repeat(2),
    ],
    "noise after extended numbers": [np.longdouble("0.1"), noisy(np.longdouble("0.1"))],
    "noise between extended numbers": [
        np.array([np.longdouble("0.1")]),
        np.array([noisy(np.longdouble("0.1"))]),
    ],
    "noise behind a mask": [
        pd.array([1, None], dtype="Int64"),
        pd.arrays.IntegerArray(np.array([1, 77]), np.array([False, True])),
    ],
    "orders of masked arrays": [np.ma.array(MATRIX), np.ma.array(np.asfortranarray(MATRIX))],
    "fill value that was asked for": [np.ma.array([1]), filled(np.ma.array([1]))],
    "instances": [Point(1), Point(1, 0)],
    "cycles": [_cycle(1), _cycle(1)],
    "paths of one's own": [Location("a"), used(Location("a"))],
    "slices of text": ["xab"[1:], "ab"],
    "attributes in another order": [
        types.SimpleNamespace(a=1, b=2),
        types.SimpleNamespace(b=2, a=1),
    ],
}
EQUAL["padding"][1] = np.frombuffer(
    b"\0\1\1\1\1\1\1\1" + b"\0" * 8 + b"\0\2\2\2\2\2\2\2" + b"\0" * 8, PADDED
)


@pytest.mark.soundness
@pytest.mark.parametrize("group", DISTINCT)
def test_distinct_values_never_share_a_digest(group: str) -> None:
    """Whatever a weak encoder would confuse."""
    values = DISTINCT[group]
    digests = [freeze(value) for value in values]
    clashes = [
        (a, b)
        for i, a in enumerate(values)
        for j, b in enumerate(values[:i])
        if digests[i] == digests[j]
    ]
    assert not clashes


@pytest.mark.soundness
@pytest.mark.parametrize("group", EQUAL)
def test_equal_values_share_a_digest(group: str) -> None:
    """However they lie in memory."""
    assert len({freeze(value) for value in EQUAL[group]}) == 1


@pytest.mark.soundness
def test_digests_are_the_same_in_any_process() -> None:
    """Whatever the seed of hashes."""
    code = (
        "import test_values as t; from rememo import freeze;"
        "print([freeze(v) for g in (t.DISTINCT | t.EQUAL).values() for v in g])"
    )
    here = str(pathlib.Path(__file__).parent)
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": here, "PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "12"
    }
    assert len(runs) == 1


@pytest.mark.soundness
@pytest.mark.parametrize(
    "value",
    [iter([1]), (x for x in [1]), threading.Lock(), sys.stdout, zip([1], [2])],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_fingerprint_is_refused(value: object) -> None:
    """Naming the type and the way to it."""
    with pytest.raises(TypeError, match=rf"object\['deep'\]\[0\]: .*{type(value).__name__}"):
        freeze({"deep": [value]})


def test_depth_and_sharing_cost_little() -> None:
    """No recursion, no exponential walk."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert freeze(deep) != freeze([deep])
    shared: list[Any] = [plus]
    for _ in range(200):
        shared = [shared, shared]
    assert freeze(shared)
    while deep:
        deep = deep.pop()


def test_what_properties_keep_costs_little() -> None:
    """No recursion where one leads to the next, no exponential walk where two lead to one."""
    first = node = Node(0)
    for _ in range(20_000):
        node = node.next
    assert freeze(first)
    diamond = Node(0)
    for number in range(100):
        diamond, below = Node(number), diamond
        diamond.__dict__.update(next=below, other=below)
    assert freeze(diamond)


@pytest.mark.soundness
def test_a_name_that_leads_elsewhere_is_refused() -> None:
    """A function made into a ufunc says nothing of itself."""
    with pytest.raises(TypeError, match="pickles as the name"):
        freeze(np.frompyfunc(lambda x: x + 1, 1, 1))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def same(a: Any, b: Any) -> bool:
    """Equal in value, type and order, all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    return repr(a) == repr(b)


@given(JSON, JSON)
@settings(max_examples=300, deadline=None)
def test_digests_agree_just_when_values_do(a: object, b: object) -> None:
    """Over generated values."""
    assert (freeze(a) == freeze(b)) == same(a, b)


def test_functions_of_one_name_in_a_set_have_an_order() -> None:
    """Whatever their addresses are."""
    source = "T = {" + ", ".join(f"lambda: {number}" for number in range(6)) + "}"
    found = set()
    kept = []
    for _ in range(50):
        scope: dict[str, Any] = {"__name__": "somewhere"}
        exec(source, scope)
        kept.append(scope)
        found.add(freeze(scope["T"]))
    assert len(found) == 1
