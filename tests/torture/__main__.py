"""Runs the scenarios: `python -m tests.torture [NAME…] [--short] [--controls] [--markdown FILE]`.

Exit status: 0 all hold, 1 one does not (or a negative control does not fail), 2 there is no such scenario.
"""

import argparse
import asyncio
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from tests.torture.scenario import Figure, LeftOut, Run, Scenario, scenarios

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`broke`: why it came to no end; "" where it did. `left_out`: why it cannot be played here; "" where it can."""

    scenario: Scenario
    figures: Sequence[Figure]
    took: float
    broke: str = ""
    left_out: str = ""

    def passed(self, short: bool) -> bool:
        if self.left_out:
            return True
        judged = [figure for figure in self.figures if not (short and figure.timing)]
        if self.scenario.control:
            return not self.broke and any(not figure.holds for figure in judged)
        return not self.broke and bool(self.figures) and all(figure.holds for figure in judged)


def _play(name: str, folder: str, short: bool, pipe: Connection) -> None:
    # The programs that a scenario starts run in folders of their own and have to find this package.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    found = next(one for one in scenarios() if one.name == name)
    run = Run(Path(folder), short)
    broke = left_out = ""
    try:
        asyncio.run(found.play(run))
    except LeftOut as error:
        left_out = str(error)
    except BaseException:
        broke = traceback.format_exc()
    pipe.send((run.figures, broke, left_out))


def play(found: Scenario, short: bool) -> Outcome:
    """Runs one in a process of its own, which is ended at twice its time."""
    if found.needs and shutil.which(found.needs) is None:
        return Outcome(found, [], 0.0, left_out=f"{found.needs} is not installed")
    began = time.monotonic()
    ours, theirs = multiprocessing.Pipe(duplex=False)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = multiprocessing.get_context("spawn").Process(target=_play, args=(found.name, folder, short, theirs))
        process.start()
        theirs.close()
        try:
            if not ours.poll(2 * found.seconds + 30):
                return Outcome(
                    found, [], time.monotonic() - began, f"did not end within {time.monotonic() - began:.0f} s"
                )
            figures, broke, left_out = ours.recv()
        except EOFError:
            return Outcome(found, [], time.monotonic() - began, "its process died")
        finally:
            process.kill()
            process.join()
    return Outcome(found, figures, time.monotonic() - began, broke, left_out)


def table(outcomes: Sequence[Outcome], short: bool) -> str:
    """The figures as a Markdown table."""
    lines = ["| scenario | figure | reached | target | |", "|---|---|---|---|---|"]
    for outcome in outcomes:
        name = outcome.scenario.name
        if outcome.left_out or outcome.broke:
            why = f"left out: {outcome.left_out}" if outcome.left_out else "broke"
            lines.append(f"| {name} | {why} | | | |")
        for figure in outcome.figures:
            unjudged = not figure.target or (short and figure.timing)
            verdict = "" if unjudged else "holds" if figure.holds else "**falls short**"
            lines.append(f"| {name} | {figure.what} | {figure.said} | {figure.target} | {verdict} |")
            name = ""
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these (all but the negative controls)")
    parser.add_argument("--list", action="store_true", help="say which there are")
    parser.add_argument("--short", action="store_true", help="the short form, in which timings are told and not judged")
    parser.add_argument("--controls", action="store_true", help="the negative controls: each must fail")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the figures there as a table, too")
    chosen = parser.parse_args(arguments)
    known = scenarios()
    if unknown := set(chosen.names) - {one.name for one in known}:
        print(f"no scenario is called {', '.join(sorted(unknown))}; --list says which there are", file=sys.stderr)
        return 2
    if chosen.names:
        known = [one for one in known if one.name in chosen.names]
    else:
        known = [one for one in known if one.control is chosen.controls]
    if chosen.list:
        for one in known:
            print(f"{one.name}: {one.what}")
        return 0
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    outcomes = []
    for number, one in enumerate(known, 1):
        print(f"[{number}/{len(known)}] {one.name}: {one.what}", flush=True)
        outcome = play(one, chosen.short)
        outcomes.append(outcome)
        if outcome.broke:
            print(outcome.broke, flush=True)
        if outcome.left_out:
            print(f"  left out: {outcome.left_out}", flush=True)
        verdict = "pass" if outcome.passed(chosen.short) else "FAIL"
        print(f"  {verdict} in {outcome.took:.0f} s{' (it must fail, and does)' * (one.control and verdict == 'pass')}")
    if chosen.markdown:
        chosen.markdown.write_text(table(outcomes, chosen.short), encoding="utf-8")
    failed = [outcome.scenario.name for outcome in outcomes if not outcome.passed(chosen.short)]
    took = sum(outcome.took for outcome in outcomes)
    print(f"{len(outcomes) - len(failed)} of {len(outcomes)} hold, {took:.0f} s in all", flush=True)
    if failed:
        print(f"not: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    from tests.torture.__main__ import main as named  # under its own name, else no spawned process finds `_play`

    sys.exit(named())
