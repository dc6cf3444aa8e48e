"""The report: one self-contained HTML page from finished figures, tables and texts, and its numbers
as CSV.
"""

from calovision.report.numbers import numbers_csv, write_csv
from calovision.report.page import write_report
from calovision.report.parts import Figure, Section, Table, read_sections

__all__ = [
    "Figure",
    "Section",
    "Table",
    "numbers_csv",
    "read_sections",
    "write_csv",
    "write_report",
]
