"""Labels of the classes of rows."""

OF_ROWS = -1
"""Label of a sample or file whose rows are of several classes, each with a label of its own."""
