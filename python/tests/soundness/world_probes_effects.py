"""Functions that write and print, and say so: `effects=[...]`.

A probe is a module with a function `f`, and steps. A step is a change, and what the next call must
be. The same steps are taken with the function as it is, in a directory of its own: what the call
returns or raises, all files with their permissions, and all that is printed and logged must be the
same, each time. Before the first step there is one call more, and before that the files of `FILES`.
"""

from __future__ import annotations

from soundness.world_probes_libraries import WRITES

SAME = ("pass", "hit")
ONCE = ("pass", "miss")
KEPT_OUT = ("pass", "kept out")

Steps = list[tuple[str, str]]


def _probe(effects: str, body: str, more: str = "") -> str:
    return f"{more}\n@memoize(effects=[{effects}])\ndef f():\n    {body}\n"


FILES_LEFT: dict[str, tuple[str, Steps]] = {
    "a file that is made": (
        _probe("'files'", "Path('out').write_text('x')"),
        [SAME, ("os.remove('out')", "hit"), ("write('out', 'other')", "hit"), SAME],
    ),
    "a file of bytes": (
        _probe("'files'", "Path('out').write_bytes(bytes(range(256)) * 99)"),
        [SAME, ("os.remove('out')", "hit")],
    ),
    "an empty file": (
        _probe("'files'", "open('out', 'w').close()"),
        [SAME, ("os.remove('out')", "hit"), ("write('out', 'x')", "hit")],
    ),
    "a file that is written anew": (
        _probe("'files'", "Path('a').write_text('x')"),
        [SAME, ("write('a', 'other')", "hit"), ("os.remove('a')", "hit")],
    ),
    "a file that depends on another": (
        _probe("'files'", "Path('out').write_text(Path('a').read_text() * 2)"),
        [
            SAME,
            ("write('a', 'other')", "miss"),
            ("os.remove('out')", "hit"),
            ("write('a', 'one')", "hit"),
            ("os.remove('a')", "raises"),
        ],
    ),
    "several files": (
        _probe("'files'", "for name in 'xyz': Path(name).write_text(name * 3)"),
        [SAME, ("os.remove('y')", "hit"), ("write('z', '')", "hit")],
    ),
    "a file in a directory that is made": (
        _probe("'files'", "os.makedirs('new/deep', exist_ok=True); write('new/deep/x', 'x')"),
        # That there was no directory counts, and then that there is one.
        [ONCE, SAME, ("rmtree('new')", "hit"), SAME, ("os.remove('new/deep/x')", "hit")],
    ),
    "a directory that must not be there": (
        _probe("'files'", "os.mkdir('new')"),
        [("pass", "raises"), ("os.rmdir('new')", "hit"), ("pass", "raises")],
    ),
    "a file made where there is none": (
        _probe("'files'", "if not os.path.exists('out'): write('out', 'x'); return 1"),
        [ONCE, SAME, ("os.remove('out')", "hit"), SAME],
    ),
    "a file that is removed": (
        _probe("'files'", "os.remove('a')"),
        [("pass", "raises"), ("write('a', 'other')", "hit"), ("pass", "raises")],
    ),
    "a file that is removed where there is one": (
        _probe("'files'", "if os.path.exists('a'): os.remove('a'); return 1"),
        [ONCE, SAME, ("write('a', 'other')", "hit"), SAME],
    ),
    "a directory that is removed": (
        _probe("'files'", "shutil.rmtree('d')"),
        [
            ("pass", "raises"),
            ("write('d/x', 'x'); write('d/y', 'y'); write('d/e/z', 'z')", "miss"),
            ("write('d/other', 'x')", "miss"),
        ],
    ),
    "a file that is renamed": (
        _probe("'files'", "os.rename('a', 'c')"),
        [
            ("pass", "raises"),
            ("write('a', 'one')", "hit"),
            ("write('a', 'other')", "miss"),
            ("write('a', 'other')", "hit"),
        ],
    ),
    "a file that takes the place of another": (
        _probe("'files'", "os.replace('a', 'b')"),
        [("write('a', 'one')", "hit"), ("write('a', 'one'); write('b', 'x')", "hit")],
    ),
    "a file written aside, and put in its place": (
        _probe(
            "'files'",
            (
                "import tempfile\n"
                "    number, name = tempfile.mkstemp(dir='.')\n"
                "    with open(number, 'w') as file: file.write('x')\n"
                "    os.chmod(name, 0o640)\n"
                "    os.replace(name, 'out')"
            ),
        ),
        [SAME, ("os.remove('out')", "hit"), ("write('out', 'other')", "hit")],
    ),
    "a file that is made and removed": (
        _probe("'files'", "write('out', 'x'); os.remove('out')"),
        [SAME, ("write('b', 'other')", "hit")],
    ),
    "a file that is made and read": (
        _probe("'files'", "write('out', 'x'); return Path('out').read_text()"),
        [SAME, ("write('out', 'other')", "hit")],
    ),
    "a file that is added to after it is made": (
        _probe(
            "'files'", "write('out', 'x')\n    with open('out', 'a') as file: file.write('more')"
        ),
        [SAME, ("write('out', 'other')", "hit"), ("os.remove('out')", "hit")],
    ),
    "a file with permissions": (
        _probe("'files'", "write('out', 'x'); os.chmod('out', 0o600)"),
        [SAME, ("os.chmod('out', 0o644)", "hit"), ("os.remove('out')", "hit")],
    ),
    "a file that is copied": (
        _probe("'files'", "shutil.copy('a', 'out')"),
        # Whether there is something to write over counts.
        [ONCE, SAME, ("os.remove('out')", "hit"), SAME, ("write('a', 'other')", "miss")],
    ),
    "a file by a link": (
        _probe("'files'", "Path('link').write_text('x')"),
        [
            ("os.remove('link'); os.symlink('b', 'link')", "hit"),
            ("os.remove('b')", "hit"),
            SAME,
        ],
    ),
    "a file in the current directory": (
        _probe("'files'", "Path('out').write_text('x')"),
        [SAME, ("os.chdir('d')", "hit"), ("os.remove('out')", "hit")],
    ),
    "a file by another that is memoized": (
        _probe("'files'", "g()", "@memoize(effects=['files'])\ndef g(): write('out', 'x')\ng()"),
        [SAME, ("os.remove('out')", "hit")],
    ),
    "a file that is added to": (
        _probe("'files'", "with open('a', 'a') as file: file.write('x')"),
        [KEPT_OUT, KEPT_OUT],
    ),
    "a file that is altered": (
        _probe("'files'", "with open('a', 'r+') as file: file.write('x')"),
        [KEPT_OUT, KEPT_OUT],
    ),
    "a file that must not be there": (
        _probe("'files'", "with open('out', 'x') as file: file.write('x')"),
        [("os.remove('out')", "kept out"), ("pass", "raises")],
    ),
    "a link that is made": (
        _probe("'files'", "os.symlink('a', 'link')"),
        [("os.remove('link')", "kept out")],
    ),
    "permissions of what was there": (
        _probe("'files'", "os.chmod('a', 0o600)"),
        [("os.chmod('a', 0o644)", "kept out")],
    ),
    "a directory that is renamed": (
        _probe("'files'", "os.rename('d', 'c')"),
        [("os.rename('c', 'd')", "kept out")],
    ),
    "a run that fails half way": (
        _probe("'files', 'stdout'", "print(1); write('out', 'x'); raise ValueError"),
        [("pass", "raises"), ("os.remove('out')", "raises")],
    ),
}

