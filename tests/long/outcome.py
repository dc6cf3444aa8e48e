"""Result of a long run, a row of the table."""

from dataclasses import dataclass, field

from long.readings import Readings, Trend

COLUMNS = (
    "Run",
    "Steps (warm-up)",
    "Memory, MB",
    "Growth a step, kB",
    "Threads",
    "Open files (most)",
    "Processor s a step",
    "Seen",
)


@dataclass(frozen=True)
class LongRun:
    """Readings of a run, and what else it says.

    Attributes
    ----------
    title
        First column.
    readings
        Of all steps.
    warm_up
        Steps at the start that do not count: imports, compiled code, pools of memory.
    seen
        Last column.
    faults
        Sentences on what is wrong.
    is_even
        Whether every step has as much to do, so that its time must not grow.
    """

    title: str
    readings: Readings
    warm_up: int
    seen: str
    faults: list[str] = field(default_factory=list)
    is_even: bool = True

    @property
    def trends(self) -> dict[str, Trend]:
        """Trends of all numbers by name."""
        names = {"memory": "memory", "threads": "threads", "open files": "files", "time": "seconds"}
        return {
            name: Trend.of(getattr(self.readings, of), self.warm_up) for name, of in names.items()
        }

    def problems(self) -> list[str]:
        """Sentences on what grows, and the `faults`; the time is that of a shared machine, and
        grows only if by a half.
        """
        found = [
            f"{name} grow from {one.first:.4g} to {one.last:.4g}"
            for name, one in self.trends.items()
            if one.grows and (name != "time" or (self.is_even and one.growth > 0.5))
        ]
        return [f"{self.title}: {one}" for one in (*found, *self.faults)]

    def row(self) -> tuple[str, ...]:
        """Cells of the table."""
        memory, threads, files, seconds = self.trends.values()
        return (
            self.title,
            f"{len(self.readings)} ({self.warm_up})",
            f"{memory.first:.1f} to {memory.last:.1f}",
            f"{1000 * memory.slope:.1f} ± {1000 * memory.error:.1f}",
            f"{threads.first:.0f} to {threads.last:.0f}",
            f"{files.first:.0f} to {files.last:.0f} ({self.readings.most_files})",
            f"{seconds.first:.3f} to {seconds.last:.3f}",
            self.seen,
        )
