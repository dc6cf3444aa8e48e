"""Runs of the command line, and small files for them."""

import re
import subprocess
import sys

from fakes import make_events, write_ntuple
from typer.testing import CliRunner

from calovision.cli import app
from calovision.ntuples import iterate_events

SMALL = ("--grid", "8x8", "--channels", "em,tracks")


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def succeed(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def fail(*arguments, stdout=False):
    """The sentence of a run that ends with bad input; before it, nothing is printed unless
    ``stdout``."""
    result = run(*arguments)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert bool(result.stdout) == stdout
    assert re.fullmatch(r"calovision: [^\n]+\n", result.stderr)
    return result.stderr


def fail_usage(*arguments):
    """What typer says about wrong usage, in one line."""
    result = run(*arguments)
    assert result.exit_code == 2
    return " ".join(re.sub(r"\x1b\[[\d;]*m|[│╭╮╰╯─]", " ", result.stderr).split())


def run_process(*arguments, folder=None):
    """Standard output and error of ``python -m calovision.cli``."""
    line = [sys.executable, "-m", "calovision.cli", *map(str, arguments)]
    result = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout, result.stderr


def read_all(*paths, schema="delphes"):
    """Chunks of all files."""
    return [events for path in paths for events in iterate_events(path, schema=schema)]


def write_small(path, n_events=20, *, seed=1, **options):
    """A calovision ntuple; returns its path, towers and tracks."""
    towers, tracks = make_events(n_events, seed=seed)
    return write_ntuple(path, towers, tracks, **options), towers, tracks


def stored(text, name):
    """Value beside a name in the printed table."""
    return re.search(rf"^{name} +(.*?) *$", text, flags=re.MULTILINE).group(1)
