"""Functions, classes and keys of calls are encoded as docs/design/encoding.md says."""

from __future__ import annotations

import itertools
import sys
import textwrap
import types
from typing import TYPE_CHECKING, Any

import pytest
import rememo
from hypothesis import given, settings
from hypothesis import strategies as st
from rememo import _core, freeze
from soundness import encoding_twin as twin
from soundness.encoding_twin.agreement import assert_agree

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.soundness


# --- functions and classes -------------------------------------------------------------------

PRELUDE = """
import abc, collections, dataclasses, enum, functools, math, os.path, typing
import numpy as np
import rememo
from typing import Generic, Protocol, TypeVar

LIMIT = 3
TABLE = {"a": [1, 2], "b": {LIMIT}}
T = TypeVar("T")

def helper(value, scale=[2], *, offset=(1, 2)):
    "Uses itself and a global."
    return helper(value * scale + LIMIT) if offset else other

def other(value): return helper(value)

def keep(function):
    @functools.wraps(function)
    def kept(*args, **kwargs): return function(*args, **kwargs), TABLE
    kept.extra = {"a": LIMIT}
    return kept

class Thing:
    "A base."
    shared = [1]
    def double(self): return 2 * self.shared
"""


def load(source: str) -> types.ModuleType:
    """A module of the user's made from a source after the prelude."""
    module = types.ModuleType("encoding_case")
    sys.modules["encoding_case"] = module
    exec(compile(PRELUDE + source, "<case>", "exec", dont_inherit=True), module.__dict__)
    return module


@pytest.fixture(autouse=True)
def _no_module_left() -> Iterator[None]:
    """What a test has loaded is gone after it."""
    yield
    sys.modules.pop("encoding_case", None)


SIGNATURES = [
    "x",
    "x, /",
    "*, x",
    "*x",
    "**x",
    "x=1",
    "x=2",
    "*, x=1",
    "x, y",
    "x, *y",
    "y, x",
    "x: int = 1, *y, z=(1, 2), w={'a': LIMIT}, **v",
]
STATEMENTS = [
    "x = helper(x)",
    "x += LIMIT",
    "x = np.linalg.norm(x) + np.pi",
    "x = math.pi if x else math.tau",
    "x = TABLE['a'], Thing",
    "x = missing(x).attribute",
    "x = len(x)",
    "x = os.path.join('a', x)",
    "x = Thing().double()",
    "x.attribute = x.attribute.other",
    "import json\nx = json.dumps(x), json.loads",
    "import os.path as path\nx = path.join(x)",
    "import xml.dom, json\nx = xml.dom.Node",
    "from collections import OrderedDict, deque as queue\nx = queue(OrderedDict(x))",
    "import nowhere_to_be_found",
    "import math\nmath = x\nx = math.pi",
    "import json\ndef inner(): return json.dumps\nx = inner",
    "global LATER\nimport json as LATER\nx = LATER.dumps",
    "import importlib\nx = importlib.import_module('colorsys')",
    "x = __import__('colorsys')",
    "try:\n    x = 1 / x\nexcept (ZeroDivisionError, TypeError) as error:\n    x = error\nfinally:\n    x = [x]",
    "try:\n    x = 1\nexcept* ValueError:\n    x = 2",
    "for i in range(x):\n    if i in {1, 2, 3}: continue\n    x -= i\nelse:\n    x = None",
    "while x:\n    x = x and x - 1",
    "with open(x) as file:\n    x = file.read()",
    "x = [y * LIMIT for y in x if y]",
    "x = {y: helper(y) for y in x}, {*x}, (y for y in x)",
    "x = (lambda y, *z, k=1, **w: (x, y, z, k, w))(1, k=2, *x, **x)",
    "def inner(y=x):\n    nonlocal x\n    x = y\n    return LIMIT\nx = inner",
    "class Local(Thing):\n    'doc'\n    attribute = x\n    def method(self): return super().double() + self.attribute\nx = Local",
    "x = f'{x!r:>{LIMIT}}'",
    "global COUNTER\nCOUNTER = x",
    "x = yield x",
    "yield from x",
    "match x:\n    case [1, *_]: x = 1\n    case {'k': v, **rest}: x = v, rest\n    case Thing(shared=s): x = s",
    "x, *y = x[1:LIMIT]\ndel x[0]",
    "assert x, 'no'",
    "x = helper.__doc__",
    "x = helper.__name__",
    "x = locals()",
    "x = Thing.__dict__",
    "x = Thing.__subclasses__()",
    "x = typing.get_type_hints(x)",
    "x = keep(x).__wrapped__",
    "x = x.f_lineno",
    "x = globals()",
    "x = getattr(math, 'pi')",
    "x = np",
    "x = typing",
    "x = 10**30, -0.0, b'a' * 5000, 2j, ..., (1, (2, 'a'))",
    "print(x)",
    "if x: return x",
]
DECORATORS = [
    "",
    "@functools.lru_cache",
    "@keep",
    "@rememo.code_version('1')",
    "@functools.singledispatch",
]


