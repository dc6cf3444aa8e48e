"""Steps of the workflow as functions: one for each script of ``workflow/scripts``.

A module per stage, imported by its script alone: the jobs of a stage load only its own packages, so
nothing is imported here.
"""
