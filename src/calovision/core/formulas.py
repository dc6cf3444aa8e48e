r"""Formulas of titles as plain text, for pages, tables and terminals, which do not set them.

``$H \to b\bar b$`` is "H → bb̄", ``$p_\mathrm{T}$`` is "p_T", ``$E_{4-6}/E$`` is "E₄₋₆/E".
"""

import re
import unicodedata

SYMBOLS = {
    **{"to": "→", "rightarrow": "→", "leftarrow": "←", "pm": "±", "times": "×", "cdot": "·"},
    **{"le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "sim": "∼", "approx": "≈"},
    **{"infty": "∞", "ell": "ℓ", "prime": "′", "perp": "⊥", "parallel": "∥", "partial": "∂"},
    **{"sqrt": "√", "sum": "∑", "int": "∫", "hbar": "ℏ", "circ": "°", "ast": "*", "mid": "|"},
    **{"varepsilon": "ε", "varphi": "φ", "vartheta": "θ", "quad": " ", "qquad": " "},
}
ACCENTS = {
    "bar": "\u0304",
    "overline": "\u0304",
    "tilde": "\u0303",
    "hat": "\u0302",
    "vec": "\u20d7",
}
SPACES = dict.fromkeys((",", ";", ":", " ", "!"), " ")
_PLAIN = "0123456789+-=()"
_LOW = dict(zip(f"{_PLAIN}aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_HIGH = dict(zip(f"{_PLAIN}inT*", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁱⁿᵀ*", strict=True))
_TOKEN = re.compile(r"\\([A-Za-z]+) ?|\\(.)|(.)", re.DOTALL)
Token = tuple[str, str, str]


def plain(formula: str) -> str:
    """Text of a formula, without its dollars."""
    text = _read(list(_TOKEN.findall(formula)))
    return re.sub(r"(?<=\w) *→ *", " → ", text)


def _read(tokens: list[Token]) -> str:
    """Text of the tokens up to the end or a closing brace, which are taken from the list."""
    text = ""
    while tokens:
        if tokens[0][2] == "}":
            tokens.pop(0)
            break
        text += _next(tokens)
    return text


def _next(tokens: list[Token]) -> str:
    """Text of the next thing: a character, a group, or a command with what it acts on."""
    command, escaped, character = tokens.pop(0) if tokens else ("", "", "")
    if escaped:
        return SPACES.get(escaped, escaped)
    if command:
        return _of_command(command, tokens)
    if character == "{":
        return _read(tokens)
    if character in ("_", "^"):
        return _moved(character, _next(tokens))
    return {"~": " ", "-": "\N{MINUS SIGN}"}.get(character, character)


def _of_command(command: str, tokens: list[Token]) -> str:
    if command in ACCENTS:
        return _next(tokens) + ACCENTS[command]
    if command in ("frac", "dfrac", "tfrac"):
        return f"{_next(tokens)}/{_next(tokens)}"
    if command.startswith(("math", "text")):
        return _next(tokens)
    if command in ("left", "right", "rm", "it", "bf"):
        return ""  # what follows is set another way
    return SYMBOLS.get(command) or _greek(command) or command


def _greek(name: str) -> str:
    """The letter of a name, as alpha or Sigma; none of any other name."""
    size = "CAPITAL" if name[0].isupper() else "SMALL"
    spelled = "LAMDA" if name.lower() == "lambda" else name.upper()
    try:
        return unicodedata.lookup(f"GREEK {size} LETTER {spelled}")
    except KeyError:
        return ""


def _moved(sign: str, text: str) -> str:
    """Text below (_) or above (^) the line: in small characters if there are such."""
    small = _LOW if sign == "_" else _HIGH
    known = text.replace("\N{MINUS SIGN}", "-")
    if known and all(character in small for character in known):
        return "".join(small[character] for character in known)
    return f"{sign}{text}" if text.isalnum() or len(text) < 2 else f"{sign}({text})"
