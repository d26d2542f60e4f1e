"""A household and its meter, for trying everything without one.

`house` says what is used when, from a seed; `meter` counts it and keeps the books; `dialect`
prints a reading as a telegram; `wire` is the cable; `stream` puts the telegrams onto it; `command`
is `p1-collector simulate`.
"""

from collector.simulate.command import add_arguments, main

__all__ = ["add_arguments", "main"]
