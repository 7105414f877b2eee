"""`python -m rememo` runs programs as `python` does, and remembers what is slow and pure."""

from __future__ import annotations

import re
import signal
import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Program

# Nothing is too quick, so that no test depends on how fast a machine is.
ANY = ("--min-compute-time", "1ns")


def rememo(program: Program, *arguments: str) -> tuple[str, str]:
    """Runs a program; returns what it printed, and the report."""
    ended = program.ended("-B", "-m", "rememo", *ANY, *arguments)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout, ended.stderr


def answered(report: str, function: str) -> int:
    """How many calls of a function were answered, by the report."""
    found = re.search(rf"^  {re.escape(function)}: (\d+) calls? answered", report, re.MULTILINE)
    return int(found[1]) if found else 0


def left(report: str, function: str) -> str:
    """Why a function was left as written, by the report."""
    lines = report.partition("left as written\n")[2].splitlines()
    return next(line for line in lines if line.startswith(f"  {function}: ")).partition(": ")[2]


def test_slow_and_pure_functions_of_a_script_are_remembered_until_their_code_changes(
    program: Program,
) -> None:
    """An edit of a helper has what uses it run again, and nothing else."""
    text = """
        def helper(x):
            return x * 2
        def uses(x):
            print("using", x)
            return [helper(x)]
        def other(x):
            return [x]
        print(uses(2), other(3))
    """
    program.write(script=text)
    first, _ = rememo(program, "script.py")
    assert first == "using 2\n[4] [3]\n"
    again, report = rememo(program, "script.py")
    # What it prints is printed by a hit, too.
    assert again == first
    assert answered(report, "script.uses") == answered(report, "script.other") == 1
    program.write(script=text.replace("x * 2", "x * 5"))
    edited, report = rememo(program, "script.py")
    assert edited == "using 2\n[10] [3]\n"
    assert answered(report, "script.uses") == 0
    assert answered(report, "script.other") == 1


IMPURE = {
    "looks at the clock": "import time\ndef f():\n    return [time.time()]\nf()",
    "arguments of the command line": (
        "import argparse\ndef f():\n    parser = argparse.ArgumentParser()\n"
        "    parser.add_argument('--n', default=1)\n    return parser.parse_args([]) and "
        "parser.parse_args().n\nf()"
    ),
    "sys.argv: environment": "import sys\ndef f():\n    return sys.argv[0]\nf()",
    "sys.argv was replaced": "import sys\nsys.argv = ['a']\ndef f():\n    return 1\nf()",
    "a part of argument 1": "def f(xs):\n    return xs\nf([1])",
    "a part of argument xs": "def f(*, xs):\n    return {'a': xs[0]}\nf(xs=[[1]])",
    "a part of the variable SHARED": "SHARED = [1]\ndef f():\n    return SHARED\nf()",
    "a part of the variable HELD": (
        "HELD = {'a': [1]}\ndef get():\n    return HELD['a']\ndef f():\n    return get()\nf()"
    ),
    "a part of a default": "def f(xs=[1]):\n    return xs\nf()",
    "a part of the class C": "class C:\n    held = [1]\ndef f():\n    return C.held\nf()",
    "a part of the variable ROWS": (
        "ROWS = [1]\nclass C:\n    def rows(self):\n        return ROWS\n"
        "def f(c):\n    return c.rows()\nf(C())"
    ),
    "a part of the variable KEPT": (
        "KEPT = [1]\ndef get():\n    return KEPT\nHANDLERS = {'a': get}\n"
        "def f():\n    return HANDLERS['a']()\nf()"
    ),
    "a part of argument 1, which": "def f(xs):\n    return xs.append\nf([1])",
    "a part of argument 1, ": (
        "class Text(str):\n    pass\ndef f(text):\n    return text\nf(Text('a'))"
    ),
    "changed during the call": "def f(xs):\n    xs.append(1)\n    return 1\nf([])",
    "unpicklable": "def f():\n    return lambda: 1\nf()",
    "argument": "import threading\ndef f(x):\n    return 1\nf(threading.Lock())",
    "computed": "import sys\ndef f(x):\n    return sys.modules[x].__name__\nf('sys')",
    "identity": "def f(x):\n    return id(x)\nf(1)",
    "writes made": "def f():\n    open('made', 'w').close()\nf()",
    "generator": "def f():\n    yield 1\nlist(f())",
    "coroutine": "import asyncio\nasync def f():\n    return 1\nasyncio.run(f())",
    "decorated": "def d(g):\n    return lambda: g()\n@d\ndef f():\n    return 1\nf()",
}


