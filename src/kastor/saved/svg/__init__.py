"""Drawings from outside, made harmless: what is stored is written anew from an allow-list.

`sanitise` reads a drawing with a parser that resolves nothing, keeps the elements, attributes and
values that `rules` knows, and writes them itself, so that no spelling of the original survives.
Rules of style sheets become attributes (`styles`), references stay within the drawing and are
counted, since a few of them can stand for billions of shapes (`references`).
"""

from kastor.saved.svg.notes import Dropped
from kastor.saved.svg.rewrite import Sanitised, sanitise

__all__ = ["Dropped", "Sanitised", "sanitise"]