def function_source(decorator: str, signature: str, body: list[str]) -> str:
    """The source of a function `f`."""
    text = "\n".join(["'documentation'", *body])
    return f"{decorator}\ndef f({signature}):\n{textwrap.indent(text, '    ')}\n"


@pytest.mark.parametrize("statement", STATEMENTS)
def test_every_statement_agrees(statement: str) -> None:
    """In a function of its own."""
    assert_agree(load(function_source("", "x", [statement])).f)


@given(
    st.sampled_from(DECORATORS),
    st.sampled_from(SIGNATURES),
    st.lists(st.sampled_from(STATEMENTS), min_size=2, max_size=5, unique=True),
)
@settings(max_examples=40, deadline=None)
def test_functions_agree(decorator: str, signature: str, body: list[str]) -> None:
    """Statements in any combination, wrapped in any way."""
    assert_agree(load(function_source(decorator, signature, body)).f)


MEMBERS = [
    "attribute = LIMIT",
    "attribute = 'other'",
    "table = {'a': [1, {2}], 'b': TABLE}",
    "field: list[int] = 3",
    "documented = property(helper)",
    "def method(self, scale=[1]): return self.attribute * scale + LIMIT",
    "@property\ndef computed(self): return self.attribute",
    "@functools.cached_property\ndef lazy(self): return helper(self)",
    "@staticmethod\ndef still(x): return other(x)",
    "@classmethod\ndef of(cls): return cls",
    "def __init__(self): super().__init__()",
    "def __eq__(self, other): return __class__ is type(other)",
    "__hash__ = None",
    "class Inner:\n    x = 1",
    "inner = Thing()",
    "async def later(self):\n    async with self as x: return [y async for y in await x]",
]
META = "class Meta(type):\n    def __call__(cls): return LIMIT\n"
BASES = ["", "(Thing)", "(abc.ABC)", "(dict)", "(list, Thing)", "(int)", "(set)", "(Exception)"]
BASES += ["(metaclass=Meta)", "(Generic[T])", "(Protocol)", "(Thing, Generic[T])"]


@given(
    st.sampled_from(BASES),
    st.lists(st.sampled_from(MEMBERS), min_size=1, max_size=5, unique=True),
)
@settings(max_examples=40, deadline=None)
def test_classes_agree(bases: str, members: list[str]) -> None:
    """Members in any combination, under any base."""
    body = textwrap.indent("\n".join(members), "    ")
    assert_agree(load(f"{META}class C{bases}:\n{body}\n").C)


@pytest.mark.parametrize(
    "source",
    [
        "@dataclasses.dataclass\nclass C:\n    x: int\n    y: list = dataclasses.field(default_factory=list)",
        "@dataclasses.dataclass(frozen=True, slots=True, order=True)\nclass C(Thing):\n    x: int = 1",
        "class C(enum.Enum):\n    A = 1\n    B = 'b'\n    def method(self): return self.A",
        "class C(enum.IntFlag):\n    A = enum.auto()\n    B = enum.auto()",
        "class C(typing.NamedTuple):\n    x: int\n    y: Thing = Thing()",
        "C = collections.namedtuple('C', 'x y', defaults=[1])",
        "class C(typing.TypedDict):\n    x: int",
        "class C:\n    __slots__ = ('a', 'b')",
        "@rememo.code_version('2')\nclass C:\n    x = 1",
        "class D(abc.ABC): pass\nclass C(Thing): pass\nD.register(C)\nC.d = D",
        "class C:\n    names = dir\n    def subclasses(self): return self.__subclasses__(), C.__doc__\nclass D(C): 'doc'",
    ],
)
def test_classes_with_machinery_agree(source: str) -> None:
    """Those whose methods and members Python makes."""
    assert_agree(load(source).C)


READS = {
    "a function's name": "def f(): return helper.__name__\nhelper.__name__ = {!r}",
    "a class's name": "def f(): return Thing().__class__.__name__\nThing.__name__ = {!r}",
    "a property's documentation": "class C:\n    p = property(helper, doc={!r})\ndef f(): return C.p.__doc__",
    "a module's documentation": "import sys\n__doc__ = {!r}\ndef f(): return globals()['__doc__']",
}


@pytest.mark.parametrize("source", READS.values(), ids=READS)
def test_what_is_read_counts(source: str) -> None:
    """Names and documentation that something was given afterwards."""
    digests = []
    for text in ("one", "other"):
        f = load(source.format(text)).f
        assert_agree(f)
        digests.append(freeze(f))
    assert digests[0] != digests[1]


