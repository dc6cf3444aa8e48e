"""Contents of masked cells by name; nothing heavy is imported here, as the configuration asks."""

FILLS = ("zero", "neighbours")
"""None, or what the live neighbours suggest (`calovision.images.masked`)."""
