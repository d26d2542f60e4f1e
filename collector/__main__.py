"""`python -m collector` is `p1-collector`."""

from collector.commands.cli import entry

entry()