OUTPUT: dict[str, tuple[str, Steps]] = {
    "print": (_probe("'stdout'", "print('x', 1, sep='-'); return 2"), [SAME, SAME]),
    "stderr": (_probe("'stderr'", "import sys; print('x', file=sys.stderr)"), [SAME, SAME]),
    "both, in order": (
        _probe(
            "'stdout', 'stderr'",
            "import sys\n    for n in range(3): print(n); print(n, file=sys.stderr)",
        ),
        [SAME, SAME],
    ),
    "a stream that was had before": (
        _probe(
            "'stdout'",
            "import sys; out = sys.stdout; out.write('x\\n'); out.writelines(['y', 'z'])",
        ),
        [SAME],
    ),
    "bytes": (
        _probe("'stdout'", "import sys; print('x', flush=True); sys.stdout.buffer.write(b'y')"),
        [SAME, SAME],
    ),
    "what is caught": (
        _probe(
            "'stdout'",
            (
                "import contextlib\n    with contextlib.redirect_stdout(io.StringIO()) as caught:\n"
                "        print('caught')\n    print('not'); return caught.getvalue()"
            ),
        ),
        [SAME],
    ),
    "a thread": (
        _probe(
            "'stdout'",
            "import threading; t = threading.Thread(target=print, args=('x',)); t.start(); t.join()",
        ),
        [SAME],
    ),
    "what is not asked for": (
        _probe("'stderr'", "import sys; sys.stderr.write('x'); return len('y')"),
        [SAME],
    ),
    "a helper that is memoized too": (
        _probe(
            "'stdout'",
            "print('f'); return g()",
            "@memoize(effects=['stdout'])\ndef g(): print('g')\ng()",
        ),
        [SAME, SAME],
    ),
    "a helper that is memoized and misses": (
        _probe("'stdout'", "print('f'); return g()", "@memoize\ndef g(): print('g')"),
        [SAME, SAME],
    ),
    "logs": (
        _probe(
            "'logs'",
            (
                "import logging; log = logging.getLogger('probe')\n"
                "    log.warning('x %s', 1); log.error('y'); log.debug('z')"
            ),
        ),
        [SAME, SAME],
    ),
    "an exception that is logged": (
        _probe(
            "'logs'",
            (
                "import logging\n    try: 1 / 0\n"
                "    except ZeroDivisionError: logging.getLogger('probe').exception('x')"
            ),
        ),
        [SAME],
    ),
    "logs and what they are written to": (
        _probe(
            "'logs', 'stderr'",
            "import logging, sys; logging.getLogger('probe').error('x'); sys.stderr.write('y')",
        ),
        [SAME, SAME],
    ),
    "warnings": (
        _probe("'warnings'", "import warnings; warnings.warn('x', stacklevel=1)"),
        [SAME, SAME],
    ),
    "a warning of no code that is known": (
        _probe("'warnings'", "compile('1 is 1', 'x', 'eval')"),
        [SAME, SAME],
    ),
    "a warning that is caught": (
        _probe(
            "'warnings'",
            (
                "import warnings\n    with warnings.catch_warnings(record=True) as caught:\n"
                "        warnings.simplefilter('always'); warnings.warn('x', stacklevel=1)\n"
                "    return len(caught)"
            ),
        ),
        [SAME],
    ),
    "all of it": (
        _probe(
            "'stdout', 'stderr', 'logs', 'warnings', 'files'",
            (
                "import logging, sys, warnings\n    print('x'); logging.getLogger('probe').error('y')\n"
                "    warnings.warn('z', stacklevel=1); write('out', 'x'); print('y', file=sys.stderr)"
            ),
        ),
        [SAME, ("os.remove('out')", "hit"), SAME],
    ),
    "a stream that is replaced": (
        _probe("'stdout'", "import sys; print('x'); sys.stdout = sys.stderr"),
        [("import sys; sys.stdout = OUT", "kept out")],
    ),
}

