"""Functions that say what they depend on, for nobody sees it; as in `world_probes`."""

from __future__ import annotations

# Reads a file past Python, as C libraries do.
UNSEEN = """
import ctypes
from rememo import Dir, Env, File, Package, track
def unseen(path):
    libc = ctypes.CDLL(None)
    number = libc.open(os.fsencode(path), os.O_RDONLY)
    if number < 0: return None
    kept = ctypes.create_string_buffer(99)
    length = libc.read(number, kept, 99)
    libc.close(number)
    return kept.raw[:length]
"""
SAME = ("pass", "hit")
CHANGE = ("write('a', 'other')", "miss")
BACK = ("write('a', 'one')", "hit")
UNRELATED = ("write('b', 'other')", "hit")
ENTRY = ("write('d/new', 'new')", "miss")
NO_ENTRY = ("os.remove('d/new')", "hit")
DEEP = ("write('d/e/z', 'other')", "miss")
DEEP_BACK = ("write('d/e/z', 'z')", "hit")
HIDDEN = ("write('d/e/.z', 'z')", "miss")

Steps = list[tuple[str, str]]


def _probe(options: str, body: str, more: str = "") -> str:
    return f"{UNSEEN}{more}\n@memoize({options})\ndef f():\n    {body}\n"


WALK = "return sorted((name, unseen(name)) for name in map(str, Path('d').rglob('*')))"
NAMED = "return [unseen(name) for name in sorted(__import__('glob').glob('d/*'))]"

DECLARED: dict[str, tuple[str, Steps]] = {
    "a file": (
        _probe("depends_on=[File('a')]", "return unseen('a')"),
        [SAME, CHANGE, SAME, BACK, UNRELATED, ("os.utime('a', (1, 1))", "hit")],
    ),
    "a file that is not there": (
        _probe("depends_on=[File('new')]", "return unseen('new')"),
        [SAME, ("write('new', 'x')", "miss"), ("os.remove('new')", "hit")],
    ),
    "a file by its times": (
        _probe("depends_on=[File('a')], watch='mtime'", "return unseen('a')"),
        [SAME, CHANGE, ("os.utime('a', (1, 1))", "miss")],
    ),
    "a file that is not watched": (
        _probe("depends_on=[File('a')], watch='off'", "return unseen('a')"),
        [SAME, CHANGE, BACK],
    ),
    "a file in the current directory": (
        _probe("depends_on=[File('a')]", "return unseen('a')"),
        [SAME, ("os.chdir('d')", "miss"), ("os.chdir('..')", "hit")],
    ),
    "a directory": (
        _probe("depends_on=[Dir('d')], watch='off'", WALK),
        [SAME, ENTRY, NO_ENTRY, DEEP, DEEP_BACK, HIDDEN, UNRELATED],
    ),
    "a pattern": (
        _probe("depends_on=[Dir('d/*')], watch='off'", NAMED),
        [SAME, ENTRY, NO_ENTRY, ("write('d/x', 'y')", "miss"), ("write('d/x', 'x')", "hit")],
    ),
    "a pattern, and what it does not describe": (
        _probe("depends_on=[Dir('**/x')], watch='off'", "return unseen('d/x')"),
        [
            SAME,
            ("write('d/y', 'new')", "hit"),
            ("write('d/x', 'new')", "miss"),
            ("write('d/e/x', 'new')", "miss"),
        ],
    ),
    "a variable": (
        _probe(
            "depends_on=[Env('VARIABLE')]",
            (
                "getenv = ctypes.CDLL(None).getenv; getenv.restype = ctypes.c_char_p\n"
                "    return getenv(b'VARIABLE')"
            ),
        ),
        [
            SAME,
            ("os.environ['VARIABLE'] = 'two'", "miss"),
            ("os.environ['VARIABLE'] = 'one'", "hit"),
        ],
    ),
    "packages": (
        _probe("depends_on=[Package('rememo'), Package('not-installed')]", "return 1"),
        [SAME],
    ),
    "a value": (
        _probe("depends_on=[kept]", "return unseen('a')", "kept = []\n"),
        [SAME],
    ),
    "what a function returns": (
        _probe("depends_on=[lambda: unseen('a')]", "return unseen('a')"),
        [SAME, CHANGE, BACK, UNRELATED],
    ),
    "what a function returns, through another": (
        _probe(
            "",
            "return g()",
            "\n@memoize(depends_on=[lambda: unseen('a')])\ndef g(): return unseen('a')",
        ),
        [SAME, CHANGE, BACK, UNRELATED],
    ),
    "a file, through another": (
        _probe("", "return g()", "\n@memoize(depends_on=[File('a')])\ndef g(): return unseen('a')"),
        [SAME, CHANGE, BACK, UNRELATED],
    ),
    "a file that is not watched, through another": (
        _probe(
            "",
            "return g()",
            "\n@memoize(depends_on=[File('a')], watch='off')\ndef g(): return unseen('a')",
        ),
        [SAME, CHANGE, BACK, UNRELATED],
    ),
    "a tracked file": (
        _probe("", "return unseen(track('a'))"),
        [SAME, CHANGE, BACK, UNRELATED],
    ),
    "a tracked file, as a path": (
        _probe("", "return unseen(track(Path('a')))"),
        [SAME, CHANGE, BACK],
    ),
    "a tracked directory": (
        _probe("", "track('d'); return [unseen('d/x'), unseen('d/e/z')]"),
        [SAME, ENTRY, NO_ENTRY, DEEP, DEEP_BACK],
    ),
    "a tracked file that is not there": (
        _probe("", "return unseen(track('new'))"),
        [SAME, ("write('new', 'x')", "miss"), ("os.remove('new')", "hit")],
    ),
    "a tracked file, in a helper": (
        _probe("", "return g('a')", "\ndef g(path): return unseen(track(path))"),
        [SAME, CHANGE, BACK],
    ),
}
