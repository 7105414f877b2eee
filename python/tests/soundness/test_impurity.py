"""What a function asks for that no later look could find to be the same: the clock, the network,
random bytes, what is typed. Its results are not kept, unless its user says that they may be."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import threading
import types
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import rememo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rememo import Cache

    from conftest import Program

pytestmark = pytest.mark.soundness

CLOCK = {
    "time.time": "import time; return time.time()",
    "time.time_ns": "import time; return time.time_ns()",
    "from time import time": "from time import time; return time()",
    "time.localtime": "import time; return tuple(time.localtime())",
    "time.gmtime": "import time; return tuple(time.gmtime(None))",
    "time.ctime": "import time; return time.ctime()",
    "time.asctime": "import time; return time.asctime()",
    "time.strftime": "import time; return time.strftime('%c')",
    "time.clock_gettime": "import time; return time.clock_gettime(time.CLOCK_REALTIME)",
    "datetime.now": "import datetime; return datetime.datetime.now()",
    "datetime.now in a zone": (
        "from datetime import datetime, timezone; return datetime.now(timezone.utc)"
    ),
    "datetime.now by keyword": (
        "from datetime import datetime, timezone; return datetime.now(tz=timezone.utc)"
    ),
    "datetime.today": "from datetime import datetime; return datetime.today()",
    "date.today": "from datetime import date; return date.today()",
    "a method that is passed on": (
        "from datetime import datetime; return [now() for now in [datetime.now]]"
    ),
    "uuid.uuid1": "import uuid; return str(uuid.uuid1())",
    "by way of a library": "from email.utils import formatdate; return formatdate()",
    "in what a library makes": (
        "import io, zipfile; file = io.BytesIO()\n"
        "    with zipfile.ZipFile(file, 'w') as archive: archive.writestr('a', 'text')\n"
        "    return file.getvalue()"
    ),
    "in a thread": (
        "import threading, time; seen = []\n"
        "    thread = threading.Thread(target=lambda: seen.append(time.time()))\n"
        "    thread.start(); thread.join(); return seen"
    ),
    "in a task": (
        "import asyncio, time\n"
        "    async def ask(): return time.time()\n"
        "    return asyncio.run(ask())"
    ),
}
RANDOM = {
    "os.urandom": "import os; return os.urandom(8)",
    "os.getrandom": "import os; return os.getrandom(8)",
    "secrets": "import secrets; return secrets.token_hex()",
    "SystemRandom": "import random; return random.SystemRandom().random()",
    "uuid4": "import uuid; return str(uuid.uuid4())",
    "Random()": "import random; return random.Random().random()",
    "random.seed()": (
        "import random; state = random.getstate(); random.seed()\n"
        "    try: return random.random()\n"
        "    finally: random.setstate(state)"
    ),
    "default_rng()": "import numpy; return numpy.random.default_rng().random()",
    "SeedSequence()": "import numpy; return numpy.random.SeedSequence().entropy",
    "RandomState()": "import numpy; return numpy.random.RandomState().rand()",
}
# What does not show in results, or comes out the same every time.
PURE = {
    "perf_counter": "import time; time.perf_counter(); time.monotonic(); time.process_time()",
    "a clock of another kind": "import time; time.clock_gettime(time.CLOCK_MONOTONIC)",
    "a time that is given": (
        "import time, datetime\n"
        "    return time.strftime('%c', time.gmtime(0)), time.ctime(0), datetime.date(2000, 1, 1)"
    ),
    "a seed": "import random; return random.Random(1).random()",
    "a seed of numpy": "import numpy; return numpy.random.default_rng(1).random()",
    "numpy": "import numpy; return numpy.linalg.inv(numpy.eye(3) * 2).sum()",
    "pandas": (
        "import io, pandas\n"
        "    frame = pandas.read_csv(io.StringIO('a,b\\n1,2\\n3,4'))\n"
        "    return frame.groupby('a').sum().to_json()"
    ),
    "logging": (
        "import logging, io; log = logging.getLogger('probe'); out = io.StringIO()\n"
        "    handler = logging.StreamHandler(out); log.addHandler(handler)\n"
        "    handler.setFormatter(logging.Formatter('%(asctime)s %(message)s'))\n"
        "    log.error('said'); log.removeHandler(handler)"
    ),
    "tempfile": (
        "import tempfile\n"
        "    with tempfile.TemporaryDirectory(): pass\n"
        "    with tempfile.NamedTemporaryFile() as file: file.write(b'text')"
    ),
    "json and re": "import json, re; return json.loads(re.sub('b', '1', '[b]'))",
    "sqlite3": (
        "import contextlib, sqlite3\n"
        "    with contextlib.closing(sqlite3.connect(':memory:')) as base:\n"
        "        return base.execute('select 1').fetchall()"
    ),
    "threads": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "    with ThreadPoolExecutor(2) as pool: return list(pool.map(abs, [1, -1]))"
    ),
    "tasks": (
        "import asyncio\n"
        "    async def rest(): await asyncio.sleep(0.001); return 1\n"
        "    return asyncio.run(rest())"
    ),
    "pickle, copy and hashes": (
        "import copy, hashlib, pickle, zlib\n"
        "    return pickle.loads(pickle.dumps(copy.deepcopy([1]))), hashlib.md5(b'').hexdigest()"
    ),
    "order of a set": "return sorted({'a', 'b', 'c'})",
    "a date that is parsed": (
        "import time, datetime\n"
        "    return datetime.datetime.strptime('2000', '%Y'), tuple(time.strptime('2000', '%Y'))"
    ),
    "a module that looks at the clock as it is imported": "import imported_at; return 1",
    "a warning": (
        "import warnings\n"
        "    with warnings.catch_warnings():\n"
        "        warnings.simplefilter('ignore'); warnings.warn('so')"
    ),
    "joblib": "import joblib; return joblib.Parallel(1)(joblib.delayed(abs)(x) for x in [-1])",
    "an exception": (
        "import traceback\n"
        "    try: raise ValueError('so')\n"
        "    except ValueError: return traceback.format_exc()[:9]"
    ),
}


def module(body: str, options: str = "") -> Any:
    """A module with a memoized function `f`, from its body."""
    made = types.ModuleType("impurity_probe")
    text = f"from rememo import memoize\n@memoize({options})\ndef f():\n    {body}\n"
    exec(compile(text, "impurity_probe.py", "exec"), vars(made))
    return made


@pytest.mark.parametrize("name", CLOCK)
def test_what_asks_the_clock_is_not_kept(name: str, rememo_cache: Cache) -> None:
    m = module(CLOCK[name])
    with pytest.warns(rememo.ClockWarning, match=r"impurity_probe\.py:\d"):
        m.f()
    assert not m.f.would_hit()


@pytest.mark.parametrize("name", RANDOM)
def test_what_takes_random_bytes_is_not_kept(name: str, rememo_cache: Cache) -> None:
    m = module(RANDOM[name])
    with pytest.warns(rememo.RandomnessWarning, match=r"impurity_probe\.py:\d"):
        first = m.f()
    assert m.f() != first


@pytest.mark.parametrize("name", PURE)
def test_what_does_not_show_is_no_matter(
    name: str, rememo_cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "imported_at.py").write_text(
        "import datetime, os, random, time\n"
        "at = time.time(), datetime.datetime.now(), random.Random(), os.urandom(1)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    m = module(PURE[name])
    with warnings.catch_warnings():
        warnings.simplefilter("error", rememo.RememoWarning)
        m.f()
    assert m.f.would_hit()


def test_a_function_that_is_called_while_its_module_is_imported(
    rememo_cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "calling_itself.py").write_text(
        "import time\nfrom rememo import memoize\n"
        "@memoize\ndef now():\n    return time.time()\nnow()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.warns(rememo.ClockWarning):
        import calling_itself  # type: ignore[import-not-found]
    assert not calling_itself.now.would_hit()


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    """The address of a server that sends one byte to whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nx")
                    connection.recv(1000)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "body",
    [
        "import socket\n    with socket.create_connection(a) as s: return s.recv(1)",
        "import urllib.request as r\n    with r.urlopen(f'http://{a[0]}:{a[1]}') as s: s.read()",
        "import http.client as c; h = c.HTTPConnection(*a); h.request('GET', '/'); h.close()",
        "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b'x', a); s.close()",
        "import socket; return socket.gethostbyname('localhost')",
        (
            "import asyncio\n"
            "    async def ask():\n"
            "        _, w = await asyncio.open_connection(*a); w.close(); await w.wait_closed()\n"
            "    asyncio.run(ask())"
        ),
    ],
)
def test_what_uses_the_network_is_not_kept(
    body: str, server: tuple[str, int], rememo_cache: Cache
) -> None:
    m = module(body)
    m.a = server
    with pytest.warns(rememo.NetworkWarning, match=r"impurity_probe\.py:\d"):
        m.f()
    assert not m.f.would_hit()


