"""`%%memo` in real notebooks, run by real kernels; and what notebooks show of caches."""

from __future__ import annotations

import ast
import itertools
import textwrap
from typing import TYPE_CHECKING, Any

import nbclient
import nbformat
import pytest
from rememo import Cache, memoize
from rememo.name_flow import NameFlow

if TYPE_CHECKING:
    from pathlib import Path

LOAD = "%load_ext rememo\nfrom pathlib import Path"
# It prints only where it is run.
CELL = """%%memo
print("run")
total = sum(helper(x) for x in data)
count = len(data)
total / count
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project for notebooks to be in."""
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path


def run(directory: Path, *cells: str, fails: bool = False) -> list[list[str]]:
    """Runs cells in a kernel of their own; returns the texts that each of them put out."""
    notebook: Any = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=[nbformat.v4.new_code_cell(cell) for cell in (LOAD, *cells)]  # type: ignore[no-untyped-call]
    )
    resources = {"metadata": {"path": str(directory)}}
    nbclient.NotebookClient(notebook, timeout=60, resources=resources, allow_errors=fails).execute()
    return [texts(cell) for cell in notebook.cells[1:]]


def texts(cell: Any) -> list[str]:
    """What a cell put out; what it prints may come in several pieces."""
    found = []
    for kind, outputs in itertools.groupby(cell["outputs"], key=lambda one: one.get("name")):
        if kind:
            found.append("".join(output["text"] for output in outputs).strip())
            continue
        found += map(text_of, outputs)
    return found


def text_of(output: Any) -> str:
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}"
    data = output["data"]
    return (data.get("text/html") or data["text/plain"]).strip()


HELPER = "def helper(x):\n    return x + 1"


def test_variables_come_back(project: Path) -> None:
    tell = "print(total, count)"
    first = run(project, HELPER, "data = [1, 2, 3]", CELL, tell, CELL, "total = 0", CELL, tell)
    assert first == [[], [], ["run", "3.0"], ["9 3"], ["3.0"], [], ["3.0"], ["9 3"]]
    # In another kernel, with a comment and other lines about it.
    again = run(project, "1", HELPER, "data = [1, 2, 3]", CELL + "# said anew", tell)
    assert again == [["1"], [], [], ["3.0"], ["9 3"]]


def test_what_a_cell_reads_counts(project: Path) -> None:
    changed = run(
        project,
        HELPER,
        "data = [1, 2, 3]",
        CELL,
        "data = [1, 2, 4]",
        CELL,
        HELPER.replace("1", "2"),
        CELL,
        CELL.replace("sum", "max"),
    )
    assert changed == [
        [],
        [],
        ["run", "3.0"],
        [],
        ["run", "3.3333333333333335"],
        [],
        ["run", "4.333333333333333"],
        ["run", "2.0"],
    ]


def test_a_cell_may_read_what_it_binds_anew(project: Path) -> None:
    step = "%%memo\nprint('run')\nx = x + 1"
    out = run(project, "x = 1", step, "x", step, "x", "x = 1", step, "x")
    assert out == [[], ["run"], ["2"], ["run"], ["3"], [], [], ["2"]]
    assert run(project, "%%memo\nlen = len('ab')", "len") == [[], ["2"]]


def test_modules_and_arrays_come_back(project: Path) -> None:
    cell = (
        "%%memo\nprint('run')\nimport numpy as np, os.path\nfrom math import pi\na = np.arange(3)"
    )
    tell = "np.sum(a), os.path.basename('/x/y'), round(pi)"
    shown = ["(np.int64(3), 'y', 3)"]
    assert run(project, cell, tell) == [["run"], shown]
    assert run(project, cell, tell) == [[], shown]


def test_variables_that_may_not_be_bound(project: Path) -> None:
    cell = "%%memo\nif flag:\n    x = 1\nfor i in range(n):\n    last = i\n"
    tell = "print([name in globals() for name in ('x', 'i', 'last')])"
    no, yes = "flag, n = False, 0", "flag, n = True, 2"
    told = run(project, no, cell, tell, yes, cell, tell, cell)
    assert [told[2], told[5]] == [["[False, False, False]"], ["[True, True, True]"]]


