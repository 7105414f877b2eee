"""A store whose owner loses the right to it while it is in use, and gets it back."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from python.tests.store.conftest import Outcome, Project

ENTER = """
import m
def mode(bits, *names):
    for name in names:
        os.chmod(os.path.join(".rememo", name), bits)
"""


def run(project: Project, code: str) -> Outcome:
    """Runs code in a process that modes of files can refuse something, as they do not to root."""
    if os.geteuid() != 0:
        return project.run(ENTER + code, REMEMO_FLUSH_EVERY="0")
    if not shutil.which("setpriv"):
        pytest.skip("there is no `setpriv`, without which root is refused nothing")
    rights = "-dac_override,-dac_read_search"
    return project.run(
        ENTER + code, under=("setpriv", "--bounding-set", rights), REMEMO_FLUSH_EVERY="0"
    )


@pytest.mark.parametrize(
    ("bits", "names"),
    [
        (0o000, [""]),
        (0o500, [""]),
        (0o000, ["objects", "pending", "tmp"]),
        (0o500, ["objects", "pending", "tmp"]),
        (0o000, ["index/data.mdb"]),
        (0o400, ["index/data.mdb"]),
        (0o000, ["index"]),
    ],
    ids=[
        "no store",
        "store read only",
        "no results",
        "results read only",
        "no index",
        "index read only",
        "no directory of the index",
    ],
)
def test_calls_go_on_without_and_with_it_again(
    project: Project, bits: int, names: list[str]
) -> None:
    """In one process: what it returns is right, and nothing is said twice."""
    done = run(
        project,
        f"""
rights = [m.double(1) == 2, m.text(1, 3000) == "1," * 3000]
mode({bits}, *{names})
rights += [m.double(n) == 2 * n for n in range(5)]
rights += [m.text(n, 3000) == f"{{n}}," * 3000 for n in range(5)]
mode(0o700, *{names})
time.sleep(0.1)
rights += [m.double(n) == 2 * n for n in range(10)]
rights += [m.text(n, 3000) == f"{{n}}," * 3000 for n in range(10)]
out = all(rights)
""",
    )
    assert done.out is True
    assert len(done.warnings) <= 1, done.warnings
    assert not set(done.categories) - {"StoreWarning"}
    calls = "[m.double(n) for n in range(5, 10)] + [len(m.text(n, 3000)) for n in range(5, 10)]"
    again = run(project, f"out = {calls}")
    assert again.out == [10, 12, 14, 16, 18] + [6000] * 5
    assert set(again.names) == {"hit"}, again.names
    assert not again.warnings


@pytest.mark.parametrize("bits", [0o000, 0o400], ids=["nothing", "to list"])
def test_a_store_that_was_taken_away_is_done_without(project: Project, bits: int) -> None:
    """By a process that begins while it may not be used."""
    run(project, "out = m.double(1)")
    done = run(project, f"mode({bits}, '')\nout = [m.double(n) for n in (1, 2, 2)]")
    assert done.out == [2, 4, 4]
    assert done.categories == ["StoreWarning"], done.warnings
    project.store.chmod(0o700)
    again = run(project, "out = m.double(1)")
    assert (again.out, again.names) == (2, ["hit"])
