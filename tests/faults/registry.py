"""All drills by name, in the order of the table; a drill is added here and nowhere else."""

from faults.absurd_numbers import ABSURD_NUMBERS
from faults.cases import Drill
from faults.expressions import EXPRESSIONS_AND_SCHEMAS
from faults.image_files import IMAGE_DRILLS
from faults.monitoring_texts import MONITORING_TEXTS
from faults.power_loss import POWER_DRILLS
from faults.remote_files import REMOTE_FILES
from faults.report_texts import REPORT_TEXTS
from faults.root_files import ROOT_DRILLS
from faults.run_records import RUN_RECORDS
from faults.self_test import SELF_TEST
from faults.stored_files import STORED_DRILLS
from faults.system import SYSTEM_DRILLS
from faults.two_writers import WRITER_DRILLS

_OF_CONTENT = (
    *ROOT_DRILLS,
    REMOTE_FILES,
    ABSURD_NUMBERS,
    *IMAGE_DRILLS,
    EXPRESSIONS_AND_SCHEMAS,
    *STORED_DRILLS,
    RUN_RECORDS,
    REPORT_TEXTS,
    MONITORING_TEXTS,
)
_OF_MACHINES = (*SYSTEM_DRILLS, *POWER_DRILLS, *WRITER_DRILLS)
DRILLS: dict[str, Drill] = {drill.name: drill for drill in (SELF_TEST, *_OF_CONTENT, *_OF_MACHINES)}
