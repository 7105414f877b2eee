"""Whatever is wrong with the store, calls return what they should, and it is said once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from rememo import Cache

from python.tests.store.conftest import MODULE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from python.tests.store.conftest import Outcome, Project

FILL = "import m\nfor i in range(300): m.text(i, 1)\nm.text(1, 2000), m.text(2, 2000), m.double(1)"
# Two of each kind of call: the second one must not repeat the warning.
CALLS = """
import m
m.text(1, 2000), m.text(1, 2000), m.double(1), m.double(1)
out = m.text(1, 2000) == "1," * 2000 and m.double(1) == 2
"""

LIMIT = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, resource.RLIM_INFINITY))
"""


def told_once(done: Outcome, about: str) -> None:
    """The results were right, and there was one event and one warning."""
    assert done.out is True
    trouble = [e for e in done.events if e["event"] in {"degraded", "not_stored"}]
    assert trouble
    assert done.categories == ["StoreWarning"], done.warnings
    assert about in done.warnings[0][1]


def object_of(project: Project, content: bytes) -> Path:
    """The object that holds some bytes."""
    (found,) = (path for path in project.store.glob("objects/*/*") if content in path.read_bytes())
    return found


def flip(path: Path, at: int) -> None:
    """Changes one bit of a file."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b""),
        lambda path: flip(path, 0),
        lambda path: flip(path, 20),
        lambda path: flip(path, -1),
        lambda path: path.unlink(),
    ],
    ids=["truncated", "empty", "first byte", "checksum", "last byte", "missing"],
)
def test_a_damaged_object_is_worked_out_again(
    project: Project, damage: Callable[[Path], object]
) -> None:
    """And replaced; every other result is still there."""
    project.run(FILL)
    whole = object_of(project, b"1,1,")
    other = object_of(project, b"2,2,").read_bytes()
    size = whole.stat().st_size
    damage(whole)
    done = project.run(CALLS)
    told_once(done, "m.text")
    assert done.names == ["degraded", "miss", "stored"] + ["hit"] * 5
    assert done.events[1]["reason"] == "damaged"
    assert whole.stat().st_size == size
    assert object_of(project, b"2,2,").read_bytes() == other
    assert project.run(CALLS).names == ["hit"] * 6


@pytest.mark.parametrize("length", [0, 1, 4096, 8192, 5 * 4096])
def test_a_truncated_index_is_set_aside(project: Project, length: int) -> None:
    """And made again from the results that have files of their own."""
    project.run(FILL)
    objects = sorted(project.store.glob("objects/*/*"))
    with (project.store / "index" / "data.mdb").open("r+b") as index:
        index.truncate(length)
    done = project.run(CALLS)
    told_once(done, "index was damaged")
    assert [e["entries"] for e in done.events if e["event"] == "adopted"] == [2]
    assert [e["function"] for e in done.events if e["event"] == "miss"] == ["m.double"]
    (aside,) = project.store.glob("index.damaged-*")
    assert (aside / "data.mdb").stat().st_size == length
    assert sorted(project.store.glob("objects/*/*")) == objects
    assert project.run(CALLS).names == ["hit"] * 6


@pytest.mark.parametrize("keep", [0, 8192, 16384], ids=["all", "all but its head", "its end"])
def test_a_garbage_index_is_set_aside(project: Project, keep: int) -> None:
    """Whether it begins like an index or not."""
    project.run(FILL)
    data = project.store / "index" / "data.mdb"
    content = data.read_bytes()
    data.write_bytes(content[:keep] + b"\xab" * (len(content) - keep))
    told_once(project.run(CALLS), "index")
    assert project.run(CALLS).names == ["hit"] * 6


@pytest.mark.parametrize("at", [0, 10, 14, 16], ids=["number", "kind", "nodes", "pointers"])
def test_rotten_pages_end_no_process(project: Project, at: int) -> None:
    """LMDB would follow them out of its file, or stop the process itself."""
    project.run(FILL)
    data = project.store / "index" / "data.mdb"
    content = bytearray(data.read_bytes())
    for page in range(2 * 4096, len(content), 4096):
        content[page + at] ^= 0x41
    data.write_bytes(content)
    done = project.run(CALLS)
    told_once(done, "index was damaged")
    assert [e["entries"] for e in done.events if e["event"] == "adopted"] == [2]
    assert project.run(CALLS).names == ["hit"] * 6


def test_processes_that_find_a_damaged_index_set_it_aside_once(project: Project) -> None:
    """And share the new one."""
    project.run(FILL)
    (project.store / "index" / "data.mdb").write_bytes(b"garbage" * 4096)
    code = "import m; wait_for('start'); out = [m.text(i, 1) == f'{i},' for i in range(20)]"
    processes = [project.start(code) for _ in range(3)]
    project.touch("start")
    done = [project.finish(process) for process in processes]
    assert all(outcome.out == [True] * 20 for outcome in done)
    assert [name for outcome in done for name in outcome.names].count("degraded") == 1
    assert len(list(project.store.glob("index.damaged-*"))) == 1
    assert project.run(code).names == ["hit"] * 20


def test_a_process_goes_on_in_the_new_index(project: Project) -> None:
    """What it stores after another one set its index aside is not lost."""
    done = project.run("""
        import m
        m.double(1), m.text(1, 2000)
        os.rename(".rememo/index", ".rememo/index.damaged-1")
        m.double(2), m.text(2, 2000)
    """)
    assert sorted(done.names) == ["adopted"] + ["miss"] * 4 + ["stored"] * 4
    assert not done.warnings
    again = project.run("import m; m.double(2), m.text(2, 2000), m.text(1, 2000)")
    assert again.names == ["hit"] * 3


@pytest.mark.parametrize(
    "clear",
    [
        "m.text.cache_clear()",
        "m.text.clear_entry(1, 2000)",
        "rememo.Cache('.rememo').clear('some')",
        "rememo.Cache('.rememo').clear()",
        "m.text.call(1, 2000)",
        "time.sleep(0.06)",
    ],
    ids=["function", "call", "tag", "all", "made anew", "over"],
)
def test_what_was_cleared_does_not_come_back(project: Project, clear: str) -> None:
    """Though its file was left behind, as by a process that is killed, and then the index lost."""
    ttl = ", ttl=0.05" if "sleep" in clear else ""
    project.write(
        m=f"""
        import pathlib
        from rememo import memoize
        from notes import note

        @memoize(watch="off", tag="some"{ttl})
        def text(x, times):
            note(x)
            return pathlib.Path("runs").read_text() * times
        """,
        notes=MODULE[: MODULE.index("@memoize")],
    )
    first = project.run("import m, rememo; out = m.text(1, 2000)").out
    (path,) = project.store.glob("objects/*/*")
    content = path.read_bytes()
    project.run(f"import m, rememo; {clear}")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    (project.store / "index" / "data.mdb").write_bytes(b"garbage" * 4096)
    done = project.run("import m; out = m.text(1, 2000)")
    assert done.out != first
    if clear != "m.text.call(1, 2000)":
        assert done.names[-2:] == ["miss", "stored"]


def test_a_store_of_a_newer_format_is_left_alone(project: Project) -> None:
    """Not a byte of it changes."""
    project.run(FILL)
    (project.store / "format").write_text("rememo 99\n")
    before = contents(project.store)
    done = project.run(CALLS)
    told_once(done, "upgrade rememo")
    assert done.names == ["degraded"]
    assert contents(project.store) == before


def test_a_store_of_an_unknown_format_is_set_aside(project: Project) -> None:
    """It keeps all it has, under another name."""
    project.run(FILL)
    (project.store / "format").write_text("other")
    before = contents(project.store)
    told_once(project.run(CALLS), "unknown format")
    (aside,) = project.directory.glob(".rememo.set-aside-*")
    assert contents(aside) == before
    assert project.run(CALLS).names == ["hit"] * 6


def test_a_directory_of_something_else_is_left_alone(project: Project) -> None:
    """Nobody's files are mixed with the store's."""
    folder = project.directory / "papers"
    folder.mkdir()
    (folder / "thesis.tex").touch()
    told_once(project.run(CALLS, REMEMO_DIR=str(folder)), "not empty")
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]


def test_a_directory_that_cannot_be_made_is_done_without(project: Project) -> None:
    """The warning names it."""
    (project.directory / "file").touch()
    folder = project.directory / "file" / "below"
    told_once(project.run(CALLS, REMEMO_DIR=str(folder)), str(folder))


def read_only(project: Project) -> tuple[str, ...]:
    """The command that runs another one where the project cannot be written to."""
    here = project.directory
    return in_namespace(
        f'mount --bind {here} {here} && mount -o remount,ro,bind {here} && cd {here} && exec "$@"'
    )


def test_a_store_that_cannot_be_made_is_done_without(project: Project) -> None:
    """Where nothing can be written."""
    told_once(project.run(CALLS, under=read_only(project)), str(project.store))
    assert not project.store.exists()


def test_a_store_that_cannot_be_written_is_read(project: Project) -> None:
    """What is missing is worked out and not stored, which is said once."""
    project.run(FILL)
    before = contents(project.store)
    done = project.run(CALLS, under=read_only(project))
    assert done.names == ["hit"] * 6
    assert not done.warnings
    done = project.run(CALLS + "m.double(8), m.text(8, 2000)", under=read_only(project))
    told_once(done, f"{project.store} can only be read")
    assert done.names == ["hit"] * 6 + ["miss", "not_stored"] * 2
    assert contents(project.store) == before


def test_a_store_that_cannot_be_written_counts_no_uses(project: Project) -> None:
    """However many there are: nothing is told of it."""
    many = "import m\nfor n in range(1200): m.double(n)\n"
    project.run(many)
    done = project.run(many, under=read_only(project))
    assert done.names == ["hit"] * 1200
    assert not done.warnings


def test_a_store_that_cannot_be_written_or_copied_is_done_without(project: Project) -> None:
    """A copy is not tried again at each call."""
    project.run(FILL)
    (project.directory / "nothing").touch()
    done = project.run(CALLS, under=read_only(project), TMPDIR=str(project.directory / "nothing"))
    told_once(done, str(project.store))
    assert done.names == ["degraded"]


def test_a_damaged_index_that_cannot_be_written_says_so_each_time(project: Project) -> None:
    """What is wrong with it, and not that it was tried before; the warning comes once."""
    project.run(FILL)
    data = project.store / "index" / "data.mdb"
    content = data.read_bytes()
    data.write_bytes(content[:8192] + b"\xab" * (len(content) - 8192))
    code = """
        import m
        out = m.double(1)
        for attempt in range(2):
            _core.Store(os.path.abspath(".rememo"), False, False)
    """
    done = project.run(code, under=read_only(project))
    assert done.out == 2
    details = [event["detail"] for event in done.events if event["event"] == "degraded"]
    assert len(details) == 3
    assert len(set(details)) == 1
    assert "page" in details[0]
    assert len(done.warnings) == 1, done.warnings


@pytest.mark.parametrize("repair", [False, True])
def test_an_object_in_the_place_of_another_is_noticed(project: Project, *, repair: bool) -> None:
    """Though it is whole, its call runs again, with a warning; the other one is as it was."""
    project.run(FILL)
    one, two = object_of(project, b"1,1,"), object_of(project, b"2,2,")
    one.write_bytes(two.read_bytes())
    if repair:
        with Cache(project.store) as cache:
            found = cache.verify(repair=True)
            assert (found.damaged, found.repaired) == (1, True)
        done = project.run(CALLS)
        assert done.names == ["miss", "stored"] + ["hit"] * 5
    else:
        done = project.run(CALLS)
        told_once(done, "another result, in the place of this one")
        assert done.names == ["degraded", "miss", "stored"] + ["hit"] * 5
        assert done.events[1]["reason"] == "damaged"
    assert project.run(CALLS + "out = m.text(2, 2000) == '2,' * 2000").names == ["hit"] * 7


def test_a_store_that_cannot_be_written_cannot_be_cleared(project: Project) -> None:
    """An order that cannot be carried out is an error."""
    project.run(FILL)
    code = """
        import m
        out = []
        for order in (m.double.cache_clear, lambda: m.double.clear_entry(1)):
            try:
                out.append(order())
            except OSError as error:
                out.append("can only be read" in str(error))
        m.double(1)
    """
    done = project.run(code, under=read_only(project))
    assert done.out == [True, False]
    assert done.names == ["degraded", "hit"]


def test_an_object_that_cannot_be_written_is_done_without(project: Project) -> None:
    """Small results are stored all the same."""
    project.run("import m; m.double(5)")
    shutil.rmtree(project.store / "objects")
    (project.store / "objects").touch()
    told_once(project.run(CALLS), str(project.store))


@pytest.mark.parametrize("limit", [0, 1 << 12, 1 << 16, 1 << 17, 1 << 20])
def test_a_file_that_cannot_grow_costs_only_the_result(project: Project, limit: int) -> None:
    """From the first file of the store on."""
    told_once(project.run(LIMIT.format(limit) + CALLS), str(project.store))


@pytest.mark.parametrize("limit", [0, 1 << 12, 1 << 16])
def test_an_open_store_that_cannot_grow_still_hits(project: Project, limit: int) -> None:
    """What was stored before is found."""
    project.run("import m; m.double(7)")
    done = project.run("import m; m.double(7)" + LIMIT.format(limit) + CALLS + "m.double(7)")
    told_once(done, str(project.store))
    assert (done.names[0], done.names[-1]) == ("hit", "hit")
    assert project.run("import m; out = m.double(7)").names == ["hit"]


@pytest.mark.parametrize("left", [0, 3, 6, 12, 24])
def test_a_full_disk_costs_only_the_result(project: Project, left: int) -> None:
    """However many pages are left on it."""
    disk = project.directory / "disk"
    disk.mkdir()
    fill = (
        f"mount -t tmpfs -o size=1m tmpfs {disk}"
        f' && dd if=/dev/zero of={disk}/full bs=4096 count={256 - left} status=none; exec "$@"'
    )
    done = project.run(CALLS, under=in_namespace(fill), REMEMO_DIR=str(disk / "store"))
    told_once(done, str(disk))


def test_a_full_disk_still_gives_back_what_it_holds(project: Project) -> None:
    """To a process that opens the store when not a page is left."""
    disk = project.directory / "disk"
    disk.mkdir()
    fill = (
        f"mount -t tmpfs -o size=2m tmpfs {disk} && {sys.executable} -B -c"
        f" 'import m; m.double(1), m.text(1, 2000)'"
        f' && cat /dev/zero > {disk}/full 2> /dev/null; exec "$@"'
    )
    done = project.run(
        CALLS + "m.double(2)", under=in_namespace(fill), REMEMO_DIR=str(disk / "store")
    )
    assert done.out is True
    assert done.names[:7] == ["hit"] * 6 + ["miss"]
    # There may be room for a small result once another one has gone.
    assert done.names[-1] in {"stored", "not_stored"}


def in_namespace(prepare: str) -> tuple[str, ...]:
    """The command that runs another one with mounts of its own."""
    unshare = ["unshare", "--mount", "sh", "-c"]
    if not shutil.which("unshare"):
        pytest.skip("there is no `unshare` to mount with")
    trial = subprocess.run(
        [*unshare, "mount -t tmpfs tmpfs /mnt"], capture_output=True, check=False
    )
    if trial.returncode:
        pytest.skip("mounting needs privileges that this process does not have")
    return (*unshare, prepare, "sh")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, and what is in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
