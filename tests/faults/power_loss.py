"""Power cuts: what a disk may hold after one, whenever it comes, and what is read of it then.

The system calls of a job that replaces a file are recorded. A cut may come after each of them. The
disk then has what was synced; of names that were changed since, the first few, in their order; and
of bytes that were not synced none, half of them, zeros, or all. Each such state is built in a
folder, and read as its users do: the old version, the new one, or one sentence.
"""

import random
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from calovision.jobs.atomic import remove_leftovers, replaced
from faults.cases import Case, Drill, Judgement, Outcome, judge
from faults.outputs import OUTPUTS, Output, of_one_file
from faults.system_calls import STRACE, Call, record

VARIANTS = ("whole", "empty", "zeros", "half")
UNKNOWN = b"of a file that had no name in the end" * 30


@dataclass
class Recording:
    """System calls of one output that replaces its first version by its second.

    Attributes
    ----------
    folder
        Where it was.
    calls
        About files in it.
    old, new
        Content of the files before and after, by name relative to the folder.
    values
        What is read of both versions.
    """

    folder: Path
    calls: list[Call]
    old: dict[str, bytes]
    new: dict[str, bytes]
    values: tuple[object, object]


@dataclass(eq=False)  # two are never one, and what was written to one makes no other state
class _Inode:
    content: bytes = UNKNOWN
    written: int = -1  # place of the last write
    synced: int = -1  # all that was written before is on the disk

    @property
    def is_dirty(self) -> bool:
        return self.written > self.synced


