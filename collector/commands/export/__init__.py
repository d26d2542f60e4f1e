"""The `export` command: what InfluxDB has of a period, as CSV or line protocol.

`query` asks InfluxDB for a period, and gives rows as they come; `session` writes them.

It asks in InfluxQL, which InfluxDB 2, Cloud and 3 understand, and in pieces, so that a year of
seconds takes no more memory than a minute.
"""