@pytest.mark.parametrize(
    "body",
    [
        "import sys; return sys.stdin.readline()",
        "import sys; return sys.stdin.read()",
        "import sys; return [line for line in sys.stdin]",
        "import sys; return sys.stdin.buffer.read(3)",
        "import sys; return sys.stdin.buffer.readline()",
        "return input()",
        "import os; return os.read(0, 3)",
        "return open(0, closefd=False).read()",
        "import fileinput; return [line for line in fileinput.input([])]",
    ],
)
def test_what_reads_standard_input_is_not_kept(body: str, tmp_path: Path) -> None:
    (tmp_path / "asking.py").write_text(
        "import sys, warnings, rememo\n"
        "cache = rememo.Cache(sys.argv.pop())\n"
        f"@cache.memoize\ndef f():\n    {body}\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always'); f()\n"
        "print(f.would_hit(), {type(one.message).__name__ for one in caught})\n"
    )
    command = [sys.executable, "asking.py", "cache"]
    done = subprocess.run(
        command, cwd=tmp_path, input="one\ntwo\n", capture_output=True, text=True, check=True
    )
    assert done.stdout == "False {'TerminalWarning'}\n"


@pytest.mark.parametrize(
    "body", ["import os; return os.getpid()", "import os; os.kill(os.getppid(), 0)"]
)
def test_what_acts_on_processes_is_not_kept(body: str, rememo_cache: Cache) -> None:
    m = module(body)
    with pytest.warns(rememo.ProcessEffectWarning, match=r"impurity_probe\.py:\d"):
        m.f()
    assert not m.f.would_hit()


