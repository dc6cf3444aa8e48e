"""Work at the same time: reading, building and writing of one file, and files in processes."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from queue import Empty
from threading import Event, Thread

from calovision.core.errors import InputError
from calovision.jobs.compilation import skip_numba_extensions

_report: Callable[[int], None] | None = (
    None  # in a process of the pool: where it reports its progress
)


def read_ahead(chunks: Iterable) -> Iterator:
    """The items of an iterable, each fetched in a thread while the one before is in use."""
    iterator = iter(chunks)
    end = object()
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, iterator, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, iterator, end)
            yield item


def made_apart(items: Iterable) -> Iterator:
    """The items of an iterable, made in a process of its own, at most one ahead of the one in use.

    For work that holds Python's lock for long, as the clustering of jets does, beside threads that
    ask for it often.

    Parameters
    ----------
    items
        Iterable that can be sent to another process, as its items can be sent back. What it raises
        is raised here; a caller that stops before the last item ends the process.

    Raises
    ------
    InputError
        If the process is killed, as systems do whose memory does not suffice.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_make_apart, args=(items, there), daemon=True)
    process.start()
    there.close()  # so that the end of the process ends the pipe
    try:
        while True:
            is_error, item = here.recv()
            if is_error:
                raise item
            if item is None:
                return
            yield item
    except EOFError:
        raise InputError(
            "the process that makes the images was killed, mostly by a system whose memory does "
            "not suffice: give fewer processes, or more memory"
        ) from None
    finally:
        here.close()
        process.terminate()
        process.join()


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


def run_in_processes(
    jobs: Sequence[Callable], *, processes: int, progress: Callable[[int], None] | None
) -> list:
    """Results of every ``job(progress=...)``, in their order.

    This process takes jobs too, since it need not start. After the first exception no further job
    starts. Processes are spawned, since a fork would copy the locks of running
    threads; they end with this one.

    Raises
    ------
    InputError
        If a process is killed, as systems do whose memory does not suffice.
    """
    if processes <= 1 or len(jobs) == 1:
        return [job(progress=progress) for job in jobs]
    context = multiprocessing.get_context("spawn")
    queue, done = context.Queue(), Event()
    listener = Thread(target=_listen, args=(queue, progress or (lambda n_events: None), done))
    listener.start()
    n_others = min(processes, len(jobs)) - 1
    pool, threads = (
        ProcessPoolExecutor(n_others, context, _start, (queue,)),
        ThreadPoolExecutor(n_others),
    )
    coming, stop = iter(list(enumerate(jobs))), Event()  # whoever is free takes the next one
    results = [None] * len(jobs)

    def work(call: Callable[[Callable], object]) -> None:
        for number, job in coming:
            if stop.is_set():
                return
            try:
                results[number] = call(job)
            except BaseException:
                stop.set()
                raise

    try:
        others = [
            threads.submit(work, lambda job: pool.submit(_call, job).result())
            for _ in range(n_others)
        ]
        work(lambda job: job(progress=queue.put))
        for other in others:
            other.result()
        return results
    except BrokenProcessPool as error:
        raise InputError(
            f"one of {n_others + 1} processes was killed, mostly by a system whose memory does not "
            "suffice for them: "
            "give fewer processes, or more memory"
        ) from error
    finally:
        stop.set()
        threads.shutdown()
        pool.shutdown()
        done.set()
        listener.join()


def _make_apart(items: Iterable, there: Connection) -> None:
    _prepare_process()
    try:
        for item in items:
            there.send((False, item))
        there.send((False, None))
    except BrokenPipeError:
        pass  # nobody asks for the rest
    except Exception as error:
        there.send((True, error))


def _start(queue: multiprocessing.Queue) -> None:
    global _report
    _report = queue.put
    _prepare_process()


def _prepare_process() -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    skip_numba_extensions()


def _end_with_parent() -> None:
    """End this process when the one that started it does, which may be killed and then tells
    nobody.
    """
    multiprocessing.parent_process().join()
    os._exit(1)


def _call(job: Callable) -> object:
    return job(progress=_report)


def _listen(queue: multiprocessing.Queue, progress: Callable[[int], None], done: Event) -> None:
    """Hand on what the processes report, until they are done and the queue is empty."""
    while True:
        try:
            progress(queue.get(timeout=0.1))
        except Empty:
            if done.is_set():
                return
