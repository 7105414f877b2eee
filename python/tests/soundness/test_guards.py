"""Changes within one process: a hit from memory returns what running would return now.

Every program here is called until its result comes from memory, so that its guards are known to be
in use; then something changes.
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rememo import Cache

pytestmark = pytest.mark.soundness

Events = list[dict[str, Any]]

# name: (text of module `m`, statements that change something, the call where it is not `m.f(1)`)
PROGRAMS: dict[str, tuple[str, str] | tuple[str, str, str]] = {
    # --- names and documentation ---
    "name of a function": (
        "def g(): pass\n@memoize\ndef f(x): return g.__name__\n",
        "m.g.__name__ = 'other'",
    ),
    "name of a class": (
        "class A: pass\n@memoize\ndef f(x): return A.__name__\n",
        "m.A.__name__ = 'other'",
    ),
    "qualified name of a class": (
        "class A: pass\n@memoize\ndef f(x): return A.__qualname__\n",
        "m.A.__qualname__ = 'other'",
    ),
    "documentation of a property": (
        "class A:\n    p = property(len, doc='one')\n@memoize\ndef f(x): return A.p.__doc__\n",
        "m.A.p.__doc__ = 'other'",
    ),
    "documentation of a module": (
        "@memoize\ndef f(x): return globals()['__doc__']\n",
        "m.__doc__ = 'other'",
    ),
    "annotation of a function": (
        "def g(a: int): pass\n@memoize\ndef f(x): return str(g.__annotations__)\n",
        "m.g.__annotations__['a'] = str",
    ),
    "annotations of a function": (
        "def g(a: int): pass\n@memoize\ndef f(x): return str(g.__annotations__)\n",
        "m.g.__annotations__ = {'a': str}",
    ),
    "what makes the annotations of a function": (
        "def g(a: int): pass\n@memoize\ndef f(x): return str(g.__annotations__)\n",
        (
            "if hasattr(m.g, '__annotate__'): m.g.__annotate__ = lambda _: {'a': str}\n"
            "else: m.g.__annotations__ = {'a': str}"
        ),
    ),
    "annotation of a class": (
        "class A:\n    a: int\n@memoize\ndef f(x): return str(A.__annotations__)\n",
        "m.A.__annotations__['a'] = str",
    ),
    "annotations of a class": (
        "class A:\n    a: int\n@memoize\ndef f(x): return str(A.__annotations__)\n",
        "m.A.__annotations__ = {'a': str}",
    ),
    # --- what names lead to ---
    "global rebound": ("G = 1\n@memoize\ndef f(x): return x + G\n", "m.G = 2"),
    "global deleted": (
        "G = 1\n@memoize\ndef f(x):\n    try: return G\n    except NameError: return 'gone'\n",
        "del m.G",
    ),
    "global appears": (
        "@memoize\ndef f(x):\n    try: return G\n    except NameError: return 'none'\n",
        "m.G = 2",
    ),
    "builtin shadowed": ("@memoize\ndef f(x): return max(x, 3)\n", "m.max = min"),
    "builtin shadowed, then not": (
        "max = min\n@memoize\ndef f(x): return max(x, 3)\n",
        "del m.max",
    ),
    "builtin replaced": (
        "@memoize\ndef f(x): return len([x])\n",
        "import builtins\nkeep = builtins.len\nbuiltins.len = lambda x: 99\nundo.append(lambda: setattr(builtins, 'len', keep))",
    ),
    "global of another module": (
        "import other\n@memoize\ndef f(x): return x + other.G\n",
        "other.G = 20",
    ),
    "global of a helper's module": (
        "from other import g\n@memoize\ndef f(x): return g(x)\n",
        "other.G = 20",
    ),
    "helper rebound": (
        "def g(x): return x\n@memoize\ndef f(x): return g(x)\n",
        "m.g = lambda x: -x",
    ),
    "library function replaced": (
        "import math\n@memoize\ndef f(x): return math.sqrt(x)\n",
        "import math\nkeep = math.sqrt\nmath.sqrt = lambda x: 99\nundo.append(lambda: setattr(math, 'sqrt', keep))",
    ),
    "library constant replaced": (
        "import math\n@memoize\ndef f(x): return math.pi\n",
        "import math\nkeep = math.pi\nmath.pi = 3\nundo.append(lambda: setattr(math, 'pi', keep))",
    ),
    "module replaced": (
        "import other\n@memoize\ndef f(x): return other.g(x)\n",
        "m.other = types.SimpleNamespace(g=lambda x: -x)",
    ),
    "import in the body": (
        "@memoize\ndef f(x):\n    from other import g\n    return g(x)\n",
        "other.g = lambda x: -x",
    ),
    "imported module replaced": (
        "@memoize\ndef f(x):\n    import other\n    return other.G\n",
        "new = types.ModuleType('other')\nnew.G = 7\nsys.modules['other'] = new",
    ),
    "import begins to work": (
        "@memoize\ndef f(x):\n    try: import absent\n    except ImportError: return 'none'\n    return absent.G\n",
        "new = types.ModuleType('absent')\nnew.G = 7\nsys.modules['absent'] = new\nundo.append(lambda: sys.modules.pop('absent'))",
    ),
    "whole module by name": (
        "import other\n@memoize\ndef f(x): return getattr(other, 'G')\n",
        "other.G = 20",
    ),
    "whole module, new name": (
        "import other\n@memoize\ndef f(x): return sorted(n for n in vars(other) if n.isupper())\n",
        "other.H = 20",
    ),
    "globals()": ("G = 1\n@memoize\ndef f(x): return globals()['G']\n", "m.G = 2"),
    # --- functions ---
    "code swapped": (
        "def g(x): return x\n@memoize\ndef f(x): return g(x)\n",
        "m.g.__code__ = (lambda x: x * 10).__code__",
    ),
    "own code swapped": (
        "@memoize\ndef f(x): return x\n",
        "m.f.__wrapped__.__code__ = (lambda x: x * 10).__code__",
    ),
    "own code swapped, other parameters": (
        "@memoize\ndef f(x, y=1): return x, y\n",
        "m.f.__wrapped__.__code__ = (lambda y, x=5: (x, y, 0)).__code__",
    ),
    "default replaced": (
        "def g(x, y=1): return x + y\n@memoize\ndef f(x): return g(x)\n",
        "m.g.__defaults__ = (5,)",
    ),
    "own default replaced": (
        "@memoize\ndef f(x, y=1): return x + y\n",
        "m.f.__wrapped__.__defaults__ = (5,)",
    ),
    "keyword default replaced": (
        "def g(x, *, y=1): return x + y\n@memoize\ndef f(x): return g(x)\n",
        "m.g.__kwdefaults__ = {'y': 5}",
    ),
    "keyword default changed in place": (
        "def g(x, *, y=1): return x + y\n@memoize\ndef f(x): return g(x)\n",
        "m.g.__kwdefaults__['y'] = 5",
    ),
    "own keyword default changed in place": (
        "@memoize\ndef f(x, *, y=1): return x + y\n",
        "m.f.__wrapped__.__kwdefaults__['y'] = 5",
    ),
    "mutable default changed": (
        "def g(x, y=[1]): return x + y[0]\n@memoize\ndef f(x): return g(x)\n",
        "m.g.__defaults__[0][0] = 5",
    ),
    "attribute of a function": (
        "def g(x): return g.scale * x\ng.scale = 1\n@memoize\ndef f(x): return g(x)\n",
        "m.g.scale = 5",
    ),
    "first attribute of a function": (
        "def g(x): return getattr(g, 'scale', 1) * x\n@memoize\ndef f(x): return g(x)\n",
        "m.g.scale = 5",
    ),
    "closure cell": (
        "def make():\n    n = 1\n    def g(x): return x + n\n    def put(v):\n        nonlocal n\n        n = v\n    return g, put\ng, put = make()\n@memoize\ndef f(x): return g(x)\n",
        "m.put(5)",
    ),
    "own closure cell": (
        "def make():\n    n = 1\n    @memoize\n    def f(x): return x + n\n    def put(v):\n        nonlocal n\n        n = v\n    return f, put\nf, put = make()\n",
        "m.put(5)",
    ),
    "closure cell emptied": (
        "def make():\n    n = 1\n    def g(x):\n        try: return x + n\n        except NameError: return 'empty'\n    def drop():\n        nonlocal n\n        del n\n    return g, drop\ng, drop = make()\n@memoize\ndef f(x): return g(x)\n",
        "m.drop()",
    ),
    "list in a closure": (
        "def make():\n    n = [1]\n    return (lambda x: x + n[0]), n\ng, n = make()\n@memoize\ndef f(x): return g(x)\n",
        "m.n[0] = 5",
    ),
    "inside of a decorator": (
        "import functools\nS = 1\ndef deco(g):\n    @functools.wraps(g)\n    def w(x): return g(x) * S\n    return w\n@deco\ndef g(x): return x\n@memoize\ndef f(x): return g(x)\n",
        "m.S = 5",
    ),
    "partial's function": (
        "import functools\ndef g(a, x): return a + x\nh = functools.partial(g, 1)\n@memoize\ndef f(x): return h(x)\n",
        "m.g.__code__ = (lambda a, x: a * x * 10).__code__",
    ),
    "partial's keywords": (
        "import functools\ndef g(x, a): return a + x\nh = functools.partial(g, a=1)\n@memoize\ndef f(x): return h(x)\n",
        "m.h.keywords['a'] = 5",
    ),
    "attribute of what lru_cache made": (
        "import functools\n@functools.lru_cache\ndef g(): return 1\ng.k = 1\n@memoize\ndef f(x): return g.k\n",
        "m.g.k = 2",
    ),
    "attribute of a static method": (
        "class A:\n    @staticmethod\n    def g(): return 1\n    g.k = 1\n@memoize\ndef f(x): return vars(A)['g'].k\n",
        "vars(m.A)['g'].k = 2",
    ),
    "attribute of a property that remembers": (
        "import functools\nclass A:\n    @functools.cached_property\n    def g(self): return 1\n    g.k = 1\n@memoize\ndef f(x): return vars(A)['g'].k\n",
        "vars(m.A)['g'].k = 2",
    ),
    "attribute of a memoized function": (
        "@memoize\ndef g(x): return 1\ng.k = 1\n@memoize\ndef f(x): return g.k\n",
        "m.g.k = 2",
    ),
    "first attribute of a memoized function": (
        "@memoize\ndef g(x): return 1\n@memoize\ndef f(x): return getattr(g, 'k', 0)\n",
        "m.g.k = 2",
    ),
    "own attribute": (
        "@memoize\ndef f(x): return getattr(f, 'k', 0)\n",
        "m.f.k = 2",
    ),
    "code of a library's function": (
        "import textwrap\n@memoize\ndef f(x): return textwrap.dedent('  a')\n",
        "import textwrap\nkeep = textwrap.dedent.__code__\ntextwrap.dedent.__code__ = eval(compile('lambda text: 99', file, 'eval')).__code__\nundo.append(lambda: setattr(textwrap.dedent, '__code__', keep))",
    ),
    "defaults of a library's function": (
        "import textwrap\n@memoize\ndef f(x): return textwrap.indent('a', '  ')\n",
        "import textwrap\nkeep = textwrap.indent.__defaults__\ntextwrap.indent.__defaults__ = (lambda line: False,)\nundo.append(lambda: setattr(textwrap.indent, '__defaults__', keep))",
    ),
    "global of the name that an import has in a class body": (
        "K = 1\n@memoize\ndef f(x):\n    class A:\n        import json as K\n    return K\n",
        "m.K = 2",
    ),
    "global that an import may fill": (
        "K = 1\n@memoize\ndef f(x):\n    global K\n    if x > 1:\n        import json as K\n    return str(K)\n",
        "m.K = 2",
    ),
    "behind lru_cache": (
        "import functools\nG = 1\n@functools.lru_cache\ndef g(x): return x + G\n@memoize\ndef f(x): return g(x)\n",
        "m.G = 5\nm.g.cache_clear()",
    ),
    "implementation registered": (
        "import functools\n@functools.singledispatch\ndef g(x): return 'any'\n@memoize\ndef f(x): return g(x)\n",
        "m.g.register(int, lambda x: 'int')",
    ),
    "implementation changed": (
        "import functools\n@functools.singledispatch\ndef g(x): return 'any'\n@g.register\ndef h(x: int): return 'int'\n@memoize\ndef f(x): return g(x)\n",
        "m.h.__code__ = (lambda x: 'other').__code__",
    ),
    "memoized helper": (
        "G = 1\n@memoize\ndef g(x): return x + G\n@memoize\ndef f(x): return g(x)\n",
        "m.G = 5",
    ),
    "circle": (
        "S = 1\ndef a(n): return n if n < 1 else b(n - 1) + S\ndef b(n): return n if n < 1 else a(n - 1)\n@memoize\ndef f(x): return a(5)\n",
        "m.S = 5",
    ),
    # --- values that change in place ---
    "list": ("L = [1]\n@memoize\ndef f(x): return sum(L)\n", "m.L.append(5)"),
    "list deep inside": (
        "L = [{'a': ([1],)}]\n@memoize\ndef f(x): return L[0]['a'][0][0]\n",
        "m.L[0]['a'][0][0] = 5",
    ),
    "list in a tuple": ("T = ([1], 2)\n@memoize\ndef f(x): return sum(T[0])\n", "m.T[0].append(5)"),
    "dict": ("D = {'a': 1}\n@memoize\ndef f(x): return D.get('b', 0)\n", "m.D['b'] = 5"),
    "order of a dict": (
        "D = {'a': 1, 'b': 2}\n@memoize\ndef f(x): return list(D)\n",
        "m.D['a'] = m.D.pop('a')",
    ),
    "dict, equal but another type": (
        "D = {'a': 1}\n@memoize\ndef f(x): return repr(D)\n",
        "m.D['a'] = True",
    ),
    "set": ("S = {1}\n@memoize\ndef f(x): return sorted(S)\n", "m.S.add(5)"),
    "bytearray": ("B = bytearray(b'a')\n@memoize\ndef f(x): return bytes(B)\n", "m.B[0] = 98"),
    "array": (
        "import numpy as np\nA = np.zeros(3)\n@memoize\ndef f(x): return float(A.sum())\n",
        "m.A[1] = 5",
    ),
    "array behind a view": (
        "import numpy as np\nB = np.zeros((4, 4))\nA = B[::2, ::2]\n@memoize\ndef f(x): return float(A.sum())\n",
        "m.B[2, 2] = 5",
    ),
    "array behind a read-only view": (
        "import numpy as np\nB = np.zeros(4)\nA = B[:]\nA.flags.writeable = False\n@memoize\ndef f(x): return float(A.sum())\n",
        "m.B[2] = 5",
    ),
    "frame": (
        "import pandas as pd\nF = pd.DataFrame({'a': [1, 2]})\n@memoize\ndef f(x): return int(F['a'].sum())\n",
        "m.F.loc[0, 'a'] = 5",
    ),
    "dispatch table": (
        "def g(x): return x\ndef h(x): return -x\nD = {'a': g}\n@memoize\ndef f(x): return D['a'](x)\n",
        "m.D['a'] = m.h",
    ),
    "function in a dispatch table": (
        "def g(x): return x\nD = {'a': g}\n@memoize\ndef f(x): return D['a'](x)\n",
        "m.g.__code__ = (lambda x: -x).__code__",
    ),
    "global of a function in a table": (
        "S = 1\ndef g(x): return x * S\nD = [g]\n@memoize\ndef f(x): return D[0](x)\n",
        "m.S = 5",
    ),
    "member of an exception": (
        "E = NameError('a', name='one')\n@memoize\ndef f(x): return E.name\n",
        "m.E.name = 'two'",
    ),
    "member of an exception of the user's": (
        "class Own(AttributeError): pass\nE = Own('a')\n@memoize\ndef f(x): return E.obj\n",
        "m.E.obj = 5",
    ),
    "value of a StopIteration": (
        "E = StopIteration(1)\n@memoize\ndef f(x): return E.value\n",
        "m.E.value = 2",
    ),
    "code of a SystemExit": (
        "E = SystemExit(1)\n@memoize\ndef f(x): return E.code\n",
        "m.E.code = 2",
    ),
    "line of a SyntaxError": (
        "E = SyntaxError('a', ('file', 1, 1, 'text'))\n@memoize\ndef f(x): return E.lineno\n",
        "m.E.lineno = 2",
    ),
    "finalizer that has been called": (
        "import weakref\nclass C: pass\nc = C()\nW = weakref.finalize(c, int, '3')\n@memoize\ndef f(x): return W.alive\n",
        "m.W()",
    ),
    "finalizer of another function": (
        "import weakref\nclass C: pass\nc = C()\nW = weakref.finalize(c, int, '3')\n@memoize\ndef f(x): return W.peek()[2]\n",
        "m.W.detach()\nm.W = m.weakref.finalize(m.c, int, '4')",
    ),
    "way of pickling of a library's class": (
        "import types\nimport copyreg\nN = types.SimpleNamespace(a=1)\n@memoize\ndef f(x): return copyreg.dispatch_table.get(types.SimpleNamespace) is None\n",
        "import copyreg\ncopyreg.pickle(types.SimpleNamespace, lambda n: (int, ()))\nundo.append(lambda: copyreg.dispatch_table.pop(types.SimpleNamespace))",
    ),
    "constants of code": (
        "def g(): return 1\n@memoize\ndef f(x): return g.__code__.co_consts\n",
        "m.g.__code__ = (lambda: 2).__code__",
    ),
    "code compared": (
        "def g(): return 1\nC = g.__code__\n@memoize\ndef f(x): return g.__code__ == C\n",
        "exec('\\n\\n\\ndef g(): return 1', vars(m))",
    ),
    "value that contains itself": (
        "L = [1]\nL.append(L)\n@memoize\ndef f(x): return L[1][1][0]\n",
        "m.L[0] = 5",
    ),
    # --- instances ---
    "attribute": (
        "class C: pass\nc = C()\nc.a = 1\n@memoize\ndef f(x): return c.a\n",
        "m.c.a = 5",
    ),
    "new attribute": (
        "class C: pass\nc = C()\n@memoize\ndef f(x): return getattr(c, 'a', 0)\n",
        "m.c.a = 5",
    ),
    "slot": (
        "class C:\n    __slots__ = ('a',)\nc = C()\nc.a = 1\n@memoize\ndef f(x): return c.a\n",
        "m.c.a = 5",
    ),
    "class of an instance": (
        "class C:\n    def g(self): return 1\nclass D:\n    def g(self): return 2\nc = C()\n@memoize\ndef f(x): return c.g()\n",
        "m.c.__class__ = m.D",
    ),
    "attribute, where a metaclass answers every name": (
        "class M(type):\n    def __getattr__(c, n): return 1\nclass C(metaclass=M): pass\nc = C()\nc.a = 1\n@memoize\ndef f(x): return c.a\n",
        "m.c.a = 5",
    ),
    "method of an instance": (
        "class C:\n    def g(self): return 1\nc = C()\n@memoize\ndef f(x): return c.g()\n",
        "m.C.g = lambda self: 5",
    ),
    "dataclass field": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\nc = C()\n@memoize\ndef f(x): return c.a\n",
        "m.c.a = 5",
    ),
    "bound method": (
        "class C:\n    a = 1\n    def g(self, x): return self.a + x\ng = C().g\n@memoize\ndef f(x): return g(x)\n",
        "m.g.__self__.a = 5",
    ),
    # --- classes ---
    "class attribute": ("class C: a = 1\n@memoize\ndef f(x): return C.a\n", "m.C.a = 5"),
    "class attribute, twice": (
        "class C: a = 1\n@memoize\ndef f(x): return C.a\n",
        "m.C.a = 5\nm.f(1)\nm.f(1)\nm.C.a = 6",
    ),
    "class attribute in place": (
        "class C: a = [1]\n@memoize\ndef f(x): return C.a[0]\n",
        "m.C.a[0] = 5",
    ),
    "new class attribute": (
        "class C: pass\n@memoize\ndef f(x): return getattr(C, 'a', 0)\n",
        "m.C.a = 5",
    ),
    "class attribute deleted": (
        "class B: a = 0\nclass C(B): a = 1\n@memoize\ndef f(x): return C.a\n",
        "del m.C.a",
    ),
    "attribute of a base": (
        "class B: a = 1\nclass C(B): pass\n@memoize\ndef f(x): return C.a\n",
        "m.B.a = 5",
    ),
    "bases": (
        "class A: a = 1\nclass B: a = 2\nclass X(A): pass\n@memoize\ndef f(x): return X.a\n",
        "m.X.__bases__ = (m.B,)",
    ),
    "code of a method": (
        "class C:\n    def g(self): return 1\n@memoize\ndef f(x): return C().g()\n",
        "m.C.g.__code__ = (lambda self: 5).__code__",
    ),
    "property": (
        "class C:\n    @property\n    def g(self): return 1\n@memoize\ndef f(x): return C().g\n",
        "m.C.g.fget.__code__ = (lambda self: 5).__code__",
    ),
    "property replaced": (
        "class C:\n    @property\n    def g(self): return 1\n@memoize\ndef f(x): return C().g\n",
        "m.C.g = property(lambda self: 5)",
    ),
    "static method": (
        "class C:\n    @staticmethod\n    def g(): return 1\n@memoize\ndef f(x): return C.g()\n",
        "m.C.g.__code__ = (lambda: 5).__code__",
    ),
    "class method": (
        "class C:\n    a = 1\n    @classmethod\n    def g(cls): return cls.a\n@memoize\ndef f(x): return C.g()\n",
        "m.C.a = 5",
    ),
    "metaclass": (
        "class M(type):\n    def __call__(cls): return 1\nclass C(metaclass=M): pass\n@memoize\ndef f(x): return C()\n",
        "m.M.__call__ = lambda cls: 5",
    ),
    "abstract class registered": (
        "import abc\nclass A(abc.ABC): pass\nclass C: pass\n@memoize\ndef f(x): return isinstance(C(), A)\n",
        "m.A.register(m.C)",
    ),
    "global of a method": (
        "G = 1\nclass C:\n    def g(self): return G\n@memoize\ndef f(x): return C().g()\n",
        "m.G = 5",
    ),
    "descriptor with state": (
        "class D:\n    def __init__(self): self.v = 1\n    def __get__(self, o, t): return self.v\nd = D()\nclass C:\n    g = d\n@memoize\ndef f(x): return C().g\n",
        "m.d.v = 5",
    ),
    "default factory": (
        "import dataclasses\nG = 1\ndef make(): return [G]\n@dataclasses.dataclass\nclass C:\n    a: list = dataclasses.field(default_factory=make)\n@memoize\ndef f(x): return C().a\n",
        "m.G = 5",
    ),
    # --- arguments ---
    "class of an argument": (
        "class C:\n    def g(self): return 1\n@memoize\ndef f(x): return x.g()\nc = C()\n",
        "m.C.g = lambda self: 5",
        "m.f(m.c)",
    ),
    "attribute of an argument": (
        "class C: a = 1\n@memoize\ndef f(x): return x.a\nc = C()\n",
        "m.c.a = 5",
        "m.f(m.c)",
    ),
    "argument in place": (
        "L = [1]\n@memoize\ndef f(x): return sum(x)\n",
        "m.L.append(5)",
        "m.f(m.L)",
    ),
    "argument deep in place": (
        "L = [[1], {'a': [1]}]\n@memoize\ndef f(x): return repr(x)\n",
        "m.L[1]['a'].append(5)",
        "m.f(m.L)",
    ),
    "array argument": (
        "import numpy as np\nA = np.zeros(3)\n@memoize\ndef f(x): return float(x.sum())\n",
        "m.A[1] = 5",
        "m.f(m.A)",
    ),
    "function as argument": (
        "S = 1\ndef g(x): return x * S\n@memoize\ndef f(h): return h(1)\n",
        "m.S = 5",
        "m.f(m.g)",
    ),
    "shared list as argument": (
        "A = [1]\nL = [A, A]\n@memoize\ndef f(x): return repr(x)\n",
        "m.A.append(2)",
        "m.f(m.L)",
    ),
    # --- arguments whose classes are known ---
    "field of a dataclass argument": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n@memoize\ndef f(x): return x.a\nc = C()\n",
        "m.c.a = 5",
        "m.f(m.c)",
    ),
    "further attribute of a dataclass argument": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n@memoize\ndef f(x): return getattr(x, 'b', 0)\nc = C()\n",
        "m.c.b = 5",
        "m.f(m.c)",
    ),
    "order of the attributes of a dataclass argument": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n    b: int = 2\n@memoize\ndef f(x): return list(vars(x))\nc = C()\n",
        "m.c.a = m.c.__dict__.pop('a')",
        "m.f(m.c)",
    ),
    "generated method of a dataclass argument": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n@memoize\ndef f(x): return repr(x)\nc = C()\n",
        "m.C.__repr__ = lambda self: 'other'",
        "m.f(m.c)",
    ),
    "qualified name of the class of a dataclass argument": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n@memoize\ndef f(x): return repr(x)\nc = C()\n",
        "m.C.__qualname__ = 'Other'",
        "m.f(m.c)",
    ),
    "name of a method of a dataclass argument": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n    def g(self): return 1\n@memoize\ndef f(x): return type(x).g.__name__\nc = C()\n",
        "m.C.g.__name__ = 'other'",
        "m.f(m.c)",
    ),
    "method of a dataclass argument": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n    def g(self): return 1\n@memoize\ndef f(x): return x.g()\nc = C()\n",
        "m.C.g = lambda self: 5",
        "m.f(m.c)",
    ),
    "code of a method of a dataclass argument": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n    def g(self): return 1\n@memoize\ndef f(x): return x.g()\nc = C()\n",
        "m.C.g.__code__ = (lambda self: 5).__code__",
        "m.f(m.c)",
    ),
    "global of a method of a dataclass argument": (
        "G = 1\nimport dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n    def g(self): return G\n@memoize\ndef f(x): return x.g()\nc = C()\n",
        "m.G = 5",
        "m.f(m.c)",
    ),
    "helper of a method of a dataclass argument": (
        "def h(): return 1\nimport dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n    def g(self): return h()\n@memoize\ndef f(x): return x.g()\nc = C()\n",
        "m.h = lambda: 5",
        "m.f(m.c)",
    ),
    "builtin shadowed for a dataclass argument": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n    def g(self): return len([1])\n@memoize\ndef f(x): return x.g()\nc = C()\n",
        "m.len = lambda x: 99",
        "m.f(m.c)",
    ),
    "default of a method of a dataclass argument": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n    def g(self, n=1): return n\n@memoize\ndef f(x): return x.g()\nc = C()\n",
        "m.C.g.__defaults__ = (5,)",
        "m.f(m.c)",
    ),
    "class attribute of a dataclass argument, twice": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n@memoize\ndef f(x): return x.k\nC.k = 1\nc = C()\n",
        "m.C.k = 5\nm.f(m.c)\nm.f(m.c)\nm.C.k = 6",
        "m.f(m.c)",
    ),
    "class attribute of a dataclass argument, in place": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n@memoize\ndef f(x): return x.k[0]\nC.k = [1]\nc = C()\n",
        "m.C.k[0] = 5",
        "m.f(m.c)",
    ),
    "base of the class of a dataclass argument": (
        "class B:\n    def g(self): return 1\nimport dataclasses\n@dataclasses.dataclass\nclass C(B):\n    a: int = 1\n@memoize\ndef f(x): return x.g()\nc = C()\n",
        "m.B.g = lambda self: 5",
        "m.f(m.c)",
    ),
    "class of a dataclass argument": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\nclass E(C):\n    def g(self): return 5\nC.g = lambda self: 1\n@memoize\ndef f(x): return x.g()\nc = C()\n",
        "m.c.__class__ = m.E",
        "m.f(m.c)",
    ),
    "dataclass in a dataclass argument": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\nclass O:\n    def g(self): return 1\n@memoize\ndef f(x): return x.a.g()\nc = C(C(O()).a)\n",
        "m.O.g = lambda self: 5",
        "m.f(m.c)",
    ),
    "dataclass deep in an argument": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n@memoize\ndef f(x): return x['k'][0].a\nc = {'k': [C()]}\n",
        "m.c['k'][0].a = 5",
        "m.f(m.c)",
    ),
    "method of a dataclass deep in an argument": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n    def g(self): return 1\n@memoize\ndef f(x): return x['k'][0].g()\nc = {'k': [C()]}\n",
        "m.C.g = lambda self: 5",
        "m.f(m.c)",
    ),
    "dataclass with slots as argument": (
        "import dataclasses\n@dataclasses.dataclass(slots=True)\nclass C:\n    a: int = 1\n@memoize\ndef f(x): return x.a\nc = C()\n",
        "m.c.a = 5",
        "m.f(m.c)",
    ),
    "dataclass that is a key of an argument": (
        "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass C:\n    a: int = 1\n@memoize\ndef f(x): return [k.a for k in x]\nc = {C(): 1}\n",
        "object.__setattr__(next(iter(m.c)), 'a', 5)",
        "m.f(m.c)",
    ),
    "global of a function with a dataclass argument": (
        "G = 1\nimport dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n@memoize\ndef f(x): return x.a + G\nc = C()\n",
        "m.G = 5",
        "m.f(m.c)",
    ),
    "name of a helper with a dataclass argument": (
        "def h(): pass\nimport dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n@memoize\ndef f(x): return (x.a, h.__name__)\nc = C()\n",
        "m.h.__name__ = 'other'",
        "m.f(m.c)",
    ),
    "dataclass argument made to count otherwise": (
        "import dataclasses\n@dataclasses.dataclass\nclass Counted:\n    a: int = 1\n@memoize\ndef f(x): return x.a\nc = Counted()\n",
        "import rememo\nm.c.a = 5\nrememo.register(m.Counted, lambda c: c.a)",
        "m.f(m.c)",
    ),
    "value of a member": (
        "import enum\nclass C(enum.Enum):\n    A = 1\n    B = 2\n@memoize\ndef f(x): return x.value\nc = C.A\n",
        "m.c._value_ = 5",
        "m.f(m.c)",
    ),
    "attribute of a member": (
        "import enum\nclass C(enum.Enum):\n    A = 1\n    B = 2\n@memoize\ndef f(x): return getattr(x, 'k', 0)\nc = C.A\n",
        "m.c.k = 5",
        "m.f(m.c)",
    ),
    "method of the class of a member": (
        "import enum\nclass C(enum.Enum):\n    A = 1\n    B = 2\n    def g(self): return 1\n@memoize\ndef f(x): return x.g()\nc = C.A\n",
        "m.C.g = lambda self: 5",
        "m.f(m.c)",
    ),
    "other member": (
        "import enum\nclass C(enum.Enum):\n    A = 1\n    B = 2\n@memoize\ndef f(x): return [y.value for y in type(x)]\nc = C.A\n",
        "m.C.B._value_ = 5",
        "m.f(m.c)",
    ),
    "member that is a key of an argument": (
        "import enum\nclass C(enum.Enum):\n    A = 1\n    B = 2\n@memoize\ndef f(x): return x[C.A]\nc = {C.A: 1}\n",
        "m.c[m.C.A] = 5",
        "m.f(m.c)",
    ),
    "member in a set": (
        "import enum\nclass C(enum.Enum):\n    A = 1\n    B = 2\n@memoize\ndef f(x): return sorted(y.name for y in x)\nc = {C.A}\n",
        "m.c.add(m.C.B)",
        "m.f(m.c)",
    ),
    "method of a named tuple": (
        "import typing\nclass C(typing.NamedTuple):\n    a: int\n    def g(self): return self.a\n@memoize\ndef f(x): return x.g()\nc = C(1)\n",
        "m.C.g = lambda self: 5",
        "m.f(m.c)",
    ),
    "list in a named tuple": (
        "import typing\nclass C(typing.NamedTuple):\n    a: int\n    def g(self): return self.a\n@memoize\ndef f(x): return x.a[0]\nc = C([1])\n",
        "m.c.a[0] = 5",
        "m.f(m.c)",
    ),
    "item of a subclass of dict": (
        "class C(dict): pass\n@memoize\ndef f(x): return x['k']\nc = C(k=1)\n",
        "m.c['k'] = 5",
        "m.f(m.c)",
    ),
    "item of a subclass of list": (
        "class C(list): pass\n@memoize\ndef f(x): return x[0]\nc = C([1])\n",
        "m.c[0] = 5",
        "m.f(m.c)",
    ),
    "method of a subclass of dict": (
        "class C(dict):\n    def __missing__(self, k): return 1\n@memoize\ndef f(x): return x['k']\nc = C()\n",
        "m.C.__missing__ = lambda self, k: 5",
        "m.f(m.c)",
    ),
    "attribute of a subclass of str": (
        "class C(str): pass\n@memoize\ndef f(x): return x.k\nc = C('c')\nc.k = 1\n",
        "m.c.k = 5",
        "m.f(m.c)",
    ),
    "method of a subclass of int": (
        "class C(int):\n    def __add__(self, n): return 1\n@memoize\ndef f(x): return x + 1\nc = C(3)\n",
        "m.C.__add__ = lambda self, n: 5",
        "m.f(m.c)",
    ),
    "method of a subclass of float": (
        "class C(float):\n    def g(self): return 1\n@memoize\ndef f(x): return x.g()\nc = C(3)\n",
        "m.C.g = lambda self: 5",
        "m.f(m.c)",
    ),
    "method of a time zone in an argument": (
        "import datetime\nclass Z(datetime.tzinfo):\n    def utcoffset(self, t): return datetime.timedelta(hours=1)\n@memoize\ndef f(x): return str(x.utcoffset())\nc = datetime.datetime(2020, 1, 1, tzinfo=Z())\n",
        "import datetime\nm.Z.utcoffset = lambda self, t: datetime.timedelta(hours=5)",
        "m.f(m.c)",
    ),
    "function of a partial as argument": (
        "import functools\nG = 1\ndef g(x): return x + G\n@memoize\ndef f(x): return x(1)\nc = functools.partial(g)\n",
        "m.G = 5",
        "m.f(m.c)",
    ),
    "bound method as argument": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n    def g(self): return self.a\n@memoize\ndef f(x): return x()\nc = C().g\n",
        "m.c.__self__.a = 5",
        "m.f(m.c)",
    ),
    "reduction of an argument": (
        "class C:\n    def __getstate__(self): return {'s': S}\n    def g(self): return S\nS = 1\n@memoize\ndef f(x): return x.g()\nc = C()\n",
        "m.S = 5",
        "m.f(m.c)",
    ),
    "item of a deque": (
        "import collections\n@memoize\ndef f(x): return x[0]\nc = collections.deque([1])\n",
        "m.c[0] = 5",
        "m.f(m.c)",
    ),
    "cell of a frame of objects": (
        "import pandas as pd\n@memoize\ndef f(x): return list(x['a'])\nc = pd.DataFrame({'a': pd.Series(['u', 'v'], dtype=object)})\n",
        "m.c.loc[0, 'a'] = 'w'",
        "m.f(m.c)",
    ),
    "item of an array of objects": (
        "import numpy as np\n@memoize\ndef f(x): return list(x)\nc = np.array(['u', None], dtype=object)\n",
        "m.c[1] = 'w'",
        "m.f(m.c)",
    ),
    "list in an array of objects": (
        "import numpy as np\n@memoize\ndef f(x): return repr(list(x))\nc = np.array([None, None], dtype=object)\nc[0] = [1]\n",
        "m.c[0].append(2)",
        "m.f(m.c)",
    ),
    "attribute of a class as argument": (
        "class C: a = 1\n@memoize\ndef f(x): return x.a\nc = C\n",
        "m.C.a = 5",
        "m.f(m.c)",
    ),
    "field of a dataclass as argument": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n@memoize\ndef f(x): return x().a\nc = C\n",
        "m.C.__init__ = lambda self: setattr(self, 'a', 5)",
        "m.f(m.c)",
    ),
    "code of a function as argument": (
        "def g(): return 1\n@memoize\ndef f(x): return x()\nc = g\n",
        "m.g.__code__ = (lambda: 5).__code__",
        "m.f(m.c)",
    ),
    "default of a function as argument": (
        "def g(n=1): return n\n@memoize\ndef f(x): return x()\nc = g\n",
        "m.g.__defaults__ = (5,)",
        "m.f(m.c)",
    ),
    "attribute of a function as argument": (
        "def g(): return g.k\ng.k = 1\n@memoize\ndef f(x): return x()\nc = g\n",
        "m.g.k = 5",
        "m.f(m.c)",
    ),
    "name of a function as argument": (
        "def g(): pass\n@memoize\ndef f(x): return x.__name__\nc = g\n",
        "m.g.__name__ = 'other'",
        "m.f(m.c)",
    ),
    "function in a list as argument": (
        "S = 1\ndef g(x): return x * S\n@memoize\ndef f(x): return x[0](1)\nc = [g]\n",
        "m.S = 5",
        "m.f(m.c)",
    ),
    "set as argument": (
        "@memoize\ndef f(x): return sorted(x)\nc = {1, 2}\n",
        "m.c.add(3)",
        "m.f(m.c)",
    ),
    "tuple in a set as argument": (
        "@memoize\ndef f(x): return sorted(x)\nc = {(1, 2)}\n",
        "m.c.add((3, 4))",
        "m.f(m.c)",
    ),
    "value that contains itself as argument": (
        "@memoize\ndef f(x): return x[1][1][0]\nc = [1]\nc.append(c)\n",
        "m.c[0] = 5",
        "m.f(m.c)",
    ),
    "dictionary twice in an argument": (
        "@memoize\ndef f(x): return repr(x)\nc = {'a': 1}\nd = [c, c]\n",
        "m.c['a'] = 2",
        "m.f(m.c)",
    ),
    # --- context ---
    "context variable": (
        "import contextvars\nV = contextvars.ContextVar('V', default=1)\n@memoize\ndef f(x): return V.get()\n",
        "m.V.set(5)",
    ),
    "reloaded": (
        "import other\n@memoize\ndef f(x): return other.g(x)\n",
        "exec('def g(x): return -x', vars(other))",
    ),
}

OTHER = "G = 10\ndef g(x): return x + G\n"


@pytest.fixture
def modules() -> Iterator[list[types.ModuleType]]:
    """The modules `m` and `other`, to be filled."""
    kept = {name: sys.modules.get(name) for name in ("m", "other")}
    made = [types.ModuleType(name) for name in kept]
    sys.modules.update({module.__name__: module for module in made})
    yield made
    for name, module in kept.items():
        del sys.modules[name]
        if module:
            sys.modules[name] = module


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_change_is_seen_at_once(
    name: str, modules: list[types.ModuleType], rememo_cache: Cache, rememo_events: Events
) -> None:
    m, other = modules
    text, change, *more = PROGRAMS[name]
    call = more[0] if more else "m.f(1)"
    exec(OTHER, vars(other))
    exec("from rememo import memoize\n" + text, vars(m))
    plain = call.replace("m.f(", "m.f.__wrapped__(")
    undo: list[Any] = []
    scope = {"m": m, "other": other, "types": types, "sys": sys, "undo": undo, "file": __file__}
    before = eval(plain, scope)
    for _ in range(3):
        assert repr(eval(call, scope)) == repr(before)
    assert rememo_events[-1]["event"] == "hit"
    try:
        exec(change, scope)
        after = eval(plain, scope)
        assert repr(after) != repr(before), "the change changes nothing"
        for _ in range(3):
            assert repr(eval(call, scope)) == repr(after)
        assert rememo_events[-1]["event"] == "hit"
    finally:
        for step in undo:
            step()


# Programs whose results are found anew each time, and why.
UNWATCHED = {"code compared", "constants of code", "import begins to work"}


@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - UNWATCHED))
def test_nothing_changed_is_a_hit_from_memory(
    name: str, modules: list[types.ModuleType], rememo_cache: Cache, rememo_events: Events
) -> None:
    m, other = modules
    text, _, *more = PROGRAMS[name]
    exec(OTHER, vars(other))
    exec("from rememo import memoize\n" + text, vars(m))
    scope = {"m": m}
    for _ in range(4):
        eval(more[0] if more else "m.f(1)", scope)
    last = [event for event in rememo_events if event["function"].endswith("f")][-1]
    assert (last["event"], last["tier"]) == ("hit", "memory")


def test_a_change_is_seen_when_nothing_else_changed_since(rememo_cache: Cache) -> None:
    """However close the versions of a dictionary before and after are."""
    m = types.ModuleType("changing")
    exec("G = 0\ndef f(x): return G\n", vars(m))
    f = rememo_cache.memoize(m.f)
    namespace = vars(m)
    values = list(range(64))
    for value in values:
        namespace["G"] = value
        f(1)
    # All are stored, so that a hit takes no more than a look at the namespace.
    stale = 0
    for value in values:
        f(1)
        namespace["G"] = value
        stale += f(1) != value
    assert not stale
