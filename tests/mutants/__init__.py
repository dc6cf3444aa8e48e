"""Mutants: changed operators, numbers and branches of our code, and whether the tests notice them.

`python -m mutants` (with tests/ in PYTHONPATH) tries a sample of each target and prints the table
of docs/developers.md and those that survived; `make mutants` writes it.
"""
