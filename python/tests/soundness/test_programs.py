"""Many small programs, edited between processes over one cache: a hit is what running returns."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# The first test of each table waits until all programs have run.
pytestmark = pytest.mark.timeout(600)

# What the edited program must do: be answered from the cache, or run again.
HIT, MISS = "hit", "stored"

# Runs programs, each in a forked child with `m` imported from the program's own directory.
# Prints, for each, the value of its call, what was thrown, and the last thing that happened.
RUNNER = """
import json, os, sys, traceback, warnings
warnings.simplefilter("ignore")
from rememo import _core

def run(directory, call):
    sys.path.insert(0, directory)
    os.chdir(directory)
    os.environ["REMEMO_DIR"] = ".rememo"
    events = []
    _core.subscribe(events.append)
    try:
        import m
        out, error = repr(eval(call, {"m": m, "__name__": "m"})), None
    except BaseException:
        out, error = None, traceback.format_exc()
    last = events[-1] if events else {}
    return out, error, [event["event"] for event in events], str(last)

for directory, call in json.load(sys.stdin):
    inside, outside = os.pipe()
    child = os.fork()
    if not child:
        stdout, sys.stdout = sys.stdout, sys.stderr
        report = json.dumps(run(directory, call)).encode()
        os.close(inside)
        with open(outside, "wb") as pipe:
            pipe.write(report)
        os._exit(0)
    os.close(outside)
    with open(inside, "rb") as pipe:
        print(pipe.read().decode() or "null")
    os.waitpid(child, 0)
