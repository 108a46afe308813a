"""Runs the command line with `python -m kastor`."""

from __future__ import annotations

from kastor.cli.main import main

main()
