"""Progress of a conversion: a bar with events per second, or lines where there is no terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

LINES = 10  # of plain text over a run whose length is known


class EventCounter:
    """Called with the number of events just done; ``done`` is their sum."""

    def __init__(self, show: Callable[[int, int], None]) -> None:
        self.done = 0
        self._show = show

    def __call__(self, n_events: int) -> None:
        """Count the events and show it."""
        self.done += n_events
        self._show(self.done - n_events, self.done)


@contextmanager
def event_progress(total: int | None) -> Iterator[EventCounter]:
    """Give a counter of events that shows its progress.

    Parameters
    ----------
    total
        Events to expect; None if that is not known.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield EventCounter(plain_lines(total, console))
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("events"),
        RateColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("events", total=total)
        yield EventCounter(lambda before, done: bar.advance(task, done - before))


class RateColumn(ProgressColumn):
    """Events per second: of the last seconds, at the end of all."""

    def render(self, task: Task) -> Text:
        """Return the rate of the task, or nothing at the very start."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} events/s")


def plain_lines(total: int | None, console: Console) -> Callable[[int, int], None]:
    """Give a function that prints a line whenever another tenth of the events is done."""
    start = time.perf_counter()

    def show(before: int, done: int) -> None:
        if total and before * LINES // total < done * LINES // total:
            rate = done / max(time.perf_counter() - start, 1e-9)
            console.print(
                f"{done} of {total} events, {rate:,.0f} events/s", highlight=False, soft_wrap=True
            )

    return show