@dataclass
class _Disk:
    """A folder as the programs see it, and the changes of its names that are not on the disk."""

    names: dict[str, _Inode]
    durable: dict[str, _Inode] = field(default_factory=dict)
    pending: list[tuple[str, str, _Inode | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.durable = dict(self.names)

    def change(self, folder: str, name: str, inode: _Inode | None) -> None:
        _set(self.names, name, inode)
        self.pending.append((folder, name, inode))

    def sync(self, folder: str) -> None:
        """Names of a folder are on the disk."""
        for one in [one for one in self.pending if one[0] == folder]:
            _set(self.durable, *one[1:])
            self.pending.remove(one)

    def states(self) -> Iterator[dict[str, _Inode]]:
        """Names that a cut may leave."""
        names = dict(self.durable)
        yield dict(names)
        for _, name, inode in self.pending:
            _set(names, name, inode)
            yield dict(names)


def _set(names: dict[str, _Inode], name: str, inode: _Inode | None) -> None:
    if inode is None:
        names.pop(name, None)
    else:
        names[name] = inode


class Replay:
    """Calls of a recording, one after the other, on a model of the disk.

    Attributes
    ----------
    faults
        Sentences about what a writer must not do: a name given to bytes that are not on the disk, a
        file that readers see opened to be written, a name that is not on the disk at the end.
    states
        What a cut may leave: name -> content, each once.
    """

    def __init__(self, recording: Recording) -> None:
        self._root = str(recording.folder)
        self._disk = _Disk({name: _Inode(content) for name, content in recording.old.items()})
        self._last = dict.fromkeys(recording.new)
        self.faults: list[str] = []
        self._seen: list[dict[str, tuple[_Inode, bool]]] = []
        for call in recording.calls:
            self._apply(call)
            self._note_states()
        for name, inode in self._disk.names.items():
            if name in recording.new:
                inode.content = recording.new[name]
        visible = [name for _, name, _ in self._disk.pending if _is_visible(name)]
        self.faults += [f"{name}: its name is not synced at the end" for name in visible]
        self.states = _distinct(self._seen)

    def _apply(self, call: Call) -> None:
        name, disk = self._relative(call.path), self._disk
        folder = name.rpartition("/")[0]
        inode = disk.names.get(name)
        if call.kind in ("create", "open", "write") and _is_visible(name):
            self.faults.append(f"{name}: readers may see it while it is written ({call.kind})")
        if call.kind == "link":
            self.faults.append(f"{name}: a link, of which this drill knows nothing")
        elif call.kind == "create" and inode is None:
            disk.change(folder, name, _Inode())
        elif call.kind in ("create", "write") and inode is not None:
            inode.written = call.ended
        elif call.kind == "sync" and (call.path == self._root or inode is None):
            disk.sync("" if call.path == self._root else name)
        elif call.kind == "sync":
            inode.synced = max(inode.synced, call.started)
        elif call.kind == "unlink" and inode is not None:
            disk.change(folder, name, None)
        elif call.kind == "rename" and inode is not None:
            self._rename(name, self._relative(call.target), inode)

    def _rename(self, name: str, target: str, inode: _Inode) -> None:
        if inode.is_dirty and _is_visible(target):
            self.faults.append(f"{target}: named before its bytes are synced")
        self._disk.change(target.rpartition("/")[0], target, inode)
        self._disk.change(name.rpartition("/")[0], name, None)

    def _note_states(self) -> None:
        for names in self._disk.states():
            state = {name: (inode, inode.is_dirty) for name, inode in names.items()}
            if state not in self._seen[-20:]:
                self._seen.append(state)

    def _relative(self, path: str) -> str:
        return path.removeprefix(self._root).removeprefix("/")


def _is_visible(name: str) -> bool:
    """Tell whether readers look at it: no part of its path is a temporary one."""
    return not any(part.startswith(".") for part in name.split("/"))


def _distinct(seen: Iterable[Mapping[str, tuple[_Inode, bool]]]) -> list[dict[str, bytes]]:
    found = {}
    for state in seen:
        dirty = any(is_dirty for _, is_dirty in state.values())
        for variant in VARIANTS if dirty else VARIANTS[:1]:
            contents = {
                name: _cut(inode.content, variant if is_dirty else "whole")
                for name, (inode, is_dirty) in state.items()
            }
            found[tuple(sorted(contents.items()))] = contents
    return list(found.values())


def _cut(content: bytes, variant: str) -> bytes:
    half = len(content) // 2
    return {
        "whole": content,
        "empty": b"",
        "zeros": bytes(len(content)),
        "half": content[:half] + bytes(len(content) - half),
    }[variant]


def record_outputs(names: Iterable[str], scratch: Path) -> dict[str, Recording]:
    """Recordings of outputs, made by one process and what it starts."""
    names = list(names)
    program = [sys.executable, "-m", "faults.power_loss", str(scratch), *names]
    calls = record(program, scratch, scratch / "trace")
    found = {}
    for name in names:
        folder = scratch / "outputs" / name
        first, last = (
            next(n for n, one in enumerate(calls) if one.path == str(scratch / f"{mark} {name}"))
            for mark in ("begin", "end")
        )
        own = [one for one in calls[first:last] if one.path.startswith(f"{folder}/")]
        own += [one for one in calls[first:last] if one.path == str(folder)]
        before = scratch / "before" / name
        found[name] = Recording(
            folder,
            sorted(own, key=lambda call: call.ended),
            _contents(before),
            _contents(folder),
            (_known(name).read(before), _known(name).read(folder)),
        )
    return found


def _contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def write_outputs(scratch: Path, names: Iterable[str]) -> None:
    """The program that is recorded: both versions of each output, with marks between them."""
    for name in names:
        folder = scratch / "outputs" / name
        folder.mkdir(parents=True)
        _known(name).write(folder, 1)
        shutil.copytree(folder, scratch / "before" / name)
        for mark in ("begin", "end"):
            with suppress(FileNotFoundError):
                (scratch / f"{mark} {name}").open()
            if mark == "begin":
                _known(name).write(folder, 2)


def judge_calls(replay: Replay) -> Judgement:
    """Judge the order of the calls."""
    seen = "; ".join(dict.fromkeys(replay.faults))
    return Judgement(Outcome.WRONG if seen else Outcome.RIGHT, seen)


def judge_state(
    output: Output, state: Mapping[str, bytes], values: tuple[object, object], folder: Path
) -> Judgement:
    """Judge what is read of a state, and what a next start leaves of it."""
    for name, content in state.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def left() -> list[str]:
        for name in output.files:
            remove_leftovers(folder / name)
        return [path.name for path in folder.iterdir() if path.name.startswith(".")]

    return judge(
        lambda: output.read(folder), lambda value: value in values, *output.files, left=left
    )


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    if STRACE is None:
        raise RuntimeError("this drill needs strace")
    with TemporaryDirectory(prefix="faults-power-") as scratch:
        recordings = record_outputs(OUTPUTS, Path(scratch))
    cases = [case for name, one in recordings.items() for case in cases_of(name, one)]
    random.Random(seed).shuffle(cases)
    yield from cases[:n_cases]


def cases_of(name: str, recording: Recording) -> Iterator[Case]:
    """The order of the calls of an output, and each state that a cut may leave."""
    output, replay = _known(name), Replay(recording)
    yield Case(f"{name}: order of the calls", lambda folder: judge_calls(replay))
    for number, state in enumerate(replay.states):

        def run(folder: Path, state: dict[str, bytes] = state) -> Judgement:
            return judge_state(output, state, recording.values, folder)

        yield Case(f"{name}: state {number} of {len(replay.states)}", run)


def _sloppy(path: Path, version: int) -> None:
    """Written in place, which no output does."""
    path.write_text(f"version {version} " * 100)


def _unsynced(path: Path, version: int) -> None:
    """Renamed as others do, but never synced."""
    with replaced(path.with_name(".x")) as temporary:
        temporary.write_text(f"version {version} " * 100)
        shutil.copy(temporary, path.with_name(".y"))
    path.with_name(".y").rename(path)


BAD_OUTPUTS = {
    "in place": of_one_file("a.txt", _sloppy, Path.read_text),
    "not synced": of_one_file("a.txt", _unsynced, Path.read_text),
}
"""What the drill must find."""


def _known(name: str) -> Output:
    return (OUTPUTS | BAD_OUTPUTS)[name]


POWER_DRILLS = (
    Drill(
        "power_loss",
        "Power cut after every system call of a writer",
        _cases,
        note="Names change in their order, as journals of file systems have it.",
    ),
)

if __name__ == "__main__":
    write_outputs(Path(sys.argv[1]), sys.argv[2:])
