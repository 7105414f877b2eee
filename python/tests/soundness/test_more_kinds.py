"""How a program is run and where it lies; what is not seen yet; where more misses than need be."""

from __future__ import annotations

import gc
import inspect
import os
import platform
import random
import secrets
import socket
import subprocess
import sys
import time
import uuid
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rememo
from rememo import Cache, FreezeConfig, freeze, memoize
from soundness.test_programs import run, write

from conftest import Program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLUS_ONE = "from rememo import memoize\n@memoize\ndef f(x):\n    return x + 1\n"
CALL = "import m\nout = m.f(1)"


# --- how a program is run ---


@pytest.mark.soundness
def test_optimised_code_is_other_code(program: Program) -> None:
    """Python leaves out assertions when told to optimise."""
    program.write(
        m="""
        from rememo import memoize
        @memoize
        def f(x):
            try:
                assert x > 1
            except AssertionError:
                return "checked"
            return "unchecked"
        """
    )
    assert program.run(CALL) == ("checked", ["miss", "stored"])
    assert program.run(CALL, PYTHONOPTIMIZE="1") == ("unchecked", ["miss", "stored"])
    assert program.run(CALL) == ("checked", ["hit"])


def test_bytecode_files_do_not_count(program: Program) -> None:
    """Whether there are any, and whether code comes from them."""
    program.write(m=PLUS_ONE)
    assert program.run(CALL) == (2, ["miss", "stored"])
    program.run_python("-c", CALL, PYTHONDONTWRITEBYTECODE="", PYTHONPYCACHEPREFIX="")
    assert list(program.directory.glob("__pycache__/m.*.pyc"))
    assert program.run(CALL) == (2, ["hit"])


def test_the_working_directory_does_not_count(program: Program) -> None:
    program.write(m=PLUS_ONE)
    assert program.run(CALL) == (2, ["miss", "stored"])
    assert program.run(f"import os\nos.chdir('/')\n{CALL}") == (2, ["hit"])


def test_a_project_may_be_moved(tmp_path: Path) -> None:
    """With its cache: no absolute path is in the key."""
    (tmp_path / "old").mkdir()
    old = Program(tmp_path / "old")
    old.write(m=PLUS_ONE)
    assert old.run(CALL) == (2, ["miss", "stored"])
    new = Program(old.directory.rename(tmp_path / "new"))
    assert new.run(CALL) == (2, ["hit"])


def test_an_edit_that_is_undone_hits_again(program: Program) -> None:
    program.write(m=PLUS_ONE)
    assert program.run(CALL) == (2, ["miss", "stored"])
    program.write(m=PLUS_ONE.replace("+ 1", "+ 2"))
    assert program.run(CALL) == (3, ["miss", "stored"])
    program.write(m=PLUS_ONE)
    assert program.run(CALL) == (2, ["hit"])


@pytest.mark.soundness
def test_a_helper_in_a_script_counts(program: Program) -> None:
    """Code of `__main__` is the user's, like that of any module."""
    text = """
    from rememo import memoize
    def g(x): return x + {}
    @memoize
    def f(x): return g(x)
    print(f(1), f.cache_info().hits)
    """
    program.write(script=text.format(1))
    assert [program.run_script("script") for _ in range(2)] == ["2 0", "2 1"]
    program.write(script=text.format(2))
    assert program.run_script("script") == "3 0"


# --- where code lies ---


@pytest.mark.soundness
@pytest.mark.parametrize("place", ["site-packages", "archive.zip"])
def test_code_that_no_distribution_lists_counts_by_content(program: Program, place: str) -> None:
    """A file copied among the installed packages, or in an archive."""
    program.write(m="import lib\n" + PLUS_ONE.replace("x + 1", "lib.g(x)"))
    path = program.directory / place

    def put(body: str) -> None:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("lib.py", body)
        else:
            path.mkdir(exist_ok=True)
            (path / "lib.py").write_text(body)

    code = f"import sys\nsys.path.insert(0, {str(path)!r})\n{CALL}"
    put("def g(x): return x + 1\n")
    assert program.run(code) == (2, ["miss", "stored"])
    assert program.run(code) == (2, ["hit"])
    put("def g(x): return x + 2\n")
    assert program.run(code) == (3, ["miss", "stored"])


