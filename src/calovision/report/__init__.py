"""The report: one self-contained HTML page from finished figures, tables and texts, and its numbers
as CSV.

Its figures (`figures`) and sections (`sections`) are entries, which all jobs of the workflow read:
nothing is imported here.
"""
