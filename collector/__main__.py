"""`python -m collector` is `p1-collector`."""

from collector.cli import entry

entry()