# --- what a cache says counts ---


def test_a_cache_says_what_counts_unless_its_function_does() -> None:
    one, other = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    with Cache(temporary=True, freeze=FreezeConfig(dict_order=False)) as cache:

        def f(x: dict[str, int]) -> list[str]:
            return list(x)

        by_cache = cache.memoize(f)
        assert by_cache(one) == by_cache(other) == ["a", "b"]
        by_itself = memoize(cache=cache, freeze=FreezeConfig())(f)
        assert [by_itself(one), by_itself(other)] == [["a", "b"], ["b", "a"]]


def figure(last: int) -> Any:
    from matplotlib.figure import Figure

    drawn = Figure()
    drawn.add_subplot().plot([1, last])
    return drawn


@pytest.mark.soundness
def test_distinct_figures_never_share_a_digest() -> None:
    assert freeze(figure(2)) != freeze(figure(3))


def test_like_figures_are_alike() -> None:
    from matplotlib import pyplot as plt

    assert freeze(figure(2)) == freeze(figure(2))
    one, other = plt.figure(), plt.figure()
    try:
        assert freeze(one) == freeze(other)
    finally:
        plt.close("all")


def test_a_figure_counts_by_all_that_is_drawn_in_it() -> None:
    changes = {
        "a point": lambda axes: axes.lines[0].set_data([0, 1], [1, 3]),
        "a colour": lambda axes: axes.lines[0].set_color("red"),
        "the limits": lambda axes: axes.set_xlim(0, 9),
        "a title": lambda axes: axes.set_title("other"),
        "a text": lambda axes: axes.text(0, 0, "text"),
        "a scale": lambda axes: axes.set_yscale("log"),
        "the size": lambda axes: axes.figure.set_size_inches(3, 3),
        "a transform": lambda axes: axes.lines[0].set_transform(axes.transAxes),
    }
    seen = {freeze(figure(2))}
    for change in changes.values():
        drawn = figure(2)
        change(drawn.axes[0])
        seen.add(freeze(drawn))
    assert len(seen) == len(changes) + 1


# --- what is not seen, but named before the first call ---

NAMED: dict[str, tuple[Callable[..., Any], str, str]] = {
    "arguments of the program": (lambda: sys.argv, "sys.argv", "environment"),
    "machine": (lambda: platform.node(), "platform.node", "environment"),
    "clock": (lambda: time.time(), "time.time", "clock"),
    "random numbers": (lambda: random.random(), "random.random", "random"),
    "numpy's random numbers": (lambda: np.random.rand(), "numpy.random.rand", "random"),
    "entropy": (lambda: os.urandom(1), "os.urandom", "random"),
    "secrets": (lambda: secrets.token_hex(), "secrets.token_hex", "random"),
    "unique identifiers": (lambda: uuid.uuid4(), "uuid.uuid4", "random"),
    "network": (lambda: socket.create_connection(("a", 1)), "socket.create_connection", "network"),
    "commands": (lambda: subprocess.run(["a"], check=True), "subprocess.run", "processes"),
    "shell commands": (lambda: os.system("a"), "os.system", "processes"),
    "keyboard": (lambda: input(), "builtins.input", "terminal"),
    "standard input": (lambda: sys.stdin.read(), "sys.stdin", "terminal"),
    "seed of hashes": (lambda: hash("a"), "builtins.hash", "hash seed"),
    "identity": (lambda x: id(x), "builtins.id", "identity"),
    "table of modules": (lambda: sys.modules["a"], "sys.modules", "computed names"),
    "all objects": (lambda: gc.get_objects(), "gc.get_objects", "computed names"),
    "frames": (lambda: sys._getframe().f_globals["a"], "sys._getframe", "computed names"),
    "frames, inspected": (lambda: inspect.currentframe(), "inspect.currentframe", "computed names"),
}


