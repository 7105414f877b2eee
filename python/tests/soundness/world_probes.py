"""Functions that look at files, directories and the environment; and changes of these.

A probe is a body of a function, or a module with a function `f`, and steps. A step is a change and
what the next call must be: "hit", "miss", "raises" or, where the result is
not to be kept, "kept out". Before
the first step there are the files of `FILES` in the current directory, and `VARIABLE` is "one".
"""

from __future__ import annotations

from soundness.world_probes_declared import DECLARED
from soundness.world_probes_libraries import LIBRARIES

FILES = {
    "a": "one",
    "b": "two",
    "empty": "",
    "list": "a\nb\n",
    "d/x": "x",
    "d/y": "y",
    "d/e/z": "z",
}

SAME = ("pass", "hit")
CHANGE = ("write('a', 'other')", "miss")
BACK = ("write('a', 'one')", "hit")
TOUCH = ("os.utime('a', (1, 1))", "hit")
UNRELATED = ("write('b', 'other')", "hit")
APPEND = ("write('a', 'one more')", "miss")
REMOVE = ("os.remove('a')", "miss")

Steps = list[tuple[str, str]]

# name: (the body of a function, or a module with a function `f`; the steps)
READS: dict[str, tuple[str, Steps]] = {
    "open": (
        "with open('a') as file: return file.read()",
        [SAME, CHANGE, SAME, BACK, TOUCH, UNRELATED, ("os.remove('a')", "raises"), BACK],
    ),
    "open for bytes": ("with open('a', 'rb') as file: return file.read()", [SAME, CHANGE, BACK]),
    "no name": (
        (
            "try: return os.stat('')\n"
            "    except FileNotFoundError: return os.path.exists(''), open('a').read()"
        ),
        [SAME, CHANGE, BACK, UNRELATED],
    ),
    "an installed distribution": (
        "import importlib.metadata; return importlib.metadata.version('numpy')",
        [SAME, ("write('a', 'other')", "hit"), ("write('new', 'x')", "hit")],
    ),
    "io.open": ("with io.open('a') as file: return file.read()", [SAME, CHANGE, BACK]),
    "io.FileIO": ("with io.FileIO('a') as file: return file.readall()", [SAME, CHANGE, BACK]),
    "codecs.open": (
        "with __import__('codecs').open('a', 'r', 'utf-8') as file: return file.read()",
        [SAME, CHANGE, BACK],
    ),
    "os.open": (
        (
            "number = os.open('a', os.O_RDONLY)\n"
            "    try: return os.read(number, 10)\n"
            "    finally: os.close(number)"
        ),
        [SAME, CHANGE, BACK],
    ),
    "os.open in a directory": (
        (
            "directory = os.open('d', os.O_RDONLY)\n"
            "    number = os.open('x', os.O_RDONLY, dir_fd=directory)\n"
            "    try: return os.read(number, 10)\n"
            "    finally: os.close(number), os.close(directory)"
        ),
        [SAME, ("write('d/x', 'other')", "miss"), ("write('d/x', 'x')", "hit")],
    ),
    "read_text": ("return Path('a').read_text()", [SAME, CHANGE, BACK, TOUCH]),
    "read_bytes": ("return Path('a').read_bytes()", [SAME, CHANGE, BACK, TOUCH]),
    "an absolute path": ("return Path(os.path.abspath('a')).read_text()", [SAME, CHANGE, BACK]),
    "a path as bytes": ("with open(b'a') as file: return file.read()", [SAME, CHANGE, BACK]),
    "a file of equal length": (
        "return Path('a').read_text()",
        [SAME, ("write('a', 'two')", "miss"), ("write('a', 'one')", "hit")],
    ),
    "a file of equal length and time": (
        "return Path('a').read_text()",
        [SAME, ("write('a', 'two', times=(1, 1))", "miss"), ("write('a', 'one', (1, 1))", "hit")],
    ),
    "a file replaced by rename": (
        "return Path('a').read_text()",
        [SAME, ("write('new', 'other'); os.replace('new', 'a')", "miss"), BACK],
    ),
    "two files": (
        "return Path('a').read_text() + Path('b').read_text()",
        [SAME, CHANGE, BACK, ("write('b', 'x')", "miss"), ("write('b', 'two')", "hit")],
    ),
    "files that a file names": (
        "return [Path(name).read_text() for name in Path('list').read_text().split()]",
        [
            SAME,
            CHANGE,
            BACK,
            ("write('list', 'a')", "miss"),
            UNRELATED,
            ("write('list', 'b')", "miss"),
        ],
    ),
    "through a symbolic link": (
        "return Path('link').read_text()",
        [
            ("os.symlink('a', 'link')", "miss"),
            SAME,
            CHANGE,
            BACK,
            ("os.remove('link'); os.symlink('b', 'link')", "miss"),
        ],
    ),
    "an absent file": (
        "try: return Path('absent').read_text()\n    except FileNotFoundError: return 'none'",
        [SAME, ("write('absent', 'x')", "miss"), SAME, ("os.remove('absent')", "hit")],
    ),
    "an absent directory": (
        "try: return Path('no/file').read_text()\n    except FileNotFoundError: return 'none'",
        [SAME, ("os.mkdir('no')", "hit"), ("write('no/file', 'x')", "miss")],
    ),
    "the first of several": (
        (
            "for name in ('first', 'second', 'a'):\n"
            "        try: return Path(name).read_text()\n"
            "        except FileNotFoundError: pass"
        ),
        [
            SAME,
            ("write('second', '2')", "miss"),
            CHANGE[:1] + ("hit",),
            ("write('first', '1')", "miss"),
            ("os.remove('first')", "hit"),
        ],
    ),
    "an empty file": (
        "return Path('empty').read_text()",
        [SAME, ("write('empty', 'x')", "miss"), ("write('empty', '')", "hit")],
    ),
    "an exception": (
        "try: return json.loads(Path('a').read_text())\n    except ValueError: return 'bad'",
        [SAME, ("write('a', '1')", "miss"), ("write('a', 'one')", "hit")],
    ),
    "a helper": (
        "def read(name):\n    return Path(name).read_text()\n@memoize\ndef f(): return read('a')",
        [SAME, CHANGE, BACK],
    ),
    "a generator": (
        (
            "def lines():\n    with open('a') as file: yield from file\n"
            "@memoize\ndef f(): return list(lines())"
        ),
        [SAME, CHANGE, BACK],
    ),
    "a thread": (
        (
            "import threading\n@memoize\ndef f():\n    found = []\n"
            "    def read(): found.append(Path('a').read_text())\n"
            "    thread = threading.Thread(target=read)\n    thread.start()\n    thread.join()\n"
            "    return found"
        ),
        [SAME, CHANGE, BACK],
    ),
    "a thread of a subclass": (
        (
            "import threading\nclass Reader(threading.Thread):\n"
            "    def run(self): self.found = Path('a').read_text()\n"
            "@memoize\ndef f():\n    thread = Reader()\n    thread.start()\n    thread.join()\n"
            "    return thread.found"
        ),
        [SAME, CHANGE, BACK],
    ),
    "a pool of threads": (
        (
            "from concurrent.futures import ThreadPoolExecutor\n@memoize\ndef f():\n"
            "    with ThreadPoolExecutor(2) as pool: return list(pool.map(read, ['a', 'b']))\n"
            "def read(name): return Path(name).read_text()"
        ),
        [SAME, CHANGE, BACK, ("write('b', 'x')", "miss"), ("write('b', 'two')", "hit")],
    ),
    "a task": (
        (
            "import asyncio\nasync def read(name): return Path(name).read_text()\n"
            "async def both(): return await asyncio.gather(read('a'), read('b'))\n"
            "@memoize\ndef f(): return asyncio.run(both())"
        ),
        [SAME, CHANGE, BACK],
    ),
    "a thread of a task": (
        (
            "import asyncio\nasync def read(): return await asyncio.to_thread(Path('a').read_text)\n"
            "@memoize\ndef f(): return asyncio.run(read())"
        ),
        [SAME, CHANGE, BACK],
    ),
    "linecache": (
        (
            "import linecache\n@memoize\ndef f():\n    linecache.clearcache()\n"
            "    return linecache.getline('a', 1)"
        ),
        [SAME, CHANGE],
    ),
    "json": (
        (
            "try:\n        with open('a') as file: return json.load(file)\n"
            "    except ValueError: return None"
        ),
        [SAME, ("write('a', '[1]')", "miss"), ("write('a', '[2]')", "miss")],
    ),
    "memoized coroutine within": (
        (
            "import asyncio\nasync def g(): return Path('a').read_text()\n@memoize\n"
            "async def h():\n    await asyncio.sleep(0)\n    return await asyncio.create_task(g())\n"
            "@memoize\ndef f(): return asyncio.run(h())"
        ),
        [SAME, CHANGE, SAME, BACK],
    ),
    "memoized generator within": (
        "@memoize\ndef g():\n    yield Path('a').read_text()\n@memoize\ndef f(): return list(g())",
        [SAME, CHANGE, SAME, BACK],
    ),
    "memoized generator within, left early": (
        (
            "@memoize\ndef g():\n    yield Path('a').read_text()\n    yield 2\n@memoize\n"
            "def f(): return next(g())"
        ),
        [SAME, CHANGE, SAME, BACK],
    ),
    "module by its loader": (
        (
            "import importlib.util\n@memoize\ndef f():\n"
            "    s = importlib.util.spec_from_file_location('code_of', 'code.py')\n"
            "    m = importlib.util.module_from_spec(s)\n    s.loader.exec_module(m)\n    return m.K"
        ),
        [
            ("write('code.py', 'K = 1')", "miss"),
            SAME,
            ("write('code.py', 'K = 20')", "miss"),
        ],
    ),
    "runpy": (
        "import runpy\n@memoize\ndef f(): return runpy.run_path('code.py')['K']",
        [
            ("write('code.py', 'K = 1')", "miss"),
            SAME,
            ("write('code.py', 'K = 2')", "miss"),
            ("write('code.py', 'K = 1')", "hit"),
        ],
    ),
    "numpy.loadtxt": (
        "import numpy\n@memoize\ndef f(): return numpy.loadtxt('numbers').tolist()",
        [
            ("write('numbers', '1 2')", "miss"),
            SAME,
            ("write('numbers', '1 3')", "miss"),
            ("write('numbers', '1 2')", "hit"),
        ],
    ),
    "configparser": (
        (
            "import configparser\n@memoize\ndef f():\n    found = configparser.ConfigParser()\n"
            "    found.read(['a', 'ini'])\n    return found.sections()"
        ),
        [
            ("write('a', '[s]')", "miss"),
            SAME,
            ("write('ini', '[t]')", "miss"),
            ("os.remove('ini')", "hit"),
        ],
    ),
    "fileinput": (
        (
            "import fileinput\n@memoize\ndef f():\n"
            "    with fileinput.input(['a', 'b']) as lines: return list(lines)"
        ),
        [SAME, CHANGE, BACK],
    ),
}

