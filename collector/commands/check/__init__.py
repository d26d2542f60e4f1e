"""The `check` command: tries every link from the meter to InfluxDB, and says what to do.

Each probe looks at one link and gives a `Finding`: a value, so that it can be tested alone. What
to do about a failure stands in one table, `remedies`, from which README.md is made too. `chain`
knows the order, and which links need not be tried when an earlier one is broken.

Nothing is changed by looking: the port is only read, a file of a few bytes is written to the
spool's directory and removed, and of what is sent to InfluxDB see `database`. While the service
runs, what it says of the port in its status file counts, for a port has one reader.
"""
