"""Stores of other formats, met by this version while others use them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from rememo import Cache

if TYPE_CHECKING:
    from python.tests.store.conftest import Project

EARLIER = Path(__file__).with_name("formats") / "format-4.tar.gz"
CALLS = """
import m
out = [m.double(n) for n in range(20)] + [len(m.text(n, 2000)) for n in range(3)]
"""
RIGHT = [2 * n for n in range(20)] + [4000] * 3


def unpack(project: Project) -> None:
    """Puts a store of an earlier format, made by that version, where the project has its own."""
    subprocess.run(["tar", "-xzf", EARLIER, "-C", project.directory], check=True)
    project.store.chmod(0o700)


def contents(directory: Path) -> dict[str, bytes]:
    """What files hold, by name; but for those of claims, which are empty, and locked only."""
    files = (path for path in directory.rglob("*") if path.is_file())
    paths = [path for path in files if path.parent.name != "claims"]
    return {str(path.relative_to(directory)): path.read_bytes() for path in paths}


def test_a_store_of_an_earlier_format_is_set_aside_as_it_is(project: Project) -> None:
    """Every byte of it; calls run, with one warning that says where it is now, and hit then."""
    unpack(project)
    before = contents(project.store)
    done = project.run(CALLS)
    assert done.out == RIGHT
    assert done.names == ["degraded", *["miss", "stored"] * 23]
    (aside,) = project.directory.glob(".rememo.set-aside-*")
    ((_, message),) = done.warnings
    assert str(aside) in message
    assert contents(aside) == before
    assert project.run(CALLS).names == ["hit"] * 23


def test_what_an_earlier_version_still_writes_is_not_misread(project: Project) -> None:
    """It goes by names: its results come to lie among those of the new store."""
    unpack(project)
    project.run("import m\nm.text(7, 2000)")
    (aside,) = project.directory.glob(".rememo.set-aside-*")
    shutil.copytree(aside / "objects", project.store / "objects", dirs_exist_ok=True)
    done = project.run(CALLS)
    assert done.out == RIGHT
    assert not done.warnings
    with Cache(project.store) as cache:
        assert cache.verify().whole
        cache.remove_orphans()
        assert cache.verify().whole
    assert project.run(CALLS).names == ["hit"] * 23


def test_a_newer_store_in_the_place_of_the_open_one_is_left_alone(project: Project) -> None:
    """By a process that goes on: its calls run, one warning says why, and no byte changes."""
    process = project.start(
        """
        import m
        first = m.double(1)
        pathlib.Path("ready").touch()
        wait_for("replaced")
        time.sleep(0.1)
        out = [first] + [m.double(n) for n in (1, 2, 2)] + [len(m.text(1, 2000))]
        """
    )
    project.wait_for("ready")
    project.store.rename(project.directory / "old")
    shutil.copytree(project.directory / "old", project.store)
    (project.store / "format").write_text("rememo 99\n")
    before = contents(project.store)
    project.touch("replaced")
    done = project.finish(process)
    assert done.out == [2, 2, 4, 4, 4000]
    ((_, message),) = done.warnings
    assert "upgrade rememo" in message
    assert contents(project.store) == before