STATUS: dict[str, tuple[str, Steps]] = {
    "exists": (
        "return os.path.exists('a')",
        [SAME, CHANGE[:1] + ("hit",), TOUCH, REMOVE, SAME, ("write('a', 'one')", "hit")],
    ),
    "Path.exists": ("return Path('a').exists()", [SAME, TOUCH, REMOVE, ("write('a', '')", "hit")]),
    "does not exist": (
        "return os.path.exists('absent')",
        [SAME, ("write('absent', '')", "miss"), SAME, ("os.remove('absent')", "hit")],
    ),
    "lexists": (
        "return os.path.lexists('link')",
        [SAME, ("os.symlink('nowhere', 'link')", "miss"), ("os.remove('link')", "hit")],
    ),
    "isfile": (
        "return os.path.isfile('a')",
        [SAME, TOUCH, ("os.remove('a'); os.mkdir('a')", "miss")],
    ),
    "Path.is_file": ("return Path('a').is_file()", [SAME, TOUCH, REMOVE]),
    "isdir": (
        "return os.path.isdir('d')",
        [SAME, ("write('d/new', '')", "hit"), ("rmtree('d')", "miss")],
    ),
    "Path.is_dir": ("return Path('d').is_dir()", [SAME, ("rmtree('d')", "miss")]),
    "islink": (
        "return os.path.islink('a')",
        [SAME, ("os.rename('a', 'c'); os.symlink('c', 'a')", "miss")],
    ),
    "getsize": (
        "return os.path.getsize('a')",
        [SAME, ("write('a', 'two')", "hit"), ("write('a', 'longer')", "miss"), BACK],
    ),
    "getmtime": (
        "return os.path.getmtime('a')",
        [SAME, ("os.utime('a', (1, 1))", "miss"), SAME, ("os.utime('a', (2, 2))", "miss")],
    ),
    "stat": (
        "return os.stat('a').st_mode",
        [SAME, ("os.chmod('a', 0o600)", "miss"), SAME, ("os.chmod('a', 0o644)", "hit")],
    ),
    "stat by another name": (
        "from os import stat\n@memoize\ndef f(): return stat('a').st_size",
        [SAME, APPEND],
    ),
    "Path.stat": ("return Path('a').stat().st_size", [SAME, APPEND]),
    "lstat": (
        "return os.lstat('link').st_size",
        [
            ("os.symlink('a', 'link')", "miss"),
            SAME,
            CHANGE[:1] + ("hit",),
            ("os.remove('link'); os.symlink('longer', 'link')", "miss"),
        ],
    ),
    "stat that does not follow": (
        "return os.stat('link', follow_symlinks=False).st_size",
        [
            ("os.symlink('a', 'link')", "miss"),
            ("os.remove('link'); os.symlink('longer', 'link')", "miss"),
        ],
    ),
    "access": (
        "return os.access('absent', os.R_OK)",
        [SAME, ("write('absent', '')", "miss"), ("os.remove('absent')", "hit")],
    ),
    "readlink": (
        "return os.readlink('link')",
        [
            ("os.symlink('a', 'link')", "miss"),
            SAME,
            ("os.remove('link'); os.symlink('b', 'link')", "miss"),
            ("os.remove('link'); os.symlink('a', 'link')", "hit"),
        ],
    ),
    "realpath": (
        "return os.path.basename(os.path.realpath('link'))",
        [
            ("os.symlink('a', 'link')", "miss"),
            SAME,
            ("os.remove('link'); os.symlink('b', 'link')", "miss"),
        ],
    ),
    "exists, then read": (
        "return Path('a').read_text() if os.path.exists('a') else None",
        [SAME, TOUCH, CHANGE, BACK, REMOVE],
    ),
    "shutil.which": (
        "import shutil\n@memoize\ndef f(): return shutil.which('tool', path='d')",
        [
            SAME,
            ("write('d/tool', ''); os.chmod('d/tool', 0o755)", "miss"),
            ("os.remove('d/tool')", "hit"),
        ],
    ),
    "filecmp": (
        (
            "import filecmp\n@memoize\ndef f():\n    filecmp.clear_cache()\n"
            "    return filecmp.cmp('a', 'b', shallow=False)"
        ),
        [SAME, ("write('a', 'two')", "miss")],
    ),
}

