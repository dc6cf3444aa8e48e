"""Drills of the system: processes, disks, places, clocks, memory."""

from faults.changing import CHANGING
from faults.clocks import CLOCKS
from faults.concurrency import CONCURRENCY
from faults.disks import FULL_DISK
from faults.killed import KILLED
from faults.killed_workflow import KILLED_WORKFLOW
from faults.memory import MEMORY
from faults.places import PLACES
from faults.read_errors import NO_LOCKS, READ_ERRORS

SYSTEM_DRILLS = (
    *(KILLED, KILLED_WORKFLOW, FULL_DISK, PLACES, CHANGING, READ_ERRORS, NO_LOCKS, CLOCKS),
    *(MEMORY, CONCURRENCY),
)
