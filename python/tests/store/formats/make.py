"""Makes the store of an earlier format that `test_formats.py` meets.

To be run with a rememo of that format (format 4: the last commit before format 5 came), in an empty
directory: ``python make.py format-4.tar.gz``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MODULE = """
from rememo import memoize

@memoize
def double(x):
    return x * 2

@memoize
def text(x, times):
    return f"{x}," * times
"""
CALLS = """
import m
for n in range(20):
    m.double(n)
for n in range(3):
    m.text(n, 2000)
"""

if __name__ == "__main__":
    Path("pyproject.toml").touch()
    Path("m.py").write_text(MODULE)
    subprocess.run([sys.executable, "-c", CALLS], check=True)
    plain = ["--sort=name", "--owner=0", "--group=0", "--sparse"]
    subprocess.run(["tar", *plain, "-czf", sys.argv[1], ".rememo"], check=True)
