"""Processes are killed at any moment; what was reported stored is there, and nobody waits on."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

    from python.tests.store.conftest import Project

KILLS = int(os.environ.get("REMEMO_KILLS", "24"))
WRITERS = 2

# Stores results, small and large in turn, and says so each time one is stored.
WRITER = """
import itertools, m
def say(event):
    if event["event"] == "stored":
        os.write(1, b"%d\\n" % key)
_core.subscribe(say)
for key in itertools.count(FIRST):
    m.text(key, 1 + key % 2 * 5000)
"""


def start(project: Project, first: int) -> subprocess.Popen[str]:
    """Starts a writer of the keys from `first` on."""
    return project.start(WRITER.replace("FIRST", str(first)))


def kill(writer: subprocess.Popen[str], after: int, pause: float) -> list[int]:
    """Kills a writer a moment after so many results; returns what it had stored by then."""
    assert writer.stdout
    seen = [next(writer.stdout) for _ in range(after)]
    time.sleep(pause)
    writer.kill()
    rest, stderr = writer.communicate()
    assert not stderr
    return [int(line) for line in "".join([*seen, rest]).splitlines()]


def test_what_killed_writers_stored_is_kept(project: Project) -> None:
    """Two at a time, each killed somewhere in its work, again and again."""
    stored: list[int] = []
    for n in range(0, KILLS, WRITERS):
        writers = [start(project, 1000 * (n + i)) for i in range(WRITERS)]
        for i, writer in enumerate(writers):
            stored += kill(writer, 1 + (n + i) * 7 % 20, pause=(n + i) % 11 / 5000)
    assert len(stored) > KILLS
    done = project.run(f"""
        import m
        keys = {stored}
        out = all(m.text(k, 1 + k % 2 * 5000) == f"{{k}}," * (1 + k % 2 * 5000) for k in keys)
    """)
    assert done.out
    hits = [name for name in done.names if name != "adopted"]
    assert hits == ["hit"] * len(stored)
    assert not done.warnings


def test_a_killed_runner_frees_its_waiter(project: Project) -> None:
    """Which then runs the call itself."""
    runner = project.start("import m; m.gated(3)")
    project.wait_for("runs")
    waiter = project.start("import m; out = m.gated(3)")
    project.wait_for_claim(waiter)
    runner.kill()
    project.touch("go")
    done = project.finish(waiter)
    assert (done.out, done.names) == (6, ["miss", "stored"])
    assert project.runs() == ["3", "3"]


def test_a_killed_runner_frees_its_waiter_though_its_child_lives_on(project: Project) -> None:
    """A child forked during the call does not inherit the claim."""
    project.write(
        parent="""
        import m, os, pathlib, time
        from rememo import memoize
        @memoize
        def leave_child(x):
            if x and not pathlib.Path("killed").exists():
                if os.fork() == 0:
                    while not pathlib.Path("end").exists():
                        time.sleep(0.002)
                    os._exit(0)
                pathlib.Path("forked").touch()
                time.sleep(60)
            return x
        """
    )
    call = "import parent; out = parent.leave_child(5)"
    runner = project.start(call)
    project.wait_for("forked")
    project.touch("killed")
    waiter = project.start(call)
    project.wait_for_claim(waiter)
    runner.kill()
    done = project.finish(waiter)
    project.touch("end")
    assert (done.out, done.names) == (5, ["miss", "stored"])


def test_an_exception_frees_the_waiter(project: Project) -> None:
    """A claim ends with its call, however that ends."""
    project.write(
        failing="""
        import m
        from rememo import memoize
        @memoize
        def fail(x):
            raise ValueError(m.gated(x))
        """
    )
    call = """
        import failing
        try:
            failing.fail(2)
        except ValueError as error:
            out = str(error)
    """
    processes = [project.start(call) for _ in range(2)]
    for process in processes:
        project.wait_for_claim(process)
    project.touch("go")
    assert [project.finish(process).out for process in processes] == ["4", "4"]
    assert project.runs() == ["2"]
