"""Speed of calovision and of its peers, measured side by side in one run.

``make bench`` runs everything in an environment of its own (``.bench``) within 20 minutes and
writes ``results/bench.json`` and ``results/bench.md``; ``make bench BENCH_OPTIONS=--quick`` takes
4. Exit status 1 if a bar is missed by more than noise or a benchmark fails, else 0; a peer that is
missing changes nothing. In an environment that has the peers (requirements.txt)::

    PYTHONPATH=tests python -m benchmarks                    # all
    PYTHONPATH=tests python -m benchmarks --only build_64    # one of them
    PYTHONPATH=tests python -m benchmarks --quick            # fewer events

How it measures: a benchmark is a set of methods that do the same work. First their results are
compared and each runs once to warm up. Then come the rounds, for as long as the benchmark's share
of the time lasts: each runs every method once, the order rotates from round to round, so that
whatever else the machine does falls on all of them. A bar is a distance to a floor that is one of
the methods (a copy of the bytes, uproot's reading, two unrelated processes, the same steps
without reading): the median of the ratios of the rounds. It is missed if 68 % of at least three
rounds lie beyond it; a median beyond it that they do not confirm is noise, and is said to be; so
is one while others have more than 15 % of the machine.
Peers run
before and have no bar, since their ratios move with the processor.
Everything runs on one thread (BLAS, OpenMP, numba and Blosc included) unless the title of a
benchmark says otherwise. Files are in the page cache.

To add a method to a benchmark: write a function and add it to the dictionary of its module; a way
to build images, for example, is one more ``fill(block, out)`` in ``building_peers.PEERS``. To add a
benchmark: a function ``(Settings) -> Benchmark`` and its line in ``registry.BENCHMARKS``. A bar is
a ``TimeRatio`` or a ``ValueLimit`` of ``harness``.
"""
