"""Drills of the system: processes, disks, places, clocks, memory."""

from faults.changing import CHANGING
from faults.clocks import CLOCKS
from faults.concurrency import CONCURRENCY
from faults.disks import FULL_DISK
from faults.killed import KILLED
from faults.killed_workflow import KILLED_WORKFLOW, SECOND_WORKFLOW
from faults.memory import MEMORY
from faults.places import PLACES
from faults.read_errors import NO_LOCKS, READ_ERRORS
from faults.refused_calls import QUOTA, SHORT_READS

SYSTEM_DRILLS = (
    *(KILLED, KILLED_WORKFLOW, FULL_DISK, QUOTA, PLACES, CHANGING, READ_ERRORS, SHORT_READS),
    *(NO_LOCKS, CLOCKS, MEMORY, CONCURRENCY, SECOND_WORKFLOW),
)