NEW = ("write('d/new', '')", "miss")
GONE = ("os.remove('d/new')", "hit")

LISTINGS: dict[str, tuple[str, Steps]] = {
    "listdir": (
        "return sorted(os.listdir('d'))",
        [SAME, NEW, SAME, GONE, ("write('d/x', 'o')", "hit")],
    ),
    "listdir of here": ("return sorted(os.listdir())", [SAME, ("write('new', '')", "miss")]),
    "listdir of nothing": (
        "try: return os.listdir('no')\n    except FileNotFoundError: return 'none'",
        [SAME, ("os.mkdir('no')", "miss")],
    ),
    "scandir": (
        "with os.scandir('d') as found: return sorted((e.name, e.is_dir()) for e in found)",
        [SAME, NEW, GONE, ("os.remove('d/x'); os.mkdir('d/x')", "miss")],
    ),
    "walk": (
        "return sorted(name for _, _, files in os.walk('d') for name in files)",
        [SAME, NEW, GONE, ("write('d/e/new', '')", "miss"), ("os.remove('d/e/new')", "hit")],
    ),
    "glob": (
        "import glob\n@memoize\ndef f(): return sorted(glob.glob('d/*'))",
        [SAME, NEW, GONE, ("write('b', 'other')", "hit")],
    ),
    "glob in depth": (
        "import glob\n@memoize\ndef f(): return sorted(glob.glob('d/**', recursive=True))",
        [SAME, ("write('d/e/new', '')", "miss"), ("os.remove('d/e/new')", "hit")],
    ),
    "Path.glob": ("return sorted(str(p) for p in Path('d').glob('*'))", [SAME, NEW, GONE]),
    "Path.rglob": (
        "return sorted(str(p) for p in Path('d').rglob('*'))",
        [SAME, ("write('d/e/new', '')", "miss")],
    ),
    "Path.iterdir": ("return sorted(str(p) for p in Path('d').iterdir())", [SAME, NEW, GONE]),
    "all files of a directory": (
        "return {p.name: p.read_text() for p in sorted(Path('d').iterdir()) if p.is_file()}",
        [SAME, ("write('d/x', 'other')", "miss"), ("write('d/x', 'x')", "hit"), NEW, GONE],
    ),
    "a renamed file": (
        "return sorted(os.listdir('d'))",
        [SAME, ("os.rename('d/x', 'd/z')", "miss")],
    ),
}

