"""What functions do and hits do again: each call of a memoized function leaves the world as a call
of the plain one would, with the same files and the same output."""

from __future__ import annotations

import io
import logging
import os
import shutil
import stat
import sys
import types
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from soundness.world_probes import FILES
from soundness.world_probes_effects import EFFECTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rememo import Cache

pytestmark = pytest.mark.soundness

HEAD = "import io, os, shutil\nfrom pathlib import Path\n"
MEMOIZED = HEAD + "from rememo import memoize\n"
PLAIN = HEAD + "memoize = lambda f=None, **_: f or (lambda f: f)\n"
NAMES = {
    "hit": ["hit"],
    "miss": ["miss", "stored"],
    "raises": ["miss"],
    "kept out": ["miss", "not_stored"],
}


def write(name: str, text: str) -> None:
    """Writes a file, in its place."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)


def stream() -> io.TextIOWrapper:
    """A stream that is written to memory."""
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8")


def taken(kept: io.TextIOWrapper) -> bytes:
    """What was written to it."""
    kept.flush()
    memory: Any = kept.buffer
    return memory.getvalue()


def files(root: Path) -> dict[str, object]:
    """All there is below a directory: what files hold, and permissions."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        what: object = str(path.readlink()) if path.is_symlink() else None
        if stat.S_ISREG(status.st_mode):
            what = path.read_bytes()
        found[str(path.relative_to(root))] = stat.S_IMODE(status.st_mode), what
    return found


@contextmanager
def outputs(log: logging.Handler) -> Iterator[dict[str, io.TextIOWrapper]]:
    """Has what is written and logged kept."""
    kept = {"stdout": stream(), "stderr": stream()}
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = kept["stdout"], kept["stderr"]
    logging.getLogger("probe").addHandler(log)
    try:
        yield kept
    finally:
        sys.stdout, sys.stderr = before
        logging.getLogger("probe").removeHandler(log)


class World:
    """A directory in which the steps of a probe are taken."""

    def __init__(self, root: Path, head: str) -> None:
        root.mkdir()
        self.root = self.here = root
        self.head = head
        self.module: Any = None
        self.scope = {"os": os, "write": write, "rmtree": shutil.rmtree}
        for name, text in FILES.items():
            write(str(root / name), text)

    def load(self, text: str) -> None:
        """Makes a module of a probe."""
        os.chdir(self.here)
        self.module = types.ModuleType("effects_probe")
        self.module.write = write
        exec(self.head + text, vars(self.module))

    def step(self, change: str) -> dict[str, Any]:
        """Makes a change and a call: what came of it."""
        os.chdir(self.here)
        log, lines = logging.StreamHandler(), []
        log.emit = lambda record: lines.append(log.format(record))
        log.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
        with outputs(log) as kept, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            exec(change, {**self.scope, "OUT": kept["stdout"]})
            try:
                done: tuple[str, object] = "returns", self.module.f()
            except Exception as error:
                done = "raises", repr(error)
            written = {name: taken(stream) for name, stream in kept.items()}
        self.here = Path.cwd()
        own = [str(one.message) for one in caught if "effects_probe" not in str(one.message)]
        return {
            "done": done,
            "files": files(self.root),
            "logged": [line.partition("Traceback")[0] for line in lines],
            "warned": own,
            **written,
        }


@pytest.mark.parametrize("name", EFFECTS)
def test_a_call_leaves_the_world_as_a_run_does(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rememo_cache: Cache,
    rememo_events: list[dict[str, Any]],
) -> None:
    monkeypatch.chdir(tmp_path)
    text, steps = EFFECTS[name]
    memoized = World(tmp_path / "memoized", MEMOIZED)
    plain = World(tmp_path / "plain", PLAIN)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for world in (memoized, plain):
            world.load(text)
        for world in (memoized, plain):
            world.step("pass")
        for at, (change, expected) in enumerate(steps):
            del rememo_events[:]
            one = memoized.step(change)
            own = [e["event"] for e in rememo_events if e["function"] == "effects_probe.f"]
            where = f"step {at}: {change}: {rememo_events}"
            assert expected == "any" or own == NAMES[expected], where
            assert one == plain.step(change), where