def test_variables_that_are_deleted_are_gone(project: Path) -> None:
    """Whether the cell is run or not; where it takes another way, they stay."""
    cell = "%%memo\nprint('run')\nif flag:\n    del x\nlocal = 1\ny = local + 1\ndel local"
    tell = "print([name in globals() for name in ('x', 'y', 'local')])"
    told = run(project, "flag, x = True, 1", cell, tell, "x = 1", cell, tell)
    gone = [["run"], ["[False, True, False]"]]
    assert told == [[], *gone, [], [], gone[1]]
    assert run(project, "flag, x = True, 1", cell, tell) == [[], [], gone[1]]
    assert run(project, "flag, x = False, 1", cell, tell)[2] == ["[True, True, False]"]


HANDLED = "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    told = str(e)"
UNBOUND = [
    HANDLED,
    f"e = 1\n{HANDLED}",
    f"{HANDLED}\n    e = 2",
    f"{HANDLED}\n    del e",
    f"{HANDLED}\ne = 3",
    f"e = 3\n{HANDLED.replace('1 / 0', 'told = 1')}",
    HANDLED.replace("1 / 0", "told = 1"),
    f"e = 4\nfor x in [0, 1]:\n{textwrap.indent(HANDLED.replace('1 / 0', '1 / x'), '    ')}",
    "for e in range(3):\n    told = e\ndel e",
    "e = told = 1\nfor x in [1]:\n    del e",
]


def test_names_are_unbound_as_python_has_it(project: Path) -> None:
    """After a handler, and by `del`, whether the cell is run or not."""
    tell = "print(globals().get('e'), told)"
    cells, expected = [], []
    for at, cell in enumerate(UNBOUND):
        for before in ("globals().pop('e', None)\nNone", "e = 5"):
            variables: dict[str, Any] = {}
            exec(f"{before}\n{cell}", variables)
            said = [f"{variables.get('e')} {variables['told']}"]
            memo = f"%%memo {at}\nprint('run')\n{cell}"
            cells += [before, memo, tell, before, memo, tell]
            expected += [said, said]
    told = run(project, *cells)
    assert told[2::3] == expected
    assert all(once == [] for once in told[4::6])


def test_what_a_cell_changes_in_its_place_is_changed_by_hits(project: Path) -> None:
    make = "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})\nsame, xs = df, [1]"
    cell = "%%memo\nprint('run')\ndf['b'] = 2 * df.a\nxs.append(len(df))\nys = xs"
    tell = "print([*same], xs, ys is xs)"
    said = ["['a', 'b'] [1, 2] True"]
    assert run(project, make, cell, tell) == [[], ["run"], said]
    assert run(project, make, cell, tell) == [[], [], said]


def test_variables_that_held_one_object_still_do(project: Path) -> None:
    cell = "%%memo\nprint('run')\nb = a\nc = {'a': a}"
    tell = "a.append(2)\nprint(b, c, b is a)"
    said = ["[1, 2] {'a': [1, 2]} True"]
    assert run(project, "a = [1]", cell, tell) == [[], ["run"], said]
    assert run(project, "a = [1]", cell, tell) == [[], [], said]


def test_files_that_a_cell_writes_are_written_by_hits(project: Path) -> None:
    cell = "%%memo\nprint('run')\nwritten = Path('out.txt').write_text('text')"
    assert run(project, cell) == [["run"]]
    (project / "out.txt").unlink()
    assert run(project, cell, "print(Path('out.txt').read_text())") == [[], ["text"]]


def test_a_cell_that_is_run_again_in_its_kernel_is_answered(project: Path) -> None:
    """Though the variables that it binds are there by then."""
    cell = (
        "%%memo\nprint('run')\nglobal total\ntotal = 0\nsquares = [x * x for x in range(3)]\n"
        "pairs = {k: v for k, v in zip('ab', squares)}\n"
        "ordered = sorted(squares, key=lambda v: -v)\n"
        "for x, k in enumerate(squares):\n    v = total = total + k\n"
        "try:\n    import json\nexcept ImportError:\n    json = None\nthere = json is not None"
    )
    tell = "print(total, x, k, v, pairs, there)"
    said = ["5 2 4 5 {'a': 0, 'b': 1} True"]
    assert run(project, cell, tell, cell, tell) == [["run"], said, [], said]


def test_a_semicolon_keeps_the_last_value_from_being_shown_and_stored(project: Path) -> None:
    shown = "%%memo\nprint('run')\nx = 1\nx + 1"
    hidden = "%%memo\nprint('run')\nx = 1\n(n for n in range(3));"
    assert run(project, shown, hidden) == [["run", "2"], ["run"]]
    assert run(project, shown, hidden) == [["2"], []]


