"""The `export` command: what InfluxDB has of a period, as CSV or line protocol.

=============  ====================================================================================
`period`       from when to when, and local time without a time zone database
`query`        asks InfluxDB, and gives rows as they come
`forms`        rows as CSV, or as the line protocol that they once were
=============  ====================================================================================

It asks in InfluxQL, which InfluxDB 2, Cloud and 3 understand, and in pieces, so that a year of
seconds takes no more memory than a minute.
"""
