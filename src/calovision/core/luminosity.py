"""Luminosity of the example and of its defaults."""

LUMINOSITY_FB = 36.1
"""Integrated luminosity of ATLAS in 2015 and 2016 (arXiv:1804.03568), 1/fb."""
