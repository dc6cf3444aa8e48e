"""Summary of a run of the workflow: its jobs, their states, and their costs.

A run leaves under its folder of results ``run/jobs.json`` (all its jobs, when it starts) and
``run/run.json`` (its process); each job leaves its attempts beside its log
(`calovision.jobs.attempts`) and a benchmark file. Nothing else is read, no configuration either.
"""

from calovision.jobs.run_summary.jobs import Job, Run, end_run, read_run, start_run
from calovision.jobs.run_summary.progress import run_status
from calovision.jobs.run_summary.states import JobState, job_states
from calovision.jobs.run_summary.summary import summarize_run
from calovision.jobs.run_summary.tables import summary_tables

__all__ = [
    "Job",
    "JobState",
    "Run",
    "end_run",
    "job_states",
    "read_run",
    "run_status",
    "start_run",
    "summarize_run",
    "summary_tables",
]
