"""What goes wrong around a function while it runs: the call is as good as a plain one, and no result
is kept that a later call could not trust."""

from __future__ import annotations

import io
import os
import sys
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import rememo
from rememo import Ignore, memoize

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Program

pytestmark = [pytest.mark.soundness, pytest.mark.usefixtures("rememo_cache")]
Events = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the current directory."""
    monkeypatch.chdir(tmp_path)
    Path("a").write_text("one")


def names(events: Events) -> list[str]:
    """What happened."""
    return [event["event"] for event in events]


def by_another(work: Callable[[], object]) -> None:
    """Has another thread do something, which the call is not blamed for."""
    # Started before the call, it is none of its threads.
    ready, done = threading.Event(), threading.Event()

    def wait() -> None:
        ready.wait()
        work()
        done.set()

    threading.Thread(target=wait).start()
    MEANWHILE.append((ready, done))


MEANWHILE: list[tuple[threading.Event, threading.Event]] = []


def meanwhile() -> None:
    """Lets the other thread go on, and waits for it."""
    ready, done = MEANWHILE.pop()
    ready.set()
    done.wait()


@pytest.mark.parametrize(
    "change",
    [
        lambda: Path("a").unlink(),
        lambda: Path("a").write_text("two"),
        lambda: (Path("new").write_text("two"), Path("new").rename("a")),
        lambda: (Path("a").unlink(), Path("a").mkdir()),
        lambda: (Path("a").unlink(), Path("a").symlink_to("nowhere")),
    ],
    ids=["vanishes", "is written", "is replaced", "becomes a directory", "becomes a link"],
)
def test_a_file_that_changes_after_it_was_read(
    change: Callable[[], object], rememo_events: Events
) -> None:
    """The result is returned and not kept, whichever way it changed."""

    @memoize
    def f(meanwhile: Any) -> str:
        text = Path("a").read_text()
        meanwhile()
        return text

    by_another(change)
    with pytest.warns(rememo.ChangedDuringCallWarning, match="file a"):
        assert f(Ignore(meanwhile)) == "one"
    assert names(rememo_events) == ["miss", "not_stored"]
    assert not f.would_hit(Ignore(meanwhile))


def test_a_file_that_vanishes_before_the_hit(rememo_events: Events) -> None:
    """The call runs, and raises what the plain one would."""

    @memoize
    def f() -> str:
        return Path("a").read_text()

    f()
    Path("a").unlink()
    with pytest.raises(FileNotFoundError):
        f()
    Path("a").write_text("one")
    assert f() == "one"
    assert names(rememo_events) == ["miss", "stored", "miss", "hit"]


def test_a_file_that_may_not_be_read(program: Program) -> None:
    """That it may not counts, and so does that it may again. Root may read anything, and becomes
    somebody who may not."""
    program.write(
        m="""
        from pathlib import Path
        from rememo import memoize
        @memoize
        def f():
            try: return Path("a").read_text()
            except PermissionError: return "denied"
        """
    )
    out, _ = program.run("""
        import os, shutil, tempfile, rememo
        from m import f
        home, root = tempfile.mkdtemp(), os.geteuid() == 0
        os.chdir(home)
        with open("a", "w") as file: file.write("one")
        with rememo.Cache(temporary=True) as cache, rememo.using(cache):
            # Whoever it becomes may not read the interpreter's files either.
            f()
        if root: os.chown(home, 65534, -1), os.seteuid(65534)
        out = []
        with rememo.Cache("cache") as cache, rememo.using(cache):
            for mode in (0, 0, 0o644, 0o644, 0):
                if root: os.seteuid(0)
                os.chmod("a", mode)
                if root: os.seteuid(65534)
                before = len(_events)
                out.append([f(), [event["event"] for event in _events[before:]]])
        if root: os.seteuid(0)
        shutil.rmtree(home)
    """)
    assert out == [
        ["denied", ["miss", "stored"]],
        ["denied", ["hit"]],
        ["one", ["miss", "stored"]],
        ["one", ["hit"]],
        ["denied", ["hit"]],
    ]


def test_a_directory_that_is_left_and_come_back_to(rememo_events: Events) -> None:
    """What is read there counts by where it is."""
    Path("d").mkdir()
    Path("d/b").write_text("two")

    @memoize
    def f() -> str:
        os.chdir("d")
        try:
            return Path("b").read_text()
        finally:
            os.chdir("..")

    assert (f(), f()) == ("two", "two")
    Path("b").write_text("other")
    assert f() == "two"
    Path("d/b").write_text("three")
    assert f() == "three"
    assert names(rememo_events) == ["miss", "stored", "hit", "hit", "miss", "stored"]


@pytest.mark.parametrize("effects", [[], ["stdout"]], ids=["dropped", "done again"])
@pytest.mark.parametrize(
    ("does", "says"),
    [
        (lambda: setattr(sys, "stdout", io.StringIO()), "leaves sys.stdout replaced"),
        (lambda: sys.stdout.close(), "leaves sys.stdout closed"),
    ],
)
def test_standard_output_that_is_left_another_keeps_the_result_out(
    does: Any, says: str, effects: list[Any], monkeypatch: pytest.MonkeyPatch, rememo_events: Events
) -> None:
    def f() -> int:
        does()
        return 1

    memoized = memoize(f, effects=effects)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO()))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert memoized() == 1
    assert any(says in str(one.message) for one in caught)
    assert names(rememo_events) == ["miss", "not_stored"]


def test_standard_output_that_is_put_back_does_not() -> None:
    @memoize
    def f() -> str:
        before, sys.stdout = sys.stdout, io.StringIO()
        try:
            print("x")
            return sys.stdout.getvalue()  # type: ignore[attr-defined]
        finally:
            sys.stdout = before

    assert f() == "x\n"
    assert f.would_hit()


def test_a_thread_that_outlives_the_call_is_not_waited_for(rememo_events: Events) -> None:
    """What it reads after the call is none of what the result depends on."""
    go, read = threading.Event(), threading.Event()

    def later() -> None:
        go.wait()
        Path("a").read_text()
        Path("written later").write_text("x")
        read.set()

    @memoize
    def f(start: Any) -> int:
        start()
        return 1

    assert f(Ignore(lambda: threading.Thread(target=later).start())) == 1
    go.set()
    read.wait()
    Path("a").write_text("two")
    assert f(Ignore(None)) == 1
    assert names(rememo_events) == ["miss", "stored", "hit"]


def test_a_call_that_raises_midway_leaves_what_it_did_and_nothing_else(
    capsys: pytest.CaptureFixture[str], rememo_events: Events
) -> None:
    @memoize(effects=["stdout", "files"])
    def f(fails: bool) -> int:
        print("begins")
        Path("out").write_text("half")
        if fails:
            raise ValueError("midway")
        return 1

    for _ in range(2):
        with pytest.raises(ValueError, match="midway"):
            f(True)
        assert (capsys.readouterr().out, Path("out").read_text()) == ("begins\n", "half")
    assert names(rememo_events) == ["miss", "miss"]
    assert f.cache_info().entries == 0


def test_another_audit_hook_that_raises_is_heard_by_the_function(program: Program) -> None:
    """As it would be without a cache; what is refused is not kept, and what comes later is."""
    program.write(
        m="""
        from rememo import memoize
        @memoize
        def f():
            with open("a") as file: return file.read()
        """
    )
    (program.directory / "a").write_text("one")
    out, events = program.run("""
        import sys
        refuses = True
        def hook(event, arguments):
            if refuses and event == "open" and arguments[0] == "a":
                raise RuntimeError("refused")
        sys.addaudithook(hook)
        from m import f
        out = []
        for refuses in (True, False, False, True):
            try: out.append(f())
            except RuntimeError as error: out.append(str(error))
    """)
    assert out == ["refused", "one", "one", "one"]
    assert events == ["miss", "miss", "stored", "hit", "hit"]


def test_a_file_that_is_larger_than_the_cache_is_not_read_to_be_kept(
    tmp_path: Path, rememo_events: Events
) -> None:
    """Twenty gigabytes of nothing, of which few machines could hold a copy in memory."""
    with rememo.Cache(tmp_path / "small", max_size="1 MiB") as cache:

        @cache.memoize(effects=["files"])
        def f() -> int:
            with Path("out").open("wb") as file:
                file.truncate(20 << 30)
            return 1

        with pytest.warns(rememo.ResultTooLargeWarning, match=r"it takes 20\.0 GiB"):
            assert f() == 1
    assert names(rememo_events) == ["miss", "not_stored"]


def test_a_large_file_of_which_a_little_is_read(rememo_events: Events) -> None:
    """All of it counts, and with `watch="mtime"`, none of it is read but that."""
    with Path("sparse").open("wb") as file:
        file.truncate(20 << 30)

    @memoize(watch="mtime")
    def head(path: str) -> bytes:
        with Path(path).open("rb") as file:
            return file.read(4)

    assert head("sparse") == bytes(4)
    assert head("sparse") == bytes(4)
    with Path("sparse").open("r+b") as file:
        file.write(b"x")
    assert head("sparse") == b"x\0\0\0"
    assert names(rememo_events) == ["miss", "stored", "hit", "miss", "stored"]