CONTENTS: dict[str, tuple[str, Steps]] = {
    "a file that is returned": (
        "from rememo import FileContents\n@memoize\ndef f():\n    write('out', 'x'); return FileContents('out')",
        [SAME, ("os.remove('out')", "hit"), ("write('out', 'other')", "hit"), SAME],
    ),
    "files in what is returned": (
        (
            "from rememo import FileContents\n@memoize\ndef f():\n    write('x', '1'); write('y', '2')\n"
            "    return {'made': [FileContents('x'), FileContents(Path('y'))]}"
        ),
        [SAME, ("os.remove('x')", "hit"), ("os.remove('y')", "hit")],
    ),
    "a directory that is returned": (
        (
            "from rememo import FileContents\n@memoize\ndef f():\n    os.makedirs('out/deep', exist_ok=True)\n"
            "    write('out/x', '1'); write('out/deep/y', '2'); return FileContents('out')"
        ),
        [ONCE, SAME, ("os.remove('out/deep/y')", "hit"), ("rmtree('out')", "hit")],
    ),
    "a file that is returned, and another": (
        (
            "from rememo import FileContents\n@memoize\ndef f():\n"
            "    write('out', 'x'); write('other', 'x'); return FileContents('out')"
        ),
        [KEPT_OUT],
    ),
    "a file that is passed": (
        (
            "from rememo import FileContents\n@memoize\ndef g(path): return Path(path).read_text()\n"
            "@memoize(watch='off')\ndef f(): return g(FileContents('a'))"
        ),
        [SAME],
    ),
}

EFFECTS: dict[str, tuple[str, Steps]] = {
    f"{group}: {name}": probe
    for group, probes in {
        "files": FILES_LEFT,
        "output": OUTPUT,
        "contents": CONTENTS,
        "libraries": WRITES,
    }.items()
    for name, probe in probes.items()
}
