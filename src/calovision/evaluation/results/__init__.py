"""Results of an evaluation: a class for each JSON file, with `to_json`, `from_json`, `read` and
`to_markdown`.

Names of a configuration (samples, models, classifiers, working points) are keys of dictionaries;
everything else is an attribute. Efficiencies are those of the preselected test events.
"""

from calovision.evaluation.results.baselines import FittedBaseline, FittedBaselines
from calovision.evaluation.results.comparison import (
    ComparedClassifier,
    ComparisonPoint,
    CutComparison,
)
from calovision.evaluation.results.diagnostics import (
    Calibration,
    CalibrationBin,
    Correlation,
    Diagnostics,
    MassDistribution,
    MassSculpting,
    SculptedMass,
)
from calovision.evaluation.results.models import (
    ModelComparison,
    ModelNumbers,
    ModelResult,
    NetworkResult,
    NetworkStatistic,
    NetworkStatistics,
    Performances,
    TrainingRecord,
)
from calovision.evaluation.results.numbers import Band, Interval, LimitInterval, Performance
from calovision.evaluation.results.reach import (
    FoundBy,
    Gains,
    LimitUnits,
    MassLimits,
    MassReach,
    Reach,
    SelectionReach,
)
from calovision.evaluation.results.robustness import ClassEfficiencies, Robustness
from calovision.evaluation.results.samples import (
    CutStep,
    PreselectedEvents,
    SampleNumbers,
    SamplesSummary,
)
from calovision.evaluation.results.summary import (
    CutRegion,
    EventCount,
    EventCounts,
    Preselection,
    RegionEfficiencies,
    RegionWorkingPoint,
    SampleEfficiencies,
    SkippedFile,
    Summary,
)
from calovision.evaluation.results.tagging import (
    ClassRows,
    Confusion,
    CutPoint,
    DiscriminantNumbers,
    DiscriminantSides,
    TaggerNumbers,
    TaggingSummary,
    VariableNumbers,
)
from calovision.evaluation.results.tagging_details import (
    BinnedVariable,
    TaggerBin,
    TaggingBins,
    TaggingDiagnostics,
)

__all__ = [
    "Band",
    "BinnedVariable",
    "Calibration",
    "CalibrationBin",
    "ClassEfficiencies",
    "ClassRows",
    "ComparedClassifier",
    "ComparisonPoint",
    "Confusion",
    "Correlation",
    "CutComparison",
    "CutPoint",
    "CutRegion",
    "CutStep",
    "Diagnostics",
    "DiscriminantNumbers",
    "DiscriminantSides",
    "EventCount",
    "EventCounts",
    "FittedBaseline",
    "FittedBaselines",
    "FoundBy",
    "Gains",
    "Interval",
    "LimitInterval",
    "LimitUnits",
    "MassDistribution",
    "MassLimits",
    "MassReach",
    "MassSculpting",
    "ModelComparison",
    "ModelNumbers",
    "ModelResult",
    "NetworkResult",
    "NetworkStatistic",
    "NetworkStatistics",
    "Performance",
    "Performances",
    "PreselectedEvents",
    "Preselection",
    "Reach",
    "RegionEfficiencies",
    "RegionWorkingPoint",
    "Robustness",
    "SampleEfficiencies",
    "SampleNumbers",
    "SamplesSummary",
    "SculptedMass",
    "SelectionReach",
    "SkippedFile",
    "Summary",
    "TaggerBin",
    "TaggerNumbers",
    "TaggingBins",
    "TaggingDiagnostics",
    "TaggingSummary",
    "TrainingRecord",
    "VariableNumbers",
]
