"""The detector watched run by run with the same images: maps of runs, a reference, faults, flags.

Without torch; the networks are in `calovision.monitoring.networks`.
"""
