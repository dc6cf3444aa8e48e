"""Reading ahead and writing behind, so that both overlap with the building of images."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager


def read_ahead(chunks: Iterable) -> Iterator:
    """The items of an iterable, each fetched in a thread while the one before is in use."""
    iterator, end = iter(chunks), object()
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, iterator, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, iterator, end)
            yield item


@contextmanager
def write_behind(write: Callable[..., None]) -> Iterator[Callable[..., None]]:
    """Give a function that calls ``write`` in a thread; it waits for the call before, whose
    exception it raises.
    """
    last: list[Future] = []

    def later(*arguments: object) -> None:
        if last:
            last.pop().result()
        last.append(thread.submit(write, *arguments))

    with ThreadPoolExecutor(1) as thread:
        yield later
        if last:
            last.pop().result()
