"""Common ground of all rooms: errors, checks of arrays, records and texts, kinematics, user files.

Nothing here imports another room of the package.
"""
