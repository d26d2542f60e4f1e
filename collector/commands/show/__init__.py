"""The live values on a terminal, drawn from the status file that a running collector keeps.

`status` reads the file, `screen` makes lines of it (pure), `ink` and `sparkline` are what those
are made of, `terminal` puts them on a terminal, `command` is `p1-collector show`.
"""