"""

# name: (text of module `m`, then others below `# file` lines; what an edit replaces, everywhere;
# by what; what must happen then; the call, where it is not `m.f(1)`)
Row = tuple[str, str, str, str] | tuple[str, str, str, str, str]
PROGRAMS: dict[str, Row] = {
    # --- what code says ---
    "constant": ("@memoize\ndef f(x): return x + 10\n", "10", "11", MISS),
    "constant of another type": ("@memoize\ndef f(x): return [1]\n", "[1]", "[1.0]", MISS),
    "constant true for one": ("@memoize\ndef f(x): return [1]\n", "[1]", "[True]", MISS),
    "sign of zero": ("@memoize\ndef f(x): return 0.0\n", "0.0", "-0.0", MISS),
    "bytes for text": ("@memoize\ndef f(x): return 'a'\n", "'a'", "b'a'", MISS),
    "constant in a tuple": ("@memoize\ndef f(x): return (1, (2, 3))\n", "3", "4", MISS),
    "constant in a frozen set": (
        "@memoize\ndef f(x): return x in {1, 2}\n",
        "{1, 2}",
        "{3, 2}",
        MISS,
    ),
    "set constant reordered": ("@memoize\ndef f(x): return x in {1, 2}\n", "{1, 2}", "{2, 1}", HIT),
    "ellipsis": ("@memoize\ndef f(x): return ...\n", "...", "None", MISS),
    "big integer": ("@memoize\ndef f(x): return x + 2 ** 100\n", "100", "101", MISS),
    "operator": ("@memoize\ndef f(x): return x + 3\n", "+", "-", MISS),
    "comparison": ("@memoize\ndef f(x): return x < 1\n", "<", "<=", MISS),
    "is for equals": ("@memoize\ndef f(x): return [] == []\n", "==", "is", MISS),
    "in for not in": ("@memoize\ndef f(x): return x in (1,)\n", " in ", " not in ", MISS),
    "and for or": ("@memoize\ndef f(x): return x and 0\n", "and", "or", MISS),
    "unary": ("@memoize\ndef f(x): return -x\n", "-", "~", MISS),
    "in place operator": ("@memoize\ndef f(x):\n    x += 5\n    return x\n", "+=", "*=", MISS),
    "order of operands": ("@memoize\ndef f(x): return x - 3\n", "x - 3", "3 - x", MISS),
    "condition turned": ("@memoize\ndef f(x): return 1 if x else 2\n", "if x", "if not x", MISS),
    "keyword name": (
        "def g(a=0, b=0): return a - b\n@memoize\ndef f(x): return g(a=x)\n",
        "g(a=x",
        "g(b=x",
        MISS,
    ),
    "exception type": (
        "@memoize\ndef f(x):\n    try: return [][x]\n    except IndexError: return 1\n    except Exception: return 2\n",
        "IndexError",
        "KeyError",
        MISS,
    ),
    "exception of the user's": (
        "class E(Exception): pass\nclass D(Exception): pass\n@memoize\ndef f(x):\n    try: raise E\n    except E: return 1\n    except Exception: return 2\n",
        "raise E",
        "raise D",
        MISS,
    ),
    "base of an exception": (
        "class E(ValueError): pass\n@memoize\ndef f(x):\n    try: raise E\n    except ValueError: return 1\n    except Exception: return 2\n",
        "E(ValueError)",
        "E(TypeError)",
        MISS,
    ),
    "finally": (
        "@memoize\ndef f(x):\n    a = []\n    try: a.append(1)\n    finally: a.append(2)\n    return a\n",
        "append(2)",
        "append(3)",
        MISS,
    ),
    "finally taken away": (
        "@memoize\ndef f(x):\n    a = [0]\n    try:\n        try: a[5]\n        finally: a.append(2)\n    except IndexError: pass\n    return a\n",
        "        finally: a.append(2)\n",
        "        except KeyError: a.append(2)\n",
        MISS,
    ),
    "what a try covers": (
        "@memoize\ndef f(x):\n    try:\n        a = 1\n        try: a = 2; [][x]\n        except IndexError: a += 10\n    except Exception: a += 100\n    return a\n",
        "a = 2; [][x]\n        except IndexError: a += 10",
        "a = 2\n        except IndexError: a += 10\n        [][x]",
        MISS,
    ),
    "else of a try": (
        "@memoize\ndef f(x):\n    try: y = x\n    except ValueError: y = 2\n    else: y = 3\n    return y\n",
        "y = 3",
        "y = 4",
        MISS,
    ),
    "exception group": (
        "@memoize\ndef f(x):\n    try: raise ExceptionGroup('a', [ValueError(), KeyError()])\n    except* ValueError: r = 1\n    except* KeyError: r = 2\n    return r\n",
        "r = 2",
        "r = 3",
        MISS,
    ),
    "else of a loop": (
        "@memoize\ndef f(x):\n    for i in range(3):\n        if i == 1: break\n    else: return 1\n    return 2\n",
        "i == 1",
        "i == 9",
        MISS,
    ),
    "break for continue": (
        "@memoize\ndef f(x):\n    r = 0\n    for i in range(5):\n        if i == 2: break\n        r += i\n    return r\n",
        "break",
        "continue",
        MISS,
    ),
    "while": ("@memoize\ndef f(x):\n    while x < 5: x += 3\n    return x\n", "< 5", "< 9", MISS),
    "slice": ("@memoize\ndef f(x): return list(range(9))[x:5]\n", "5]", "6]", MISS),
    "unpacking": (
        "@memoize\ndef f(x):\n    a, *b = 1, 2, 3\n    return a, b\n",
        "a, *b",
        "*a, b",
        MISS,
    ),
    "walrus": ("@memoize\ndef f(x): return [y := x + 1, y ** 2]\n", "y ** 2", "y ** 3", MISS),
    "match on a value": (
        "@memoize\ndef f(x):\n    match x:\n        case 1: return 'a'\n        case _: return 'b'\n",
        "case 1",
        "case 2",
        MISS,
    ),
    "match on a class": (
        "class P:\n    __match_args__ = ('a', 'b')\n    a, b, c = 1, 2, 3\n@memoize\ndef f(x):\n    match P():\n        case P(1, y): return y\n    return 0\n",
        "('a', 'b')",
        "('a', 'c')",
        MISS,
    ),
    "match on a mapping": (
        "@memoize\ndef f(x):\n    match {'k': 1, 'l': 2}:\n        case {'k': y}: return y\n",
        "{'k': y}",
        "{'l': y}",
        MISS,
    ),
    "match guard": (
        "@memoize\ndef f(x):\n    match x:\n        case y if y > 0: return 'a'\n        case _: return 'b'\n",
        "> 0",
        "> 5",
        MISS,
    ),
    "format": ("@memoize\ndef f(x): return f'{x:03d}'\n", "03d", "04d", MISS),
    "conversion in a format": ("@memoize\ndef f(x): return f'{str(x)!s}'\n", "!s", "!r", MISS),
    "format that names": ("@memoize\ndef f(x):\n    y = 2\n    return f'{y=}'\n", "y", "z", MISS),
    "with": (
        "import contextlib\n@contextlib.contextmanager\ndef c():\n    yield 1\n@memoize\ndef f(x):\n    with c() as y: return y\n",
        "yield 1",
        "yield 2",
        MISS,
    ),
    "with a class": (
        "class C:\n    def __enter__(self): return 1\n    def __exit__(self, *a): return True\n@memoize\ndef f(x):\n    with C(): raise ValueError\n    return 5\n",
        "return 5",
        "return 6",
        MISS,
    ),
    "exit of a with": (
        "class C:\n    v = 0\n    def __enter__(self): return self\n    def __exit__(self, *a): self.v += 1\n@memoize\ndef f(x):\n    with C() as c: pass\n    return c.v\n",
        "+= 1",
        "+= 2",
        MISS,
    ),
    "order of statements": (
        "@memoize\ndef f(x):\n    x += 1\n    x *= 3\n    return x\n",
        "x += 1\n    x *= 3",
        "x *= 3\n    x += 1",
        MISS,
    ),
    "docstring becomes code": ("@memoize\ndef f(x):\n    'doc'\n", "'doc'", "return 'doc'", MISS),
    "locals swapped": (
        "@memoize\ndef f(x):\n    a = 1\n    b = 2\n    return a\n",
        "return a",
        "return b",
        MISS,
    ),
    "locals by name": (
        "@memoize\ndef f(x):\n    a = 1\n    return sorted(locals())\n",
        "a =",
        "b =",
        MISS,
    ),
    "delete": (
        "@memoize\ndef f(x):\n    a = [1, 2]\n    del a[0]\n    return a\n",
        "a[0]",
        "a[1]",
        MISS,
    ),
    "many constants": (
        "@memoize\ndef f(x): return [x, "
        + ", ".join(f"x + {i}" for i in range(1000, 1400))
        + "]\n",
        "x + 1377",
        "x + 7",
        MISS,
    ),
    "many constants moved": (
        "@memoize\ndef f(x): return [x, "
        + ", ".join(f"x + {i}" for i in range(1000, 1400))
        + "]\n",
        "@memoize\n",
        "# more\n@memoize\n",
        HIT,
    ),
    "many names": (
        "import types\nns = types.SimpleNamespace("
        + ", ".join(f"a{i}={i}" for i in range(400))
        + ")\n@memoize\ndef f(x): return ["
        + ", ".join(f"ns.a{i}" for i in range(390))
        + "]\n",
        "ns.a300,",
        "ns.a399,",
        MISS,
    ),
    "many globals": (
        "".join(f"G{i} = {i}\n" for i in range(400))
        + "@memoize\ndef f(x): return ["
        + ", ".join(f"G{i}" for i in range(400))
        + "]\n",
        "G377 = 377",
        "G377 = 7",
        MISS,
    ),
    "a long jump": (
        "@memoize\ndef f(x):\n    r = 0\n    for i in range(3):\n        if i == 1: continue\n"
        + "".join(f"        r += i * {i}\n" for i in range(300))
        + "    return r\n",
        "i * 222\n",
        "i * 223\n",
        MISS,
    ),
    "a long jump elsewhere": (
        "@memoize\ndef f(x):\n    r = 0\n    for i in range(3):\n        if i == 1: continue\n"
        + "".join(f"        r += i * {i}\n" for i in range(300))
        + "    return r\n",
        "continue",
        "break",
        MISS,
    ),
    "huge function, comment": (
        "@memoize\ndef f(x):\n"
        + "".join(f"    x = x + {i} if x else {i}\n" for i in range(2000))
        + "    return x\n",
        "    return x",
        "    # done\n    return x",
        HIT,
    ),
    "many keywords": (
        "def g(**k): return k\n@memoize\ndef f(x): return g("
        + ", ".join(f"k{i}={i}" for i in range(300))
        + ")\n",
        "k299=",
        "k300=",
        MISS,
    ),
    # --- parameters ---
    "positional only": (
        "def g(a, b, /): return a - b\n@memoize\ndef f(x): return g(x, 2)\n",
        "(a, b, /)",
        "(b, a, /)",
        MISS,
    ),
    "positional only taken away": (
        "def g(a, /, **k): return a, k\n@memoize\ndef f(x):\n    try: return g(x, a=2)\n    except TypeError: return 0\n",
        "a, /,",
        "a,",
        MISS,
    ),
    "star arguments": (
        "def g(*a): return a\n@memoize\ndef f(x): return g(*[x, x])\n",
        "[x, x]",
        "[x]",
        MISS,
    ),
    "star for plain": (
        "def g(a): return a\n@memoize\ndef f(x): return g(x)\n",
        "g(a)",
        "g(*a)",
        MISS,
    ),
    "double star": (
        "def g(**k): return k\n@memoize\ndef f(x): return g(**{'a': x})\n",
        "'a'",
        "'b'",
        MISS,
    ),
    "keyword only": (
        "def g(*, a=1, b=2): return a, b\n@memoize\ndef f(x): return g(a=x)\n",
        "g(a=x)",
        "g(b=x)",
        MISS,
    ),
    "order of keyword arguments": (
        "@memoize\ndef f(**k): return list(k)\n",
        "@memoize\n",
        "#\n@memoize\n",
        HIT,
        "m.f(b=1, a=2)",
    ),
    "default of its own": ("@memoize\ndef f(x, y=1): return x + y\n", "y=1", "y=2", MISS),
    "default that is not used": ("@memoize\ndef f(x=0, y=1): return x, y\n", "y=1", "y=2", MISS),
    "mutable default": (
        "def g(x, acc=[1]): return acc + [x]\n@memoize\ndef f(x): return g(x)\n",
        "[1]",
        "[2]",
        MISS,
    ),
    "default that is a function": (
        "def h(x): return x + 1\ndef g(x, h=h): return h(x)\n@memoize\ndef f(x): return g(x)\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "default set afterwards": (
        "def g(x, k=1): return k\ng.__defaults__ = (5,)\n@memoize\ndef f(x): return g(x)\n",
        "(5,)",
        "(6,)",
        MISS,
    ),
    "keyword default set afterwards": (
        "def g(x, *, k=1): return k\ng.__kwdefaults__ = {'k': 5}\n@memoize\ndef f(x): return g(x)\n",
        "5",
        "6",
        MISS,
    ),
    "code set afterwards": (
        "def g(x): return 1\ndef h(x): return 2\ndef k(x): return 3\ng.__code__ = h.__code__\n@memoize\ndef f(x): return g(x)\n",
        "= h.__code__",
        "= k.__code__",
        MISS,
    ),
    "parameter renamed": (
        "@memoize\ndef f(x): return x\n",
        "f(x): return x",
        "f(y): return y",
        MISS,
        "(m.f(1), m.f.__wrapped__.__code__.co_varnames)",
    ),
    # --- functions within ---
    "function within a function within": (
        "@memoize\ndef f(x):\n    def a():\n        def b(): return 1\n        return b\n    return a()()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "lambda": ("@memoize\ndef f(x): return (lambda y: y + 1)(x)\n", "+ 1", "+ 2", MISS),
    "lambdas on a line": (
        "a, b = lambda: 1, lambda: 2\n@memoize\ndef f(x): return a()\n",
        "a()",
        "b()",
        MISS,
    ),
    "first lambda of two": (
        "a, b = lambda: 1, lambda: 2\n@memoize\ndef f(x): return a()\n",
        ": 1",
        ": 3",
        MISS,
    ),
    "second lambda of two": (
        "a, b = lambda: 1, lambda: 2\n@memoize\ndef f(x): return a()\n",
        ": 2",
        ": 3",
        HIT,
    ),
    "lambdas within": (
        "@memoize\ndef f(x):\n    a, b = lambda: 1, lambda: 2\n    return a() - b()\n",
        "1, lambda: 2",
        "2, lambda: 1",
        MISS,
    ),
    "memoized lambda": ("f = memoize(lambda x: x + 1)  # @memoize\n", "+ 1", "+ 2", MISS),
    "generator": (
        "def g(n):\n    for i in range(n): yield i * 2\n@memoize\ndef f(x): return list(g(3))\n",
        "* 2",
        "* 3",
        MISS,
    ),
    "generator expression": (
        "@memoize\ndef f(x): return sum(i * 2 for i in range(3))\n",
        "* 2",
        "* 3",
        MISS,
    ),
    "yield from": (
        "def h():\n    yield 1\ndef g():\n    yield from h()\n@memoize\ndef f(x): return list(g())\n",
        "yield 1",
        "yield 2",
        MISS,
    ),
    "dict comprehension": (
        "@memoize\ndef f(x): return {i: i for i in range(3)}\n",
        "i: i",
        "i: -i",
        MISS,
    ),
    "set comprehension": (
        "@memoize\ndef f(x): return {i for i in range(3) if i}\n",
        "if i}",
        "if i > 1}",
        MISS,
    ),
    "nested comprehension": (
        "K = 1\n@memoize\ndef f(x): return [[j * K for j in range(i)] for i in range(3)]\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "nonlocal": (
        "@memoize\ndef f(x):\n    n = 0\n    def g():\n        nonlocal n\n        n += 1\n    g()\n    return n\n",
        "+= 1",
        "+= 2",
        MISS,
    ),
    "nonlocal taken away": (
        "@memoize\ndef f(x):\n    n = 0\n    def g():\n        nonlocal n\n        n = 1\n    g()\n    return n\n",
        "nonlocal n",
        "pass",
        MISS,
    ),
    "which variable is captured": (
        "@memoize\ndef f(x):\n    a, b = 1, 2\n    def g(): return a\n    def h(): return b\n    return g()\n",
        "return g()",
        "return h()",
        MISS,
    ),
    "class within": (
        "@memoize\ndef f(x):\n    class A:\n        k = 1\n        def g(self): return self.k\n    return A().g()\n",
        "k = 1",
        "k = 2",
        MISS,
    ),
    "method of a class within": (
        "@memoize\ndef f(x):\n    class A:\n        def g(self): return 1\n    return A().g()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "docstring of a class within": (
        "@memoize\ndef f(x):\n    class A:\n        'One.'\n        k = 1\n    return A.k\n",
        "One",
        "Two",
        HIT,
    ),
    "docstring of a function within": (
        "@memoize\ndef f(x):\n    def g():\n        'One.'\n        return 1\n    return g()\n",
        "One",
        "Two",
        HIT,
    ),
    "docstring given to a function within": (
        "@memoize\ndef f(x):\n    def g():\n        return 1\n    return g()\n",
        "return 1",
        "'Doc.'\n        return 1",
        HIT,
    ),
    "lambda given a local": (
        "@memoize\ndef f(x):\n    g = lambda a, b=x: a + b\n    return g(1)\n",
        "b=x",
        "b=-x",
        MISS,
    ),
    "async helper": (
        "import asyncio\nasync def g(x): return x + 1\n@memoize\ndef f(x): return asyncio.run(g(x))\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "async generator": (
        "import asyncio\nasync def g():\n    for i in range(3): yield i * 2\n@memoize\ndef f(x):\n    async def r(): return [i async for i in g()]\n    return asyncio.run(r())\n",
        "* 2",
        "* 3",
        MISS,
    ),
    "async with": (
        "import asyncio\nclass C:\n    async def __aenter__(self): return 1\n    async def __aexit__(self, *a): pass\n@memoize\ndef f(x):\n    async def r():\n        async with C() as c: return c\n    return asyncio.run(r())\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "name of a function within": (
        "@memoize\ndef f(x):\n    def g(): pass\n    return g.__name__\n",
        "g",
        "h",
        MISS,
    ),
    "docstring read of a function within": (
        "@memoize\ndef f(x):\n    def g(): 'One.'\n    return g.__doc__\n",
        "One",
        "Two",
        MISS,
    ),
    "captured local renamed": (
        "@memoize\ndef f(x):\n    abc = x + 1\n    return (lambda: abc)()\n",
        "abc",
        "abd",
        HIT,
    ),
    # --- globals ---
    "star import": (
        "from h import *\n@memoize\ndef f(x): return g(x)\n# file h.py\ndef g(x): return x + 1\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "star import, what it exports": (
        "def g(x): return 0\nfrom h import *\n@memoize\ndef f(x): return g(x)\n# file h.py\n__all__ = ['g']\ndef g(x): return x + 1\n",
        "['g']",
        "[]",
        MISS,
    ),
    "global of a helper": (
        "K = 1\ndef g(x): return K\n@memoize\ndef f(x): return g(x)\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "global in a function within": (
        "K = 1\n@memoize\ndef f(x):\n    def g(): return K\n    return g()\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "global in a class body within": (
        "K = 1\n@memoize\ndef f(x):\n    class A:\n        k = K\n    return A.k\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "global as a default within": (
        "K = 1\n@memoize\ndef f(x):\n    def g(a=K): return a\n    return g()\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "global list": (
        "K = [1, [2, {'a': (3,)}]]\n@memoize\ndef f(x): return K[1][1]['a'][0]\n",
        "(3,)",
        "(4,)",
        MISS,
    ),
    "global changed at depth": (
        "K = {'a': {'b': [1]}}\nK['a']['b'].append(2)\n@memoize\ndef f(x): return K\n",
        "append(2)",
        "append(3)",
        MISS,
    ),
    "order of a global dict": (
        "K = {'a': 1, 'b': 2}\n@memoize\ndef f(x): return list(K)\n",
        "'a': 1, 'b': 2",
        "'b': 2, 'a': 1",
        MISS,
    ),
    "global set": (
        "K = {'a', 'b', 'c'}\n@memoize\ndef f(x): return sorted(K)\n",
        "'c'",
        "'d'",
        MISS,
    ),
    "global set reordered": (
        "K = {'a', 'b', 'c'}\n@memoize\ndef f(x): return sorted(K)\n",
        "'a', 'b', 'c'",
        "'c', 'b', 'a'",
        HIT,
    ),
    "global type": ("K = 1\n@memoize\ndef f(x): return K\n", "K = 1", "K = 1.0", MISS),
    "global deleted": (
        "K = 1\n#\n@memoize\ndef f(x):\n    try: return K\n    except NameError: return 0\n",
        "#",
        "del K",
        MISS,
    ),
    "global that appears": (
        "@memoize\ndef f(x):\n    try: return K\n    except NameError: return 0\n#\n",
        "#",
        "K = 5",
        MISS,
    ),
    "built-in shadowed": (
        "#\n@memoize\ndef f(x): return len([1])\n",
        "#",
        "def len(x): return 7",
        MISS,
    ),
    "built-in no longer shadowed": (
        "def len(x): return 7\n@memoize\ndef f(x): return len([1])\n",
        "def len",
        "def other",
        MISS,
    ),
    "global rebound": ("K = 1\nK = 2\n@memoize\ndef f(x): return K\n", "K = 2", "K = 3", MISS),
    "global bound by a loop": (
        "for K in range(3): pass\n@memoize\ndef f(x): return K\n",
        "range(3)",
        "range(4)",
        MISS,
    ),
    "global by another name": (
        "def g(): return 1\ndef h(): return 2\nk = g\n@memoize\ndef f(x): return k()\n",
        "k = g",
        "k = h",
        MISS,
    ),
    "global that is not read": (
        "K = 1\nL = 1\n@memoize\ndef f(x): return K\n",
        "L = 1",
        "L = 2",
        HIT,
    ),
    "global computed otherwise": (
        "K = 1 + 2\n@memoize\ndef f(x): return K\n",
        "1 + 2",
        "4 - 1",
        HIT,
    ),
    "module attribute set from elsewhere": (
        "import h, s\n@memoize\ndef f(x): return h.K\n# file h.py\nK = 1\n# file s.py\nimport h\nh.K = 5\n",
        "5",
        "6",
        MISS,
    ),
    "function of a module set from elsewhere": (
        "import h, s\n@memoize\ndef f(x): return h.g()\n# file h.py\ndef g(): return 1\n# file s.py\nimport h\nh.g = lambda: 5\n",
        "5",
        "6",
        MISS,
    ),
    "global function replaced": (
        "def g(x): return 1\n@memoize\ndef f(x): return g(x)\ndef r(x): return 2\n#\n",
        "#",
        "g = r",
        MISS,
    ),
    "docstring of the module": ("'One.'\n@memoize\ndef f(x): return 1\n", "One", "Two", HIT),
    "docstring read of the module": (
        "'One.'\nfrom rememo import memoize\n@memoize\ndef f(x): return __doc__\n",
        "One",
        "Two",
        MISS,
    ),
    "globals by a constant": (
        "K = 1\n@memoize\ndef f(x): return globals()['K']\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "vars of a module": (
        "import h\n@memoize\ndef f(x): return vars(h)['K']\n# file h.py\nK = 1\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "counter in a global": (
        "N = 0\ndef g(x): return x\n@memoize\ndef f(x): return g(x)\n",
        "N = 0",
        "N = 1",
        HIT,
    ),
    # --- formatting and the like ---
    "moved down": (
        "@memoize\ndef f(x):\n    return x + 1\n",
        "@memoize",
        "\n\nimport os\n\n@memoize",
        HIT,
    ),
    "comment within": (
        "@memoize\ndef f(x):\n    return x + 1\n",
        "    return",
        "    # hm\n    return",
        HIT,
    ),
    "docstring": ("@memoize\ndef f(x):\n    'One.'\n    return x + 1\n", "One", "Two", HIT),
    "docstring taken away": (
        "@memoize\ndef f(x):\n    'One.'\n    return x + 1\n",
        "    'One.'\n",
        "",
        HIT,
    ),
    "docstring of a helper": (
        "def g(x):\n    return x + 1\n@memoize\ndef f(x): return g(x)\n",
        "    return x + 1",
        "    'Doc.'\n    return x + 1",
        HIT,
    ),
    "annotations": ("@memoize\ndef f(x):\n    return x + 1\n", "f(x)", "f(x: int) -> int", HIT),
    "annotations of a helper": (
        "def g(x): return x\n@memoize\ndef f(x): return g(x)\n",
        "g(x): ",
        "g(x: 'int') -> 'float': ",
        HIT,
    ),
    "annotated local": (
        "@memoize\ndef f(x):\n    y = x + 1\n    return y\n",
        "y = x",
        "y: int = x",
        HIT,
    ),
    "annotated global": ("K = 1\n@memoize\ndef f(x): return K\n", "K = 1", "K: int = 1", HIT),
    "future import": (
        "#\nfrom rememo import memoize\n@memoize\ndef f(x):\n    return x + 1\n",
        "#\n",
        "from __future__ import annotations\n",
        HIT,
    ),
    "spacing": ("@memoize\ndef f(x):\n    return [x,\n        1]\n", ",\n        1", ", 1", HIT),
    "parentheses": ("@memoize\ndef f(x): return (x * 2) + 1\n", "(x * 2)", "x * 2", HIT),
    "quotes": ("@memoize\ndef f(x): return 'a'\n", "'a'", '"a"', HIT),
    "hexadecimal": ("@memoize\ndef f(x): return 255\n", "255", "0xff", HIT),
    "pass": ("@memoize\ndef f(x):\n    return x\n", "    return", "    pass\n    return", HIT),
    "unrelated import": (
        "@memoize\ndef f(x): return x\n",
        "@memoize",
        "import json\n@memoize",
        HIT,
    ),
    "unrelated class": (
        "class A:\n    k = 1\n@memoize\ndef f(x): return x\n",
        "k = 1",
        "k = 2",
        HIT,
    ),
    "moved to the end": (
        "@memoize\ndef f(x): return g(x)\ndef g(x): return x\n",
        "@memoize\ndef f(x): return g(x)\ndef g(x): return x\n",
        "def g(x): return x\n@memoize\ndef f(x): return g(x)\n",
        HIT,
    ),
    "log handlers": (
        "import logging\nlog = logging.getLogger('a')\n#\n@memoize\ndef f(x):\n    log.info('a')\n    return x\n",
        "#\n",
        "log.addHandler(logging.NullHandler())\nlog.setLevel(10)\n",
        HIT,
    ),
    "unused argument of a helper's helper": (
        "def h(x): return x\ndef g(x): return x\n@memoize\ndef f(x): return g(x)\n",
        "h(x): return x",
        "h(x): return -x",
        HIT,
    ),
    "docstring of a class": (
        "class A:\n    'One.'\n    k = 1\n@memoize\ndef f(x): return A.k\n",
        "One",
        "Two",
        HIT,
    ),
    "annotations of a class": (
        "class A:\n    k: int = 1\n@memoize\ndef f(x): return A.k\n",
        "int",
        "float",
        HIT,
    ),
    "order of methods": (
        "class A:\n    def a(self): return 1\n    def b(self): return 2\n@memoize\ndef f(x): return A().a()\n",
        "    def a(self): return 1\n    def b(self): return 2\n",
        "    def b(self): return 2\n    def a(self): return 1\n",
        HIT,
    ),
    "type checking block": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING: import os\n@memoize\ndef f(x): return x\n",
        "import os",
        "import re",
        HIT,
    ),
    "assertion text": (
        "@memoize\ndef f(x):\n    assert x, 'a'\n    return x\n",
        "@memoize",
        "# a\n@memoize",
        HIT,
    ),
    "script guard": (
        "@memoize\ndef f(x): return x\nif __name__ == '__main__':\n    print(1)\n",
        "print(1)",
        "print(2)",
        HIT,
    ),
    "trailing space": (
        "@memoize\ndef f(x):\n    return x\n",
        "return x",
        "return x   ",
        HIT,
    ),
    "indentation": (
        "@memoize\ndef f(x):\n    if x:\n        return x\n",
        "        return",
        "     return",
        HIT,
    ),
    "line ends": (
        "@memoize\ndef f(x):\n    return x\n",
        "\n",
        "\r\n",
        HIT,
    ),
    "text in parts": (
        "@memoize\ndef f(x): return 'ab'\n",
        "'ab'",
        "'a' 'b'",
        HIT,
    ),
    "constant folded": (
        "@memoize\ndef f(x): return 6\n",
        "return 6",
        "return 2 * 3",
        HIT,
    ),
    "number spelt otherwise": (
        "@memoize\ndef f(x): return 1000\n",
        "1000",
        "1_000",
        HIT,
    ),
    "type comment": (
        "@memoize\ndef f(x):\n    y = x\n    return y\n",
        "y = x",
        "y = x  # type: int",
        HIT,
    ),
    "dead code": (
        "@memoize\ndef f(x):\n    return x\n",
        "    return",
        "    if False: print(1)\n    return",
        HIT,
    ),
    "overload added": (
        "import typing\n#\ndef g(x): return x\n@memoize\ndef f(x): return g(x)\n",
        "#",
        "@typing.overload\ndef g(x: int) -> int: ...",
        HIT,
    ),
    "docstring of an enumeration": (
        "import enum\nclass E(enum.Enum):\n    'One.'\n    A = 1\n@memoize\ndef f(x): return E.A.value\n",
        "One",
        "Two",
        HIT,
    ),
    "docstring of a data class": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n    'One.'\n    k: int = 1\n@memoize\ndef f(x): return A().k\n",
        "One",
        "Two",
        HIT,
    ),
    "docstring of a named tuple": (
        "from typing import NamedTuple\nclass N(NamedTuple):\n    'One.'\n    a: int = 1\n@memoize\ndef f(x): return N().a\n",
        "One",
        "Two",
        HIT,
    ),
    "order of definitions": (
        "def a(): return 1\ndef b(): return 2\n@memoize\ndef f(x): return a() + b()\n",
        "def a(): return 1\ndef b(): return 2\n",
        "def b(): return 2\ndef a(): return 1\n",
        HIT,
    ),
    "order of imports": (
        "import json\nimport math\n@memoize\ndef f(x): return json.dumps(math.floor(1.5))\n",
        "import json\nimport math\n",
        "import math\nimport json\n",
        HIT,
    ),
    "unrelated key of a module": (
        "import h\n@memoize\ndef f(x): return h.K\n# file h.py\nK = 1\nL = 1\n",
        "L = 1",
        "L = 2",
        HIT,
    ),
    "memoized neighbour": (
        "@memoize\ndef g(x): return 1\n@memoize\ndef f(x): return x\n",
        "return 1",
        "return 2",
        HIT,
    ),
    "warning filters": (
        "import warnings\n#\n@memoize\ndef f(x):\n    warnings.warn('w')\n    return x\n",
        "#",
        "warnings.simplefilter('ignore', DeprecationWarning)",
        HIT,
    ),
    "logging set up": (
        "import logging\nlog = logging.getLogger(__name__)\n#\n@memoize\ndef f(x):\n    log.warning('a')\n    return x\n",
        "#",
        "logging.basicConfig(level='DEBUG')\nlogging.disable(30)\nlog.propagate = False",
        HIT,
    ),
    "private cache of a library": (
        "import re\nP = re.compile('a')\n#\n@memoize\ndef f(x): return P.sub('b', 'a')\n",
        "#",
        "P.sub('b', 'a')",
        HIT,
    ),
    # --- decorators ---
    "decorator's code, wrapped": (
        "import functools\ndef d(g):\n    @functools.wraps(g)\n    def w(*a): return g(*a) + 1\n    return w\n@d\ndef h(x): return x\n@memoize\ndef f(x): return h(x)\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "decorator's code, not wrapped": (
        "def d(g):\n    def w(*a): return g(*a) + 1\n    return w\n@d\ndef h(x): return x\n@memoize\ndef f(x): return h(x)\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "decorated function": (
        "import functools\ndef d(g):\n    @functools.wraps(g)\n    def w(*a): return g(*a) + 1\n    return w\n@d\ndef h(x): return x\n@memoize\ndef f(x): return h(x)\n",
        "return x\n@m",
        "return -x\n@m",
        MISS,
    ),
    "decorator taken away": (
        "def d(g):\n    def w(*a): return g(*a) + 1\n    return w\n@d\ndef h(x): return x\n@memoize\ndef f(x): return h(x)\n",
        "@d\n",
        "",
        MISS,
    ),
    "decorators exchanged": (
        "def d(g): return lambda x: g(x) + 1\ndef e(g): return lambda x: g(x) * 5\n@d\n@e\ndef h(x): return x\n@memoize\ndef f(x): return h(x)\n",
        "@d\n@e\n",
        "@e\n@d\n",
        MISS,
    ),
    "decorator with arguments": (
        "def d(k):\n    def d(g): return lambda x: g(x) + k\n    return d\n@d(1)\ndef h(x): return x\n@memoize\ndef f(x): return h(x)\n",
        "@d(1)",
        "@d(2)",
        MISS,
    ),
    "decorator that is a class": (
        "class D:\n    def __init__(self, g): self.g = g\n    def __call__(self, x): return self.g(x) + 1\n@D\ndef h(x): return x\n@memoize\ndef f(x): return h(x)\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "function decorated by a class": (
        "class D:\n    def __init__(self, g): self.g = g\n    def __call__(self, x): return self.g(x) + 1\n@D\ndef h(x): return x\n@memoize\ndef f(x): return h(x)\n",
        "return x\n@m",
        "return -x\n@m",
        MISS,
    ),
    "decorator of its own, below": (
        "import functools\ndef d(g):\n    @functools.wraps(g)\n    def w(*a): return g(*a) + 1\n    return w\n@memoize\n@d\ndef f(x): return x\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "decorator of its own, its body": (
        "import functools\ndef d(g):\n    @functools.wraps(g)\n    def w(*a): return g(*a) + 1\n    return w\n@memoize\n@d\ndef f(x): return x\n",
        "return x\n",
        "return -x\n",
        MISS,
    ),
    "decorator of its own, above": (
        "def d(g):\n    def w(*a): return g(*a) + 1\n    return w\n@d\n@memoize\ndef f(x): return x\n",
        "g(*a) + 1",
        "1 + g(*a)",
        HIT,
    ),
    "decorator that registers": (
        "R = {}\ndef reg(g):\n    R[g.__name__] = g\n    return g\n@reg\ndef a(x): return 1\n@memoize\ndef f(x): return R['a'](x)\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "decorator that sets an attribute": (
        "def d(k):\n    def d(g):\n        g.k = k\n        return g\n    return d\n@d(1)\ndef h(x): return x\n@memoize\ndef f(x): return h.k\n",
        "@d(1)",
        "@d(2)",
        MISS,
    ),
    "class decorator": (
        "def d(c):\n    c.k = 1\n    return c\n@d\nclass A: pass\n@memoize\ndef f(x): return A.k\n",
        "c.k = 1",
        "c.k = 2",
        MISS,
    ),
    "wrapped by another": (
        "import functools\ndef d(g):\n    @functools.wraps(g)\n    def w(*a): return 0\n    return w\n@d\ndef h(x): return 1\n@memoize\ndef f(x): return h.__wrapped__(x)\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "unwrapped": (
        "import functools, inspect\ndef d(g):\n    @functools.wraps(g)\n    def w(*a): return 0\n    return w\n@d\ndef h(x): return 1\n@memoize\ndef f(x): return inspect.unwrap(h)(x)\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "contextmanager used as a decorator": (
        "import contextlib\n@contextlib.contextmanager\ndef c(k): yield k\n@c(1)\ndef h(x): return x\n@memoize\ndef f(x): return h(x)\n",
        "return x\n@m",
        "return -x\n@m",
        MISS,
    ),
    # --- classes ---
    "class attribute": (
        "class A:\n    k = 1\n@memoize\ndef f(x): return A.k\n",
        "k = 1",
        "k = 2",
        MISS,
    ),
    "class attribute set afterwards": (
        "class A:\n    k = 1\nA.k = 5\n@memoize\ndef f(x): return A.k\n",
        "5",
        "6",
        MISS,
    ),
    "class attribute set by setattr": (
        "class A:\n    k = 1\nsetattr(A, 'k', 5)\n@memoize\ndef f(x): return A().k\n",
        "5",
        "6",
        MISS,
    ),
    "class attribute of a base": (
        "class A:\n    k = 1\nclass B(A): pass\n@memoize\ndef f(x): return B.k\n",
        "k = 1",
        "k = 2",
        MISS,
    ),
    "base exchanged": (
        "class A:\n    k = 1\nclass B:\n    k = 2\nclass C(A): pass\n@memoize\ndef f(x): return C.k\n",
        "C(A)",
        "C(B)",
        MISS,
    ),
    "bases reordered": (
        "class A:\n    k = 1\nclass B:\n    k = 2\nclass C(A, B): pass\n@memoize\ndef f(x): return C.k\n",
        "C(A, B)",
        "C(B, A)",
        MISS,
    ),
    "base set afterwards": (
        "class O: pass\nclass A(O):\n    k = 1\nclass B(O):\n    k = 2\nclass C(A): pass\nC.__bases__ = (A,)\n@memoize\ndef f(x): return C.k\n",
        "(A,)",
        "(B,)",
        MISS,
    ),
    "base in another module": (
        "from h import A\nclass B(A): pass\n@memoize\ndef f(x): return B().g()\n# file h.py\nclass A:\n    def g(self): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "method overridden": (
        "class A:\n    def g(self): return 1\nclass B(A):\n    pass\n@memoize\ndef f(x): return B().g()\n",
        "    pass",
        "    def g(self): return 2",
        MISS,
    ),
    "super": (
        "class A:\n    def g(self): return 1\nclass B(A):\n    def g(self): return super().g() + 1\n@memoize\ndef f(x): return B().g()\n",
        "return 1",
        "return 3",
        MISS,
    ),
    "super with arguments": (
        "class O:\n    def g(self): return 5\nclass A(O):\n    def g(self): return 1\nclass B(A):\n    def g(self): return super(B, self).g()\n@memoize\ndef f(x): return B().g()\n",
        "super(B",
        "super(A",
        MISS,
    ),
    "mixin": (
        "class M:\n    def g(self): return self.k()\nclass B(M):\n    def k(self): return 1\n@memoize\ndef f(x): return B().g()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "init": (
        "class A:\n    def __init__(self): self.k = 1\n@memoize\ndef f(x): return A().k\n",
        "self.k = 1",
        "self.k = 2",
        MISS,
    ),
    "new": (
        "class A:\n    def __new__(cls):\n        s = super().__new__(cls)\n        s.k = 1\n        return s\n@memoize\ndef f(x): return A().k\n",
        "s.k = 1",
        "s.k = 2",
        MISS,
    ),
    "operator method": (
        "class A:\n    def __add__(self, o): return 1\n@memoize\ndef f(x): return A() + 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "operator method, reflected": (
        "class A:\n    def __radd__(self, o): return 1\n@memoize\ndef f(x): return 1 + A()\n",
        "return 1\n",
        "return 2\n",
        MISS,
    ),
    "iteration": (
        "class A:\n    def __iter__(self): return iter([1])\n@memoize\ndef f(x): return list(A())\n",
        "[1]",
        "[2]",
        MISS,
    ),
    "length": (
        "class A:\n    def __len__(self): return 0\n@memoize\ndef f(x): return bool(A())\n",
        "return 0",
        "return 1",
        MISS,
    ),
    "getattr method": (
        "class A:\n    def __getattr__(self, n): return n\n@memoize\ndef f(x): return A().k\n",
        "return n",
        "return n * 2",
        MISS,
    ),
    "getattribute method": (
        "class A:\n    def __getattribute__(self, n): return n\n@memoize\ndef f(x): return A().k\n",
        "return n",
        "return n * 2",
        MISS,
    ),
    "static method": (
        "class A:\n    @staticmethod\n    def g(): return 1\n@memoize\ndef f(x): return A.g()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "class method": (
        "class A:\n    @classmethod\n    def g(cls): return 1\n@memoize\ndef f(x): return A.g()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "class method for a static one": (
        "class A:\n    k = 1\n    @classmethod\n    def g(*a): return len(a)\n@memoize\ndef f(x): return A.g()\n",
        "classmethod",
        "staticmethod",
        MISS,
    ),
    "property": (
        "class A:\n    @property\n    def g(self): return 1\n@memoize\ndef f(x): return A().g\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "setter": (
        "class A:\n    @property\n    def g(self): return self._g\n    @g.setter\n    def g(self, v): self._g = v\n@memoize\ndef f(x):\n    a = A()\n    a.g = x\n    return a.g\n",
        "= v\n",
        "= -v\n",
        MISS,
    ),
    "deleter": (
        "class A:\n    k = 0\n    @property\n    def g(self): return 0\n    @g.deleter\n    def g(self): self.k = 1\n@memoize\ndef f(x):\n    a = A()\n    del a.g\n    return a.k\n",
        "= 1\n",
        "= 2\n",
        MISS,
    ),
    "docstring of a property": (
        "class A:\n    @property\n    def g(self):\n        'One.'\n        return 1\n@memoize\ndef f(x): return A().g\n",
        "One",
        "Two",
        HIT,
    ),
    "subclass of property": (
        "class P(property):\n    def __get__(self, o, t=None): return super().__get__(o, t) + 1\nclass A:\n    @P\n    def g(self): return 1\n@memoize\ndef f(x): return A().g\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "slots": (
        "class A:\n    __slots__ = ('a', 'b')\n    def __init__(self): self.a = 1\n@memoize\ndef f(x): return A().a\n",
        "self.a = 1",
        "self.a = 2",
        MISS,
    ),
    "slot taken away": (
        "class A:\n    __slots__ = ('a', 'b')\n@memoize\ndef f(x):\n    a = A()\n    try: a.b = 1\n    except AttributeError: return 0\n    return a.b\n",
        "('a', 'b')",
        "('a',)",
        MISS,
    ),
    "descriptor": (
        "class D:\n    def __get__(self, o, t): return 1\nclass A:\n    d = D()\n@memoize\ndef f(x): return A().d\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "state of a descriptor": (
        "class D:\n    def __init__(self, k): self.k = k\n    def __get__(self, o, t): return self.k\nclass A:\n    d = D(1)\n@memoize\ndef f(x): return A().d\n",
        "D(1)",
        "D(2)",
        MISS,
    ),
    "name given to a descriptor": (
        "class D:\n    def __set_name__(self, o, n): self.n = n\n    def __get__(self, o, t): return self.n\nclass A:\n    d = D()\n    e = d\n@memoize\ndef f(x): return A().d\n",
        "    d = D()\n    e = d",
        "    e = D()\n    d = e",
        MISS,
    ),
    "metaclass": (
        "class M(type):\n    def g(cls): return 1\nclass A(metaclass=M): pass\n@memoize\ndef f(x): return A.g()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "metaclass exchanged": (
        "class M(type): k = 1\nclass N(type): k = 2\nclass A(metaclass=M): pass\n@memoize\ndef f(x): return A.k\n",
        "metaclass=M",
        "metaclass=N",
        MISS,
    ),
    "call of a metaclass": (
        "class M(type):\n    def __call__(cls): return 1\nclass A(metaclass=M): pass\n@memoize\ndef f(x): return A()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "new of a metaclass": (
        "class M(type):\n    def __new__(m, n, b, d): return super().__new__(m, n, b, {**d, 'k': 1})\nclass A(metaclass=M): pass\n@memoize\ndef f(x): return A.k\n",
        "'k': 1",
        "'k': 2",
        MISS,
    ),
    "subclass hook": (
        "class A:\n    def __init_subclass__(cls): cls.k = 1\nclass B(A): pass\n@memoize\ndef f(x): return B.k\n",
        "= 1",
        "= 2",
        MISS,
    ),
    "registry of subclasses": (
        "class A:\n    R = {}\n    def __init_subclass__(cls): A.R[cls.__name__] = cls\nclass B(A):\n    k = 1\n@memoize\ndef f(x): return A.R['B'].k\n",
        "k = 1",
        "k = 2",
        MISS,
    ),
    "list of subclasses": (
        "class A: pass\nclass B(A): pass\n#\n@memoize\ndef f(x): return [c.__name__ for c in A.__subclasses__()]\n",
        "#",
        "class C(A): pass",
        MISS,
    ),
    "class body": (
        "class A:\n    ks = [i * 2 for i in range(3)]\n@memoize\ndef f(x): return A.ks\n",
        "i * 2",
        "i * 3",
        MISS,
    ),
    "class body with a condition": (
        "K = 1\nclass A:\n    if K: k = 1\n    else: k = 2\n@memoize\ndef f(x): return A.k\n",
        "K = 1",
        "K = 0",
        MISS,
    ),
    "nested class": (
        "class A:\n    class B:\n        k = 1\n@memoize\ndef f(x): return A.B.k\n",
        "k = 1",
        "k = 2",
        MISS,
    ),
    "function in a class's container": (
        "def g(x): return 1\nclass A:\n    T = {'g': g}\n@memoize\ndef f(x): return A.T['g'](x)\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "memoized method": (
        "class A:\n    def __init__(self, k): self.k = k\n    @memoize\n    def g(self): return self.k + 1\n",
        "+ 1",
        "+ 2",
        MISS,
        "m.A(1).g()",
    ),
    "memoized method, its state": (
        "class A:\n    k = 1\n    @memoize\n    def g(self): return self.k\n",
        "k = 1",
        "k = 2",
        MISS,
        "m.A().g()",
    ),
    "memoized class method": (
        "class A:\n    k = 1\n    @classmethod\n    @memoize\n    def g(cls): return cls.k\n",
        "k = 1",
        "k = 2",
        MISS,
        "m.A.g()",
    ),
    "memoized static method": (
        "class A:\n    @staticmethod\n    @memoize\n    def g(x): return x + 1\n",
        "+ 1",
        "+ 2",
        MISS,
        "m.A.g(1)",
    ),
    "memoized property": (
        "class A:\n    @property\n    @memoize\n    def g(self): return 1\n",
        "return 1",
        "return 2",
        MISS,
        "m.A().g",
    ),
    "name of a class": (
        "class A: pass\n@memoize\ndef f(x): return type(x).__name__\n",
        "A",
        "B",
        MISS,
        "m.f(next(v for n, v in vars(m).items() if n in 'AB')())",
    ),
    "order of a class": (
        "class A:\n    b = 1\n    a = 2\n@memoize\ndef f(x): return [n for n in vars(A) if n in 'ab']\n",
        "    b = 1\n    a = 2",
        "    a = 2\n    b = 1",
        MISS,
    ),
    "generic base": (
        "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass A(Generic[T]):\n    def g(self): return 1\nclass B(A[int]): pass\n@memoize\ndef f(x): return B().g()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "generic argument": (
        "from typing import Generic, TypeVar, get_args\nT = TypeVar('T')\nclass A(Generic[T]):\n    def g(self): return get_args(type(self).__orig_bases__[0])[0].__name__\nclass B(A[int]): pass\n@memoize\ndef f(x): return B().g()\n",
        "A[int]",
        "A[str]",
        MISS,
    ),
    "protocol": (
        "from typing import Protocol, runtime_checkable\n@runtime_checkable\nclass P(Protocol):\n    def a(self): ...\nclass A:\n    def a(self): pass\n@memoize\ndef f(x): return isinstance(A(), P)\n",
        "    def a(self): ...",
        "    def b(self): ...",
        MISS,
    ),
    "implementation of a protocol": (
        "from typing import Protocol\nclass P(Protocol):\n    def a(self): ...\nclass A(P):\n    def a(self): return 1\n@memoize\ndef f(x): return A().a()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "abstract method implemented": (
        "import abc\nclass A(abc.ABC):\n    @abc.abstractmethod\n    def g(self): ...\nclass B(A):\n    def g(self): return 1\n@memoize\ndef f(x): return B().g()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "abstract method added": (
        "import abc\nclass A(abc.ABC):\n    def g(self): return 1\nclass B(A): pass\n@memoize\ndef f(x):\n    try: return B().g()\n    except TypeError: return 0\n",
        "    def g",
        "    @abc.abstractmethod\n    def g",
        MISS,
    ),
    "virtual subclass": (
        "import abc\nclass A(abc.ABC): pass\nclass B: pass\n#\n@memoize\ndef f(x): return isinstance(B(), A)\n",
        "#",
        "A.register(B)",
        MISS,
    ),
    "subclass hook of an abstract class": (
        "import abc\nclass A(abc.ABC):\n    @classmethod\n    def __subclasshook__(cls, c): return True\n@memoize\ndef f(x): return isinstance(1, A)\n",
        "True",
        "False",
        MISS,
    ),
    # --- data classes, enumerations, named tuples ---
    "default of a field": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n    k: int = 1\n@memoize\ndef f(x): return A().k\n",
        "= 1",
        "= 2",
        MISS,
    ),
    "default factory of a field": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n    k: list = dataclasses.field(default_factory=lambda: [1])\n@memoize\ndef f(x): return A().k\n",
        "[1]",
        "[2]",
        MISS,
    ),
    "order of fields": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n    a: int\n    b: int\n@memoize\ndef f(x): return A(1, 2).a\n",
        "    a: int\n    b: int\n",
        "    b: int\n    a: int\n",
        MISS,
    ),
    "order of fields with defaults": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n    a: int = 0\n    b: int = 0\n@memoize\ndef f(x): return dataclasses.asdict(A())\n",
        "    a: int = 0\n    b: int = 0\n",
        "    b: int = 0\n    a: int = 0\n",
        MISS,
    ),
    "comparison of a field": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n    k: int = dataclasses.field(compare=True)\n@memoize\ndef f(x): return A(1) == A(2)\n",
        "compare=True",
        "compare=False",
        MISS,
    ),
    "representation of a field": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n    k: int = dataclasses.field(repr=True)\n@memoize\ndef f(x): return repr(A(1))\n",
        "repr=True",
        "repr=False",
        MISS,
    ),
    "frozen": (
        "import dataclasses\n@dataclasses.dataclass(frozen=False)\nclass A:\n    k: int = 1\n@memoize\ndef f(x):\n    a = A()\n    try: a.k = 2\n    except Exception: pass\n    return a.k\n",
        "frozen=False",
        "frozen=True",
        MISS,
    ),
    "ordered data class": (
        "import dataclasses\n@dataclasses.dataclass(order=True)\nclass A:\n    k: int = 1\n@memoize\ndef f(x):\n    try: return A(1) < A(2)\n    except TypeError: return 0\n",
        "order=True",
        "order=False",
        MISS,
    ),
    "post init": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n    k: int = 1\n    def __post_init__(self): self.k += 1\n@memoize\ndef f(x): return A().k\n",
        "+= 1",
        "+= 2",
        MISS,
    ),
    "data class with slots": (
        "import dataclasses\n@dataclasses.dataclass(slots=True)\nclass A:\n    k: int = 1\n@memoize\ndef f(x): return A().k\n",
        "= 1",
        "= 2",
        MISS,
    ),
    "metadata of a field": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n    k: int = dataclasses.field(default=1, metadata={'u': 'm'})\n@memoize\ndef f(x): return dataclasses.fields(A)[0].metadata['u']\n",
        "'m'",
        "'s'",
        MISS,
    ),
    "type of a field": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n    k: int = 1\n@memoize\ndef f(x): return dataclasses.fields(A)[0].type.__name__\n",
        "int",
        "float",
        MISS,
    ),
    "annotation of a field": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n    k: int = 1\n@memoize\ndef f(x): return A().k\n",
        "int",
        "float",
        HIT,
    ),
    "class variable": (
        "import dataclasses, typing\n@dataclasses.dataclass\nclass A:\n    k: int = 1\n@memoize\ndef f(x): return len(dataclasses.fields(A))\n",
        "k: int",
        "k: typing.ClassVar[int]",
        MISS,
    ),
    "replaced field": (
        "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass A:\n    k: int = 1\nC = A(k=5)\n@memoize\ndef f(x): return dataclasses.replace(C)\n",
        "k=5",
        "k=6",
        MISS,
    ),
    "value of a member": (
        "import enum\nclass E(enum.Enum):\n    A = 1\n@memoize\ndef f(x): return E.A.value\n",
        "A = 1",
        "A = 2",
        MISS,
    ),
    "alias of a member": (
        "import enum\nclass E(enum.Enum):\n    A = 1\n    B = 2\n    C = 1\n@memoize\ndef f(x): return E.C.name\n",
        "C = 1",
        "C = 2",
        MISS,
    ),
    "member made automatically": (
        "import enum\nclass E(enum.Enum):\n    A = enum.auto()\n    B = enum.auto()\n@memoize\ndef f(x): return E.A.value\n",
        "    A = enum.auto()\n    B = enum.auto()\n",
        "    B = enum.auto()\n    A = enum.auto()\n",
        MISS,
    ),
    "order of members": (
        "import enum\nclass E(enum.Enum):\n    A = 1\n    B = 2\n@memoize\ndef f(x): return [e.name for e in E]\n",
        "    A = 1\n    B = 2\n",
        "    B = 2\n    A = 1\n",
        MISS,
    ),
    "method of an enumeration": (
        "import enum\nclass E(enum.Enum):\n    A = 1\n    def g(self): return self.value + 1\n@memoize\ndef f(x): return E.A.g()\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "flags": (
        "import enum\nclass E(enum.Flag):\n    A = 1\n    B = 2\n@memoize\ndef f(x): return (E.A | E.B).value\n",
        "B = 2",
        "B = 4",
        MISS,
    ),
    "integer enumeration": (
        "import enum\nclass E(enum.IntEnum):\n    A = 1\n@memoize\ndef f(x): return E.A + 1\n",
        "A = 1",
        "A = 2",
        MISS,
    ),
    "text enumeration": (
        "import enum\nclass E(enum.StrEnum):\n    A = enum.auto()\n    B = 'b'\n@memoize\ndef f(x): return E.B + 'x'\n",
        "'b'",
        "'c'",
        MISS,
    ),
    "member as an argument": (
        "import enum\nclass E(enum.Enum):\n    A = 1\n@memoize\ndef f(x): return x.value\n",
        "A = 1",
        "A = 2",
        MISS,
        "m.f(m.E.A)",
    ),
    "another member's value": (
        "import enum\nclass E(enum.Enum):\n    A = 1\n    B = 2\n@memoize\ndef f(x): return E.A.value\n",
        "@memoize",
        "#\n@memoize",
        HIT,
    ),
    "attribute of a member": (
        "import enum\nclass E(enum.Enum):\n    A = 1, 'a'\n    def __new__(cls, v, label):\n        o = object.__new__(cls)\n        o._value_ = v\n        o.label = label\n        return o\n@memoize\ndef f(x): return E.A.label\n",
        "'a'",
        "'b'",
        MISS,
    ),
    "attribute of a member set afterwards": (
        "import enum\nclass E(enum.Enum):\n    A = 1\nE.A.label = 'a'\n@memoize\ndef f(x): return E.A.label\n",
        "'a'",
        "'b'",
        MISS,
    ),
    "missing member": (
        "import enum\nclass E(enum.Enum):\n    A = 1\n    B = 2\n    @classmethod\n    def _missing_(cls, v): return cls.A\n@memoize\ndef f(x): return E(9).name\n",
        "cls.A",
        "cls.B",
        MISS,
    ),
    "named tuple": (
        "from typing import NamedTuple\nclass N(NamedTuple):\n    a: int = 1\n@memoize\ndef f(x): return N().a\n",
        "= 1",
        "= 2",
        MISS,
    ),
    "fields of a named tuple": (
        "from typing import NamedTuple\nclass N(NamedTuple):\n    a: int\n    b: int\n@memoize\ndef f(x): return N(1, 2).a\n",
        "    a: int\n    b: int\n",
        "    b: int\n    a: int\n",
        MISS,
    ),
    "method of a named tuple": (
        "from typing import NamedTuple\nclass N(NamedTuple):\n    a: int\n    def g(self): return self.a + 1\n@memoize\ndef f(x): return N(1).g()\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "named tuple made by a call": (
        "from collections import namedtuple\nN = namedtuple('N', 'a b')\n@memoize\ndef f(x): return N(1, 2).a\n",
        "'a b'",
        "'b a'",
        MISS,
    ),
    "defaults of a named tuple": (
        "from collections import namedtuple\nN = namedtuple('N', 'a', defaults=[1])\n@memoize\ndef f(x): return N().a\n",
        "[1]",
        "[2]",
        MISS,
    ),
    "typed dict": (
        "from typing import TypedDict\nclass T(TypedDict):\n    a: int\nD = T(a=1)\n@memoize\ndef f(x): return D['a']\n",
        "a=1",
        "a=2",
        MISS,
    ),
    "keys of a typed dict": (
        "from typing import TypedDict\nclass T(TypedDict):\n    a: int\n@memoize\ndef f(x): return sorted(T.__required_keys__)\n",
        "a: int",
        "b: int",
        MISS,
    ),
    "alias of a type": (
        "import typing\nT = list[int]\n@memoize\ndef f(x): return typing.get_args(T)[0].__name__\n",
        "int",
        "str",
        MISS,
    ),
    "union": (
        "T = int | str\n@memoize\ndef f(x): return isinstance(x, T)\n",
        "int | str",
        "bytes | str",
        MISS,
    ),
    "new type": (
        "from typing import NewType\nN = NewType('N', int)\n@memoize\ndef f(x): return N.__supertype__.__name__\n",
        "int",
        "str",
        MISS,
    ),
    "optional": (
        "from typing import Optional\nT = Optional[int]\n@memoize\ndef f(x): return str(T)\n",
        "[int]",
        "[str]",
        MISS,
    ),
    "bound of a type variable": (
        "from typing import TypeVar\nT = TypeVar('T', bound=int)\n@memoize\ndef f(x): return T.__bound__.__name__\n",
        "bound=int",
        "bound=str",
        MISS,
    ),
    # --- functools and the like ---
    "function of a partial": (
        "import functools\ndef g(a, x): return a + x\nh = functools.partial(g, 1)\n@memoize\ndef f(x): return h(x)\n",
        "a + x",
        "a - x",
        MISS,
    ),
    "keyword of a partial": (
        "import functools\ndef g(x, k=0): return x + k\nh = functools.partial(g, k=1)\n@memoize\ndef f(x): return h(x)\n",
        "k=1",
        "k=2",
        MISS,
    ),
    "partial of a partial": (
        "import functools\ndef g(a, b, x): return a + b + x\nh = functools.partial(functools.partial(g, 1), 2)\n@memoize\ndef f(x): return h(x)\n",
        "g, 1",
        "g, 5",
        MISS,
    ),
    "partial method": (
        "import functools\nclass A:\n    def g(self, k): return k\n    h = functools.partialmethod(g, 1)\n@memoize\ndef f(x): return A().h()\n",
        "g, 1",
        "g, 2",
        MISS,
    ),
    "lru_cache of a method": (
        "import functools\nclass A:\n    @functools.lru_cache\n    def g(self): return 1\n@memoize\ndef f(x): return A().g()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "cache of a function with a global": (
        "import functools\nK = 1\n@functools.cache\ndef g(): return K\n@memoize\ndef f(x): return g()\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "cache that is warm": (
        "import functools\n@functools.cache\ndef g(x): return x\n#\n@memoize\ndef f(x): return g(x)\n",
        "#",
        "g(1)",
        HIT,
    ),
    "cached property": (
        "import functools\nclass A:\n    @functools.cached_property\n    def g(self): return 1\n@memoize\ndef f(x): return A().g\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "single dispatch": (
        "import functools\n@functools.singledispatch\ndef g(x): return 0\n@g.register\ndef _(x: int): return 1\n@memoize\ndef f(x): return g(x)\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "single dispatch, newly registered": (
        "import functools\n@functools.singledispatch\ndef g(x): return 0\n#\n@memoize\ndef f(x): return g(x)\n",
        "#",
        "g.register(int, lambda x: 5)",
        MISS,
    ),
    "single dispatch, registered elsewhere": (
        "import functools\n@functools.singledispatch\ndef g(x): return 0\nimport h\n@memoize\ndef f(x): return g(x)\n# file h.py\nfrom m import g\n@g.register(int)\ndef _(x): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "single dispatch that is warm": (
        "import functools\n@functools.singledispatch\ndef g(x): return 0\n#\n@memoize\ndef f(x): return g(x)\n",
        "#",
        "g(1)",
        HIT,
    ),
    "single dispatch method": (
        "import functools\nclass A:\n    @functools.singledispatchmethod\n    def g(self, x): return 0\n    @g.register\n    def _(self, x: int): return 1\n@memoize\ndef f(x): return A().g(x)\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "total ordering": (
        "import functools\n@functools.total_ordering\nclass A:\n    def __lt__(self, o): return True\n    def __eq__(self, o): return False\n@memoize\ndef f(x): return A() >= A()\n",
        "True",
        "False",
        MISS,
    ),
    "reduce": (
        "import functools\ndef g(a, b): return a + b\n@memoize\ndef f(x): return functools.reduce(g, [1, 2, 3])\n",
        "a + b",
        "a * b * 2",
        MISS,
    ),
    "key of a sort": (
        "def k(x): return x\n@memoize\ndef f(x): return sorted([2, 1, 3], key=k)\n",
        "return x\n@",
        "return -x\n@",
        MISS,
    ),
    "itemgetter": (
        "import operator\ng = operator.itemgetter(0)\n@memoize\ndef f(x): return g([1, 2])\n",
        "(0)",
        "(1)",
        MISS,
    ),
    "attrgetter": (
        "import operator\ng = operator.attrgetter('real')\n@memoize\ndef f(x): return g(x)\n",
        "real",
        "imag",
        MISS,
    ),
    "methodcaller": (
        "import operator\ng = operator.methodcaller('upper')\n@memoize\ndef f(x): return g('aB')\n",
        "upper",
        "lower",
        MISS,
    ),
    "pattern": (
        "import re\nP = re.compile('a+')\n@memoize\ndef f(x): return P.sub('-', 'aab')\n",
        "a+",
        "a",
        MISS,
    ),
    "flags of a pattern": (
        "import re\nP = re.compile('A', 0)\n@memoize\ndef f(x): return P.sub('', 'aab')\n",
        ", 0",
        ", 2",
        MISS,
    ),
    "counter": (
        "from collections import Counter\nC = Counter('aab')\n@memoize\ndef f(x): return C['a']\n",
        "'aab'",
        "'ab'",
        MISS,
    ),
    "default dict": (
        "from collections import defaultdict\nD = defaultdict(lambda: 1)\n@memoize\ndef f(x): return D.copy()['a']\n",
        "lambda: 1",
        "lambda: 2",
        MISS,
    ),
    "ordered dict": (
        "from collections import OrderedDict\nD = OrderedDict(a=1, b=2)\n@memoize\ndef f(x): return list(D)\n",
        "a=1, b=2",
        "b=2, a=1",
        MISS,
    ),
    "deque": (
        "from collections import deque\nD = deque([1, 2], 5)\n@memoize\ndef f(x): return D.maxlen\n",
        ", 5",
        ", 6",
        MISS,
    ),
    "chain map": (
        "from collections import ChainMap\nD = ChainMap({'a': 1}, {'a': 2})\n@memoize\ndef f(x): return D['a']\n",
        "{'a': 1}",
        "{'b': 1}",
        MISS,
    ),
    "date": (
        "import datetime\nD = datetime.date(2020, 1, 1)\n@memoize\ndef f(x): return D.day\n",
        "1, 1)",
        "1, 2)",
        MISS,
    ),
    "decimal": (
        "from decimal import Decimal\nD = Decimal('1.0')\n@memoize\ndef f(x): return str(D)\n",
        "1.0",
        "1.00",
        MISS,
    ),
    "path": (
        "from pathlib import PurePath\nP = PurePath('a')\n@memoize\ndef f(x): return str(P)\n",
        "'a'",
        "'b'",
        MISS,
    ),
    "namespace": (
        "from types import SimpleNamespace\nN = SimpleNamespace(a=1)\n@memoize\ndef f(x): return N.a\n",
        "a=1",
        "a=2",
        MISS,
    ),
    "mapping proxy": (
        "from types import MappingProxyType\nN = MappingProxyType({'a': 1})\n@memoize\ndef f(x): return N['a']\n",
        "1}",
        "2}",
        MISS,
    ),
    "template": (
        "from string import Template\nT = Template('$a b')\n@memoize\ndef f(x): return T.substitute(a=1)\n",
        "$a b",
        "$a c",
        MISS,
    ),
    "range": ("R = range(3)\n@memoize\ndef f(x): return list(R)\n", "(3)", "(4)", MISS),
    "slice object": (
        "R = slice(3)\n@memoize\ndef f(x): return list(range(9))[R]\n",
        "(3)",
        "(4)",
        MISS,
    ),
    "context variable": (
        "import contextvars\nC = contextvars.ContextVar('C', default=1)\n@memoize\ndef f(x): return C.get()\n",
        "default=1",
        "default=2",
        MISS,
    ),
    "thread local": (
        "import threading\nL = threading.local()\nL.k = 1\n@memoize\ndef f(x): return L.k\n",
        "k = 1",
        "k = 2",
        MISS,
    ),
    "weak reference": (
        "import weakref\nclass A: k = 1\na = A()\nw = weakref.ref(a)\n@memoize\ndef f(x): return w().k\n",
        "k = 1",
        "k = 2",
        MISS,
    ),
    "weak dictionary": (
        "import weakref\nW = weakref.WeakValueDictionary()\n@memoize\ndef f(x): return len(W)\n",
        "@memoize",
        "#\n@memoize",
        HIT,
    ),
    "sentinel": (
        "NO = object()\ndef g(x=NO): return x is NO\n@memoize\ndef f(x): return g()\n",
        "x is NO",
        "x is not NO",
        MISS,
    ),
    "sentinel again": (
        "NO = object()\ndef g(x=NO): return x is NO\n@memoize\ndef f(x): return g()\n",
        "@memoize",
        "#\n@memoize",
        HIT,
    ),
    "logger": (
        "import logging\nlog = logging.getLogger('a')\n@memoize\ndef f(x):\n    log.debug('%s', x)\n    return x + 1\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "own iterator": (
        "class I:\n    def __iter__(self): return self\n    def __next__(self): raise StopIteration\ni = I()\n@memoize\ndef f(x): return list(i) + [1]\n",
        "[1]",
        "[2]",
        MISS,
    ),
    # --- ways to reach a function ---
    "list of functions": (
        "def a(x): return 1\nT = [a]\n@memoize\ndef f(x): return T[0](x)\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "set of functions": (
        "def a(x): return 1\ndef b(x): return 3\nT = {a, b}\n@memoize\ndef f(x): return sum(g(x) for g in T)\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "set of functions again": (
        "def a(x): return 1\ndef b(x): return 3\nT = {a, b}\n@memoize\ndef f(x): return sum(g(x) for g in T)\n",
        "@memoize",
        "#\n@memoize",
        HIT,
    ),
    "set of lambdas again": (
        "T = {lambda: 1, lambda: 2, lambda: 3, lambda: 4, lambda: 5}\n@memoize\ndef f(x): return sum(g() for g in T)\n",
        "@memoize",
        "#\n@memoize",
        HIT,
    ),
    "set of instances again": (
        "class A:\n    def __init__(self, k): self.k = k\nT = {A(i) for i in range(5)}\n@memoize\ndef f(x): return sum(a.k for a in T)\n",
        "@memoize",
        "#\n@memoize",
        HIT,
    ),
    "functions as keys": (
        "def a(): return 1\nT = {a: 1}\n@memoize\ndef f(x): return [k() for k in T]\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "functions exchanged in a table": (
        "def a(): return 1\ndef b(): return 2\nT = {'a': a, 'b': b}\n@memoize\ndef f(x): return T['a']()\n",
        "'a': a, 'b': b",
        "'a': b, 'b': a",
        MISS,
    ),
    "nested table": (
        "def a(): return 1\nT = {'x': [{'y': (a,)}]}\n@memoize\ndef f(x): return T['x'][0]['y'][0]()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "lambdas in a table": (
        "T = {'a': lambda: 1, 'b': lambda: 2}\n@memoize\ndef f(x): return T['b']()\n",
        "lambda: 2",
        "lambda: 3",
        MISS,
    ),
    "getattr of a module": (
        "import h\n@memoize\ndef f(x): return getattr(h, 'g')(x)\n# file h.py\ndef g(x): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "getattr of a module, computed": (
        "import h\n@memoize\ndef f(x): return getattr(h, 'g' + str(x))()\n# file h.py\ndef g1(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "globals by a computed name": (
        "K1 = 1\n@memoize\ndef f(x): return globals()[f'K{x}']\n",
        "K1 = 1",
        "K1 = 2",
        MISS,
    ),
    "attrgetter of a module": (
        "import h, operator\n@memoize\ndef f(x): return operator.attrgetter('K')(h)\n# file h.py\nK = 1\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "members of a module": (
        "import h, inspect\n@memoize\ndef f(x): return dict(inspect.getmembers(h))['K']\n# file h.py\nK = 1\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "getattr of its own module": (
        "import m\nK1 = 1\n@memoize\ndef f(x): return getattr(m, f'K{x}')\n",
        "K1 = 1",
        "K1 = 2",
        MISS,
    ),
    "getattr of a class": (
        "class A:\n    def g1(self): return 1\n@memoize\ndef f(x): return getattr(A(), f'g{x}')()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import_module": (
        "import importlib\n@memoize\ndef f(x): return importlib.import_module('h').g()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import_module of a keyword": (
        "import importlib\n@memoize\ndef f(x): return importlib.import_module(name='h').g()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import_module imported in the body": (
        "@memoize\ndef f(x):\n    import importlib\n    return importlib.import_module('h').g()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import_module imported in the body by its name": (
        "@memoize\ndef f(x):\n    from importlib import import_module\n    return import_module('h').g()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import_module imported in the function around": (
        "def make():\n    import importlib\n    @memoize\n    def f(x): return importlib.import_module('h').g()\n    return f\nf = make()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import_module in a class in the body": (
        "from importlib import import_module\n@memoize\ndef f(x):\n    class A:\n        k = import_module('h').g()\n    return A.k\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import_module by its name": (
        "from importlib import import_module\n@memoize\ndef f(x): return import_module('h').g()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import function": (
        "@memoize\ndef f(x): return __import__('h').g()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "module by another name": (
        "import h as k\n@memoize\ndef f(x): return k.g()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "module in a table": (
        "import h\nT = {'h': h}\n@memoize\ndef f(x): return T['h'].g()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "module as a local": (
        "import h\n@memoize\ndef f(x):\n    k = h\n    return k.g()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "module by a helper": (
        "import h\ndef c(k): return k.g()\n@memoize\ndef f(x): return c(h)\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "module or another": (
        "import h, k\n@memoize\ndef f(x): return (h if x else k).g()\n# file h.py\ndef g(): return 1\n# file k.py\ndef g(): return 3\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "module that computes its attributes": (
        "import h\n@memoize\ndef f(x): return h.K\n# file h.py\ndef __getattr__(n): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "class in a module": (
        "import h\n@memoize\ndef f(x): return h.A.k\n# file h.py\nclass A:\n    k = 1\n",
        "k = 1",
        "k = 2",
        MISS,
    ),
    "instance in a module": (
        "import h\n@memoize\ndef f(x): return h.a.k\n# file h.py\nclass A: pass\na = A()\na.k = 1\n",
        "k = 1",
        "k = 2",
        MISS,
    ),
    "bound method as a global": (
        "class A:\n    def g(self): return 1\ng = A().g\n@memoize\ndef f(x): return g()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "what a method is bound to": (
        "class A:\n    def __init__(self, k): self.k = k\n    def g(self): return self.k\ng = A(1).g\n@memoize\ndef f(x): return g()\n",
        "A(1)",
        "A(2)",
        MISS,
    ),
    "method of a list": (
        "g = [1, 2].index\n@memoize\ndef f(x): return g(x)\n",
        "[1, 2]",
        "[2, 1]",
        MISS,
    ),
    "unbound method": (
        "g = str.upper\n@memoize\ndef f(x): return g('aB')\n",
        "str.upper",
        "str.lower",
        MISS,
    ),
    "callable instance": (
        "class A:\n    def __call__(self): return 1\ng = A()\n@memoize\ndef f(x): return g()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "instance given a function": (
        "class A: pass\na = A()\na.g = lambda: 1\n@memoize\ndef f(x): return a.g()\n",
        "lambda: 1",
        "lambda: 2",
        MISS,
    ),
    "attribute of a function": (
        "def g(): return g.k\ng.k = 1\n@memoize\ndef f(x): return g()\n",
        "g.k = 1",
        "g.k = 2",
        MISS,
    ),
    "called through apply": (
        "def g(x): return 1\ndef apply(h, *a): return h(*a)\n@memoize\ndef f(x): return apply(g, x)\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "mapped": (
        "def g(x): return x + 1\n@memoize\ndef f(x): return list(map(g, [x]))\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "made by exec": (
        "ns = {}\nexec('def g(x): return x + 1', ns)\ng = ns['g']\n@memoize\ndef f(x): return g(x)\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "global of what exec made": (
        "ns = {'K': 1}\nexec('def g(x): return K', ns)\ng = ns['g']\n@memoize\ndef f(x): return g(x)\n",
        "'K': 1",
        "'K': 2",
        MISS,
    ),
    "memoized made by exec": (
        "ns = {}\nexec('def g(x): return x + 1', ns)\nf = memoize(ns['g'])  # @memoize\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "built-ins of what exec made": (
        "def my(x): return 1\nns = {'__builtins__': {'len': my}}\nexec('def g(x): return len([])', ns)\ng = ns['g']\n@memoize\ndef f(x): return g(x)\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "code made by hand": (
        "import types\ndef a(): return 1\ng = types.FunctionType(a.__code__, {'K': 1})\n@memoize\ndef f(x): return g()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "same qualified name": (
        "def g(): return 1\na = g\ndef g(): return 2\nb = g\n@memoize\ndef f(x): return a(), b()\n",
        "return a(), b()",
        "return b(), a()",
        MISS,
    ),
    "same qualified name, first": (
        "def g(): return 1\na = g\ndef g(): return 2\nb = g\n@memoize\ndef f(x): return a(), b()\n",
        "return 1",
        "return 3",
        MISS,
    ),
    "same qualified name, exchanged": (
        "def g(): return 1\na = g\ndef g(): return 2\nb = g\n@memoize\ndef f(x): return a(), b()\n",
        "a = g\ndef g(): return 2\nb = g",
        "b = g\ndef g(): return 2\na = g",
        MISS,
    ),
    "functions made in a loop": (
        "gs = []\nfor i in range(3):\n    def g(i=i): return i\n    gs.append(g)\n@memoize\ndef f(x): return [g() for g in gs]\n",
        "range(3)",
        "range(1, 4)",
        MISS,
    ),
    # --- imports in the body ---
    "import a.b": (
        "@memoize\ndef f(x):\n    import p.h\n    return p.h.g()\n# file p/__init__.py\n# file p/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import a.b as c": (
        "@memoize\ndef f(x):\n    import p.h as k\n    return k.g()\n# file p/__init__.py\n# file p/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import a.b as c, another function": (
        "@memoize\ndef f(x):\n    import p.h as k\n    return k.g()\n# file p/__init__.py\n# file p/h.py\ndef g(): return 1\ndef o(): return 5\n",
        "return 5",
        "return 6",
        HIT,
    ),
    "import a.b.c": (
        "@memoize\ndef f(x):\n    import p.q.h\n    return p.q.h.g()\n# file p/__init__.py\n# file p/q/__init__.py\n# file p/q/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import a.b.c as d": (
        "@memoize\ndef f(x):\n    import p.q.h as d\n    return d.g()\n# file p/__init__.py\n# file p/q/__init__.py\n# file p/q/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "from a import b": (
        "@memoize\ndef f(x):\n    from p import h\n    return h.g()\n# file p/__init__.py\n# file p/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "from a import b as c": (
        "@memoize\ndef f(x):\n    from p import h as k\n    return k.g()\n# file p/__init__.py\n# file p/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "from a.b import c": (
        "@memoize\ndef f(x):\n    from p.h import g\n    return g()\n# file p/__init__.py\n# file p/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "from a import several": (
        "@memoize\ndef f(x):\n    from h import a, b as c\n    return a() + c()\n# file h.py\ndef a(): return 1\ndef b(): return 3\n",
        "return 3",
        "return 4",
        MISS,
    ),
    "from . import b": (
        "from p.k import f\n# file p/__init__.py\n# file p/k.py\n@memoize\ndef f(x):\n    from . import h\n    return h.g()\n# file p/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "from .b import c": (
        "from p.k import f\n# file p/__init__.py\n# file p/k.py\n@memoize\ndef f(x):\n    from .h import g\n    return g()\n# file p/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "from .. import b": (
        "from p.q.k import f\n# file p/__init__.py\n# file p/q/__init__.py\n# file p/q/k.py\n@memoize\ndef f(x):\n    from .. import h\n    return h.g()\n# file p/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "from ..b import c": (
        "from p.q.k import f\n# file p/__init__.py\n# file p/q/__init__.py\n# file p/q/k.py\n@memoize\ndef f(x):\n    from ..h import K\n    return K\n# file p/h.py\nK = 1\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "import in a try": (
        "@memoize\ndef f(x):\n    try: import h\n    except ImportError: return 0\n    return h.g()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import that fails, and its substitute": (
        "@memoize\ndef f(x):\n    try: import no_such_one as h\n    except ImportError: import k as h\n    return h.g()\n# file k.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import or None": (
        "@memoize\ndef f(x):\n    try: import h\n    except ImportError: h = None\n    return h.K if h else 0\n# file h.py\nK = 1\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "module that can be imported at last": (
        "@memoize\ndef f(x):\n    try: import h2\n    except ImportError: return 0\n    return h2.g()\n# file h.py\n#\n",
        "# file h.py\n#",
        "# file h2.py\ndef g(): return 1",
        MISS,
    ),
    "import in a function within": (
        "@memoize\ndef f(x):\n    def a():\n        import h\n        return h.g()\n    return a()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import used in a function within": (
        "@memoize\ndef f(x):\n    import h\n    def a(): return h.g()\n    return a()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import used in a comprehension": (
        "@memoize\ndef f(x):\n    import h\n    return [h.g() for _ in range(2)]\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import used in a comprehension, another function": (
        "@memoize\ndef f(x):\n    import h\n    return [h.g() for _ in range(2)]\n# file h.py\ndef g(): return 1\ndef o(): return 5\n",
        "return 5",
        "return 6",
        HIT,
    ),
    "import used in a lambda, another function": (
        "@memoize\ndef f(x):\n    import h\n    return (lambda: h.g())()\n# file h.py\ndef g(): return 1\ndef o(): return 5\n",
        "return 5",
        "return 6",
        HIT,
    ),
    "conditional import": (
        "@memoize\ndef f(x):\n    if x: import h\n    else: import k as h\n    return h.g()\n# file h.py\ndef g(): return 1\n# file k.py\ndef g(): return 9\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import in a loop": (
        "@memoize\ndef f(x):\n    r = []\n    for i in range(2):\n        from h import g\n        r.append(g(i))\n    return r\n# file h.py\ndef g(i): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import in a class body": (
        "@memoize\ndef f(x):\n    class A:\n        from h import g\n    return A.g(1)\n# file h.py\ndef g(i): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import to a global": (
        "@memoize\ndef f(x):\n    global h\n    import h\n    return h.g()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import of two": (
        "@memoize\ndef f(x):\n    import h, k\n    return h.g() + k.g()\n# file h.py\ndef g(): return 1\n# file k.py\ndef g(): return 5\n",
        "return 5",
        "return 6",
        MISS,
    ),
    "import with its effect": (
        "import k\n@memoize\ndef f(x):\n    import h\n    return k.K\n# file k.py\nK = 0\n# file h.py\nimport k\nk.K = 1\n",
        "= 1",
        "= 2",
        MISS,
    ),
    "import passed on": (
        "def c(k): return k.g()\n@memoize\ndef f(x):\n    import h\n    return c(h)\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import given another name": (
        "@memoize\ndef f(x):\n    import h\n    k = h\n    return k.g()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import in a helper": (
        "def c():\n    from h import g\n    return g()\n@memoize\ndef f(x): return c()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "import in a helper's helper's module": (
        "from h import g\n@memoize\ndef f(x): return g()\n# file h.py\ndef g():\n    from k import K\n    return K\n# file k.py\nK = 1\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "import in a method": (
        "class A:\n    def c(self):\n        import h\n        return h.K\n@memoize\ndef f(x): return A().c()\n# file h.py\nK = 1\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "circular imports": (
        "import h\ndef a(): return 1\n@memoize\ndef f(x): return h.g()\n# file h.py\ndef g():\n    from m import a\n    return a()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    # --- packages ---
    "re-export": (
        "from p import g\n@memoize\ndef f(x): return g()\n# file p/__init__.py\nfrom .h import g\n# file p/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "re-export exchanged": (
        "import p\n@memoize\ndef f(x): return p.g()\n# file p/__init__.py\nfrom .h import g\n# file p/h.py\ndef g(): return 1\n# file p/k.py\ndef g(): return 2\n",
        "from .h",
        "from .k",
        MISS,
    ),
    "re-export by star": (
        "import p\n@memoize\ndef f(x): return p.g()\n# file p/__init__.py\nfrom .h import *\n# file p/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "re-export by another name": (
        "import p\n@memoize\ndef f(x): return p.k()\n# file p/__init__.py\nfrom .h import g as k\n# file p/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "relative import": (
        "from p.k import f\n# file p/__init__.py\n# file p/k.py\nfrom .h import g\n@memoize\ndef f(x): return g()\n# file p/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "relative import of a module": (
        "from p.k import f\n# file p/__init__.py\n# file p/k.py\nfrom . import h\n@memoize\ndef f(x): return h.g()\n# file p/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "module of a package": (
        "import p.h\n@memoize\ndef f(x): return p.h.g()\n# file p/__init__.py\n# file p/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "module of a package, its neighbour": (
        "import p.h, p.k\n@memoize\ndef f(x): return p.h.g()\n# file p/__init__.py\n# file p/h.py\ndef g(): return 1\n# file p/k.py\ndef g(): return 5\n",
        "return 5",
        "return 6",
        HIT,
    ),
    "constant of a package": (
        "import p\n@memoize\ndef f(x): return p.K\n# file p/__init__.py\nK = 1\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "namespace package": (
        "import p.h\n@memoize\ndef f(x): return p.h.g()\n# file p/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "lazy package": (
        "import p\n@memoize\ndef f(x): return p.h.g()\n# file p/__init__.py\ndef __getattr__(n):\n    import importlib\n    return importlib.import_module('p.' + n)\n# file p/h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "module named like one of the library": (
        "import string\n@memoize\ndef f(x): return colors.g()\nimport colors\n# file colors.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "module that stands in its own place": (
        "import h\n@memoize\ndef f(x): return h.g()\n# file h.py\nimport sys\nclass M:\n    def g(self): return 1\nsys.modules[__name__] = M()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "module that stands in its own place, in the body": (
        "@memoize\ndef f(x):\n    import h\n    return h.g()\n# file h.py\nimport sys\nclass M:\n    def g(self): return 1\nsys.modules[__name__] = M()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    # --- recursion ---
    "recursion": (
        "def g(n): return 1 if not n else g(n - 1) + 1\n@memoize\ndef f(x): return g(3)\n",
        ") + 1",
        ") + 2",
        MISS,
    ),
    "memoized recursion": (
        "@memoize\ndef f(x): return x if x < 2 else f(x - 1) + f(x - 2)\n",
        "+ f",
        "- f",
        MISS,
        "m.f(6)",
    ),
    "recursion through a memoized function": (
        "@memoize\ndef f(x): return 0 if x < 1 else g(x)\ndef g(x): return f(x - 1) + 1\n",
        "+ 1",
        "+ 2",
        MISS,
        "m.f(3)",
    ),
    "mutual recursion, the other side": (
        "def a(n): return b(n - 1) if n else 0\ndef b(n): return a(n - 1) if n else 1\n@memoize\ndef f(x): return b(x)\n",
        "else 0",
        "else 5",
        MISS,
    ),
    "mutual recursion of three": (
        "def a(n): return b(n - 1) if n else 0\ndef b(n): return c(n - 1) if n else 1\ndef c(n): return a(n - 1) if n else 2\n@memoize\ndef f(x): return a(5)\n",
        "else 2",
        "else 7",
        MISS,
    ),
    "both sides memoized": (
        "@memoize\ndef f(n): return g(n - 1) if n else 0\n@memoize\ndef g(n): return f(n - 1) if n else 1\n",
        "else 1",
        "else 2",
        MISS,
    ),
    "both sides memoized again": (
        "@memoize\ndef f(n): return g(n - 1) if n else 0\n@memoize\ndef g(n): return f(n - 1) if n else 1\n",
        "@memoize\ndef g",
        "#\n@memoize\ndef g",
        HIT,
        "m.f(4)",
    ),
    "methods that call each other": (
        "class A:\n    def a(self, n): return self.b(n - 1) if n else 0\n    def b(self, n): return self.a(n - 1) if n else 1\n@memoize\ndef f(x): return A().a(x)\n",
        "else 1",
        "else 2",
        MISS,
    ),
    "memoized calls memoized": (
        "@memoize\ndef g(x): return x + 1\n@memoize\ndef f(x): return g(x) * 2\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "memoized calls memoized of a module": (
        "import h\n@memoize\ndef f(x): return h.g(x) * 2\n# file h.py\n@memoize\ndef g(x): return x + 1\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "memoized in the middle": (
        "K = 1\n@memoize\ndef g(x): return x + K\ndef h(x): return g(x)\n@memoize\ndef f(x): return h(x)\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "memoized as an argument": (
        "@memoize\ndef g(x): return x + 1\n@memoize\ndef f(h): return h(1)\n",
        "+ 1",
        "+ 2",
        MISS,
        "m.f(m.g)",
    ),
    "memoized in a table": (
        "@memoize\ndef g(x): return x + 1\nT = [g]\n@memoize\ndef f(x): return T[0](x)\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "memoized no longer": (
        "@memoize\ndef g(x): return x + 1\n@memoize\ndef f(x): return g(x) * 2\n",
        "@memoize\ndef g(x): return x + 1",
        "def g(x): return x + 2",
        MISS,
    ),
    "memoized closure": (
        "def make(k):\n    @memoize\n    def f(x): return x + k\n    return f\nf, g = make(1), make(2)\n",
        "make(1)",
        "make(3)",
        MISS,
    ),
    "memoized closure, the other": (
        "def make(k):\n    @memoize\n    def f(x): return x + k\n    return f\nf, g = make(1), make(2)\n",
        "make(2)",
        "make(3)",
        HIT,
    ),
    # --- closures ---
    "nested closure": (
        "def a(k):\n    def b():\n        def c(): return k\n        return c\n    return b()\ng = a(1)\n@memoize\ndef f(x): return g()\n",
        "a(1)",
        "a(2)",
        MISS,
    ),
    "closure over a function": (
        "def a(h):\n    def b(x): return h(x)\n    return b\ng = a(lambda x: x + 1)\n@memoize\ndef f(x): return g(x)\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "closure over a list": (
        "def a():\n    k = []\n    def add(v): k.append(v)\n    def get(): return k\n    return add, get\nadd, get = a()\nadd(1)\n@memoize\ndef f(x): return get()\n",
        "add(1)",
        "add(2)",
        MISS,
    ),
    "closure rebound": (
        "def a():\n    k = 0\n    def put(v):\n        nonlocal k\n        k = v\n    def get(): return k\n    return put, get\nput, get = a()\nput(1)\n@memoize\ndef f(x): return get()\n",
        "put(1)",
        "put(2)",
        MISS,
    ),
    "cell set from outside": (
        "def a(k): return lambda: k\ng = a(1)\ng.__closure__[0].cell_contents = 5\n@memoize\ndef f(x): return g()\n",
        "= 5",
        "= 6",
        MISS,
    ),
    "empty cell": (
        "def a():\n    def b(): return k\n    if 0: k = 1\n    return b\ng = a()\n@memoize\ndef f(x):\n    try: return g()\n    except NameError: return 0\n",
        "if 0",
        "if 1",
        MISS,
    ),
    "closure that refers to itself": (
        "def a():\n    def b(n): return b(n - 1) if n else 1\n    return b\ng = a()\n@memoize\ndef f(x): return g(3)\n",
        "else 1",
        "else 2",
        MISS,
    ),
    "closures exchanged": (
        "def a(k): return lambda: k\ng, h = a(1), a(2)\n@memoize\ndef f(x): return g() - h()\n",
        "a(1), a(2)",
        "a(2), a(1)",
        MISS,
    ),
    "class cell": (
        "class A:\n    k = 1\n    def g(self): return __class__.k\n@memoize\ndef f(x): return A().g()\n",
        "k = 1",
        "k = 2",
        MISS,
    ),
    # --- arguments ---
    "function as an argument": (
        "def g(x): return x + 1\n@memoize\ndef f(h): return h(1)\n",
        "+ 1",
        "+ 2",
        MISS,
        "m.f(m.g)",
    ),
    "helper of a function as an argument": (
        "def k(x): return x + 1\ndef g(x): return k(x)\n@memoize\ndef f(h): return h(1)\n",
        "+ 1",
        "+ 2",
        MISS,
        "m.f(m.g)",
    ),
    "lambda as an argument": (
        "K = 1\ng = lambda x: x + K\n@memoize\ndef f(h): return h(1)\n",
        "K = 1",
        "K = 2",
        MISS,
        "m.f(m.g)",
    ),
    "class as an argument": (
        "class A:\n    k = 1\n@memoize\ndef f(c): return c.k\n",
        "k = 1",
        "k = 2",
        MISS,
        "m.f(m.A)",
    ),
    "instance as an argument": (
        "class A:\n    def g(self): return 1\n@memoize\ndef f(a): return a.g()\n",
        "return 1",
        "return 2",
        MISS,
        "m.f(m.A())",
    ),
    "state of an instance": (
        "class A:\n    def __init__(self): self.k = {'a': [1]}\n@memoize\ndef f(a): return a.k\n",
        "[1]",
        "[2]",
        MISS,
        "m.f(m.A())",
    ),
    "slots of an instance": (
        "class A:\n    __slots__ = ('k',)\n    def __init__(self): self.k = 1\n@memoize\ndef f(a): return a.k\n",
        "= 1",
        "= 2",
        MISS,
        "m.f(m.A())",
    ),
    "slots of a base": (
        "class A:\n    __slots__ = ('__k',)\n    def __init__(self): self.__k = 1\n    def get(self): return self.__k\nclass B(A): pass\n@memoize\ndef f(a): return a.get()\n",
        "= 1",
        "= 2",
        MISS,
        "m.f(m.B())",
    ),
    "bound method as an argument": (
        "class A:\n    def g(self): return 1\n@memoize\ndef f(h): return h()\n",
        "return 1",
        "return 2",
        MISS,
        "m.f(m.A().g)",
    ),
    "partial as an argument": (
        "import functools\ndef g(a, b): return a + b\n@memoize\ndef f(h): return h(1)\n",
        "a + b",
        "a - b",
        MISS,
        "m.f(m.functools.partial(m.g, 2))",
    ),
    "list of functions as an argument": (
        "def g(x): return x + 1\n@memoize\ndef f(hs): return [h(1) for h in hs]\n",
        "+ 1",
        "+ 2",
        MISS,
        "m.f([m.g])",
    ),
    "function in a star": (
        "def g(x): return x + 1\n@memoize\ndef f(*hs): return [h(1) for h in hs]\n",
        "+ 1",
        "+ 2",
        MISS,
        "m.f(m.g)",
    ),
    "function by keyword": (
        "def g(x): return x + 1\n@memoize\ndef f(**hs): return [h(1) for h in hs.values()]\n",
        "+ 1",
        "+ 2",
        MISS,
        "m.f(h=m.g)",
    ),
    "module as an argument": (
        "import h\n@memoize\ndef f(k): return k.g()\n# file h.py\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
        "m.f(m.h)",
    ),
    "generator function as an argument": (
        "def g():\n    yield 1\n@memoize\ndef f(h): return list(h())\n",
        "yield 1",
        "yield 2",
        MISS,
        "m.f(m.g)",
    ),
    "closure as an argument": (
        "def make(k): return lambda: k\n@memoize\ndef f(h): return h()\n#\ng = make(1)\n",
        "make(1)",
        "make(2)",
        MISS,
        "m.f(m.g)",
    ),
    "docstring of an argument": (
        "def g(x): 'One.'\n@memoize\ndef f(h): return h(1)\n",
        "One",
        "Two",
        HIT,
        "m.f(m.g)",
    ),
    "docstring read of an argument": (
        "def g(x): 'One.'\n@memoize\ndef f(h): return h.__doc__\n",
        "One",
        "Two",
        MISS,
        "m.f(m.g)",
    ),
    "annotations read of an argument": (
        "def g(x: int): pass\n@memoize\ndef f(h): return str(h.__annotations__)\n",
        "int",
        "str",
        MISS,
        "m.f(m.g)",
    ),
    "docstring read of an argument's class": (
        "class A: 'One.'\n@memoize\ndef f(a): return type(a).__doc__\n",
        "One",
        "Two",
        MISS,
        "m.f(m.A())",
    ),
    "signature of an argument": (
        "import inspect\ndef g(x: int): pass\n@memoize\ndef f(h): return str(inspect.signature(h))\n",
        "int",
        "str",
        MISS,
        "m.f(m.g)",
    ),
    "locals of an argument by name": (
        "def g():\n    a = 1\n    return sorted(locals())\n@memoize\ndef f(h): return h()\n",
        "a =",
        "b =",
        MISS,
        "m.f(m.g)",
    ),
    "name of an argument": (
        "def g(): pass\nk = g\n@memoize\ndef f(h): return h.__name__\n",
        "def g(): pass\nk = g",
        "def h(): pass\nk = h",
        MISS,
        "m.f(m.k)",
    ),
    "subclass of a dict": (
        "class D(dict):\n    k = 1\n@memoize\ndef f(d): return d.k\n",
        "k = 1",
        "k = 2",
        MISS,
        "m.f(m.D())",
    ),
    "attribute of a subclass of a list": (
        "class L(list): pass\na = L([1])\na.k = 1\n@memoize\ndef f(d): return d.k\n",
        "k = 1",
        "k = 2",
        MISS,
        "m.f(m.a)",
    ),
    "subclass of int": (
        "class I(int):\n    def g(self): return self + 1\n@memoize\ndef f(d): return d.g()\n",
        "+ 1",
        "+ 2",
        MISS,
        "m.f(m.I(5))",
    ),
    "state that pickling leaves out": (
        "class A:\n    def __init__(self, k): self.k = k\n    def __getstate__(self): return {}\n@memoize\ndef f(a): return a.k\na = A(1)\n",
        "A(1)",
        "A(2)",
        MISS,
        "m.f(m.a)",
    ),
    "state that pickling leaves out of a dict": (
        "class A(dict):\n    def __getstate__(self): return {}\n@memoize\ndef f(a): return a.k\na = A()\na.k = 1\n",
        "a.k = 1",
        "a.k = 2",
        MISS,
        "m.f(m.a)",
    ),
    "reduction that leaves out": (
        "class A(list):\n    def __reduce__(self): return (A, ())\n@memoize\ndef f(a): return a.k\na = A()\na.k = 1\n",
        "a.k = 1",
        "a.k = 2",
        MISS,
        "m.f(m.a)",
    ),
    "exception as an argument": (
        "class E(Exception): pass\ne = E(1)\ne.k = 1\n@memoize\ndef f(a): return a.k\n",
        "k = 1",
        "k = 2",
        MISS,
        "m.f(m.e)",
    ),
    "order of attributes": (
        "class A:\n    def __init__(self):\n        self.a = 1\n        self.b = 2\n@memoize\ndef f(a): return list(vars(a))\na = A()\n",
        "        self.a = 1\n        self.b = 2\n",
        "        self.b = 2\n        self.a = 1\n",
        MISS,
        "m.f(m.a)",
    ),
    "order of attributes set outside": (
        "class A: pass\na = A()\na.b = 1\na.c = 2\n@memoize\ndef f(a): return list(vars(a))\n",
        "a.b = 1\na.c = 2",
        "a.c = 2\na.b = 1",
        MISS,
        "m.f(m.a)",
    ),
    "cached property that is stale": (
        "import functools\nclass A:\n    @functools.cached_property\n    def g(self): return self.k\na = A()\na.k = 1\n#\na.k = 2\n@memoize\ndef f(a): return a.g\n",
        "#",
        "a.g",
        MISS,
        "m.f(m.a)",
    ),
    "cached property that is set": (
        "import functools\nclass A:\n    @functools.cached_property\n    def g(self): return 1\na = A()\na.g = 5\n@memoize\ndef f(a): return a.g\n",
        "= 5",
        "= 6",
        MISS,
        "m.f(m.a)",
    ),
    # --- results ---
    "class of a result": (
        "class A:\n    k = 1\n    def __repr__(self): return f'A{self.k}'\n@memoize\ndef f(x): return A()\n",
        "k = 1",
        "k = 2",
        MISS,
    ),
    "class of a result, reached by a module's name": (
        "import importlib\n@memoize\ndef f(x): return importlib.import_module('h').A()\n# file h.py\nclass A:\n    def __init__(self): self.k = 1\n    def __repr__(self): return f'A{self.k}'\n",
        "k = 1",
        "k = 2",
        MISS,
    ),
    "class of a result, made by an argument": (
        "class A:\n    def __init__(self): self.k = 1\n    def __repr__(self): return f'A{self.k}'\n@memoize\ndef f(c): return c()\n",
        "k = 1",
        "k = 2",
        MISS,
        "m.f(m.A)",
    ),
    "function as a result": (
        "def g(): return 1\n@memoize\ndef f(x): return g\n",
        "return 1",
        "return 2",
        MISS,
        "m.f(1)()",
    ),
    "enumeration in a result": (
        "import enum\nclass E(enum.Enum):\n    A = 1\n@memoize\ndef f(x): return [E.A]\n",
        "A = 1",
        "A = 2",
        MISS,
    ),
    "data class in a result": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n    a: int = 1\n@memoize\ndef f(x): return A()\n",
        "    a: int = 1\n",
        "    a: int = 1\n    b: int = 2\n",
        MISS,
    ),
    "named tuple in a result": (
        "from collections import namedtuple\nN = namedtuple('N', 'a b')\n@memoize\ndef f(x): return N(1, 2)\n",
        "'a b'",
        "'b a'",
        MISS,
    ),
    # --- the library ---
    "function of the library replaced": (
        "import math\nmath.sqrt = lambda x: 1\n@memoize\ndef f(x): return math.sqrt(4)\n",
        ": 1",
        ": 5",
        MISS,
    ),
    "function of the library replaced now": (
        "import math\n#\n@memoize\ndef f(x): return math.sqrt(4)\n",
        "#",
        "math.sqrt = lambda x: 5",
        MISS,
    ),
    "function of the library replaced by another": (
        "import math\n#\n@memoize\ndef f(x): return math.sqrt(9)\n",
        "#",
        "math.sqrt = math.floor",
        MISS,
    ),
    "function of the library replaced by a partial": (
        "import functools, math\n#\n@memoize\ndef f(x): return math.sqrt(9)\n",
        "#",
        "math.sqrt = functools.partial(pow, 2)",
        MISS,
    ),
    "function of the library replaced by a wrapped one": (
        "import functools, math\n#\n@memoize\ndef f(x): return math.sqrt(9)\n",
        "#",
        "math.sqrt = functools.wraps(math.sqrt)(lambda x: 5)",
        MISS,
    ),
    "wrapped replacement changed": (
        "import functools, math\nmath.sqrt = functools.wraps(math.sqrt)(lambda x: 5)\n@memoize\ndef f(x): return math.sqrt(9)\n",
        "x: 5",
        "x: 6",
        MISS,
    ),
    "function of the library replaced by an instance": (
        "import math\nclass S:\n    def __call__(self, x): return 1\nmath.sqrt = S()\n@memoize\ndef f(x): return math.sqrt(4)\n",
        "return 1",
        "return 5",
        MISS,
    ),
    "function of the library replaced by a method": (
        "import math\nclass S:\n    def s(self, x): return 1\nmath.sqrt = S().s\n@memoize\ndef f(x): return math.sqrt(4)\n",
        "return 1",
        "return 5",
        MISS,
    ),
    "function of the library replaced in the body": (
        "import json\n@memoize\ndef f(x): return json.dumps(1)\njson.dumps = lambda x: 'a'\n",
        "'a'",
        "'b'",
        MISS,
    ),
    "constant of the library replaced": (
        "import math\nmath.pi = 3\n@memoize\ndef f(x): return math.pi\n",
        "= 3",
        "= 4",
        MISS,
    ),
    "table put into the library": (
        "import string\nstring.TABLE = [1]\n@memoize\ndef f(x): return string.TABLE\n",
        "[1]",
        "[2]",
        MISS,
    ),
    "built-in replaced": (
        "import builtins\nreal = len\n#\n@memoize\ndef f(x): return len([1])\n",
        "#",
        "builtins.len = lambda x: 7 if x == [1] else real(x)",
        MISS,
    ),
    "built-in replaced otherwise": (
        "import builtins\nreal = len\nbuiltins.len = lambda x: 7 if x == [1] else real(x)\n@memoize\ndef f(x): return len([1])\n",
        ": 7",
        ": 8",
        MISS,
    ),
    "built-in replaced by another": (
        "import builtins\n#\n@memoize\ndef f(x): return round(-1.75)\n",
        "#",
        "builtins.round = builtins.abs",
        MISS,
    ),
    "built-in put there": (
        "import builtins\nbuiltins.KK = 1\n@memoize\ndef f(x): return KK\n",
        "= 1",
        "= 2",
        MISS,
    ),
    "list put among the built-ins": (
        "import builtins\nbuiltins.KK = [1]\n@memoize\ndef f(x): return KK\n",
        "[1]",
        "[2]",
        MISS,
    ),
    "function of a package of the library replaced": (
        "import os\nos.path.commonprefix = lambda *a: 1\n@memoize\ndef f(x): return os.path.commonprefix(['a', 'b'])\n",
        ": 1",
        ": 2",
        MISS,
    ),
    "class of the library replaced": (
        "import fractions\nclass F:\n    def __init__(self, *a): self.k = 1\nfractions.Fraction = F\n@memoize\ndef f(x): return fractions.Fraction(1).k\n",
        "k = 1",
        "k = 2",
        MISS,
    ),
    "attribute of a class of the library, read": (
        "import fractions\nfractions.Fraction.kk = 1\n@memoize\ndef f(x): return fractions.Fraction.kk\n",
        "= 1",
        "= 2",
        MISS,
    ),
    "numpy's replaced": (
        "import numpy as np\nnp.mean = lambda x: 1\n@memoize\ndef f(x): return np.mean([1, 2])\n",
        ": 1",
        ": 2",
        MISS,
    ),
    "numpy's replaced by numpy's": (
        "import numpy as np\n#\n@memoize\ndef f(x): return float(np.mean([1, 2, 9]))\n",
        "#",
        "np.mean = np.median",
        MISS,
    ),
    "numpy's replaced below": (
        "import numpy as np\nnp.linalg.norm = lambda x: 1\n@memoize\ndef f(x): return np.linalg.norm([1, 2])\n",
        ": 1",
        ": 2",
        MISS,
    ),
    "numpy array as a global": (
        "import numpy as np\nA = np.arange(3)\n@memoize\ndef f(x): return int(A.sum())\n",
        "arange(3)",
        "arange(4)",
        MISS,
    ),
    "numpy function as a global": (
        "import numpy as np\ng = np.sin\n@memoize\ndef f(x): return float(g(0))\n",
        "np.sin",
        "np.cos",
        MISS,
    ),
    "numpy called": (
        "import numpy as np\n@memoize\ndef f(x): return float(np.mean([1, 2]))\n",
        "@memoize",
        "#\n@memoize",
        HIT,
    ),
    "numpy in the body": (
        "@memoize\ndef f(x):\n    import numpy as np\n    return float(np.mean([1, 2]))\n",
        "np.mean",
        "np.sum",
        MISS,
    ),
    "subclass of a class of the library": (
        "import json\nclass E(json.JSONEncoder):\n    def default(self, o): return 1\n@memoize\ndef f(x): return json.dumps(object(), cls=E)\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "function of the library by another name": (
        "from math import floor as g\n@memoize\ndef f(x): return g(1.5)\n",
        "floor",
        "ceil",
        MISS,
    ),
    "standard module, another function": (
        "import math\n@memoize\ndef f(x): return math.floor(1.5)\n",
        "math.floor",
        "math.ceil",
        MISS,
    ),
    "arguments of the program": (
        "import sys\nsys.argv[1:] = ['a']\n@memoize\ndef f(x): return sys.argv[1]\n",
        "'a'",
        "'b'",
        MISS,
    ),
    # --- what code says about itself ---
    "docstring read of a helper": (
        "def g(): 'One.'\n@memoize\ndef f(x): return g.__doc__\n",
        "One",
        "Two",
        MISS,
    ),
    "docstring read by getattr": (
        "def g(): 'One.'\n@memoize\ndef f(x): return getattr(g, '__doc__')\n",
        "One",
        "Two",
        MISS,
    ),
    "docstring read by getdoc": (
        "import inspect\ndef g(): 'One.'\n@memoize\ndef f(x): return inspect.getdoc(g)\n",
        "One",
        "Two",
        MISS,
    ),
    "docstring read of a class": (
        "class A: 'One.'\n@memoize\ndef f(x): return A.__doc__\n",
        "One",
        "Two",
        MISS,
    ),
    "docstring read of a module": (
        "import h\n@memoize\ndef f(x): return h.__doc__\n# file h.py\n'One.'\n",
        "One",
        "Two",
        MISS,
    ),
    "docstring read of a class within": (
        "@memoize\ndef f(x):\n    class A: 'One.'\n    return A.__doc__\n",
        "One",
        "Two",
        MISS,
    ),
    "docstring read of a property": (
        "class A:\n    @property\n    def g(self): 'One.'\n@memoize\ndef f(x): return A.g.__doc__\n",
        "One",
        "Two",
        MISS,
    ),
    "docstring read of a memoized": (
        "@memoize\ndef g(): 'One.'\n@memoize\ndef f(x): return g.__doc__\n",
        "One",
        "Two",
        MISS,
    ),
    "annotations read": (
        "def g(a: int): pass\n@memoize\ndef f(x): return str(g.__annotations__)\n",
        "int",
        "str",
        MISS,
    ),
    "annotations read by hints": (
        "import typing\nclass A:\n    a: int\n@memoize\ndef f(x): return str(typing.get_type_hints(A))\n",
        "a: int",
        "a: str",
        MISS,
    ),
    "annotations read by the full argument list": (
        "import inspect\ndef g(a: int): pass\n@memoize\ndef f(x): return str(inspect.getfullargspec(g).annotations)\n",
        "int",
        "str",
        MISS,
    ),
    "source read": (
        "import inspect\ndef g(a):\n    return 1  # one\n@memoize\ndef f(x): return 'one' in inspect.getsource(g)\n",
        "# one",
        "# two",
        MISS,
    ),
    "names of locals by a frame": (
        "import inspect\n@memoize\ndef f(x):\n    a = 1\n    return sorted(inspect.currentframe().f_locals)\n",
        "a = 1",
        "b = 1",
        MISS,
    ),
    "names of locals by code": (
        "def g():\n    a = 1\n@memoize\ndef f(x): return g.__code__.co_varnames\n",
        "a = 1",
        "b = 1",
        MISS,
    ),
    "line number": (
        "import sys\n#\n@memoize\ndef f(x): return sys._getframe().f_lineno\n",
        "#\n",
        "#\n#\n",
        MISS,
    ),
    "argument in a message": (
        "def g(abc): pass\n@memoize\ndef f(x):\n    try: return g()\n    except TypeError as e: return str(e)\n",
        "abc",
        "abd",
        MISS,
    ),
    "name of the module": ("@memoize\ndef f(x): return __name__\n", "@memoize", "#\n@memoize", HIT),
    "version of the module": (
        "__version__ = '1'\n@memoize\ndef f(x): return __version__\n",
        "'1'",
        "'2'",
        MISS,
    ),
    "metadata that nobody reads": (
        "__version__ = '1'\n__author__ = 'a'\n@memoize\ndef f(x): return x\n",
        "'a'",
        "'b'",
        HIT,
    ),
    # --- more ---
    "result that is an instance": (
        "class A:\n    def __init__(self, k): self.k = k\n    def __repr__(self): return f'A{self.k}'\n@memoize\ndef f(x): return A(x + 1)\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "result that is a list of instances": (
        "class A:\n    def __init__(self, k): self.k = k\n    def __repr__(self): return f'A{self.k}'\n@memoize\ndef f(x): return [A(x + 1)]\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "copied instance": (
        "import copy\nclass A:\n    def __init__(self, k): self.k = k\nC = A(1)\n@memoize\ndef f(x): return copy.copy(C).k\n",
        "A(1)",
        "A(2)",
        MISS,
    ),
    "deep copied instance": (
        "import copy\nclass A:\n    def __init__(self, k): self.k = [k]\nC = A(1)\n@memoize\ndef f(x): return copy.deepcopy(C).k\n",
        "A(1)",
        "A(2)",
        MISS,
    ),
    "result that is an exception": (
        "class E(Exception): pass\n@memoize\ndef f(x): return E(x + 1)\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "result that is a subclass of dict": (
        "class D(dict): pass\n@memoize\ndef f(x): return D(a=x + 1)\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "result with slots": (
        "class A:\n    __slots__ = ('k',)\n    def __repr__(self): return f'A{self.k}'\n@memoize\ndef f(x):\n    a = A()\n    a.k = x + 1\n    return a\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "isinstance of an abstract class": (
        "import abc\nclass A(abc.ABC): pass\nclass B(A): pass\n@memoize\ndef f(x): return isinstance(B(), A)\n",
        "B(A)",
        "B",
        MISS,
    ),
    "isinstance of the library's abstract class": (
        "from collections.abc import Sized\nclass B:\n    def __len__(self): return 1\n@memoize\ndef f(x): return isinstance(B(), Sized)\n",
        "__len__",
        "__lenn__",
        MISS,
    ),
    "mapping of one's own": (
        "from collections.abc import Mapping\nclass M(Mapping):\n    def __getitem__(self, k): return 1\n    def __iter__(self): return iter('a')\n    def __len__(self): return 1\n@memoize\ndef f(x): return dict(M())\n",
        "return 1\n    def __iter__",
        "return 2\n    def __iter__",
        MISS,
    ),
    "annotations of a class, read in a class": (
        "class A:\n    a: int = 1\n@memoize\ndef f(x): return sorted(A.__annotations__)\n",
        "a: int",
        "b: int",
        MISS,
    ),
    "local class that is a data class": (
        "import dataclasses\n@memoize\ndef f(x):\n    @dataclasses.dataclass\n    class A:\n        a: int = 1\n    return A().a\n",
        "= 1",
        "= 2",
        MISS,
    ),
    "local named tuple": (
        "from typing import NamedTuple\n@memoize\ndef f(x):\n    class A(NamedTuple):\n        a: int = 1\n    return A().a\n",
        "= 1",
        "= 2",
        MISS,
    ),
    "local enumeration": (
        "import enum\n@memoize\ndef f(x):\n    class A(enum.Enum):\n        a = 1\n    return A.a.value\n",
        "= 1",
        "= 2",
        MISS,
    ),
    "slots of a data class": (
        "import dataclasses\n@dataclasses.dataclass(slots=True)\nclass A:\n    a: int = 1\n    b: int = 2\nC = A(5)\n@memoize\ndef f(x): return C.a\n",
        "A(5)",
        "A(6)",
        MISS,
    ),
    "init only variable": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n    a: int = 1\n    s: dataclasses.InitVar[int] = 2\n    def __post_init__(self, s): self.a += s\n@memoize\ndef f(x): return A().a\n",
        "= 2",
        "= 3",
        MISS,
    ),
    "field of a base": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n    a: int = 1\n@dataclasses.dataclass\nclass B(A):\n    b: int = 2\n@memoize\ndef f(x): return B().a\n",
        "= 1",
        "= 3",
        MISS,
    ),
    "method by a mixin of an enumeration": (
        "import enum\nclass M:\n    def g(self): return 1\nclass E(M, enum.Enum):\n    A = 1\n@memoize\ndef f(x): return E.A.g()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "functions as members": (
        "import enum, functools\ndef g(): return 1\nclass E(enum.Enum):\n    A = enum.member(functools.partial(g))\n@memoize\ndef f(x): return E.A.value()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "deleted attribute": (
        "class A:\n    k = 1\nclass B(A):\n    k = 2\n#\n@memoize\ndef f(x): return B.k\n",
        "#",
        "del B.k",
        MISS,
    ),
    "global that contains itself": (
        "K = [1]\nK.append(K)\n@memoize\ndef f(x): return K[1][0]\n",
        "[1]\n",
        "[2]\n",
        MISS,
    ),
    "tree of instances": (
        "class N:\n    def __init__(self, v, *k):\n        self.v, self.k = v, k\n        for c in k: c.up = self\nT = N(1, N(2), N(3))\n@memoize\ndef f(x): return T.k[1].v\n",
        "N(3)",
        "N(4)",
        MISS,
    ),
    "function given a dictionary of its own": (
        "def g(): return g.cache['a']\ng.cache = {'a': 1}\n@memoize\ndef f(x): return g()\n",
        "1}",
        "2}",
        MISS,
    ),
    "global generator": (
        "def g():\n    yield 1\nG = g\n@memoize\ndef f(x): return next(G())\n",
        "yield 1",
        "yield 2",
        MISS,
    ),
    "type alias of a class": (
        "class A:\n    k = 1\nB = A\n@memoize\ndef f(x): return B.k\n",
        "k = 1",
        "k = 2",
        MISS,
    ),
    "class made by type": (
        "A = type('A', (), {'k': 1})\n@memoize\ndef f(x): return A.k\n",
        "1}",
        "2}",
        MISS,
    ),
    "class made by a function": (
        "def make(v):\n    class A:\n        k = v\n    return A\nA = make(1)\n@memoize\ndef f(x): return A.k\n",
        "make(1)",
        "make(2)",
        MISS,
    ),
    "two classes made by a function": (
        "def make(v):\n    class A:\n        k = v\n    return A\nA, B = make(1), make(2)\n@memoize\ndef f(x): return A.k - B.k\n",
        "make(1), make(2)",
        "make(2), make(1)",
        MISS,
    ),
    "module constant in the body of a class": (
        "import h\nclass A:\n    k = h.K\n@memoize\ndef f(x): return A.k\n# file h.py\nK = 1\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "module attribute stored": (
        "import h\n@memoize\ndef f(x):\n    h.L = x\n    return h.K\n# file h.py\nK = 1\nL = 1\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "raise from": (
        "@memoize\ndef f(x):\n    try:\n        try: raise KeyError(1)\n        except KeyError as e: raise ValueError(2) from e\n    except ValueError as e: return repr(e.__cause__)\n",
        "from e",
        "from None",
        MISS,
    ),
    "assertion": (
        "@memoize\ndef f(x):\n    try: assert x == 2\n    except AssertionError: return 0\n    return 1\n",
        "== 2",
        "== 1",
        MISS,
    ),
    "star in an index": (
        "@memoize\ndef f(x): return {(1, 2): 3}.get((*[1, 2],), x)\n",
        "[1, 2]",
        "[2, 1]",
        MISS,
    ),
    "chained comparison": ("@memoize\ndef f(x): return 0 < x < 5\n", "< 5", "< 1", MISS),
    "conditional expression nested": (
        "@memoize\ndef f(x): return 1 if x > 5 else 2 if x > 0 else 3\n",
        "x > 0",
        "x > 3",
        MISS,
    ),
    "global in an f-string": ("K = 1\n@memoize\ndef f(x): return f'{K}'\n", "K = 1", "K = 2", MISS),
    "matrix multiplication": (
        "class A:\n    def __matmul__(self, o): return 1\n    def __mul__(self, o): return 2\n@memoize\ndef f(x): return A() @ A()\n",
        "A() @ A()",
        "A() * A()",
        MISS,
    ),
    "async comprehension": (
        "import asyncio\nasync def g(i): return i * 2\n@memoize\ndef f(x):\n    async def r(): return [await g(i) for i in range(3)]\n    return asyncio.run(r())\n",
        "* 2",
        "* 3",
        MISS,
    ),
    "property by call": (
        "class A:\n    def _g(self): return 1\n    def _h(self): return 2\n    g = property(_g)\n@memoize\ndef f(x): return A().g\n",
        "property(_g)",
        "property(_h)",
        MISS,
    ),
    "class getitem": (
        "class A:\n    def __class_getitem__(cls, k): return 1\n@memoize\ndef f(x): return A[0]\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "format method": (
        "class A:\n    def __format__(self, s): return s + 'a'\n@memoize\ndef f(x): return f'{A():b}'\n",
        "'a'",
        "'c'",
        MISS,
    ),
    "hash and equality": (
        "class A:\n    def __hash__(self): return 1\n    def __eq__(self, o): return True\n@memoize\ndef f(x): return len({A(), A()})\n",
        "True",
        "False",
        MISS,
    ),
    "subclass of a named tuple": (
        "from collections import namedtuple\nclass N(namedtuple('N', 'a')):\n    def g(self): return self.a + 1\n@memoize\ndef f(x): return N(1).g()\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "user dict": (
        "from collections import UserDict\nclass D(UserDict):\n    def __getitem__(self, k): return 1\n@memoize\ndef f(x): return D()['a']\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "thread in the body": (
        "import threading\ndef g(r): r.append(1)\n@memoize\ndef f(x):\n    r = []\n    t = threading.Thread(target=g, args=(r,))\n    t.start()\n    t.join()\n    return r\n",
        "append(1)",
        "append(2)",
        MISS,
    ),
    "exit stack": (
        "import contextlib\n@memoize\ndef f(x):\n    r = []\n    with contextlib.ExitStack() as s: s.callback(r.append, 1)\n    return r\n",
        "append, 1",
        "append, 2",
        MISS,
    ),
    "suppressed": (
        "import contextlib\n@memoize\ndef f(x):\n    with contextlib.suppress(KeyError): return {}[1]\n    return 5\n",
        "return 5",
        "return 6",
        MISS,
    ),
    "closing order": (
        "import contextlib\nr = []\nclass C:\n    def __init__(self, k): self.k = k\n    def __enter__(self): return self.k\n    def __exit__(self, *a): pass\n@memoize\ndef f(x):\n    with C(1) as a, C(2) as b: return a - b\n",
        "C(1) as a, C(2) as b",
        "C(2) as a, C(1) as b",
        MISS,
    ),
    "parameter specification": (
        "from typing import Callable, ParamSpec, TypeVar\nP = ParamSpec('P')\nR = TypeVar('R')\ndef d(g: Callable[P, R]) -> Callable[P, R]: return g\n@d\ndef h(x): return 1\n@memoize\ndef f(x): return h(x)\n",
        "return 1\n",
        "return 2\n",
        MISS,
    ),
    "overloads": (
        "from typing import overload\n@overload\ndef g(x: int) -> int: ...\n@overload\ndef g(x: str) -> str: ...\ndef g(x): return 1\n@memoize\ndef f(x): return g(x)\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "cast": (
        "from typing import cast\n@memoize\ndef f(x): return cast('int', x) + 1\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "global class instance's method": (
        "class S:\n    def __init__(self): self.n = {}\n    def get(self, k): return self.n.get(k, 1)\nS = S()\n@memoize\ndef f(x): return S.get(x)\n",
        "k, 1",
        "k, 2",
        MISS,
    ),
    "singleton": (
        "class S:\n    one = None\n    def __new__(cls):\n        if cls.one is None: cls.one = super().__new__(cls)\n        return cls.one\n    k = 1\nS()\n@memoize\ndef f(x): return S().k\n",
        "k = 1",
        "k = 2",
        MISS,
    ),
    "cmp_to_key": (
        "import functools\ndef c(a, b): return a - b\n@memoize\ndef f(x): return sorted([2, 1, 3], key=functools.cmp_to_key(c))\n",
        "a - b",
        "b - a",
        MISS,
    ),
    "thread pool": (
        "from concurrent.futures import ThreadPoolExecutor\ndef g(x): return x + 1\n@memoize\ndef f(x):\n    with ThreadPoolExecutor(1) as p: return list(p.map(g, [x]))\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "type of an annotation that dispatches": (
        "import functools\n@functools.singledispatch\ndef g(x): return 0\n@g.register\ndef _(x: int): return 1\n@memoize\ndef f(x): return g(x)\n",
        "x: int",
        "x: str",
        MISS,
    ),
    "recursion in a class": (
        "class A:\n    def g(self, n): return self.g(n - 1) + 1 if n else 0\n@memoize\ndef f(x): return A().g(3)\n",
        ") + 1",
        ") + 2",
        MISS,
    ),
    "warning category": (
        "import warnings\nclass W(UserWarning): pass\n@memoize\ndef f(x):\n    with warnings.catch_warnings(record=True) as c:\n        warnings.simplefilter('always')\n        warnings.warn('a', W)\n    return [str(w.message) for w in c]\n",
        "'a'",
        "'b'",
        MISS,
    ),
    "seed of a generator": (
        "import random\n@memoize\ndef f(x):\n    r = random.Random(1)\n    return r.random()\n",
        "Random(1)",
        "Random(2)",
        MISS,
    ),
    "global from the environment": (
        "import os\nos.environ['A'] = '1'\nA = os.environ['A']\n@memoize\ndef f(x): return A\n",
        "'1'",
        "'2'",
        MISS,
    ),
    "file read by the module": (
        "import pathlib\nT = pathlib.Path(__file__).with_name('d.txt').read_text()\n@memoize\ndef f(x): return T\n# file d.txt\none\n",
        "one",
        "two",
        MISS,
    ),
    # --- what users say, which no other cache can be asked ---
    "ignored argument": (
        "from rememo import Ignore\nfrom rememo import memoize\nL = 2\n@memoize\ndef f(x, y): return x\n",
        "L = 2",
        "L = 3",
        HIT,
        "m.f(1, m.Ignore(m.L))",
    ),
    "code beside an ignored argument": (
        "from rememo import Ignore\nfrom rememo import memoize\n@memoize\ndef f(x, y): return x + 1\n",
        "+ 1",
        "+ 2",
        MISS,
        "m.f(1, m.Ignore(2))",
    ),
    "code that a version stands for": (
        "from rememo import code_version\nfrom rememo import memoize\n@code_version('1')\ndef g(x): return x + 0\n@memoize\ndef f(x): return g(x)\n",
        "x + 0",
        "x",
        HIT,
    ),
    "new version of code": (
        "from rememo import code_version\nfrom rememo import memoize\n@code_version('1')\ndef g(x): return x + 1\n@memoize\ndef f(x): return g(x)\n",
        "'1')\ndef g(x): return x + 1",
        "'2')\ndef g(x): return x + 2",
        MISS,
    ),
    "ignored parameter": (
        "L = 1\n@memoize(ignore=['y'])\ndef f(x, y): return x\n",
        "L = 1",
        "L = 2",
        HIT,
        "m.f(1, m.L)",
    ),
    "attribute that is ignored": (
        "from rememo import FreezeConfig\nfrom rememo import memoize\nclass A:\n    k = 1\na = A()\na.seen = 1\n@memoize(freeze=FreezeConfig(ignore_attributes=['m.A.seen']))\ndef f(a): return a.k\n",
        "seen = 1",
        "seen = 2",
        HIT,
        "m.f(m.a)",
    ),
    # --- what is hidden, or says it is something else ---
    "slot hidden by a property": (
        "class B:\n    __slots__ = ('a',)\nslot = B.a\nclass A(B):\n    @property\n    def a(self): return 0\no = A()\nslot.__set__(o, 1)\n@memoize\ndef f(x): return slot.__get__(o)\n",
        "o, 1",
        "o, 2",
        MISS,
    ),
    "slot by another name": (
        "class A:\n    __slots__ = ('x', 'y')\n    def __init__(self): self.x, self.y = 1, 2\nA.z = A.x\n@memoize\ndef f(n): return A().z\n",
        "A.z = A.x",
        "A.z = A.y",
        MISS,
    ),
    "dictionary hidden by a property": (
        "class A:\n    def __init__(self, v): object.__setattr__(self, 'v', v)\n    @property\n    def __dict__(self): return {}\no = A(1)\n@memoize\ndef f(x): return o.v\n",
        "A(1)",
        "A(2)",
        MISS,
    ),
    "dictionary hidden by a method": (
        "class A:\n    def __init__(self, v): self.v = v\n    def __getattribute__(self, n):\n        return {} if n == '__dict__' else object.__getattribute__(self, n)\no = A(1)\n@memoize\ndef f(x): return o.v\n",
        "A(1)",
        "A(2)",
        MISS,
    ),
    "namespace hidden by a metaclass": (
        "class M(type):\n    def __getattribute__(cls, n):\n        return {} if n == '__dict__' else super().__getattribute__(n)\nclass A(metaclass=M):\n    def g(self): return 1\n@memoize\ndef f(n): return A().g()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "instance that answers nothing": (
        "class A:\n    def __init__(self, v): object.__setattr__(self, 'v', v)\n    def __getattribute__(self, n): raise ValueError(n)\na = [A(1)]\n@memoize\ndef f(n): return object.__getattribute__(a[0], 'v')\n",
        "A(1)",
        "A(2)",
        MISS,
    ),
    "value of a cached property that is a function": (
        "import functools\nclass A:\n    @functools.cached_property\n    def g(self): return 1\na = A()\ndef make(): return lambda: 5\na.g = make()\n@memoize\ndef f(a): return a.g()\n",
        "5",
        "6",
        MISS,
        "m.f(m.a)",
    ),
    "cached property of the other argument": (
        "import functools\nclass A:\n    @functools.cached_property\n    def g(self): return 1\na, b = A(), A()\na.g = 7\n@memoize\ndef f(a, b): return a.g, b.g\n",
        "a.g = 7",
        "b.g = 7",
        MISS,
        "m.f(m.a, m.b)",
    ),
    "cached property of the other element": (
        "import functools\nclass A:\n    @functools.cached_property\n    def g(self): return 1\na, b = A(), A()\na.g = 7\n@memoize\ndef f(l): return [x.g for x in l]\n",
        "a.g = 7",
        "b.g = 7",
        MISS,
        "m.f([m.a, m.b])",
    ),
    "the other cached property": (
        "import functools\nclass A:\n    @functools.cached_property\n    def g(self): return 1\n    @functools.cached_property\n    def h(self): return 1\na = A()\na.g = 7\n@memoize\ndef f(a): return a.g, a.h\n",
        "a.g = 7",
        "a.h = 7",
        MISS,
        "m.f(m.a)",
    ),
    "cached property that leads back": (
        "import functools\nclass A:\n    k = 0\n    @functools.cached_property\n    def g(self):\n        b = A()\n        b.owner, b.k = self, 1\n        return b\na = A()\na.g\n@memoize\ndef f(a): return a.g.k\n",
        "b.k = self, 1",
        "b.k = self, 2",
        MISS,
        "m.f(m.a)",
    ),
    "own kind of cached property": (
        "import functools\nclass C(functools.cached_property):\n    def __get__(self, i, o=None): return super().__get__(i, o) + 1\nclass A:\n    @C\n    def g(self): return 1\n@memoize\ndef f(n): return A().g\n",
        "+ 1",
        "+ 2",
        MISS,
    ),
    "own kind of property, its docstring": (
        "class P(property): pass\nclass A:\n    @P\n    def g(self):\n        'one'\n        return 1\n@memoize\ndef f(n): return A().g\n",
        "one",
        "two",
        HIT,
    ),
    "own kind of property, its slot": (
        "class P(property):\n    __slots__ = ('k',)\n    def __get__(self, i, o=None): return self.k\nclass A:\n    g = P()\nA.__dict__['g'].k = 1\n@memoize\ndef f(n): return A().g\n",
        "= 1",
        "= 2",
        MISS,
    ),
    "own kind of weak reference": (
        "import weakref\nclass R(weakref.ref): pass\nclass A: pass\na = A()\na.x = 1\nr = R(a)\n@memoize\ndef f(n): return r().x\n",
        "x = 1",
        "x = 2",
        MISS,
    ),
    "docstring on a callable object": (
        "import functools\nclass D:\n    def __init__(self, g): self.g = functools.update_wrapper(self, g).__wrapped__\n    def __call__(self, x): return self.g(x)\n@D\ndef h(x: int):\n    'one'\n    return x\n@memoize\ndef f(n): return h(n)\n",
        "x: int):\n    'one'",
        "x: str):\n    'two'",
        HIT,
    ),
    "docstring read of a callable object": (
        "import functools\nclass D:\n    def __init__(self, g): functools.update_wrapper(self, g)\n@D\ndef h(x):\n    'one'\n    return x\n@memoize\ndef f(n): return h.__doc__\n",
        "one",
        "two",
        MISS,
    ),
    "init taken back from a base": (
        "class B:\n    y = 1\n    def __init__(self): self.y = 2\nclass A(B):\n    __init__ = object.__init__\n@memoize\ndef f(x): return A().y\n",
        "    __init__ = object.__init__\n",
        "    pass\n",
        MISS,
    ),
    "init beside a protocol": (
        "from typing import Protocol\nclass P(Protocol):\n    def g(self): ...\nclass B:\n    def __init__(self): self.a = 1\nclass A(P, B):\n    def g(self): return self.a\n@memoize\ndef f(x): return A().g()\n",
        "a = 1",
        "a = 2",
        MISS,
    ),
    "class registered with an abstract one of the library": (
        "import collections.abc\nclass C: pass\ncollections.abc.Sized.register(C)\n@memoize\ndef f(x): return isinstance(C(), collections.abc.Sized)\n",
        "collections.abc.Sized.register(C)\n",
        "",
        MISS,
    ),
    "class registered with one below": (
        "import collections.abc\nclass C: pass\ncollections.abc.MutableMapping.register(C)\n@memoize\ndef f(x): return isinstance(C(), collections.abc.Mapping)\n",
        "collections.abc.MutableMapping.register(C)\n",
        "",
        MISS,
    ),
    "cause of an exception": (
        "e = ValueError(1)\ne.__cause__ = KeyError(1)\n@memoize\ndef f(e): return repr(e.__cause__)\n",
        "KeyError(1)",
        "KeyError(2)",
        MISS,
        "m.f(m.e)",
    ),
    "cause that is not read": (
        "e = ValueError(1)\ne.__cause__ = KeyError(1)\n@memoize\ndef f(e): return repr(e)\n",
        "KeyError(1)",
        "KeyError(2)",
        HIT,
        "m.f(m.e)",
    ),
    "module named as if it were a library's": (
        "from pandas_mine import Index\ni = Index(1)\n@memoize\ndef f(x): return i.z\n# file pandas_mine.py\nclass Index:\n    name = array = 1\n    def __init__(self, z): self.z = z\n",
        "Index(1)",
        "Index(2)",
        MISS,
    ),
    "type of functions": (
        "import types\nT = types.FunctionType\ndef g(): return 1\n@memoize\ndef f(x): return isinstance(g, T)\n",
        "types.FunctionType",
        "types.MethodType",
        MISS,
    ),
    "struct": (
        "import struct\nS = struct.Struct('<I')\n@memoize\ndef f(x): return S.pack(x)\n",
        "<I",
        ">I",
        MISS,
    ),
    "structure of another language": (
        "import ctypes\nclass P(ctypes.Structure):\n    _fields_ = [('x', ctypes.c_int8)]\n@memoize\ndef f(n): return P(300).x\n",
        "c_int8",
        "c_int16",
        MISS,
    ),
    "keys as an argument": (
        "d = {1: 2}\n@memoize\ndef f(v): return list(v)\n",
        "1: 2",
        "3: 2",
        MISS,
        "m.f(m.d.keys())",
    ),
    "match as an argument": (
        "import re\nfound = re.match('a(.)', 'ab')\n@memoize\ndef f(v): return v.group(1)\n",
        "ab",
        "ac",
        MISS,
        "m.f(m.found)",
    ),
    "bound super": (
        "class B:\n    def g(self): return 1\nclass A(B):\n    def g(self): return 2\nclass C(A):\n    def g(self): return 3\nS = super(C, C())\n@memoize\ndef f(x): return S.g()\n",
        "super(C,",
        "super(A,",
        MISS,
    ),
    "import function with more arguments": (
        "@memoize\ndef f(x): return __import__('h', fromlist=('K',)).K\n# file h.py\nK = 1\n",
        "K = 1",
        "K = 2",
        MISS,
    ),
    "module taken whole that warns": (
        "import h\n@memoize\ndef f(x): return vars(h)['g']()\n# file h.py\nimport warnings\ndef g():\n    warnings.warn('old', stacklevel=1)\n    return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "module taken whole that holds a cache": (
        "import h\n@memoize\ndef f(x): return vars(h)['g']()\n# file h.py\nimport rememo\nC = rememo.Cache('.inner')\n@C.memoize\ndef g(): return 1\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "cache of a class of one's own": (
        "import rememo\nclass C(rememo.Cache):\n    def k(self): return 1\nc = C('.inner')\n@c.memoize\ndef g(): return 0\n@memoize\ndef f(x): return g() + c.k()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "classes derived from a metaclass": (
        "class M(type): pass\nclass N(M):\n    def k(): return 1\n@memoize\ndef f(x): return [c.k() for c in type.__subclasses__(M)]\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "time zone": (
        "import datetime, zoneinfo\nZ = zoneinfo.ZoneInfo('UTC')\ndef g(): return 1\n@memoize\ndef f(x): return datetime.datetime(2000, 1, g(), tzinfo=Z).isoformat()\n",
        "return 1",
        "return 2",
        MISS,
    ),
    "name of a module that is only begun": (
        "import importlib, sys\n@memoize\ndef f(x):\n    importlib.import_module('js' + 'o' * x + 'n')\n    return 'js' in sys.modules\n# file js.py\nK = 1\n",
        "K = 1",
        "K = 2",
        HIT,
    ),
    "validator of a model": (
        "import pydantic\nclass A(pydantic.BaseModel):\n    x: int = 1\n    @pydantic.field_validator('x')\n    @classmethod\n    def v(cls, x): return x + 1\n@memoize\ndef f(n): return A(x=5).x\n",
        "x + 1",
        "x + 2",
        MISS,
    ),
    "mode of a validator": (
        "import pydantic\nclass A(pydantic.BaseModel):\n    x: int = 1\n    @pydantic.field_validator('x', mode='before')\n    @classmethod\n    def v(cls, x): return 7 if isinstance(x, str) else 8\n@memoize\ndef f(n): return A(x='5').x\n",
        "before",
        "after",
        MISS,
    ),
    "computed field of a model": (
        "import pydantic\nclass A(pydantic.BaseModel):\n    x: int = 1\n    @pydantic.computed_field\n    @property\n    def y(self) -> int: return self.x + 1\n@memoize\ndef f(n): return A().model_dump()\n",
        "x + 1",
        "x + 2",
        MISS,
    ),
    "private attribute of a model": (
        "import pydantic\nclass A(pydantic.BaseModel):\n    _p: int = pydantic.PrivateAttr(3)\n@memoize\ndef f(n): return A()._p\n",
        "3",
        "4",
        MISS,
    ),
    "type of a model's field": (
        "import pydantic\nclass A(pydantic.BaseModel):\n    x: int = 1\n@memoize\ndef f(n): return A(x='3').x\n",
        "x: int",
        "x: str",
        MISS,
    ),
}

# name: (modules, as above; an expression that calls more than once; what each call must do)
SEQUENCES: dict[str, tuple[str, str, list[str]]] = {
    "global rebound": (
        "K = 1\n@memoize\ndef f(x): return K\ndef put(k):\n    global K\n    K = k\n",
        "[m.f(1), m.put(2), m.f(1), m.put(1), m.f(1)]",
        [MISS, MISS, HIT],
    ),
    "global changed at depth": (
        "K = {'a': [1]}\n@memoize\ndef f(x): return K['a'][-1]\n",
        "[m.f(1), m.K['a'].append(2), m.f(1), m.K['a'].pop(), m.f(1)]",
        [MISS, MISS, HIT],
    ),
    "argument changed": (
        "@memoize\ndef f(x): return sum(x)\na = [1]\n",
        "[m.f(m.a), m.a.append(2), m.f(m.a)]",
        [MISS, MISS],
    ),
    "instance changed": (
        "class A: pass\na = A()\na.k = 1\n@memoize\ndef f(x): return x.k\n",
        "[m.f(m.a), setattr(m.a, 'k', 2), m.f(m.a)]",
        [MISS, MISS],
    ),
    "class changed": (
        "class A: k = 1\n@memoize\ndef f(x): return A.k\n",
        "[m.f(1), setattr(m.A, 'k', 2), m.f(1)]",
        [MISS, MISS],
    ),
    "method added": (
        "class A: pass\n@memoize\ndef f(x): return hasattr(A, 'g')\n",
        "[m.f(1), setattr(m.A, 'g', len), m.f(1)]",
        [MISS, MISS],
    ),
    "function replaced": (
        "def g(): return 1\n@memoize\ndef f(x): return g()\n",
        "[m.f(1), setattr(m, 'g', lambda: 2), m.f(1)]",
        [MISS, MISS],
    ),
    "global deleted": (
        "len2 = len\ndef len(x): return 9\n@memoize\ndef f(x): return len([])\n",
        "[m.f(1), delattr(m, 'len'), m.f(1)]",
        [MISS, MISS],
    ),
    "closure rebound": (
        "def make():\n    k = 1\n    def put(v):\n        nonlocal k\n        k = v\n    @memoize\n    def f(x): return k\n    return put, f\nput, f = make()\n",
        "[m.f(1), m.put(2), m.f(1)]",
        [MISS, MISS],
    ),
    "defaults replaced": (
        "def g(k=1): return k\n@memoize\ndef f(x): return g()\n",
        "[m.f(1), setattr(m.g, '__defaults__', (2,)), m.f(1)]",
        [MISS, MISS],
    ),
    "own defaults replaced": (
        "@memoize\ndef f(x, k=1): return k\n",
        "[m.f(1), setattr(m.f.__wrapped__, '__defaults__', (2,)), m.f(1)]",
        [MISS, MISS],
    ),
    "code replaced": (
        "def g(): return 1\ndef h(): return 2\n@memoize\ndef f(x): return g()\n",
        "[m.f(1), setattr(m.g, '__code__', m.h.__code__), m.f(1)]",
        [MISS, MISS],
    ),
    "module reloaded": (
        "import h\n@memoize\ndef f(x): return h.g()\nimport importlib, pathlib\ndef again():\n    pathlib.Path('h.py').write_text('def g(): return 2\\n')\n    importlib.reload(h)\n# file h.py\ndef g(): return 1\n",
        "[m.f(1), m.again(), m.f(1)]",
        [MISS, MISS],
    ),
    "module reloaded unchanged": (
        "import h\n@memoize\ndef f(x): return h.g()\nimport importlib\n# file h.py\ndef g(): return 1\n",
        "[m.f(1), m.importlib.reload(m.h) and None, m.f(1)]",
        [MISS, HIT],
    ),
    "library patched": (
        "import math\n@memoize\ndef f(x): return math.sqrt(4)\n",
        "[m.f(1), setattr(m.math, 'sqrt', lambda x: 7), m.f(1)]",
        [MISS, MISS],
    ),
    "library patched by a mock": (
        "import math\nfrom unittest import mock\n@memoize\ndef f(x): return math.sqrt(4)\ndef g():\n    with mock.patch('math.sqrt', return_value=7): return f(1)\n",
        "[m.f(1), m.g(), m.f(1)]",
        [MISS, "not_stored", HIT],
    ),
    "base replaced": (
        "class O: pass\nclass A(O): k = 1\nclass B(O): k = 2\nclass C(A): pass\n@memoize\ndef f(x): return C.k\n",
        "[m.f(1), setattr(m.C, '__bases__', (m.B,)), m.f(1)]",
        [MISS, MISS],
    ),
    "class of an instance replaced": (
        "class A: k = 1\nclass B: k = 2\na = A()\n@memoize\ndef f(x): return x.k\n",
        "[m.f(m.a), setattr(m.a, '__class__', m.B), m.f(m.a)]",
        [MISS, MISS],
    ),
    "registered between": (
        "import functools\n@functools.singledispatch\ndef g(x): return 0\n@memoize\ndef f(x): return g(x)\n",
        "[m.f(1), m.g.register(int, lambda x: 1) and None, m.f(1)]",
        [MISS, MISS],
    ),
    "virtual subclass registered between": (
        "import abc\nclass A(abc.ABC): pass\nclass B: pass\n@memoize\ndef f(x): return isinstance(x, A)\n",
        "[m.f(m.B()), m.A.register(m.B) and None, m.f(m.B())]",
        [MISS, MISS],
    ),
    "result changed by the caller": (
        "@memoize\ndef f(x): return [x]\n",
        "[m.f(1).append(2), m.f(1), m.f(1)]",
        [MISS, HIT, HIT],
    ),
    "one as another type": (
        "@memoize\ndef f(x): return type(x).__name__\n",
        "[m.f(1), m.f(1.0), m.f(True), m.f(1)]",
        [MISS, MISS, MISS, HIT],
    ),
    "every spelling": (
        "@memoize\ndef f(a, /, b, *, c=3): return a, b, c\n",
        "[m.f(1, 2), m.f(1, b=2), m.f(1, c=3, b=2)]",
        [MISS, HIT, HIT],
    ),
    "closures of one code": (
        "def make(k):\n    @memoize\n    def f(x): return x + k\n    return f\n",
        "[m.make(1)(1), m.make(2)(1), m.make(1)(1)]",
        [MISS, MISS, HIT],
    ),
    "keyword named like a positional one": (
        "@memoize\ndef f(a, /, **k): return a, k\n",
        "[m.f(1, a=2), m.f(1, a=3), m.f(1, a=2)]",
        [MISS, MISS, HIT],
    ),
    "star and plain": (
        "@memoize\ndef f(*a, **k): return a, k\n",
        "[m.f(1, 2), m.f((1, 2)), m.f(a=1), m.f(1, 2)]",
        [MISS, MISS, MISS, HIT],
    ),
    "exceptions are not kept": (
        "N = []\n@memoize\ndef f(x): raise ValueError(x)\ndef g():\n    try: f(1)\n    except ValueError as e: return str(e)\n",
        "[m.g(), m.g()]",
        [],
    ),
    "mutual recursion from both sides": (
        "@memoize\ndef f(n): return g(n - 1) if n else 0\n@memoize\ndef g(n): return f(n - 1) if n else 1\n",
        "[m.f(2), m.g(2), m.f(2), m.g(2)]",
        [MISS, MISS, MISS, MISS, MISS, MISS, HIT, HIT],
    ),
    "default changed in place": (
        "def g(x, acc=[1]): return list(acc)\n@memoize\ndef f(x): return g(x)\n",
        "[m.f(1), m.g.__defaults__[0].append(2), m.f(1)]",
        [MISS, MISS],
    ),
    "keyword default changed in place": (
        "def g(*, k=1): return k\n@memoize\ndef f(x): return g()\n",
        "[m.f(1), m.g.__kwdefaults__.update(k=2), m.f(1)]",
        [MISS, MISS],
    ),
    "closure changed in place": (
        "def make():\n    k = [1]\n    @memoize\n    def f(x): return list(k)\n    return k, f\nk, f = make()\n",
        "[m.f(1), m.k.append(2), m.f(1)]",
        [MISS, MISS],
    ),
    "module attribute rebound": (
        "import h\n@memoize\ndef f(x): return h.K\n# file h.py\nK = 1\n",
        "[m.f(1), setattr(m.h, 'K', 2), m.f(1), setattr(m.h, 'K', 1), m.f(1)]",
        [MISS, MISS, HIT],
    ),
    "module attribute deleted": (
        "import h\n@memoize\ndef f(x): return getattr(h, 'K', 0)\n# file h.py\nK = 1\n",
        "[m.f(1), delattr(m.h, 'K'), m.f(1)]",
        [MISS, MISS],
    ),
    "built-in shadowed between": (
        "@memoize\ndef f(x): return len([1])\n",
        "[m.f(1), setattr(m, 'len', lambda x: 7), m.f(1), delattr(m, 'len'), m.f(1)]",
        [MISS, MISS, HIT],
    ),
    "built-in replaced between": (
        "import builtins\n@memoize\ndef f(x): return oct(8)\n",
        "[m.f(1), setattr(m.builtins, 'oct', lambda x: 7), m.f(1)]",
        [MISS, MISS],
    ),
    "attribute of a function changed": (
        "def g(): return g.k\ng.k = 1\n@memoize\ndef f(x): return g()\n",
        "[m.f(1), setattr(m.g, 'k', 2), m.f(1)]",
        [MISS, MISS],
    ),
    "context variable set": (
        "import contextvars\nC = contextvars.ContextVar('C', default=1)\n@memoize\ndef f(x): return C.get()\n",
        "[m.f(1), m.C.set(2) and None, m.f(1), m.C.set(1) and None, m.f(1)]",
        [MISS, MISS, HIT],
    ),
    "metaclass changed": (
        "class M(type): k = 1\nclass A(metaclass=M): pass\n@memoize\ndef f(x): return A.k\n",
        "[m.f(1), setattr(m.M, 'k', 2), m.f(1)]",
        [MISS, MISS],
    ),
    "class attribute deleted": (
        "class A: k = 1\nclass B(A): k = 2\n@memoize\ndef f(x): return B.k\n",
        "[m.f(1), delattr(m.B, 'k'), m.f(1)]",
        [MISS, MISS],
    ),
    "property replaced": (
        "class A:\n    @property\n    def g(self): return 1\n@memoize\ndef f(x): return A().g\n",
        "[m.f(1), setattr(m.A, 'g', property(lambda s: 2)), m.f(1)]",
        [MISS, MISS],
    ),
    "slot changed": (
        "class A: __slots__ = ('k',)\na = A()\na.k = 1\n@memoize\ndef f(x): return a.k\n",
        "[m.f(1), setattr(m.a, 'k', 2), m.f(1)]",
        [MISS, MISS],
    ),
    "set changed": (
        "K = {1}\n@memoize\ndef f(x): return sorted(K)\n",
        "[m.f(1), m.K.add(2), m.f(1), m.K.discard(2), m.f(1)]",
        [MISS, MISS, HIT],
    ),
    "bytes changed": (
        "K = bytearray(b'a')\n@memoize\ndef f(x): return bytes(K)\n",
        "[m.f(1), m.K.append(98), m.f(1)]",
        [MISS, MISS],
    ),
    "queue changed": (
        "import collections\nK = collections.deque([1])\n@memoize\ndef f(x): return list(K)\n",
        "[m.f(1), m.K.append(2), m.f(1)]",
        [MISS, MISS],
    ),
    "array changed": (
        "import numpy as np\nK = np.zeros(3)\n@memoize\ndef f(x): return float(K.sum())\n",
        "[m.f(1), m.K.__setitem__(0, 1), m.f(1), m.K.__setitem__(0, 0), m.f(1)]",
        [MISS, MISS, HIT],
    ),
    "array changed through a view": (
        "import numpy as np\nK = np.zeros(3)\nV = K[1:]\n@memoize\ndef f(x): return float(K.sum())\n",
        "[m.f(1), m.V.__setitem__(0, 1), m.f(1)]",
        [MISS, MISS],
    ),
    "read-only array changed through its base": (
        "import numpy as np\nB = np.zeros(3)\nK = B[:]\nK.flags.writeable = False\n@memoize\ndef f(x): return float(K.sum())\n",
        "[m.f(1), m.B.__setitem__(0, 1), m.f(1)]",
        [MISS, MISS],
    ),
    "global counted up": (
        "N = 0\n@memoize\ndef f(x):\n    global N\n    N += 1\n    return N\n",
        "[m.f(1), m.f(1)]",
        ["not_stored", "not_stored"],
    ),
    "global list grown": (
        "L = []\n@memoize\ndef f(x):\n    L.append(x)\n    return len(L)\n",
        "[m.f(1), m.f(1)]",
        ["not_stored", "not_stored"],
    ),
    "memo of one's own": (
        "M = {}\n@memoize\ndef f(x):\n    if x not in M: M[x] = x + 1\n    return M[x]\n",
        "[m.f(1), m.f(1), m.f(1)]",
        ["not_stored", MISS, HIT],
    ),
    "attribute of self set": (
        "class A:\n    n = 0\n    @memoize\n    def g(self):\n        self.n += 1\n        return self.n\na = A()\n",
        "[m.a.g(), m.a.g()]",
        ["not_stored", "not_stored"],
    ),
    "closure counted up": (
        "def make():\n    n = 0\n    @memoize\n    def f(x):\n        nonlocal n\n        n += 1\n        return n\n    return f\nf = make()\n",
        "[m.f(1), m.f(1)]",
        ["not_stored", "not_stored"],
    ),
    "class attribute counted up": (
        "class A: n = 0\n@memoize\ndef f(x):\n    A.n += 1\n    return A.n\n",
        "[m.f(1), m.f(1)]",
        ["not_stored", "not_stored"],
    ),
    "dispatch table changed": (
        "T = {'g': lambda: 1}\n@memoize\ndef f(x): return T['g']()\n",
        "[m.f(1), m.T.update(g=lambda: 2), m.f(1)]",
        [MISS, MISS],
    ),
    "module replaced": (
        "import sys, types\n@memoize\ndef f(x):\n    import h\n    return h.K\n# file h.py\nK = 1\n",
        "[m.f(1), m.sys.modules.update(h=m.types.SimpleNamespace(K=2)), m.f(1)]",
        [MISS, MISS],
    ),
    "method patched by a mock": (
        "from unittest import mock\nclass A:\n    def g(self): return 1\n@memoize\ndef f(x): return A().g()\ndef p():\n    with mock.patch.object(A, 'g', lambda self: 2): return f(1)\n",
        "[m.f(1), m.p(), m.f(1)]",
        [MISS, MISS, HIT],
    ),
    "dictionary patched by a mock": (
        "from unittest import mock\nK = {'a': 1}\n@memoize\ndef f(x): return K['a']\ndef p():\n    with mock.patch.dict(K, a=2): return f(1)\n",
        "[m.f(1), m.p(), m.f(1)]",
        [MISS, MISS, HIT],
    ),
    "random state as an argument": (
        "import random\nR = random.Random(1)\n@memoize\ndef f(r): return r.getstate()[2]\n",
        "[m.f(m.R), m.R.gauss(0, 1) and None, m.f(m.R)]",
        [MISS, MISS],
    ),
    "random numbers drawn from an argument": (
        "import random\nR = random.Random(1)\n@memoize\ndef f(r): return r.random()\n",
        "[m.f(m.R), m.f(m.R)]",
        ["not_stored", "not_stored"],
    ),
    "order of keywords": (
        "@memoize\ndef f(**k): return list(k)\n",
        "[m.f(a=1, b=2), m.f(b=2, a=1), m.f(a=1, b=2)]",
        [MISS, MISS, HIT],
    ),
    "numpy scalar or number": (
        "import numpy as np\n@memoize\ndef f(x): return type(x).__name__\n",
        "[m.f(1.0), m.f(m.np.float64(1)), m.f(m.np.float32(1))]",
        [MISS, MISS, MISS],
    ),
    "cells of one code": (
        "def make(k):\n    def g(): return k\n    return g\n@memoize\ndef f(h): return h()\n",
        "[m.f(m.make(1)), m.f(m.make(2)), m.f(m.make(1))]",
        [MISS, MISS, HIT],
    ),
}


def files(text: str) -> dict[str, str]:
    """Parts the text of a program into files."""
    parts = re.split(r"^# file (\S+)\n", "# file m.py\n" + text, flags=re.MULTILINE)[1:]
    return {
        name: (
            "from rememo import memoize\n" + body
            if "@memoize" in body and "import memoize" not in body
            else body
        )
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }


def write(directory: Path, text: str) -> None:
    """Writes the files of a program."""
    for name, body in files(text).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)


def run(jobs: list[tuple[Path, str]], seed: int, **environment: str) -> list[Any]:
    """Runs programs, each in a process of its own."""
    environment = {"PYTHONHASHSEED": str(seed), **environment}
    kept = {name: value for name, value in os.environ.items() if name != "REMEMO_DIR"}
    done = subprocess.run(
        [sys.executable, "-B", "-c", RUNNER],
        input=json.dumps([(str(directory), call) for directory, call in jobs]),
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Runs every program before its edit, again, after it, and after it without a cache."""
    root = tmp_path_factory.mktemp("programs")
    jobs = []
    for number, row in enumerate(PROGRAMS.values()):
        directory = root / f"p{number}"
        directory.mkdir()
        (directory / "pyproject.toml").write_text("")
        write(directory, row[0])
        jobs.append((directory, row[4] if len(row) > 4 else "m.f(1)"))
    first, again = run(jobs, 1), run(jobs, 2)
    for (directory, _), row in zip(jobs, PROGRAMS.values(), strict=True):
        assert row[1] in row[0], f"nothing to replace: {row[1]!r}"
        write(directory, row[0].replace(row[1], row[2]))
    after, plain = run(jobs, 3), run(jobs, 4, REMEMO_DISABLE="1")
    return dict(zip(PROGRAMS, zip(first, again, after, plain, strict=True), strict=True))