def test_it_is_said_once_for_each_kind_with_where_and_how(rememo_cache: Cache) -> None:
    m = module("import time, uuid; return time.time(), uuid.uuid4()")
    with pytest.warns(rememo.ImpurityWarning) as caught:
        _ = m.f(), m.f()
    said = sorted(str(one.message) for one in caught)
    assert len(said) == 2, said
    assert "impurity_probe.f" in said[0]
    assert "looks at the clock (time.time) (impurity_probe.py:4)" in said[0]
    assert "(os.urandom, by uuid.uuid4) (impurity_probe.py:4)" in said[1]


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ("allow=['clock']", CLOCK["datetime.now"]),
        ("allow=['random']", RANDOM["uuid4"]),
        ("allow=('random', 'clock')", "import time, os; return time.time(), os.urandom(1)"),
        ("ttl='1h'", "import time, os; return time.time(), os.urandom(1)"),
        ("assume_pure=True", "import time, os; return time.time(), os.urandom(1), os.getpid()"),
        ("allow=['files']", "open('made', 'w').close()"),
        ("allow=['environment']", "import os; os.environ['MADE'] = 'so'"),
        ("allow=['processes']", "import os; return os.system('true')"),
        ("allow=['process']", "import os; os.chdir('/')"),
        ("allow=['device']", "with open('/dev/urandom', 'rb') as file: return file.read(3)"),
    ],
)
def test_what_is_allowed_is_kept(
    options: str, body: str, rememo_cache: Cache, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MADE", "before")
    m = module(body, options)
    with warnings.catch_warnings():
        warnings.simplefilter("error", rememo.RememoWarning)
        first = m.f()
    monkeypatch.setenv("MADE", "before")
    monkeypatch.chdir(tmp_path)
    assert m.f.would_hit()
    assert m.f() == first


def test_what_is_not_allowed_is_not_kept(rememo_cache: Cache) -> None:
    m = module("import time, os; return time.time(), os.urandom(1)", "allow=['clock']")
    with pytest.warns(rememo.RandomnessWarning):
        m.f()
    assert not m.f.would_hit()


def test_what_was_kept_by_allowance_is_not_found_without(rememo_cache: Cache) -> None:
    body = "import time; return time.time()"
    allowed, other = module(body, "allow=['clock']"), module(body)
    first = allowed.f()
    with pytest.warns(rememo.ClockWarning):
        assert other.f() > first
    assert allowed.f() == first
    assert not module(body, "allow=['clock', 'random']").f.would_hit()


def test_an_allowance_holds_for_whoever_calls(rememo_cache: Cache) -> None:
    @rememo_cache.memoize(allow=["clock"])
    def inner() -> float:
        import time

        return time.time()

    @rememo_cache.memoize
    def outer() -> float:
        return inner()

    with warnings.catch_warnings():
        warnings.simplefilter("error", rememo.RememoWarning)
        assert outer() == inner()
    assert outer.would_hit()


def test_impurity_within_a_memoized_call_is_that_of_its_caller(rememo_cache: Cache) -> None:
    @rememo_cache.memoize
    def inner() -> float:
        import time

        return time.time()

    @rememo_cache.memoize
    def outer() -> float:
        return inner()

    @rememo_cache.memoize(allow=["clock"])
    def careless() -> float:
        return inner()

    with pytest.warns(rememo.ClockWarning) as caught:
        times = outer(), outer(), careless(), careless()
    assert times[0] < times[1] < times[2] == times[3]
    said = {str(one.message).split(" was not")[0].rsplit(".", 1)[-1] for one in caught}
    assert said == {"inner", "outer"}


@pytest.mark.filterwarnings("ignore::rememo.ImpurityWarning")
def test_strict_functions_raise_and_nothing_is_kept(
    rememo_cache: Cache, rememo_events: list[dict[str, Any]]
) -> None:
    m = module("import time; return time.time()", "strict=True")
    for _ in range(2):
        with pytest.raises(rememo.ImpureCallError, match=r"time\.time.*impurity_probe\.py:4"):
            m.f()
    assert [e["event"] for e in rememo_events] == ["miss", "not_stored"] * 2
    assert issubclass(rememo.ImpureCallError, rememo.RememoError)


def test_strict_functions_that_are_pure_are_kept(rememo_cache: Cache) -> None:
    plain, strict = module("return 1"), module("return 1", "strict=True")
    assert plain.f() == 1
    assert strict.f.would_hit()


@pytest.mark.filterwarnings("ignore::rememo.ImpurityWarning")
async def ask(cache: Cache) -> None:
    import time

    @cache.memoize(strict=True)
    async def now() -> float:
        return time.time()

    with pytest.raises(rememo.ImpureCallError):
        await now()


@pytest.mark.filterwarnings("ignore::rememo.ImpurityWarning")
def test_strict_coroutines_raise(rememo_cache: Cache) -> None:
    import asyncio

    asyncio.run(ask(rememo_cache))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"allow": ["clocks"]}, ValueError),
        ({"allow": "clock"}, TypeError),
        ({"strict": True, "assume_pure": True}, ValueError),
        ({"strict": True, "watch": "off"}, ValueError),
    ],
)
def test_options_that_make_no_sense(
    options: dict[str, Any], error: type[Exception], rememo_cache: Cache
) -> None:
    with pytest.raises(error):
        rememo_cache.memoize(**options)


