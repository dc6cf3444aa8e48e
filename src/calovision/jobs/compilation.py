"""Start of numba in the processes of the command line and of jobs."""


def skip_numba_extensions() -> None:
    """Keep numba from loading what other packages extend it with, before it compiles or loads the
    first function.

    Where ``vector`` is installed, that imports all of sympy. Only for processes that compile
    nothing but the kernels of this package, never on import: a user's own compiled functions may
    take the arrays of awkward.
    """
    try:
        from numba.core import entrypoints
    except ImportError:  # numpy does the work of the kernels
        return
    # there is no public switch; without this name numba starts as ever
    entrypoints._already_initialized = True
