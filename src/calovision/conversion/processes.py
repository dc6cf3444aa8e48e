"""Files shared by processes."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from queue import Empty
from threading import Event, Thread

_report: Callable[[int], None] | None = None  # in a process of the pool: where it reports its progress


def run_in_processes(jobs: Sequence[Callable], *, processes: int, progress: Callable[[int], None] | None) -> list:
    """Results of every ``job(progress=...)``, in their order.

    The first exception ends it: what has not begun does not begin. Processes are spawned, since a fork would copy the
    locks of running threads.
    """
    if processes <= 1 or len(jobs) == 1:
        return [job(progress=progress) for job in jobs]
    context = multiprocessing.get_context("spawn")
    queue, done = context.Queue(), Event()
    listener = Thread(target=_listen, args=(queue, progress or (lambda n_events: None), done))
    listener.start()
    pool = ProcessPoolExecutor(min(processes, len(jobs)), context, _set_report, (queue,))
    try:
        return list(pool.map(_call, jobs))
    finally:
        pool.shutdown(cancel_futures=True)
        done.set()
        listener.join()


def _set_report(queue: multiprocessing.Queue) -> None:
    global _report
    _report = queue.put


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
