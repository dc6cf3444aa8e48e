"""Long runs in one process: what must not grow is memory, threads, open files, time per file.

`python -m long` (with tests/ in PYTHONPATH) prints the table of docs/long_runs.md, `make long`
writes it; tests/test_long.py tries each with a few steps.
"""
