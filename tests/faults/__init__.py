"""Drills: what may happen to files, disks, processes and machines, hundreds of seeded cases each.

After each case the right result or one clear sentence. `python -m faults` (with tests/ in
PYTHONPATH) runs them and prints the table of docs/faults.md; `make faults` writes it.
"""
