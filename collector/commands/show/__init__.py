"""The live values on a terminal, drawn from the status file that a running collector keeps.

`screen` makes lines of it (pure), `ink` is what those are made of, `terminal` puts them on a
terminal, `command` is `p1-collector show`.
"""
