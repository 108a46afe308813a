"""Kastor: a digital-twin server that speaks the Azure Digital Twins data-plane API."""

__version__ = "0.1.0"
