"""What a program does to the files of a folder, in the order of its system calls (strace)."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

STRACE = shutil.which("strace")
_CALLS = (
    "open,openat,creat,write,pwrite64,writev,pwritev,ftruncate,truncate,copy_file_range,sendfile,"
    "splice,fallocate,mmap,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,"
    "rmdir,link,linkat,symlink,symlinkat"
)
_LINE = re.compile(r"(?P<pid>\d+) +(?P<rest>.*)")
_CALL = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+|0x[0-9a-f]+)")
_PATH = re.compile(r'(?:\d+<(?P<opened>[^>]*)>|AT_FDCWD(?:<[^>]*>)?|"(?P<given>[^"]*)")')
_UNFINISHED, _RESUMED = " <unfinished ...>", re.compile(r"<\.\.\. \w+ resumed>,? ?")


@dataclass(frozen=True)
class Call:
    """A call that succeeded, or the attempt to open a name that is not there.

    Attributes
    ----------
    kind
        "create" (or empty), "write", "sync", "rename", "unlink", "mkdir", "open" (to write, what is
        there), "look" (at what is not there), "link".
    path
        Absolute; of the file as it was called at that moment.
    target
        New name of a rename.
    started
        Place in the order of the beginnings: a sync is sure of the writes that ended before.
    ended
        Place in the order of the ends.
    """

    kind: str
    path: str
    target: str = ""
    started: int = 0
    ended: int = 0


def record(program: Sequence[str], folder: Path, trace: Path) -> list[Call]:
    """Run a program and all its processes; give the calls about files in a folder, by their ends.

    Raises
    ------
    RuntimeError
        If the program fails.
    """
    line = [STRACE, "-f", "-y", "-s", "0", "-o", str(trace), "-e", f"trace={_CALLS}", *program]
    places = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=places)
    if done.returncode:
        raise RuntimeError(f"{' '.join(program)}: {done.returncode}\n{done.stderr[-2000:]}")
    lines = trace.read_text(errors="replace").splitlines()
    return [call for call in _parsed(lines) if call.path.startswith(f"{folder}/")]


def _parsed(lines: Sequence[str]) -> Iterator[Call]:
    waiting: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines):
        found = _LINE.match(line)
        if found is None:
            continue
        pid, rest, started = found["pid"], found["rest"], number
        if rest.endswith(_UNFINISHED):
            waiting[pid] = number, rest.removesuffix(_UNFINISHED)
            continue
        if rest.startswith("<... ") and pid in waiting:
            started, beginning = waiting.pop(pid)
            rest = beginning + _RESUMED.sub("", rest, count=1)
        if call := _CALL.match(rest):
            yield from _calls(call["name"], call["arguments"], call["result"], started, number)


def _calls(name: str, arguments: str, result: str, *places: int) -> Iterator[Call]:
    paths = _paths(name, arguments)
    failed = result.startswith("-")
    if name in ("open", "openat", "creat"):
        if failed:
            yield Call("look", paths[-1], "", *places)
        elif "O_CREAT" in arguments or "O_TRUNC" in arguments or name == "creat":
            yield Call("create", paths[-1], "", *places)
        elif "O_WRONLY" in arguments or "O_RDWR" in arguments:
            yield Call("open", paths[-1], "", *places)
    elif failed or not paths:
        return
    elif name == "mmap":
        if "MAP_SHARED" in arguments and "PROT_WRITE" in arguments:
            yield Call("write", paths[0], "", *places)
    elif name.startswith("rename"):
        yield Call("rename", paths[0], paths[1], *places)
    elif name in ("unlink", "unlinkat", "rmdir"):
        yield Call("unlink", paths[-1], "", *places)
    elif name.startswith(("fsync", "fdatasync")):
        yield Call("sync", paths[0], "", *places)
    elif name.startswith("mkdir"):
        yield Call("mkdir", paths[-1], "", *places)
    elif "link" in name:
        yield Call("link", paths[-1], "", *places)
    else:
        yield Call("write", paths[1 if name in ("copy_file_range", "splice") else 0], "", *places)


def _paths(name: str, arguments: str) -> list[str]:
    """Absolute paths of a call: those of descriptors, and names, below the folder before them."""
    found, folder = [], ""
    for one in _PATH.finditer(arguments):
        if one["opened"] is not None:
            folder = one["opened"].removesuffix(" (deleted)")
            if not (name.endswith("at") or name == "renameat2"):
                found.append(folder)
        elif one["given"] is not None:
            found.append(
                one["given"] if one["given"].startswith("/") else f"{folder}/{one['given']}"
            )
    return found
