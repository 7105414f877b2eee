"""What a function sees of the world outside its arguments and code: each call of a memoized
function returns, or raises, what a call of the plain one would, right then."""

from __future__ import annotations

import argparse
import optparse
import os
import shutil
import subprocess
import sys
import threading
import types
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import rememo
from soundness.world_probes import FILES, PROBES

if TYPE_CHECKING:
    from rememo import Cache

pytestmark = pytest.mark.soundness

HEAD = "import io, json, os, shutil\nfrom pathlib import Path\nfrom rememo import memoize\n"
NAMES = {
    "hit": ["hit"],
    "miss": ["miss", "stored"],
    "raises": ["miss"],
    "kept out": ["miss", "not_stored"],
}


def write(name: str, text: str, times: tuple[int, int] | None = None) -> None:
    """Writes a file, in its place, and perhaps sets its times."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)
    if times:
        os.utime(name, times)


def outcome(call: Any) -> tuple[str, object]:
    """What a call returns or raises."""
    try:
        return "returns", call()
    except Exception as error:
        return "raises", repr(error)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with some files, and a variable of the environment."""
    directory = tmp_path / "world"
    directory.mkdir()
    monkeypatch.chdir(directory)
    monkeypatch.setenv("VARIABLE", "one")
    for name in ("UNRELATED_VARIABLE", "ABSENT", "HOME"):
        monkeypatch.setenv(name, "")
        if name != "HOME":
            monkeypatch.delenv(name)
    for name, text in FILES.items():
        write(name, text)
    return directory


def module(text: str) -> Any:
    """A module with a memoized function `f`, from its text or the body of the function."""
    if "def f(" not in text:
        text = f"@memoize\ndef f():\n    {text}\n"
    made = types.ModuleType("world_probe")
    made.write = write
    exec(HEAD + text, vars(made))
    return made


@pytest.mark.parametrize("name", PROBES)
def test_a_call_is_as_good_as_a_run(
    name: str, world: Path, rememo_cache: Cache, rememo_events: list[dict[str, Any]]
) -> None:
    text, steps = PROBES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m = module(text)
        outcome(m.f)
        scope = {"os": os, "write": write, "rmtree": shutil.rmtree}
        for at, (change, expected) in enumerate(steps):
            exec(change, scope)
            del rememo_events[:]
            memoized = outcome(m.f)
            own = [e["event"] for e in rememo_events if e["function"] == "world_probe.f"]
            where = f"step {at}: {change}: {rememo_events}"
            assert own == NAMES[expected], where
            if expected != "kept out":
                assert memoized == outcome(m.f.__wrapped__), where


def test_a_file_that_changes_while_it_is_read(world: Path, rememo_cache: Cache) -> None:
    """The result is returned and not kept."""
    m = module("""
@memoize
def f():
    text = Path('a').read_text()
    write('a', text + '!')
    return text
""")
    with pytest.warns(match="writes a"):
        assert m.f() == "one"
    assert m.f() == "one!"


@pytest.mark.parametrize(
    "start",
    [
        lambda: subprocess.run(["cat", "a"], check=True, capture_output=True).stdout,
        lambda: output("cat a"),
        lambda: os.system("true"),
        lambda: os.waitpid(os.posix_spawn(sys.executable, [sys.executable, "-V"], {}), 0)[1],
        lambda: forked(),
    ],
    ids=["subprocess", "popen", "system", "posix_spawn", "fork"],
)
def test_a_call_that_starts_a_process_is_not_kept(
    start: Any, world: Path, rememo_cache: Cache, rememo_events: list[dict[str, Any]]
) -> None:
    @rememo_cache.memoize
    def f() -> object:
        return start()

    with pytest.warns(rememo.ChildProcessWarning, match="starts another process"):
        f()
    assert [e["event"] for e in rememo_events] == ["miss", "not_stored"]


