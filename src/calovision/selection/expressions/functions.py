"""Operators and functions of expressions, and what is said of those that are none."""

MAX_POWER = 64  # largest exponent that is written as a number
PREFIX = {"negative": "-", "not": "~"}
INFIX = ("+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "and", "or")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
# Functions that give floating-point numbers -> number of arguments.
_OF_ONE_NUMBER = (
    *("sqrt", "exp", "expm1", "log", "log10", "log1p", "log2"),
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan"),
    *("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"),
)
_OF_NUMBERS = dict.fromkeys(_OF_ONE_NUMBER, 1) | dict.fromkeys(
    ("arctan2", "hypot", "fmod", "copysign"), 2
)
# Whole numbers stay what they are.
KEEP_WHOLE = {"abs": 1, "sign": 1, "floor": 1, "ceil": 1, "round": 1, "trunc": 1}
TESTS = {"isnan": 1, "isfinite": 1, "isinf": 1}
# Of several arguments, element by element; max and min are further names of the first two.
CHOICES = {"maximum": 2, "minimum": 2, "clip": 3, "where": 3}
FUNCTIONS = _OF_NUMBERS | KEEP_WHOLE | TESTS | CHOICES
ALIASES = {"max": "maximum", "min": "minimum"}

# Reductions of numpy and numexpr: over the events or objects in memory, hence different for each
# chunk.
_NOT_HERE = ("prod", "mean", "average", "median", "std", "var", "argmax", "argmin")
REDUCTIONS = dict.fromkeys(_NOT_HERE, "compute it before, or choose a branch that holds it") | {
    "sum": "write a + b to add quantities of one event or object",
    "any": "write a | b",
    "all": "write a & b",
    "len": "choose or write a branch that holds the number",
    "count": "choose or write a branch that holds the number",
}
# Names that users of other languages write.
OTHER_NAMES = {
    f"a{name}": f"arc{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")
} | {
    "atan2": "arctan2",
    "fabs": "abs",
    "absolute": "abs",
    "pow": "**",
    "power": "**",
    "ln": "log",
    "if": "where",
    "rint": "round",
    "fmax": "maximum",
    "fmin": "minimum",
}
