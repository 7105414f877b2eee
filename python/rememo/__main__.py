"""Runs a program with its functions memoized: ``python -m rememo script.py arguments``."""

from __future__ import annotations

import argparse
import os

from rememo import _core
from rememo.undecorated import configured, importing, program, report


def main() -> None:
    """Does what the command line asks for."""
    parser = _parser()
    asked = parser.parse_args()
    script = asked.program[:1] or [os.curdir]
    found = configured.of_project(os.curdir if asked.module else script[0])
    least = asked.min_compute_time or found.min_compute_time
    try:
        _core.nanoseconds("--min-compute-time", least)
    except ValueError as error:
        parser.error(str(error))
    modules = [*found.modules, *filter(None, asked.modules.split(","))]
    if modules:
        importing.install(modules, least)
    if not asked.quiet:
        report.at_exit(asked.report)
    try:
        if asked.module:
            program.run_module(asked.module[0], asked.module[1:], least)
        elif asked.program:
            program.run_script(asked.program[0], asked.program[1:], least)
        else:
            parser.error("name a script, or a module with -m")
    except program.NoProgramError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rememo",
        description="Runs a program with its slow and pure functions memoized.",
        usage="%(prog)s [OPTIONS] (SCRIPT | -m MODULE) [ARGUMENTS ...]",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--modules", default="", metavar="A,B.*", help="modules whose functions are memoized, too"
    )
    parser.add_argument(
        "--min-compute-time", metavar="TIME", help="keep no result of calls that take less (50 ms)"
    )
    parser.add_argument("--report", metavar="FILE", help="write the report there, not to stderr")
    parser.add_argument("--quiet", action="store_true", help="write no report")
    parser.add_argument(
        "-m", dest="module", nargs=argparse.REMAINDER, help="run a module, as python -m does"
    )
    parser.add_argument("program", nargs=argparse.REMAINDER, help="the script and its arguments")
    return parser


if __name__ == "__main__":
    main()