def test_generators_and_coroutines_that_ask_the_clock(rememo_cache: Cache) -> None:
    m = module("import time\n    for _ in range(3): yield time.time()")
    with pytest.warns(rememo.ClockWarning):
        list(m.f())
    assert not m.f.would_hit()


def test_what_a_consumer_does_between_items_does_not_count(rememo_cache: Cache) -> None:
    import time

    m = module("yield 1; yield 2")
    for _ in m.f():
        time.time()
        io.BytesIO(os.urandom(1)).read()
    assert m.f.would_hit()


# What people do with libraries, each of which asks for the time, for random bytes or for the machine for
# purposes of its own.
OWN_PURPOSES: dict[str, str] = {
    "scikit-learn, a pipeline": (
        "from sklearn.pipeline import make_pipeline; from sklearn.linear_model import Ridge\n"
        "    from sklearn.preprocessing import StandardScaler\n"
        "    return make_pipeline(StandardScaler(), Ridge()).fit(X, y).predict(X)"
    ),
    "scikit-learn, boosting": (
        "from sklearn.ensemble import HistGradientBoostingRegressor as Model\n"
        "    return Model(max_iter=3, random_state=1).fit(X, y).predict(X)"
    ),
    "scikit-learn, a forest in threads": (
        "from sklearn.ensemble import RandomForestRegressor as Model\n"
        "    return Model(5, random_state=1, n_jobs=2).fit(X, y).predict(X)"
    ),
    "scikit-learn, a search": (
        "from sklearn.model_selection import GridSearchCV; from sklearn.linear_model import Ridge\n"
        "    return GridSearchCV(Ridge(), {'alpha': [1, 2]}).fit(X, y).best_params_"
    ),
    "scikit-learn, clusters": (
        "from sklearn.cluster import KMeans; return KMeans(3, random_state=0).fit(X).labels_"
    ),
    "threadpoolctl": (
        "from threadpoolctl import threadpool_limits\n"
        "    with threadpool_limits(limits=1): return X @ X.T"
    ),
    "scipy, optimization": (
        "from scipy.optimize import differential_evolution\n"
        "    return differential_evolution(lambda v: (v**2).sum(), [(0, 1)], rng=1, maxiter=2).x"
    ),
    "matplotlib, categories": (
        "import io; from matplotlib.figure import Figure; figure, data = Figure(), io.BytesIO()\n"
        "    figure.subplots().bar(['a', '10:30'], [1, 2]); figure.savefig(data, format='png')\n"
        "    return data.getvalue()"
    ),
    "pandas, dates": (
        "return pd.to_datetime(['1 Jan 2020', 'Feb 3 2021'], format='mixed').year.tolist()"
    ),
    "dask": "import dask.array as da; return da.ones((9, 9), chunks=5).sum().compute()",
    "xarray": "import xarray; return xarray.DataArray(X).mean().item()",
    "multiprocessing, a lock that processes started anew could share": (
        "import multiprocessing\n    with multiprocessing.get_context('spawn').Lock(): return 1"
    ),
    "joblib, in threads": (
        "from joblib import Parallel, delayed\n"
        "    return Parallel(n_jobs=2, prefer='threads')(delayed(abs)(i) for i in range(3))"
    ),
}


