"""Formulas of titles as plain text."""

import pytest

from calovision.core.titles import in_words


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("QCD", "QCD"),
        (r"$H \to b\bar b$", "H → bb̄"),
        (r"$H \to \ell\nu qq'$", "H → ℓνqq'"),
        (r"$W(\to qq')\,Z(\to\nu\nu)$", "W(→qq') Z(→νν)"),
        (r"$t\bar t$, hadronic", "tt̄, hadronic"),
        (r"$p_\mathrm{T}$", "p_T"),
        (r"$E_{4-6}/E$", "E₄₋₆/E"),
        (r"$10^{-2}$", "10⁻²"),
        (r"$M_J^\Sigma$", "M_J^Σ"),
        (r"$E_\mathrm{T}^\mathrm{miss}$", "E_T^miss"),
        (r"${\rm Z}^{a.b}$", "Z^(a.b)"),
        (r"$|\Delta\eta_{12}|$ and $\lambda$", "|Δη₁₂| and λ"),
        (r"$\frac{a}{b} - \sqrt{s}$", "a/b − √s"),
        (r"5 \$ and $x$", "5 $ and x"),
        ("5 $", "5 $"),
        (r"$\frac{a}$", r"$\frac{a}$"),  # matplotlib cannot set it
        ("a\x1b[31m", r"a\x1b[31m"),
    ],
)
def test_formula_in_characters(title, expected):
    assert in_words(title) == expected