@pytest.mark.parametrize(
    "use",
    [
        "os.read(number, 2)",
        "os.pread(number, 2, 0)",
        "os.readv(number, [bytearray(2)])",
        "os.lseek(number, 1, os.SEEK_CUR)",
        "os.write(number, b'!')",
        "os.pwrite(number, b'!', 0)",
        "os.ftruncate(number, 1)",
        "open(number, closefd=False).read()",
        "os.fdopen(number, closefd=False).read()",
        "mmap.mmap(number, 0, access=mmap.ACCESS_READ)[:]",
        "os.sendfile(os.open('copy', os.O_CREAT | os.O_WRONLY), number, 0, 2)",
    ],
)
def test_a_file_that_was_open_before_and_is_used_by_number_is_not_kept(
    use: str, world: Path, rememo_cache: Cache, rememo_events: list[dict[str, Any]]
) -> None:
    m = module(f"import mmap\n@memoize\ndef f(number):\n    return {use}\n")
    number = os.open("a", os.O_RDWR)
    try:
        with pytest.warns(rememo.FileEffectWarning, match="which was open before the call"):
            m.f(number)
    finally:
        os.close(number)
    assert [e["event"] for e in rememo_events] == ["miss", "not_stored"]


@pytest.mark.parametrize(
    "body",
    [
        "number = os.open('link', os.O_RDONLY); return os.read(number, 3), os.close(number)",
        "with open('a') as file: return os.pread(file.fileno(), 3, 0)",
        "number, path = tempfile.mkstemp(); os.write(number, b'x'); os.close(number); os.remove(path)",
        "with tempfile.TemporaryFile() as file: return os.write(file.fileno(), b'x')",
        "with open('a') as file: return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)[:]",
        "with open(tempfile.__file__) as file: return os.read(file.fileno(), 3)",
        "ends = os.pipe(); os.write(ends[1], b'x'); return os.read(ends[0], 1), *map(os.close, ends)",
        "return mmap.mmap(-1, 10)[:]",
        "return os.write(1, b'')",
    ],
)
def test_a_file_that_a_call_opens_itself_may_be_used_by_number(
    body: str, world: Path, rememo_cache: Cache
) -> None:
    Path("link").symlink_to("a")
    m = module(f"import mmap, tempfile\n@memoize\ndef f():\n    {body}\n")
    m.f()
    assert m.f.would_hit()


@pytest.mark.parametrize(
    "write",
    [
        "import pandas; pandas.DataFrame({'a': [1]}).to_parquet('x')",
        "import pyarrow, pyarrow.parquet as p; p.write_table(pyarrow.table({'a': [1]}), 'x')",
        "import pyarrow.fs; pyarrow.fs.LocalFileSystem().open_append_stream('x').close()",
    ],
)
def test_a_call_that_has_arrow_write_a_file_is_not_kept(
    write: str, world: Path, rememo_cache: Cache
) -> None:
    m = module(f"@memoize\ndef f():\n    {write}\n")
    # pandas looks first whether there is a directory of that name.
    with pytest.warns((rememo.FileEffectWarning, rememo.ChangedDuringCallWarning), match="x"):
        m.f()
    assert not m.f.would_hit()


def output(command: str) -> str:
    with os.popen(command) as pipe:
        return pipe.read()


def forked() -> int:
    with warnings.catch_warnings():
        # Which the thread that writes results is reason enough for, from 3.12 on.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        child = os.fork()
    if not child:
        os._exit(0)
    return os.waitpid(child, 0)[1]


def test_another_who_writes_meanwhile(
    world: Path, rememo_cache: Cache, rememo_events: list[dict[str, Any]]
) -> None:
    read, written = threading.Event(), threading.Event()

    def other() -> None:
        read.wait()
        write("a", "onemore")
        written.set()

    @rememo_cache.memoize
    def f(read: threading.Event, written: threading.Event) -> str:
        text = Path("a").read_text()
        read.set()
        written.wait()
        return text

    threading.Thread(target=other).start()
    with pytest.warns(match="this changed while it was used: file a"):
        assert f(rememo.Ignore(read), rememo.Ignore(written)) == "one"
    assert [e["event"] for e in rememo_events] == ["miss", "not_stored"]
    assert f.__wrapped__(read, written) == "onemore"