SET = ("os.environ['VARIABLE'] = 'two'", "miss")
RESET = ("os.environ['VARIABLE'] = 'one'", "hit")
UNSET = ("del os.environ['VARIABLE']", "miss")
OTHER = ("os.environ['UNRELATED_VARIABLE'] = 'x'", "hit")

ENVIRONMENT: dict[str, tuple[str, Steps]] = {
    "environ[...]": ("return os.environ['VARIABLE']", [SAME, SET, SAME, RESET, OTHER]),
    "environ.get": ("return os.environ.get('VARIABLE')", [SAME, SET, RESET, UNSET, RESET, OTHER]),
    "getenv": ("return os.getenv('VARIABLE', 'none')", [SAME, SET, RESET, UNSET, OTHER]),
    "in": ("return 'VARIABLE' in os.environ", [SAME, UNSET, SAME, RESET]),
    "absent": ("return os.environ.get('ABSENT')", [SAME, ("os.environ['ABSENT'] = '1'", "miss")]),
    "environ by another name": (
        "from os import environ\n@memoize\ndef f(): return environ['VARIABLE']",
        [SAME, SET, RESET],
    ),
    "getenv by another name": (
        "from os import getenv\n@memoize\ndef f(): return getenv('VARIABLE')",
        [SAME, SET, RESET],
    ),
    "environb": ("return os.environb[b'VARIABLE']", [SAME, SET, RESET]),
    "all of it": (
        "return sorted(os.environ.items())",
        [SAME, OTHER[:1] + ("miss",), ("del os.environ['UNRELATED_VARIABLE']", "hit"), SET],
    ),
    "a copy of it": ("return os.environ.copy()", [SAME, SET, RESET]),
    "dict(environ)": ("return dict(os.environ)", [SAME, SET, RESET]),
    "how much of it": ("return len(os.environ)", [SAME, OTHER[:1] + ("miss",)]),
    "expandvars": ("return os.path.expandvars('$VARIABLE')", [SAME, SET, RESET]),
    "expanduser": (
        "return os.path.expanduser('~/x')",
        [SAME, ("os.environ['HOME'] = '/elsewhere'", "miss"), SAME],
    ),
    "set meanwhile": (
        (
            "old = os.environ['VARIABLE']\n    os.environ['VARIABLE'] = 'x'\n"
            "    try: return os.environ['VARIABLE'] + old\n"
            "    finally: os.environ['VARIABLE'] = old"
        ),
        [SAME, SET, RESET],
    ),
}

