"""The source text that an explanation shows is the one that the interpreter's own tools find."""

from __future__ import annotations

import argparse
import asyncio.base_events
import inspect
import json.decoder
import numbers
import subprocess
import sys
import textwrap
from importlib.resources import abc as resources
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

import pytest
from rememo.sources import source_of

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO = 4e9  # no file has been written since


def functions_of(module: ModuleType) -> list[FunctionType]:
    """Returns the functions and plain methods that a module's own file defines."""
    values = list(vars(module).values())
    for owner in [value for value in values if isinstance(value, type)]:
        values += [getattr(member, "__func__", member) for member in vars(owner).values()]
    return [
        value
        for value in values
        if isinstance(value, FunctionType)
        and value.__code__.co_filename == module.__file__
        and not hasattr(value, "__wrapped__")
        and value.__name__ != "<lambda>"
    ]


@pytest.mark.parametrize(
    "module",
    [
        argparse,
        asyncio.base_events,
        inspect,
        json.decoder,
        numbers,
        resources,
        subprocess,
        textwrap,
    ],
    ids=lambda module: module.__name__,
)
def test_text_is_what_inspect_finds(module: ModuleType) -> None:
    found = functions_of(module)
    assert found
    for function in found:
        assert source_of(function, LONG_AGO) == inspect.getsource(function), function


ODD = '''
import functools

def one_line(x): return x

@functools.lru_cache
def with_text(x):
    """
Text that starts at the margin,
    """
    return x

def ends_in_comment(x):
    y = x
    # The end.

def not_reached(x):
    return x
    if 0:
        print(x)

def over_lines(
    x,
    y=(
1,
2,
    ),
):
    return """
at the margin
"""

def of_nothing(
    x,
):
    """Nothing."""

def after(): pass
'''


def test_odd_shapes_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "odd_shapes.py").write_text(ODD)
    monkeypatch.syspath_prepend(str(tmp_path))
    import odd_shapes

    for name, value in vars(odd_shapes).items():
        function = inspect.unwrap(value) if callable(value) else value
        if isinstance(function, FunctionType):
            assert source_of(function, LONG_AGO) == inspect.getsource(function), name


def test_a_first_call_imports_no_tokenizer(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "from rememo import Cache\n"
        f"cache = Cache(dir={str(tmp_path / 'cache')!r})\n"
        "@cache.memoize\n"
        "def double(x):\n"
        "    return 2 * x\n"
        "double(1)\n"
        "print(*sorted({'inspect', 'ast', 'dis', 'logging'} & set(sys.modules)))\n"
    )
    run = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert run.stdout.strip() == ""