def test_what_changed_is_named(world: Path, rememo_cache: Cache) -> None:
    m = module("return Path('a').read_text(), os.environ['VARIABLE']")
    m.f()
    write("a", "longer")
    os.environ["VARIABLE"] = "two"
    explanation = m.f.explain()
    assert (explanation.hit, explanation.reason) == (False, "world changed")
    assert [(c.kind, c.name) for c in explanation.changes] == [
        ("file", "a"),
        ("environment variable", "VARIABLE"),
    ]
    text = str(explanation)
    assert "something that the function looked at is not what it was" in text
    assert "3 bytes, modified" in text
    assert "6 bytes, modified" in text


def test_a_miss_names_what_changed(
    world: Path, rememo_cache: Cache, rememo_events: list[dict[str, Any]]
) -> None:
    m = module("return Path('a').read_text()")
    m.f()
    write("a", "other")
    m.f()
    misses = [event for event in rememo_events if event["event"] == "miss"]
    assert [miss["reason"] for miss in misses] == ["new", "world changed"]
    assert misses[1]["changed"] == "file a"


def test_sixteen_states_are_kept(world: Path, rememo_cache: Cache, rememo_events: Any) -> None:
    """The oldest makes room for the seventeenth."""
    m = module("return Path('a').read_text()")
    for n in range(17):
        write("a", str(n))
        assert m.f() == str(n)
    assert m.f.cache_info().entries == 16
    del rememo_events[:]
    for n in range(1, 17):
        write("a", str(n))
        assert m.f() == str(n)
    assert {event["event"] for event in rememo_events} == {"hit"}
    write("a", "0")
    assert m.f() == "0"
    assert rememo_events[-1]["event"] == "stored"


def test_a_question_looks_at_the_world_too(world: Path, rememo_cache: Cache) -> None:
    from rememo import NotCached

    m = module("return Path('a').read_text()")
    m.f()
    assert (m.f.would_hit(), m.f.call_if_cached()) == (True, "one")
    write("a", "other")
    assert not m.f.would_hit()
    with pytest.raises(NotCached):
        m.f.call_if_cached()


def test_watch_by_time(world: Path, rememo_cache: Cache, rememo_events: Any) -> None:
    """A touched file is another one, and what it holds is not read."""
    m = module("@memoize(watch='mtime')\ndef f(): return Path('a').read_text()")
    m.f(), m.f()
    os.utime("a", (1, 1))
    m.f()
    write("a", "two", times=(1, 1))
    assert m.f() == "one"
    names = [event["event"] for event in rememo_events]
    assert names == ["miss", "stored", "hit", "miss", "stored", "hit"]


def test_watch_nothing(world: Path, rememo_cache: Cache) -> None:
    m = module("@memoize(watch='off')\ndef f(): return Path('a').read_text()")
    m.f()
    write("a", "other")
    assert m.f() == "one"


def test_how_it_is_watched_counts(world: Path, rememo_cache: Cache) -> None:
    """What was stored with less care is not found by whoever takes more."""
    body = "def f(): return Path('a').read_text()"
    module(f"@memoize(watch='off')\n{body}").f()
    write("a", "other")
    assert module(f"@memoize\n{body}").f() == "other"


@pytest.mark.parametrize("word", ["", "Content", None, 1])
def test_a_wrong_word_for_watching(word: Any) -> None:
    from rememo import memoize

    with pytest.raises(ValueError, match='watch must be "content", "mtime" or "off", not '):
        memoize(watch=word)


def test_nothing_is_noted_after_the_run(world: Path, rememo_cache: Cache) -> None:
    """A thread that outlives the run goes on as it would have."""
    m = module("""
import threading
go = threading.Event()
found = []
def wait():
    go.wait()
    found.append(Path('a').read_text())
threads = []
@memoize(ignore=['start'])
def f(start):
    start()
    return 1
def start():
    threads.append(threading.Thread(target=wait))
    threads[0].start()
""")
    assert m.f(m.start) == 1
    m.go.set()
    m.threads[0].join()
    assert m.found == ["one"]


