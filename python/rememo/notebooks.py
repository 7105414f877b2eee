"""Functions that are defined in the cells of a notebook: what they go by, and where they are kept.

A kernel is not told which notebook it serves. Jupyter's server and Visual Studio Code leave a trace
of it; where there is none, notebooks go by the directory that their kernel was started in.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from rememo.location import absolute, effective_from, project_of


def name() -> str:
    """Returns what the main module of a kernel goes by: its notebook's path in the project.

    Of a notebook without a project, or one that has its results where other projects have theirs,
    it is the path in full, as a digest.
    """
    here = place()
    project = project_of(here)
    if project is not None and _keeps_its_results(project):
        return f"notebook {os.path.relpath(here, project)}"
    import hashlib

    digest = hashlib.blake2b(os.fsencode(here), digest_size=8).hexdigest()
    return f"notebook {os.path.basename(here)} {digest}"


def _keeps_its_results(project: str) -> bool:
    home = str(effective_from(project)["dir"].value)
    return os.path.commonpath([home, project]) == project


def place() -> str:
    """Returns the path of the notebook, or else of the directory that the kernel was started in."""
    main: Any = sys.modules["__main__"]
    start = _starting_directory()
    traces: tuple[Any, ...] = (
        getattr(main, "__vsc_ipynb_file__", None),
        os.environ.get("JPY_SESSION_NAME"),
    )
    for trace in traces:
        if isinstance(trace, str) and trace.endswith(".ipynb"):
            return absolute(os.path.join(start, trace))
    return start


def _starting_directory() -> str:
    ipython: Any = sys.modules.get("IPython")
    shell: Any = ipython and ipython.get_ipython()
    return str(getattr(shell, "starting_dir", None) or os.getcwd())