HERE: dict[str, tuple[str, Steps]] = {
    "getcwd": (
        "return os.path.basename(os.getcwd())",
        [SAME, ("os.chdir('d')", "miss"), ("os.chdir('..')", "hit")],
    ),
    "Path.cwd": ("return Path.cwd().name", [SAME, ("os.chdir('d')", "miss")]),
    "abspath": (
        "return os.path.basename(os.path.dirname(os.path.abspath('a')))",
        [SAME, ("os.chdir('d')", "miss"), ("os.chdir('..')", "hit")],
    ),
    "a relative path": (
        "return Path('x').read_text() if os.path.exists('x') else None",
        [SAME, ("os.chdir('d')", "miss"), ("os.chdir('..')", "hit"), ("os.chdir('d')", "hit")],
    ),
    "a relative path elsewhere": (
        "return Path('a').read_text()",
        [SAME, ("write('d/a', 'one'); os.chdir('d')", "hit"), ("write('a', 'x')", "miss")],
    ),
    "another directory meanwhile": (
        (
            "here = os.getcwd()\n    os.chdir('d')\n"
            "    try: return Path('x').read_text()\n    finally: os.chdir(here)"
        ),
        [SAME, ("write('d/x', 'other')", "miss"), ("write('d/x', 'x')", "hit")],
    ),
}