def test_modules_imported_meanwhile_do_not_count(
    world: Path, rememo_cache: Cache, rememo_events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their code does, where it is used."""
    import sys

    monkeypatch.syspath_prepend(str(world))
    write("imported_meanwhile.py", "def g(): return 1\n")
    m = module("import imported_meanwhile\n    return imported_meanwhile.g()")
    assert (m.f(), m.f()) == (1, 1)
    write("imported_meanwhile.py", "# a comment\ndef g(): return 1\n")
    assert m.f() == 1
    assert [event["event"] for event in rememo_events] == ["miss", "stored", "hit", "hit"]
    del sys.modules["imported_meanwhile"]


def test_the_cache_does_not_count(tmp_path: Path, rememo_events: Any) -> None:
    """A function that lists the directory which the cache lies in."""
    from rememo import Cache

    with Cache(tmp_path / "cache") as cache:

        @cache.memoize
        def names(directory: str) -> list[str]:
            return sorted(os.listdir(directory))  # noqa: PTH208

        names(str(tmp_path))
        names(str(tmp_path / "cache"))
        names(str(tmp_path))
        names(str(tmp_path / "cache"))
    assert [e["event"] for e in rememo_events] == ["miss", "stored"] * 2 + ["hit", "hit"]


def test_the_storage_of_the_environment_is_a_dictionary() -> None:
    data: Any = os.environ._data
    assert isinstance(data, dict)
    assert os.environb._data is data
    assert dict(os.environ) == {**os.environ} == os.environ.copy()
    assert len(os.environ) == len(data) == len(list(data)) == len(data.keys())
    assert sorted(data.items()) == sorted(zip(data.keys(), data.values(), strict=True))
    with pytest.raises(KeyError, match="'NO_SUCH_VARIABLE'"):
        os.environ["NO_SUCH_VARIABLE"]
    assert data.get(b"NO_SUCH_VARIABLE") is None
    assert data.get(b"NO_SUCH_VARIABLE", 1) == 1
    assert list(reversed(data)) == list(data)[::-1]
    assert repr(data) == repr(dict(data))


@pytest.mark.parametrize(
    "read",
    [
        lambda parser: parser.parse_args(),
        lambda parser: parser.parse_known_args()[0],
        lambda parser: parser.parse_intermixed_args(),
        lambda parser: argparse.Namespace(name=optparse.OptionParser().parse_args()[1][0]),
    ],
    ids=["parse_args", "parse_known_args", "parse_intermixed_args", "optparse"],
)
def test_the_command_line_that_a_library_reads_counts(
    read: Any, rememo_cache: Cache, rememo_events: list[dict[str, Any]], monkeypatch: Any
) -> None:
    """Nothing in the function's own code says that it does."""

    class Parser(argparse.ArgumentParser):
        pass

    def named() -> str:
        parser = Parser()
        parser.add_argument("name")
        return read(parser).name

    state = rememo.freeze(named)
    memoized = rememo_cache.memoize(named)
    for name in "aba":
        monkeypatch.setattr(sys, "argv", ["program", name])
        assert memoized() == name
        assert memoized.would_hit()
    assert [e["event"] for e in rememo_events if e["event"] in ("hit", "miss")] == [
        *("miss", "miss", "hit")
    ]
    monkeypatch.setattr(sys, "argv", ["program", "c"])
    assert [str(change) for change in memoized.explain().changes]
    assert "the command line" in str(memoized.explain())
    assert rememo.freeze(named) == state


def test_a_list_that_is_parsed_is_not_the_command_line(
    rememo_cache: Cache, monkeypatch: Any
) -> None:
    """What is given counts, and nothing else."""

    @rememo_cache.memoize
    def named(words: list[str]) -> str:
        parser = argparse.ArgumentParser()
        parser.add_argument("name")
        return parser.parse_args(words).name

    assert named(["a"]) == "a"
    monkeypatch.setattr(sys, "argv", ["program", "b"])
    assert named.would_hit(["a"])