@pytest.fixture(scope="module")
def sequences(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Runs every sequence of calls, with and without a cache."""
    root = tmp_path_factory.mktemp("sequences")
    jobs = []
    for number, (text, call, _) in enumerate(SEQUENCES.values()):
        directory = root / f"p{number}"
        directory.mkdir()
        (directory / "pyproject.toml").write_text("")
        write(directory, text)
        jobs.append((directory, call))
    cached = run(jobs, 1)
    for (directory, _), (text, _, _) in zip(jobs, SEQUENCES.values(), strict=True):
        write(directory, text)
    plain = run(jobs, 2, REMEMO_DISABLE="1")
    return dict(zip(SEQUENCES, zip(cached, plain, strict=True), strict=True))


@pytest.mark.soundness
@pytest.mark.parametrize("name", PROGRAMS)
def test_an_edited_program_runs_again_just_when_it_must(
    reports: dict[str, list[Any]], name: str
) -> None:
    """The result after the edit is a plain run's; before it, a new process hits."""
    (first, _, stored, why), (again, _, events, why_again), (after, _, now, why_now), plain = (
        reports[name]
    )
    assert plain[:3] == [plain[0], None, []], plain[1]
    assert stored[-1:] == [MISS], why
    assert (again, events[-1:]) == (first, [HIT]), why_again
    assert after == plain[0]
    assert now[-1:] == [PROGRAMS[name][3]], why_now
    if PROGRAMS[name][3] == MISS:
        assert first != plain[0], "the edit does not show"


@pytest.mark.soundness
@pytest.mark.parametrize("name", SEQUENCES)
def test_a_change_between_two_calls_is_seen(sequences: dict[str, list[Any]], name: str) -> None:
    """Every result of one process is that of a plain run."""
    cached, plain = sequences[name]
    assert plain[1:3] == [None, []]
    assert cached[0] == plain[0]
    assert [event for event in cached[2] if event != "miss"] == SEQUENCES[name][2], cached[3]
