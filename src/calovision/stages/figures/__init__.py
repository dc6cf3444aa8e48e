"""Stages that draw the figures of the report: a module per rule, or for rules that go together.

A stage reads the files of its rule into its inputs, a dataclass; the figures of the rule
(`calovision.report.figures`) take of them what they need. Nothing is imported here.
"""