NESTED: dict[str, tuple[str, Steps]] = {
    "a memoized helper": (
        "@memoize\ndef read(): return Path('a').read_text()\n@memoize\ndef f(): return read()",
        [SAME, CHANGE, BACK],
    ),
    "a memoized helper that hits": (
        (
            "@memoize\ndef read(): return Path('a').read_text()\nread(); read()\n"
            "@memoize\ndef f(): return read()"
        ),
        [SAME, CHANGE, BACK],
    ),
    "a memoized helper that hits on disk": (
        (
            "from rememo import _core\n@memoize\ndef read(n): return Path('a').read_text()\n"
            "read(1); write('a', 'x'); read(1); write('a', 'one')\n"
            "@memoize\ndef f(): return read(1)"
        ),
        [SAME, CHANGE, BACK],
    ),
    "a helper within a helper": (
        (
            "@memoize\ndef inner(): return os.environ['VARIABLE']\n@memoize\ndef outer(): return inner()\n"
            "@memoize\ndef f(): return outer()"
        ),
        [SAME, SET, RESET],
    ),
    "a memoized helper that fails": (
        (
            "@memoize\ndef number(): return int(Path('a').read_text())\n@memoize\ndef f():\n"
            "    try: return number()\n    except ValueError: return None"
        ),
        [SAME, ("write('a', '1')", "miss"), ("write('a', 'one')", "hit")],
    ),
    "a helper that is not watched": (
        (
            "@memoize(watch='off')\ndef read(): return Path('a').read_text()\n"
            "@memoize\ndef f(): return read() + Path('b').read_text()"
        ),
        [SAME, ("write('b', 'x')", "miss"), ("write('b', 'two')", "hit")],
    ),
}

# What a run does that a stored result would leave out.
EFFECTS: dict[str, tuple[str, Steps]] = {
    "write": ("Path('out').write_text('x')", [("pass", "kept out"), ("pass", "kept out")]),
    "append": ("with open('out', 'a') as file: file.write('x')", [("pass", "kept out")]),
    "update": ("with open('a', 'r+') as file: file.write('x')", [("pass", "kept out")]),
    "remove": ("Path('a').unlink(missing_ok=True)", [("write('a', 'one')", "kept out")]),
    "rename": ("os.rename('a', 'c')", [("write('a', 'one')", "kept out")]),
    "mkdir": (
        "os.makedirs('new', exist_ok=True)",
        [("pass", "miss"), SAME, ("os.rmdir('new')", "kept out")],
    ),
    "symlink": ("os.symlink('a', 'link')", [("os.remove('link')", "kept out")]),
    "chmod": ("os.chmod('a', 0o600)", [("os.chmod('a', 0o644)", "kept out")]),
    "copy": ("shutil.copy('a', 'c'); return None", [("pass", "kept out")]),
    "setenv": ("os.environ['VARIABLE'] = 'x'", [("os.environ['VARIABLE'] = 'one'", "kept out")]),
    "chdir": ("os.chdir('d')", [("os.chdir('..')", "kept out")]),
    "a pipe": (
        (
            "if not os.path.exists('pipe'): return None\n"
            "    with open(os.open('pipe', os.O_RDONLY | os.O_NONBLOCK)) as file: return file.read()"
        ),
        [("os.mkfifo('pipe')", "kept out")],
    ),
    "a temporary file": (
        (
            "import tempfile\n@memoize\ndef f():\n"
            "    with tempfile.TemporaryFile('w+', dir='d') as file:\n"
            "        file.write('x')\n        file.seek(0)\n        return file.read()"
        ),
        [SAME],
    ),
    "a temporary directory": (
        (
            "import tempfile\n@memoize\ndef f():\n"
            "    with tempfile.TemporaryDirectory(dir='d') as made:\n"
            "        Path(made, 'x').write_text('x')\n        return Path(made, 'x').read_text()"
        ),
        [SAME],
    ),
}

PROBES: dict[str, tuple[str, Steps]] = {
    f"{group}: {name}": probe
    for group, probes in {
        "reads": READS,
        "status": STATUS,
        "listings": LISTINGS,
        "environment": ENVIRONMENT,
        "here": HERE,
        "nested": NESTED,
        "effects": EFFECTS,
        "declared": DECLARED,
        "libraries": LIBRARIES,
    }.items()
    for name, probe in probes.items()
}
