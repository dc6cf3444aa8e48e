"""Jobs and what they leave: whole files, logs, attempts, the summary of a run, the plan of the
next.
"""