@pytest.mark.soundness
@pytest.mark.parametrize("why", IMPURE)
def test_what_a_stored_result_would_leave_out_is_run_as_it_is_written(
    program: Program, why: str
) -> None:
    """Nothing of it is answered in a second run, and the report says why."""
    program.write(script=IMPURE[why])
    for _ in range(2):
        _, report = rememo(program, "script.py")
        assert why in left(report, "script.f")
        assert answered(report, "script.f") == 0


@pytest.mark.soundness
def test_changes_of_what_was_returned_are_seen_where_they_would_be(program: Program) -> None:
    """A result that is the caller's own object stays that object, run for run."""
    program.write(
        script="""
            import numpy as np
            SETTINGS = {"rate": 1}
            def settings():
                return SETTINGS
            def column(table):
                return table[:, 0]
            settings()["rate"] = 2
            table = np.zeros((2, 2))
            column(table)[0] = 7
            print(SETTINGS["rate"], table[0, 0])
        """
    )
    assert rememo(program, "script.py")[0] == rememo(program, "script.py")[0] == "2 7.0\n"


@pytest.mark.soundness
def test_a_function_that_parses_the_command_line_sees_the_new_one(program: Program) -> None:
    """What `argparse` reads is in no argument, and in no code of the program."""
    program.write(
        script="""
            import argparse
            def main():
                parser = argparse.ArgumentParser()
                parser.add_argument("name")
                return parser.parse_args().name
            print(main())
        """
    )
    assert [rememo(program, "script.py", name)[0] for name in "aab"] == ["a\n", "a\n", "b\n"]


def test_a_function_that_proves_too_quick_is_called_directly(program: Program) -> None:
    """Some calls show it; from then on nothing is looked up."""
    program.write(script="def f(x):\n    return x\nfor x in range(50):\n    f(x)\n")
    ended = program.ended("-B", "-m", "rememo", "--min-compute-time", "1h", "script.py")
    assert left(ended.stderr, "script.f") == "too quick: 16 calls in a row"


def test_a_table_is_made_once(program: Program) -> None:
    """A program with pandas prints the same, and what is slow in it is answered."""
    (program.directory / "data.csv").write_text("city,rain\na,1\nb,2\na,3\n")
    program.write(
        script="""
            import pandas as pd
            def load(path):
                return pd.read_csv(path)
            def by_city(table):
                return table.groupby("city")["rain"].sum()
            table = load("data.csv")
            print(by_city(table))
        """
    )
    first, _ = rememo(program, "script.py")
    again, report = rememo(program, "script.py")
    assert again == first
    assert answered(report, "script.load") == answered(report, "script.by_city") == 1
    (program.directory / "data.csv").write_text("city,rain\na,1\nb,2\na,5\n")
    changed, report = rememo(program, "script.py")
    assert re.search(r"a +6", changed)
    assert answered(report, "script.load") == 0


