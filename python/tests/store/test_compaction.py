"""The index gives room back, beside others and where it cannot."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from rememo import Cache

if TYPE_CHECKING:
    from pathlib import Path

    from python.tests.store.conftest import Project

COUNT = 3000


def on_disk(store: Path) -> int:
    """What the index takes."""
    return (store / "index" / "data.mdb").stat().st_blocks * 512


def test_what_was_cleared_gives_its_room_back(project: Project) -> None:
    """And what was not still hits, in the same process and in another."""
    project.run(f"import m; out = len([m.double(n) for n in range({COUNT})])")
    with Cache(project.store) as cache:
        before = on_disk(project.store)
        assert cache.clear() == COUNT
        project.run("import m; out = m.double(1)")
        returned = cache.compact()
        assert returned == before - on_disk(project.store)
        assert returned > before / 2
        assert cache.compact() < 64 * 1024, "there is nothing more to give back"
        assert cache.verify().whole
    assert project.run("import m; out = m.double(1)").names == ["hit"]


def test_a_process_that_has_the_index_open_goes_on_with_the_new_one(project: Project) -> None:
    """It sees what others store and clear afterwards, and they see what it stores."""
    beside = project.start(
        f"""
        import m
        from rememo import Cache
        cache = Cache(".rememo")
        filled = [m.double(n) for n in range({COUNT})]
        cache.commit()
        pathlib.Path("filled").touch()
        wait_for("compacted")
        first = [m.double.would_hit(n) for n in (1, {COUNT}, {COUNT} - 1)]
        m.double(7)
        cache.commit()
        pathlib.Path("stored").touch()
        wait_for("cleared")
        out = [first, m.double.would_hit(7), m.double.would_hit(1)]
        """
    )
    project.wait_for("filled")
    with Cache(project.store) as cache:
        cache.clear()
        assert cache.compact() > 0
        project.run(f"import m; out = m.double({COUNT})")
        project.touch("compacted")
        project.wait_for("stored")
        assert project.run("import m; out = m.double(7)").names == ["hit"]
        cache.clear()
        cache.compact()
        project.run("import m; out = m.double(1)")
    project.touch("cleared")
    done = project.finish(beside)
    assert done.out == [[False, True, False], False, True]
    assert "degraded" not in done.names
    assert not done.warnings


def test_on_a_full_disk_all_stays_as_it_was(project: Project) -> None:
    """The error says so; nothing is left behind, and everything still hits."""
    disk = project.directory / "disk"
    disk.mkdir()
    done = project.run(
        f"""
        import m
        from rememo import Cache
        cache = Cache("disk/cache", max_size="1 GiB")
        double = cache.memoize(m.double.__wrapped__)
        filled = [double(n) for n in range({COUNT})]
        cache.commit()
        filler = os.open("disk/filler", os.O_WRONLY | os.O_CREAT)
        try:
            while os.write(filler, bytes(4096)):
                pass
        except OSError:
            os.close(filler)
        try:
            cache.compact()
        except OSError as error:
            refused = str(error)
        del events[:]
        same = [double(n) for n in range({COUNT})] == filled
        names = {{event["event"] for event in events}}
        out = [refused, same, sorted(names), os.listdir("disk/cache")]
        """,
        under=project.with_a_disk(disk, "16m"),
    )
    refused, same, names, there = done.out
    assert "room" in refused
    assert same
    assert names == ["hit"]
    assert "compacted" not in there
    assert not done.warnings


def test_what_may_only_be_read_is_not_made_smaller(project: Project) -> None:
    """The error says so."""
    project.run(f"import m; out = len([m.double(n) for n in range({COUNT})])")
    under: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("there is no `setpriv`, without which root is refused nothing")
        under = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
    project.store.chmod(0o500)
    try:
        done = project.run(
            """
            from rememo import Cache
            try:
                Cache(".rememo").compact()
            except OSError as error:
                out = str(error)
            """,
            under=under,
        )
    finally:
        project.store.chmod(0o700)
    assert "can only be read" in done.out
