"""Caches that are to be left as they are: their results are used, and nothing is done to them."""

from __future__ import annotations

import pickle
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rememo import Cache, config, using
from rememo.eviction import EvictionPolicy, Worth

if TYPE_CHECKING:
    from python.tests.store.conftest import Project

FILL = "import m\nm.double(1), m.text(1, 3000), m.text(2, 3000)"
CALLS = FILL + "\nout = [m.double(n) for n in (1, 2, 2)] + [len(m.text(n, 3000)) for n in (1, 3)]"
EARLIER = Path(__file__).with_name("formats") / "format-4.tar.gz"


def traces(store: Path) -> dict[str, tuple[int, int, bytes]]:
    """What is there, when it was last changed, and what is in it."""
    found = {}
    for path in [store, *store.rglob("*")]:
        stat = path.stat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(store))] = (stat.st_ino, stat.st_mtime_ns, content)
    return found


def test_what_is_there_is_used_and_nothing_is_touched(project: Project) -> None:
    """Not even for a moment: no file is made, written to or removed. Nobody is warned."""
    project.run(FILL)
    before = traces(project.store)
    done = project.run(CALLS, REMEMO_READ_ONLY="1")
    assert done.out == [2, 4, 4, 6000, 6000]
    assert done.names == ["hit"] * 4 + ["miss", "not_stored"] * 2 + ["hit"] + ["miss", "not_stored"]
    reasons = {event["reason"] for event in done.events if event["event"] == "not_stored"}
    assert reasons == {"read only"}
    assert not done.warnings
    assert traces(project.store) == before
    assert project.run("import m; m.double(2)").names == ["miss", "stored"]


def test_all_orders_are_refused(project: Project) -> None:
    """Those that are to be carried out: removing, pinning, making room."""
    project.run(FILL)
    before = traces(project.store)
    code = """
        import m, rememo
        cache = rememo.Cache(".rememo", read_only=True, max_size=1)
        out = []
        with rememo.using(cache):
            orders = [
                m.double.cache_clear, cache.clear, cache.compact, cache.remove_orphans,
                lambda: cache.reduce(1), lambda: cache.verify(repair=True), cache.reset_stats,
                lambda: m.double.clear_entry(1),
            ]
            for order in orders:
                try:
                    out.append(repr(order()))
                except OSError as error:
                    out.append("can only be read" in str(error))
            # Nothing is to be carried out for these.
            out += [cache.refresh(), cache.commit(), cache.usage().entries, m.double(1)]
    """
    done = project.run(code)
    assert done.out == [True] * 7 + ["False", None, None, 3, 2]
    assert done.names[-1] == "hit"
    assert traces(project.store) == before


def test_what_others_add_and_remove_meanwhile_is_seen(project: Project) -> None:
    """In one process, one cache that is to be left alone, and one that is not."""
    project.run(FILL)
    code = """
        import m, rememo
        kept = rememo.Cache(".rememo", read_only=True)
        own = rememo.Cache(".rememo", flush_every=0)
        with rememo.using(kept):
            m.double(1), m.double(7)
        with rememo.using(own):
            m.double(7)
        deadline = time.monotonic() + 20
        with rememo.using(kept):
            while not m.double.would_hit(7) and time.monotonic() < deadline:
                time.sleep(0.05)
            m.double(7)
        with rememo.using(own):
            m.double.cache_clear()
        with rememo.using(kept):
            m.double(1)
    """
    names = project.run(code).names
    assert names == [
        *("hit", "miss", "not_stored"),
        *("miss", "stored"),
        "hit",
        "invalidated",
        *("miss", "not_stored"),
    ]


def test_where_there_is_no_cache_none_is_made(project: Project) -> None:
    """Calls run; one warning says that there is nothing to be read."""
    done = project.run("import m\nout = [m.double(1), m.double(1)]", REMEMO_READ_ONLY="1")
    assert done.out == [2, 2]
    ((category, message),) = done.warnings
    assert category == "StoreWarning"
    assert "there is no store to be read" in message
    assert not project.store.exists()


def test_another_format_is_left_as_it_is(project: Project) -> None:
    """It is not set aside, as it would be otherwise."""
    shutil.unpack_archive(EARLIER, project.directory, filter="data")
    project.store.chmod(0o700)
    before = traces(project.store)
    done = project.run("import m\nout = m.double(1)", REMEMO_READ_ONLY="1")
    assert done.out == 2
    ((_, message),) = done.warnings
    assert "of another format, and to be left as it is" in message
    assert traces(project.store) == before
    assert not list(project.directory.glob("*set-aside*"))


def test_the_code_comes_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For caches that say so; a temporary one is always written to. A copy is read only as well."""
    monkeypatch.setenv("REMEMO_READ_ONLY", "1")
    assert Cache(tmp_path / "a").read_only
    assert not Cache(tmp_path / "a", read_only=False).read_only
    with Cache(temporary=True) as cache, using(cache):
        assert config()["read_only"] is False
        assert config().origin("read_only") == "rememo.using()"
    assert config().origin("read_only") == "REMEMO_READ_ONLY"
    assert pickle.loads(pickle.dumps(Cache(tmp_path / "a"))).read_only


@pytest.mark.parametrize("words", [{"read_only": 1}, {"read_only": True, "temporary": True}])
def test_what_makes_no_sense_is_an_error(words: Any) -> None:
    """A number, and a temporary cache, in which there is nothing."""
    with pytest.raises(TypeError, match="read_only"):
        Cache(**words)


def test_a_policy_of_ones_own_is_not_asked_what_goes(tmp_path: Path) -> None:
    """Nothing goes of a cache that is nearly full, whatever is stored in others."""
    evicted = []

    class Policy(EvictionPolicy):
        def add(self, key: str, worth: Worth) -> None: ...
        def access(self, key: str, worth: Worth) -> None: ...
        def invalidate(self, key: str, worth: Worth) -> None: ...

        def evict(self) -> None:
            evicted.append(self)

    def blank(size: int) -> bytes:
        return bytes([size % 256]) * size

    with Cache(tmp_path / "full", max_size="100 KiB") as full:
        for size in range(2000, 2060):
            full.memoize(blank)(size)
    with (
        Cache(tmp_path / "full", policy=Policy(), read_only=True) as kept,
        Cache(tmp_path / "other", flush_every=0) as other,
    ):
        kept.memoize(blank)(2059)
        for size in range(5):
            other.memoize(blank)(size)
        time.sleep(0.3)
    assert not evicted


def test_the_fixture_for_tests_is_written_to(project: Project) -> None:
    """It is an empty cache of its own, whatever the environment says of others."""
    (project.directory / "test_it.py").write_text(
        "import m\n"
        "def test_it(rememo_cache, rememo_events):\n"
        "    m.double(1), m.double(1)\n"
        "    assert [each['event'] for each in rememo_events] == ['miss', 'stored', 'hit']\n"
    )
    command = "import pytest\nout = pytest.main(['-q', '-p', 'no:cacheprovider', 'test_it.py'])"
    assert project.run(command, REMEMO_READ_ONLY="1").out == 0
