"""Rules that look for faults without training: a module a rule, each with a function ``scores``.

All take `RunMaps` and a `Reference` and give float64 ``(n_runs, n_channels, n_eta, n_phi)``; their
names are in `calovision.monitoring.methods`.
"""
