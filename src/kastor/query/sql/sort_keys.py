"""Texts that sort as openCypher orders values: the parts that both engines share.

A list sorts by its elements, so each of them is a text that no other one begins with, and the end
of a list sorts before any. Numbers have a fixed width; texts are written in hexadecimal digits,
which keeps the order of their bytes. What comes first: twins, relationships, lists, texts,
booleans, numbers, null.
"""

from __future__ import annotations

TWIN, RELATIONSHIP, LIST, TEXT, BOOLEAN, NUMBER, NULL = "BCDFGHJ"
END = " "
DIGITS, REVERSED = "0123456789", "jihgfedcba"
"""Negative numbers are written in letters, of which the later stand for smaller digits."""
MANTISSA, EXPONENT = 18, 20
"""Characters of ``1.2345678901234567e+05``: how many, and where the exponent begins."""
SHIFT = 1000
"""Added to exponents, so that none is negative."""