@pytest.mark.parametrize("name", OWN_PURPOSES)
def test_what_libraries_ask_for_their_own_purposes_keeps_nothing_from_being_kept(
    name: str, program: Program
) -> None:
    """In processes of their own, where nothing is imported or known yet."""
    program.write(
        m="import numpy as np, pandas as pd\nfrom rememo import memoize\n"
        "X = np.random.RandomState(0).rand(60, 4); y = X.sum(axis=1)\n"
        f"@memoize\ndef f():\n    {OWN_PURPOSES[name]}\n"
    )
    code = "import m; why = str(m.f.explain()); m.f(); out = why"
    told, events = program.run(code)
    assert events == ["miss", "stored"], told
    told, events = program.run(code)
    assert events == ["hit"], told


@pytest.mark.parametrize(
    "body",
    [
        "return FunctionTransformer(lambda X: X + time.time()).fit_transform(X)",
        "return FunctionTransformer(lambda X: uuid.uuid4().hex).transform(X)",
        "import dask; return dask.delayed(time.time)().compute()",
        "import dask.array as da; return da.random.random((3, 3)).compute()",
    ],
)
def test_what_a_library_is_handed_is_not_its_own_purpose(body: str, program: Program) -> None:
    program.write(
        m="import time, uuid\nimport numpy as np\nfrom rememo import memoize\n"
        "from sklearn.preprocessing import FunctionTransformer\nX = np.ones((3, 2))\n"
        f"@memoize\ndef f():\n    {body}\n"
    )
    code = (
        "import warnings; warnings.simplefilter('ignore')\nimport m; m.f(); out = m.f.would_hit()"
    )
    assert program.run(code)[0] is False