def test_files_that_a_cell_has_closed_do_no_harm(project: Path) -> None:
    """They do not come back, and all else does."""
    (project / "data.txt").write_text("text")
    cell = "%%memo\nprint('run')\nwith open('data.txt') as file:\n    data = file.read()\ndata"
    assert run(project, cell) == [["run", "'text'"]]
    assert run(project, cell, "'file' in globals()") == [["'text'"], ["False"]]
    (project / "data.txt").write_text("other")
    assert run(project, cell) == [["run", "'other'"]]


def test_exceptions_are_the_cells_own_and_nothing_is_kept(project: Path) -> None:
    cell = "%%memo\ny = 1\nz = 1 / x"
    out = run(project, "x = 0", cell, "'y' in globals()", "x = 2", cell, "z", fails=True)
    assert out == [[], ["ZeroDivisionError: division by zero"], ["False"], [], [], ["0.5"]]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("def f():\n    pass", "it defines f on line 1"),
        ("class C:\n    pass", "it defines C on line 1"),
        ("if x:\n    def f():\n        pass", "it defines f on line 2"),
        ("x = 1\nf = lambda y: x", r"it defines a function \(lambda\) on line 2"),
        ("steps = {'a': [lambda y: 1]}", r"it defines a function \(lambda\) on line 1"),
        ("if True:\n    return 1", "nothing to return"),
        ("nonlocal x", "it says `nonlocal`"),
        ("from os import *", r"it imports `\*`"),
        ("from __future__ import annotations", "it imports from __future__"),
        ("if 'x' not in globals():\n    x = 1", r"by globals\(\) on line 1: name them"),
        ("names = dir()", r"by dir\(\) on line 1"),
        ("exec('x = 1')", r"by exec\(\) on line 1"),
        ("await x", "it awaits something"),
        ("x = 1\nfiles = get_ipython().getoutput('ls')", "with % or !, on line 2"),
    ],
)
def test_cells_that_cannot_be_memoized_say_why(project: Path, cell: str, message: str) -> None:
    from rememo.cell_refusals import Refused
    from rememo.magics import function_of

    with pytest.raises(Refused, match=message):
        function_of(cell, "<cell>", {}, "")


@pytest.mark.parametrize(
    "before",
    [
        "def helper(): return scale",
        "def inner(): return scale\ndef helper(): return inner()",
        "class A:\n def m(self): return scale\nhelper = A().m",
        "class A:\n @property\n def m(self): return scale\na = A()\ndef helper(): return a.m",
        "import functools\ndef f(x): return [scale for _ in x]\nhelper = functools.partial(f, [1])",
        "def wrap(f): return lambda: f()\n@wrap\ndef helper(): return scale",
        "from rememo import memoize\n@memoize\ndef helper(): return scale",
    ],
)
def test_functions_that_read_what_a_cell_binds_are_not_left_with_the_old(before: str) -> None:
    from rememo.cell_refusals import Refused
    from rememo.magics import function_of

    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(before, namespace)
    reader = r"it binds scale, which (helper|inner|A\.m|f) reads: "
    with pytest.raises(Refused, match=reader):
        function_of("scale = 2\ny = helper()", "<cell>", namespace, "")
    assert function_of("y = helper()\nx = scale", "<cell>", namespace, "")


def test_what_is_imported_already_may_be_imported_again() -> None:
    from rememo.cell_refusals import Refused
    from rememo.magics import function_of

    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec("import os.path as p\nfrom math import pi\ndef helper(): return p, pi", namespace)
    both = "import os.path as p\nfrom math import pi\ny = helper()"
    assert function_of(both, "<cell>", namespace, "")
    for other in ("import sys as p", "from math import e as pi", "from math import pi\npi = 3"):
        with pytest.raises(Refused, match="which helper reads"):
            function_of(f"{other}\ny = helper()", "<cell>", namespace, "")


def test_a_refusal_is_no_traceback(project: Path) -> None:
    [[told]] = run(project, "%%memo\ndef f():\n    pass", fails=True)
    assert told.startswith("UsageError: %%memo: it defines f")


def test_cells_have_a_name_if_they_are_given_one(project: Path) -> None:
    ask = "from rememo import Cache\nprint(*Cache().stats())"
    [_, _, [told]] = run(project, "%%memo slow part\nx = 1", "%%memo\ny = x", ask)
    assert told.splitlines()[-1].count(".slow part") == 1
    assert told.splitlines()[-1].count(".cell of y") == 1


