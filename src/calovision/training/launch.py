"""The processes of a run: started by srun or torchrun, or else by the run itself.

The variables of a batch system say what was asked for, which need not be for this training: within
``sbatch -n 4`` or a shell of ``salloc -n 4`` there is one Snakemake, and its training is one
process.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.plugins.environments import (
    ClusterEnvironment,
    LightningEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)

from calovision.core.errors import InputError

_PLACE = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "GROUP_RANK")
_MEETING_POINT = (
    "NODE_RANK",
    "MASTER_ADDR",
    "MASTER_PORT",
)  # set by hand where a run has several nodes
_INTERACTIVE = ("bash", "interactive")  # names of jobs that SLURM does not put back into its queue


class SrunEnvironment(SLURMEnvironment):
    """Processes that srun started, as many as the run has; Lightning's takes the tasks of the job
    for them.
    """

    def __init__(self, n_processes: int) -> None:
        super().__init__(auto_requeue=False)  # `SaveCheckpoints` does that between two steps
        self._n_processes = n_processes

    def world_size(self) -> int:
        """Number of processes."""
        return self._n_processes

    def validate_settings(self, num_devices: int, num_nodes: int) -> None:
        """Nothing: their number was compared before."""

    @staticmethod
    def _validate_srun_used() -> None:
        """Nothing: it was."""

    @staticmethod
    def _validate_srun_variables() -> None:
        """Nothing: the variables of the job are not looked at."""


def find_launcher(n_processes: int) -> ClusterEnvironment | None:
    """Srun or torchrun, if one of them started all processes of this run; None if the run starts
    what it needs.
    """
    if n_processes == 1:
        return None
    if _tasks_of_srun() == n_processes:
        return SrunEnvironment(n_processes)
    if TorchElasticEnvironment.detect() and os.environ.get("WORLD_SIZE") == str(n_processes):
        return TorchElasticEnvironment()
    return None


def requeue_signal(n_processes: int) -> signal.Signals | None:
    """Signal by which SLURM tells a job to make way; None unless it started this process and all
    others of the run.
    """
    return signal.SIGUSR1 if _tasks_of_srun() == n_processes else None


def _tasks_of_srun() -> int | None:
    """Processes that SLURM started together with this one; None in an interactive shell and outside
    of jobs.
    """
    variables = os.environ
    if not {"SLURM_JOB_ID", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID"} <= set(variables):
        return None  # a shell of salloc
    if variables.get("SLURM_JOB_NAME") in _INTERACTIVE:
        return None
    # a batch script is one process, whatever the number of tasks that it may start
    return int(variables.get("SLURM_STEP_NUM_TASKS", 1)) if "SLURM_STEP_ID" in variables else 1


@contextmanager
def own_processes(n_nodes: int) -> Iterator[ClusterEnvironment]:
    """An environment in which the run starts its processes itself, whatever was left in the
    variables by others.

    Raises
    ------
    InputError
        If there are several nodes, and the variables by which they find each other are not set.
    """
    if n_nodes > 1 and not {"NODE_RANK", "MASTER_ADDR"} <= set(os.environ):
        raise InputError(
            f"train.n_nodes is {n_nodes}, but the processes were not started on several nodes: "
            "start them by srun or "
            "torchrun, or set n_nodes to 1"
        )
    names = (*_PLACE, *(_MEETING_POINT if n_nodes == 1 else ()))
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    rank = rank_zero_only.rank
    rank_zero_only.rank = 0  # Lightning takes it from the variables when it is imported
    try:
        yield LightningEnvironment()
    finally:
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(before)
        rank_zero_only.rank = rank
