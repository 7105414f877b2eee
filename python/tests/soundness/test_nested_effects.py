"""What a memoized function does within another: whether it runs there or is answered, from memory or
from disk, the hits of both leave the world as the plain program does, and in the same order."""

from __future__ import annotations

import io
import itertools
import logging
import os
import shutil
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import rememo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.soundness

PROGRAM = """
import logging, sys, warnings
from pathlib import Path
log = logging.getLogger("nested")

@memoize
def g(n):
    print("g", n)
    log.warning("g logs %s", n)
    Path(f"g{n}").write_text("g" * n)
    sys.stderr.write("g to stderr\\n")
    return n

@memoize
def f(n):
    print("f begins")
    found = g(n) + g(n)
    warnings.warn("f warns", stacklevel=1)
    Path("f").write_text(str(found) + Path(f"g{n}").read_text())
    found += g(n + 1)
    print("f ends")
    return found

@memoize
def h(n):
    log.error("h begins")
    found = f(n), g(n + 1)
    print("h ends")
    return found

@memoize
def once(n):
    print("once")
    return g(n)
"""
EFFECTS = ["stdout", "stderr", "logs", "warnings", "files"]
BEFORE = ["nothing", "in memory", "on disk"]
FIRST = ["g(1)", "g(2)", "f(1)", "h(1)"]


class Sink(io.RawIOBase):
    """Takes down what is written, with the name of the stream, in a list."""

    def __init__(self, name: str, into: list[str]) -> None:
        super().__init__()
        self.name, self.into = name, into

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.into.append(f"{self.name}: {bytes(data).decode()}")
        return len(data)


def stream(name: str, into: list[str]) -> io.TextIOWrapper:
    """A stream of the usual kind that ends in such a list, at once."""
    sink: Any = Sink(name, into)
    return io.TextIOWrapper(sink, write_through=True)


class Side:
    """One of two runs of the program, in a directory of its own."""

    def __init__(self, root: Path, cache: Path | None) -> None:
        root.mkdir()
        self.root, self.directory = root, cache
        self.cache: rememo.Cache | None = None
        self.names: dict[str, Any] = {}
        self.load()

    def load(self) -> None:
        """Begins anew, as another process would: nothing is in memory."""
        if self.cache:
            self.cache.close()
        self.names = {"__name__": "nested_effects", "memoize": lambda function: function}
        if self.directory:
            self.cache = rememo.Cache(self.directory)
            self.names["memoize"] = self.cache.memoize(effects=EFFECTS)
        exec(PROGRAM, self.names)

    def do(self, call: str) -> object:
        """Makes a call, without the files of earlier ones: what it returns, and all that it does."""
        for path in self.root.iterdir():
            path.unlink()
        os.chdir(self.root)
        done: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: done.append(f"log: {record.getMessage()}")
        logging.getLogger("nested").addHandler(handler)
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = stream("out", done), stream("err", done)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always")
                warnings.showwarning = lambda message, *_: done.append(f"warning: {message}")
                found = eval(call, self.names)
        finally:
            sys.stdout, sys.stderr = before
            logging.getLogger("nested").removeHandler(handler)
        files = {path.name: path.read_text() for path in self.root.iterdir()}
        return found, joined(done), files


def joined(done: list[str]) -> list[str]:
    """Without a trace of into how many pieces text was cut."""
    found: list[list[str]] = []
    for line in done:
        name, _, text = line.partition(": ")
        if found and found[-1][0] == name and name in {"out", "err"}:
            found[-1][1] += text
        else:
            found.append([name, text])
    return [": ".join(line) for line in found]


@pytest.fixture
def sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Side, Side]]:
    """The plain program, and the memoized one."""
    monkeypatch.chdir(tmp_path)
    memoized = Side(tmp_path / "memoized", tmp_path / "cache")
    yield Side(tmp_path / "plain", None), memoized
    if memoized.cache:
        memoized.cache.close()
    shutil.rmtree(tmp_path / "cache")


@pytest.mark.parametrize("then", ["memory", "disk", "inner removed"])
@pytest.mark.parametrize(("known", "before"), list(itertools.product(FIRST, BEFORE)))
def test_hits_do_what_the_plain_program_does(
    known: str, before: str, then: str, sides: tuple[Side, Side]
) -> None:
    """Whatever is known when the outermost function runs, and however it is answered then."""
    plain, memoized = sides
    if before != "nothing":
        assert memoized.do(known) == plain.do(known)
    if before == "on disk":
        memoized.load()
    for call in ("h(1)", "f(1)", "h(1)", "g(2)", "g(1)", "f(1)"):
        if then == "disk":
            memoized.load()
        if then == "inner removed" and memoized.cache:
            memoized.names["g"].cache_clear()
        assert memoized.do(call) == plain.do(call), call


def test_what_the_inner_does_not_do_again_the_outer_does(
    sides: tuple[Side, Side], rememo_events: list[dict[str, Any]]
) -> None:
    """Where the inner ran within it, what it did was done by the outer."""
    plain, memoized = sides
    assert memoized.cache
    inner = memoized.names["g"].__wrapped__
    memoized.names["g"] = memoized.cache.memoize(inner, effects=["files"], allow=["output"])
    for _ in range(3):
        del rememo_events[:]
        assert memoized.do("once(3)") == plain.do("once(3)")
    assert [event["event"] for event in rememo_events] == ["hit"]
