"""What every room needs: errors, checks of arrays, records and texts, kinematics, files of users.

Nothing here imports another room of the package.
"""