@pytest.mark.parametrize("name", NAMED)
def test_the_scan_names_what_a_function_asks_the_world(name: str) -> None:
    function, reached, kind = NAMED[name]
    found = rememo.scan(function).impurities
    assert (reached, kind) in {(impurity.name, impurity.kind) for impurity in found}


# --- what is not seen, and stands so in docs/soundness.md ---

# name: (text of module `m` with a function `change`; what asks whether `f` sees that, where it is
# not this)
SEEN = "m.f(1) != (m.change(), m.f(1))[1]"
UNSEEN: dict[str, tuple[str] | tuple[str, str]] = {
    "precision of decimals": (
        "import decimal\n@memoize\ndef f(x): return decimal.Decimal(1) / 3\ndef change(): decimal.getcontext().prec = 5\n",
    ),
    "recursion limit": (
        "import sys\n@memoize\ndef f(x): return sys.getrecursionlimit()\ndef change(): sys.setrecursionlimit(4321)\n",
    ),
    "option of a library": (
        "import numpy as np\n@memoize\ndef f(x): return str(np.array([1.25]))\ndef change(): np.set_printoptions(precision=1)\n",
    ),
    "filters that make a warning an error": (
        "import warnings\n@memoize\ndef f(x):\n    try: warnings.warn('w')\n    except UserWarning: return 1\ndef change(): warnings.simplefilter('error')\n",
    ),
    "level of a logger that is asked for it": (
        "import logging\nlog = logging.getLogger('a')\n@memoize\ndef f(x): return log.isEnabledFor(10)\ndef change(): log.setLevel(10)\n",
    ),
    "method of a library's class replaced": (
        "from fractions import Fraction\n@memoize\ndef f(x): return Fraction(1).limit_denominator()\ndef change(): Fraction.limit_denominator = lambda s: 7\n",
    ),
    "function within a library replaced": (
        "import textwrap\n@memoize\ndef f(x): return textwrap.fill('a')\ndef change(): textwrap.TextWrapper.fill = lambda s, t: 'b'\n",
    ),
    "module found in the table of modules": (
        "import h, sys\n@memoize\ndef f(x): return sys.modules['h'].K\ndef change(): h.K = 2\n# file h.py\nK = 1\n",
    ),
    "global found in a frame": (
        "import sys\nK = 1\n@memoize\ndef f(x): return sys._getframe().f_globals['K']\ndef change():\n    global K\n    K = 2\n",
    ),
    "which of two like objects": (
        "class A: pass\na, b = A(), A()\n@memoize\ndef f(x): return x is a\n",
        "m.f(m.a) != m.f(m.b)",
    ),
}

# --- what misses although it need not, and stands so in docs/soundness.md ---