@pytest.mark.parametrize(
    ("code", "first"),
    [
        ("a = 1\nb = a", ""),
        ("b = a\na = 1", "a"),
        ("a += 1", "a"),
        ("if c: a = 1\nelse: a = 2\nb = a", ""),
        ("if c: a = 1\nb = a", "a"),
        ("for a in b: pass\nc = a", "a"),
        ("while c:\n b = a\n a = 1", "a"),
        ("try: a = 1\nexcept E as e: b = e\nb = a", "ae"),
        ("try: pass\nfinally: a = 1\nb = a", ""),
        ("with f() as a: b = a\nc = a", ""),
        ("with f(): a = 1\nb = a", "a"),
        ("b = [a for a in a]\na = 1", "a"),
        ("f = lambda: a\na = 1", "a"),
        ("a = 1\nf = lambda: a", ""),
        ("(a := 1)\nb = a", ""),
        ("c and (a := 1)\nb = a", "a"),
        ("b = 1 < 2 < (a := 3)\nb = a", "a"),
        ("b = (a := 1) if c else 2\nb = a", "a"),
        ("a: int\nb = a\na = 1", "a"),
        ("import a.x\nb = a", ""),
        ("a = 1\ndel a\nb = a", "a"),
        ("match c:\n case [a, *b]: d = a\ne = b", "b"),
        ("match c:\n case {'x': 1, **a}: pass\nb = a", "a"),
        ("def f(): return a\na = 1", "a"),
        ("[(a := x) for x in y]\nb = a", "a"),
        ("b = [a for a in c]\na = 1", ""),
        ("b = [a for d in c for a in d if a]\na = 1", ""),
        ("b = [d for a in c for d in a]\nd = a = 1", ""),
        ("b = {a: d for d in c}\na = d = 1", "a"),
        ("f = lambda a, *b, c=d: (a, b)\na = b = d = 1", "d"),
        ("b = [(lambda a: a)(a) for c in d]\na = c = 1", "a"),
        ("try: a = 1\nexcept E: a = 2\nb = a", ""),
        ("try: a = 1\nfinally: c = 2\nb = a, c", ""),
        ("try: a = 1\nfinally: c = a\nb = a", "a"),
        ("try: pass\nexcept E as a: b = a\nd = a", "a"),
        ("a = 1\ntry: pass\nexcept E as a: pass\nb = a", "a"),
        ("a = 1\nfor b in c:\n del a\nd = a", "a"),
        ("a = 1\nwith b:\n del a", "a"),
    ],
)
def test_names_that_may_be_read_before_they_are_bound(code: str, first: str) -> None:
    assert NameFlow(ast.parse(code)).reads_first == set(first)


# --- what is shown -----------------------------------------------------------


def test_functions_and_caches_are_shown(project: Path) -> None:
    define = (
        "from rememo import Cache, memoize\n@memoize(ignore=['y'])\ndef f(x, y=1):\n    return x"
    )
    [_, [function], [cache]] = run(project, define, "f(1), f(1)\nf", "Cache()")
    for text in (
        "memoized function",
        ".f</caption>",
        '<td style="text-align:left">1</td>',
        "does not count",
    ):
        assert text in function
    assert str(project / ".rememo") in cache
    assert "results in" in cache


def test_nothing_that_is_shown_is_markup(tmp_path: Path) -> None:
    wild = tmp_path / "<b>&"
    with Cache(wild) as cache:

        def work(x: int) -> int:
            return x

        work.__qualname__ = "<script>alert(1)</script>"
        memoized = cache.memoize(version="<i>")(work)
        memoized(1)
        for shown in (memoized._repr_html_(), cache._repr_html_()):
            assert "<b>" not in shown
            assert "<script>" not in shown
            assert "<i>" not in shown
            assert "&lt;b&gt;&amp;" in shown


def test_a_cache_that_cannot_be_used_is_shown_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match="file"):
        assert "cannot be used" in Cache(tmp_path / "file" / "cache")._repr_html_()
    cache = Cache(tmp_path / "cache")
    memoized = cache.memoize(abs_of)
    cache.close()
    assert "cannot be used" in cache._repr_html_()
    assert "nothing is kept" in memoize(enabled=False)(abs_of)._repr_html_()
    assert "abs_of" in memoized.__name__


def abs_of(x: int) -> int:
    return abs(x)