PROGRAMS = {
    "arguments": "import sys\nprint(sys.argv, sys.argv[1:], len(sys.argv), list(sys.argv))",
    "main": (
        "import sys\nprint(__name__, __file__, __spec__, __package__, __cached__, sys.path[0])\n"
        "print(sys.modules['__main__'].__dict__ is globals(), sorted(globals()))"
    ),
    "error": "def f(x):\n    return g(x)\ndef g(x):\n    return 1 / x\nf(0)",
    "cause": "def f():\n    try:\n        {}[1]\n    except KeyError as e:\n"
    "        raise ValueError('no') from e\nf()",
    "syntax": "def f(:\n    pass",
    "exit": "import sys\ndef f():\n    sys.exit(5)\nf()",
    "said": "raise SystemExit('why')",
    "hook": "import sys\nsys.excepthook = lambda kind, *_: print('own', kind.__name__)\n1 / 0",
    "atexit": "import atexit\natexit.register(print, 'late')\nprint('early')",
    "typed": "print(input('? '))",
    "source": "import inspect\ndef f(x, /, y=1, *, z):\n    '''Doc.'''\n    return x\n"
    "print(inspect.getsource(f), inspect.signature(f), f.__doc__, f.__name__, f.__module__)",
    "future": "from __future__ import annotations\ndef f(x: Nothing) -> None:\n    pass\n"
    "print(f.__annotations__)",
    "import": "import beside\nprint(beside.f(2), beside.__file__)",
}


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_script_does_what_it_does_without(program: Program, kind: str) -> None:
    """What it prints, what it writes to stderr, and how it ends."""
    program.write(script=PROGRAMS[kind], beside="def f(x):\n    return x * 2\n")
    for _ in range(2):
        ended = program.ended(
            "-B", "-m", "rememo", *ANY, "--quiet", "script.py", "-x", "b", typed="y\n"
        )
        plain = program.ended("-B", "script.py", "-x", "b", typed="y\n")
        assert (ended.stdout, ended.stderr) == (plain.stdout, plain.stderr)
        assert ended.returncode == plain.returncode


def test_a_module_is_run_as_with_m(program: Program) -> None:
    """Packages by their `__main__`, too; relative imports work."""
    package = program.directory / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("def f(x):\n    return [x]\n")
    (package / "__main__.py").write_text(
        "import sys\nfrom .one import f\ndef g(x):\n    return {x}\n"
        "print(__name__, __package__, __spec__.name, sys.argv, f(1), g(2), sys.path[0])\n"
    )
    for name in ("pkg", "pkg.__main__"):
        ended = program.ended(
            "-B", "-m", "rememo", *ANY, "--modules", "pkg.*", "-m", name, "-v", "a"
        )
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout == program.ended("-B", "-m", name, "-v", "a").stdout
    assert answered(ended.stderr, "pkg.one.f") == 1
    assert answered(ended.stderr, "pkg.g") == 1


def test_an_interrupted_program_ends_as_one(program: Program) -> None:
    """By the signal, as shells expect."""
    program.write(script="import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nwhile True: pass")
    ended = program.ended("-B", "-m", "rememo", "--quiet", "script.py")
    assert ended.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-"], "standard input"),
        (["absent.py"], "can't open file 'absent.py'"),
        (["."], "is a directory"),
        (["-m", "no_such_module_here"], "no module named no_such_module_here"),
        (["-m", "math"], "no Python source"),
        ([], "name a script"),
        (["--min-compute-time", "soon", "absent.py"], "soon"),
    ],
)
def test_what_cannot_be_run_is_refused_in_words(
    program: Program, arguments: list[str], said: str
) -> None:
    """With the exit code of a wrong command line."""
    ended = program.ended("-B", "-m", "rememo", *arguments)
    assert (ended.returncode, said in ended.stderr) == (2, True), ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_report_goes_to_a_file(program: Program, tmp_path: Path) -> None:
    """And nothing to stderr."""
    program.write(script="def f(x):\n    return [x]\nf(1)\n")
    ended = program.ended("-B", "-m", "rememo", *ANY, "--report", "told.txt", "script.py")
    assert ended.stderr == ""
    assert (tmp_path / "told.txt").read_text().startswith("rememo: 1 function memoized, ")


def test_functions_reach_the_workers_of_pools(program: Program) -> None:
    """By name, and written out in full by cloudpickle; there they run as they are written."""
    program.write(
        script=textwrap.dedent(
            """
            import multiprocessing, cloudpickle, pickle
            def f(x):
                return [x]
            if __name__ == "__main__":
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    print(pool.map(f, [1, 2]))
                print(type(pickle.loads(cloudpickle.dumps(f))).__name__)
                print(pickle.loads(pickle.dumps(f)) is f)
            """
        )
    )
    assert rememo(program, "script.py")[0] == "[[1], [2]]\nfunction\nTrue\n"
