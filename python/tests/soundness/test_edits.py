"""A hit returns what running would return: edits between two processes over one cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from python.tests.conftest import Program

HEAD = "from rememo import memoize\n"

# name, modules before, modules after, call, whether the second run must hit
EDITS = {
    "nothing": (
        {"m": "@memoize\ndef f(x):\n    return x + 1\n"},
        {},
        "m.f(1)",
        True,
    ),
    "comment": (
        {"m": "@memoize\ndef f(x):\n    return x + 1\n"},
        {"m": "# moved\n\n@memoize\ndef f(x):\n    '''Doc.'''\n    # why\n    return x + 1\n"},
        "m.f(1)",
        True,
    ),
    "unrelated function": (
        {"m": "@memoize\ndef f(x):\n    return x + 1\ndef g():\n    return 1\n"},
        {"m": "@memoize\ndef f(x):\n    return x + 1\ndef g():\n    return 2\n"},
        "m.f(1)",
        True,
    ),
    "local renamed": (
        {"m": "@memoize\ndef f(x):\n    y = x + 1\n    return y\n"},
        {"m": "@memoize\ndef f(x):\n    z = x + 1\n    return z\n"},
        "m.f(1)",
        True,
    ),
    "own body": (
        {"m": "@memoize\ndef f(x):\n    return x + 1\n"},
        {"m": "@memoize\ndef f(x):\n    return x + 2\n"},
        "m.f(1)",
        False,
    ),
    "nested function": (
        {"m": "@memoize\ndef f(x):\n    def g(): return x + 1\n    return g()\n"},
        {"m": "@memoize\ndef f(x):\n    def g(): return x + 2\n    return g()\n"},
        "m.f(1)",
        False,
    ),
    "comprehension": (
        {"m": "@memoize\ndef f(x):\n    return [i * 2 for i in range(x)]\n"},
        {"m": "@memoize\ndef f(x):\n    return [i * 3 for i in range(x)]\n"},
        "m.f(2)",
        False,
    ),
    "attribute name": (
        {"m": "@memoize\ndef f(x):\n    return x.real\n"},
        {"m": "@memoize\ndef f(x):\n    return x.imag\n"},
        "m.f(5)",
        False,
    ),
    "builtin name": (
        {"m": "@memoize\ndef f(x):\n    return max(x, 3)\n"},
        {"m": "@memoize\ndef f(x):\n    return min(x, 3)\n"},
        "m.f(1)",
        False,
    ),
    "helper by from import": (
        {
            "m": "from h import g\n@memoize\ndef f(x):\n    return g(x)\n",
            "h": "def g(x):\n    return x + 1\n",
        },
        {"h": "def g(x):\n    return x + 2\n"},
        "m.f(1)",
        False,
    ),
    "helper by module attribute": (
        {
            "m": "import h\n@memoize\ndef f(x):\n    return h.g(x)\n",
            "h": "def g(x):\n    return x + 1\n",
        },
        {"h": "def g(x):\n    return x + 2\n"},
        "m.f(1)",
        False,
    ),
    "another function of the helper's module": (
        {
            "m": "import h\n@memoize\ndef f(x):\n    return h.g(x)\n",
            "h": "def g(x):\n    return x + 1\ndef other():\n    return 1\n",
        },
        {"h": "def g(x):\n    return x + 1\ndef other():\n    return 2\n"},
        "m.f(1)",
        True,
    ),
    "helper imported in the body": (
        {
            "m": "@memoize\ndef f(x):\n    from h import g\n    return g(x)\n",
            "h": "def g(x):\n    return x + 1\n",
        },
        {"h": "def g(x):\n    return x + 2\n"},
        "m.f(1)",
        False,
    ),
    "module imported in the body": (
        {
            "m": "@memoize\ndef f(x):\n    import h\n    return h.g(x)\n",
            "h": "def g(x):\n    return x + 1\n",
        },
        {"h": "def g(x):\n    return x + 2\n"},
        "m.f(1)",
        False,
    ),
    "helper of a helper": (
        {"m": "def a(x): return b(x)\ndef b(x): return x\n@memoize\ndef f(x):\n    return a(x)\n"},
        {"m": "def a(x): return b(x)\ndef b(x): return -x\n@memoize\ndef f(x):\n    return a(x)\n"},
        "m.f(1)",
        False,
    ),
    "mutual recursion": (
        {
            "m": "def a(n): return b(n - 1) if n else 0\ndef b(n): return a(n - 1) if n else 1\n"
            "@memoize\ndef f(x):\n    return a(x)\n"
        },
        {
            "m": "def a(n): return b(n - 1) if n else 0\ndef b(n): return a(n - 1) if n else 2\n"
            "@memoize\ndef f(x):\n    return a(x)\n"
        },
        "m.f(3)",
        False,
    ),
    "decorated helper": (
        {
            "m": "import functools\ndef d(g):\n    @functools.wraps(g)\n"
            "    def w(*a): return g(*a) + 1\n    return w\n@d\ndef h(x): return x\n"
            "@memoize\ndef f(x):\n    return h(x)\n"
        },
        {
            "m": "import functools\ndef d(g):\n    @functools.wraps(g)\n"
            "    def w(*a): return g(*a) + 2\n    return w\n@d\ndef h(x): return x\n"
            "@memoize\ndef f(x):\n    return h(x)\n"
        },
        "m.f(1)",
        False,
    ),
    "partial": (
        {
            "m": "import functools\ndef g(a, x): return a + x\nh = functools.partial(g, 1)\n"
            "@memoize\ndef f(x):\n    return h(x)\n"
        },
        {
            "m": "import functools\ndef g(a, x): return a + x\nh = functools.partial(g, 2)\n"
            "@memoize\ndef f(x):\n    return h(x)\n"
        },
        "m.f(1)",
        False,
    ),
    "lru_cache": (
        {
            "m": "import functools\n@functools.lru_cache\ndef g(x): return x + 1\n"
            "@memoize\ndef f(x):\n    return g(x)\n"
        },
        {
            "m": "import functools\n@functools.lru_cache\ndef g(x): return x + 2\n"
            "@memoize\ndef f(x):\n    return g(x)\n"
        },
        "m.f(1)",
        False,
    ),
    "dispatch table": (
        {"m": "def g(x): return x + 1\nT = {'g': g}\n@memoize\ndef f(x):\n    return T['g'](x)\n"},
        {"m": "def g(x): return x + 2\nT = {'g': g}\n@memoize\ndef f(x):\n    return T['g'](x)\n"},
        "m.f(1)",
        False,
    ),
    "default": (
        {"m": "def g(x, k=1): return x + k\n@memoize\ndef f(x):\n    return g(x)\n"},
        {"m": "def g(x, k=2): return x + k\n@memoize\ndef f(x):\n    return g(x)\n"},
        "m.f(1)",
        False,
    ),
    "keyword-only default": (
        {"m": "def g(x, *, k=1): return x + k\n@memoize\ndef f(x):\n    return g(x)\n"},
        {"m": "def g(x, *, k=2): return x + k\n@memoize\ndef f(x):\n    return g(x)\n"},
        "m.f(1)",
        False,
    ),
    "closure": (
        {
            "m": "def make(k):\n    @memoize\n    def f(x): return x + k\n    return f\nf = make(1)\n"
        },
        {
            "m": "def make(k):\n    @memoize\n    def f(x): return x + k\n    return f\nf = make(2)\n"
        },
        "m.f(1)",
        False,
    ),
    "global": (
        {"m": "K = 1\n@memoize\ndef f(x):\n    return x + K\n"},
        {"m": "K = 2\n@memoize\ndef f(x):\n    return x + K\n"},
        "m.f(1)",
        False,
    ),
    "constant of another module": (
        {"m": "import h\n@memoize\ndef f(x):\n    return x + h.K\n", "h": "K = 1\n"},
        {"h": "K = 2\n"},
        "m.f(1)",
        False,
    ),
    "inherited method": (
        {
            "m": "class A:\n    def g(self): return 1\nclass B(A): pass\n"
            "@memoize\ndef f(x):\n    return B().g() + x\n"
        },
        {
            "m": "class A:\n    def g(self): return 2\nclass B(A): pass\n"
            "@memoize\ndef f(x):\n    return B().g() + x\n"
        },
        "m.f(1)",
        False,
    ),
    "method of an argument's class": (
        {"m": "class A:\n    def g(self): return 1\n@memoize\ndef f(x):\n    return x.g()\n"},
        {"m": "class A:\n    def g(self): return 2\n@memoize\ndef f(x):\n    return x.g()\n"},
        "m.f(m.A())",
        False,
    ),
    "function as argument": (
        {"m": "def g(x): return x + 1\n@memoize\ndef f(h):\n    return h(1)\n"},
        {"m": "def g(x): return x + 2\n@memoize\ndef f(h):\n    return h(1)\n"},
        "m.f(m.g)",
        False,
    ),
}


@pytest.mark.soundness
@pytest.mark.parametrize("name", EDITS)
def test_an_edit_misses_just_when_it_matters(program: Program, name: str) -> None:
    """After the edit the result is that of a plain run, and it hits where it may."""
    before, after, call, hits = EDITS[name]

    def write(modules: dict[str, str]) -> None:
        program.write(
            **{m: HEAD + text if "memoize" in text else text for m, text in modules.items()}
        )

    write(before)
    code = f"import m\nout = {call}"
    first, events = program.run(code)
    assert events[-1] == "stored", events
    again, events = program.run(code)
    assert (again, events) == (first, ["hit"])
    write(after)
    plain, events = program.run(code, REMEMO_DISABLE="1")
    assert events == []
    edited, events = program.run(code)
    assert edited == plain
    assert ("hit" in events) == hits, events


@pytest.mark.soundness
def test_a_result_of_a_changed_class_is_not_handed_back(program: Program) -> None:
    """Though nothing in the function leads to the class: it comes from a file."""
    library = "class Thing:\n    size = {}\n    def show(self): return self.size\n"
    main = """
    import pickle
    from rememo import memoize
    @memoize
    def load():
        return pickle.loads(b'\\x80\\x04cthings\\nThing\\n)\\x81.')
    """
    program.write(things=library.format(1), m=main)
    code = "import m\nout = m.load().show()"
    assert program.run(code) == (1, ["miss", "stored"])
    assert program.run(code) == (1, ["hit"])
    program.write(things=library.format(2))
    assert program.run(code) == (2, ["miss", "stored"])
    program.write(things="")
    value, events = program.run(
        "import m\ntry:\n    out = m.load()\nexcept AttributeError:\n    out = 'gone'"
    )
    assert (value, events) == ("gone", ["miss"])


@pytest.mark.soundness
def test_a_script_and_its_import_share_entries(program: Program) -> None:
    """A class of `__main__` is that of the module when it is imported, and the other way round."""
    program.write(
        script="""
        from rememo import memoize, _core
        events = []
        _core.subscribe(lambda event: events.append(event["event"]))
        class Point:
            def __init__(self, x): self.x = x
        @memoize
        def make(x):
            return Point(x)
        if __name__ == "__main__":
            point = make(1)
            print(isinstance(point, Point), events)
        """
    )
    assert program.run_script("script") == "True ['miss', 'stored']"
    assert program.run_script("script") == "True ['hit']"
    out, events = program.run(
        "import script\npoint = script.make(1)\nout = isinstance(point, script.Point)"
    )
    assert (out, events) == (True, ["hit"])
