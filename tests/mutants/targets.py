"""Targets: modules that decide numbers, and the files of tests that are to notice a change."""

from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parents[1]
SOURCES = TESTS.parent / "src" / "calovision"


@dataclass(frozen=True)
class Target:
    """Modules under `SOURCES` (patterns), and tests under `TESTS` (names without test_)."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def module_files(self) -> list[Path]:
        """Files of the modules, sorted within each pattern."""
        return [file for pattern in self.modules for file in sorted(SOURCES.glob(pattern))]

    @property
    def test_files(self) -> list[Path]:
        """Files of the tests."""
        return [TESTS / f"test_{name}.py" for name in self.tests]


TARGETS = {
    "grid": Target(("images/grid.py",), ("grid", "fuzz_grid", "masks", "areas")),
    "images": Target(
        ("images/[!g]*.py", "images/jet_images/*.py"),
        (
            "images",
            "jet_images",
            "areas",
            "sparse_images",
            "masks",
            "other_arrays",
            "datasets_symmetry",
        ),
    ),
    "storage readers": Target(
        (
            *(
                f"storage/{name}.py"
                for name in ("reader", "rows", "blocks", "checks", "attributes", "metadata")
            ),
            "storage/events.py",
            "storage/statistics.py",
            *(
                f"storage/hdf5/{name}.py"
                for name in ("arrays", "checksums", "maps", "opening", "source", "tables")
            ),
        ),
        (
            *("storage", "storage_checks", "storage_reading", "storage_format"),
            *(
                "storage_checksums",
                "storage_statistics",
                "storage_changes",
                "storage_writing",
                "storage_maps",
            ),
        ),
    ),
    "metrics": Target(("metrics/*.py",), ("metrics", "metrics_rejection", "exact_metrics")),
    "paired": Target(("evaluation/paired.py",), ("evaluation_paired",)),
    "selection": Target(
        ("selection/*.py",), ("formulas", "selection", "expressions", "own_variables")
    ),
    "expressions": Target(
        ("selection/expressions/*.py",),
        (
            "expression_kinds",
            "expressions",
            "selection",
            "formulas",
            "fuzz_expressions",
            "ntuples_expressions",
        ),
    ),
}
