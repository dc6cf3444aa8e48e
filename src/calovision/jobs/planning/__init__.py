"""Cost of a workflow before it runs: jobs, CPU and GPU hours, memory and disk, from rates that were
measured in earlier runs.

Times are in seconds, sizes in bytes unless a name says otherwise.
"""

from calovision.jobs.planning.costs import CostModel
from calovision.jobs.planning.measured import (
    Job,
    Run,
    SampleYield,
    measure_run,
    measured_hours,
    read_rates,
)
from calovision.jobs.planning.plan import Plan, StagePlan, make_plan

__all__ = [
    "CostModel",
    "Job",
    "Plan",
    "Run",
    "SampleYield",
    "StagePlan",
    "make_plan",
    "measure_run",
    "measured_hours",
    "read_rates",
]