# name: (text of module `m`; what an edit that changes no result replaces; by what)
COARSE: dict[str, tuple[str, str, str]] = {
    "another method of a used class": (
        "class A:\n    def a(self): return 1\n    def b(self): return 2\n@memoize\ndef f(x): return A().a()\n",
        "return 2",
        "return 3",
    ),
    "another attribute of a used class": (
        "class A:\n    k = 1\n    n = 1\n@memoize\ndef f(x): return A.k\n",
        "n = 1",
        "n = 2",
    ),
    "another attribute of a used instance": (
        "import types\nN = types.SimpleNamespace(k=1, n=1)\n@memoize\ndef f(x): return N.k\n",
        "n=1",
        "n=2",
    ),
    "another member of an enumeration": (
        "import enum\nclass E(enum.Enum):\n    A = 1\n    B = 2\n@memoize\ndef f(x): return E.A.value\n",
        "B = 2",
        "B = 3",
    ),
    "another item of a global table": (
        "T = {'a': 1, 'b': 2}\n@memoize\ndef f(x): return T['a']\n",
        "'b': 2",
        "'b': 3",
    ),
    "another function of a module that is passed on": (
        "import h\ndef c(k): return k.g()\n@memoize\ndef f(x): return c(h)\n# file h.py\ndef g(): return 1\ndef o(): return 2\n",
        "return 2",
        "return 3",
    ),
    "branch that is not taken": (
        "@memoize\ndef f(x): return 1 if x else 2\n",
        "else 2",
        "else 3",
    ),
    "helper renamed": (
        "def g(x): return x\n@memoize\ndef f(x): return g(x)\n",
        "g(x)",
        "h(x)",
    ),
    "helper moved to another module": (
        "from h import g\n@memoize\ndef f(x): return g(x)\n# file h.py\ndef g(x): return x\n# file k.py\ndef g(x): return x\n",
        "from h",
        "from k",
    ),
    "annotations of a function within": (
        "@memoize\ndef f(x):\n    def g(y): return y\n    return g(x)\n",
        "g(y)",
        "g(y: int)",
    ),
    "captured locals renamed out of order": (
        "@memoize\ndef f(x):\n    a, b = x, 2\n    return (lambda: a - b)()\n",
        "a, b = x, 2\n    return (lambda: a - b)",
        "c, b = x, 2\n    return (lambda: c - b)",
    ),
    "said in another way": ("@memoize\ndef f(x): return x + x\n", "x + x", "2 * x"),
    "default that was spelt out": (
        "def g(x, k=1): return x + k\n@memoize\ndef f(x): return g(x)\n",
        "return g(x)",
        "return g(x, 1)",
    ),
}


def laid_out(root: Path, texts: list[str]) -> list[Path]:
    """Writes programs, each to a directory of its own."""
    places = []
    for number, text in enumerate(texts):
        place = root / f"p{number}"
        place.mkdir(exist_ok=True)
        (place / "pyproject.toml").write_text("")
        write(place, text)
        places.append(place)
    return places


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What every change does with and without a cache."""
    rows = list(UNSEEN.values())
    calls = [(*row, SEEN)[1] for row in rows]
    runs = []
    for seed, environment in ((1, {}), (2, {"REMEMO_DISABLE": "1"})):
        places = laid_out(tmp_path_factory.mktemp("unseen"), [row[0] for row in rows])
        runs.append(run(list(zip(places, calls, strict=True)), seed, **environment))
    return dict(zip(UNSEEN, zip(*runs, strict=True), strict=True))


@pytest.fixture(scope="module")
def coarse(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Every program before its edit, and after it."""
    root, rows = tmp_path_factory.mktemp("coarse"), list(COARSE.values())
    jobs = [(place, "m.f(1)") for place in laid_out(root, [row[0] for row in rows])]
    before = run(jobs, 1)
    laid_out(root, [text.replace(old, new) for text, old, new in rows])
    return dict(zip(COARSE, zip(before, run(jobs, 2), strict=True), strict=True))


@pytest.mark.parametrize("name", UNSEEN)
def test_a_change_that_is_said_to_be_unseen_is(unseen: dict[str, list[Any]], name: str) -> None:
    """Whoever makes it seen has a row in docs/soundness.md to change."""
    cached, plain = unseen[name]
    assert plain[:2] == ["True", None], "the change does not show"
    assert cached[:3] == ["False", None, ["miss", "stored", "hit"]], cached[3]


@pytest.mark.parametrize("name", COARSE)
def test_an_edit_that_is_said_to_miss_needlessly_does(
    coarse: dict[str, list[Any]], name: str
) -> None:
    """Whoever makes it hit has a row in docs/soundness.md to change."""
    first, after = coarse[name]
    assert first[:2] == after[:2] == [first[0], None]
    assert after[2][-1] != "hit", after[3]
