"""Speed of calovision and of its peers, measured side by side in one run.

``make bench`` runs everything in an environment of its own (``.bench``) and writes
``results/bench.json`` and ``results/bench.md``; it fails if a bar is missed. In an environment that
has the peers (requirements.txt)::

    PYTHONPATH=tests python -m benchmarks                     # all, about a quarter of an hour
    PYTHONPATH=tests python -m benchmarks --only build_64     # one of them PYTHONPATH=tests python
    -m benchmarks --quick             # seconds; that everything runs, no bar enforced

How it measures: a benchmark is a set of methods that do the same work. First their results are
compared and each runs once to warm up. Then come the rounds: each runs every method once, the order
rotates from round to round, so that whatever else the machine does falls on all of them. Reported
are medians over the rounds and ratios of medians, with the smallest and the largest ratio of a
round. Everything runs on one thread (BLAS, OpenMP, numba and Blosc included) unless the title of a
benchmark says otherwise. Files are in the page cache.

To add a method to a benchmark: write a function and add it to the dictionary of its module; a way
to build images, for example, is one more ``fill(block, out)`` in ``building_peers.PEERS``. To add a
benchmark: a function ``(Settings) -> Benchmark`` and its line in ``registry.BENCHMARKS``. A bar is
one of ``TimeRatio``, ``TimeLimit`` and ``ValueLimit`` of ``harness``.
"""