def test_names_without_utf8_are_told_apart_where_they_are_read() -> None:
    """Of functions and classes."""
    source = (
        "def f(): return helper.__name__, Thing.__qualname__\n"
        "helper.__name__ = helper.__qualname__ = chr({})\n"
        "Thing.__qualname__ = chr({})\n"
    )
    points = [(0xD800, 0xD800), (0xD801, 0xD800), (0xD800, 0xD801), (0xFFFD, 0xD800)]
    assert len({freeze(load(source.format(*each)).f) for each in points}) == len(points)


def test_code_agrees() -> None:
    """As a value; a generator and a coroutine too."""
    module = load("async def g():\n    async for x in helper(1): yield [x async for x in x]\n")
    assert_agree([module.helper.__code__, module.g.__code__, compile("a.b = 1", "", "exec")])


def test_modules_agree() -> None:
    """As a whole; and what each of its names leads to."""
    assert_agree(load("import json as another\nvalue = [helper, Thing]"))


def test_functions_that_differ_never_share_a_digest() -> None:
    """Every pair of hundreds that do different things."""
    results = [
        "x",
        "x + 1",
        "x + 2",
        "x - 1",
        "1 + x",
        "[x]",
        "(x,)",
        "{x}",
        "{x: x}",
        "x.a",
        "x.b",
    ]
    results += [
        "x.a()",
        "x[0]",
        "x[0:]",
        "len(x)",
        "len",
        "absent",
        "(yield x)",
        "(yield)",
        "f",
        "not x",
    ]
    results += [
        "x == 1",
        "x != 1",
        "x is None",
        "x == 1.5",
        "x == True",
        "x if x else 1",
        "x and 1",
    ]
    results += [
        "lambda: x",
        "lambda: 1",
        "lambda x: x",
        "[x for x in x]",
        "{x for x in x}",
        "LIMIT",
    ]
    results += [
        "x(1)",
        "x(1, 2)",
        "x(a=1)",
        "x(b=1)",
        "x(*[1])",
        "x(**{})",
        "x or 1",
        "f'{x}'",
        "f'{x!r}'",
    ]
    plain = [signature for signature in SIGNATURES if "w=" not in signature]
    functions = [
        load(f"def f({signature}): return {result}").f
        for signature, result in itertools.product(plain, results)
    ]
    assert len({freeze(function) for function in functions}) == len(functions)


# --- keys of calls ---------------------------------------------------------------------------


def keys_of(call: Any, **options: Any) -> list[str]:
    """The keys under which a memoized function's calls are looked up."""
    events: list[dict[str, Any]] = []
    token = _core.subscribe(events.append)
    try:
        with rememo.Cache(temporary=True) as cache:
            call(cache.memoize(**options))
    finally:
        _core.unsubscribe(token)
    return [event["key"] for event in events if event["event"] == "miss"]


def test_the_key_of_a_call_agrees() -> None:
    """Over name, state and arguments as they are bound."""
    f = load("def f(x, y=2, *rest, z=3, **more): return LIMIT, helper").f
    bound = {"x": [1], "y": 2, "z": 3, "*rest": (), "**more": {}}
    assert keys_of(lambda memoize: memoize(f)(x=[1])) == [twin.call_key(f, bound, version=None)]
    bound = {"x": 1, "y": 5, "z": 3, "*rest": (6,), "**more": {"w": f}}
    expected = [twin.call_key(f, bound, version=None)]
    assert keys_of(lambda memoize: memoize(f)(1, 5, 6, w=f)) == expected


def test_the_key_of_a_call_with_options_agrees() -> None:
    """A declared version counts, an ignored argument does not."""
    f = load("def f(x, log, secret): return x").f
    expected = [twin.call_key(f, {"x": 1}, version="1.0")]
    keys = keys_of(
        lambda memoize: memoize(f)(1, 2, rememo.Ignore(3)), version="1.0", ignore=["log"]
    )
    assert keys == expected


LAZY = """
class Lazy:
    @functools.cached_property
    def doubled(self): return 2
"""


def test_the_key_counts_what_properties_remember() -> None:
    """Apart from the rest."""
    module = load(LAZY + "def f(x, y): return x[0].doubled")
    f, remembering, other = module.f, module.Lazy(), module.Lazy()
    remembering.doubled = 5
    bound = {"x": [remembering, remembering], "y": other}
    expected = [twin.call_key(f, bound, version=None)]
    assert keys_of(lambda memoize: memoize(f)(**bound)) == expected


def test_what_is_read_anywhere_counts_everywhere() -> None:
    """Documentation that only an argument reads counts in the state."""
    module = load("def f(x): return helper\ndef reader(): return f.__doc__")
    bound = {"x": module.reader}
    expected = [twin.call_key(module.f, bound, version=None)]
    assert keys_of(lambda memoize: memoize(module.f)(module.reader)) == expected


def test_a_function_without_parameters_has_a_key() -> None:
    """Over no arguments."""
    f = load("def f(): return 1").f
    assert keys_of(lambda memoize: memoize(f)()) == [twin.call_key(f, {}, version=None)]
