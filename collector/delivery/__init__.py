"""The sender's side, and its thread: from segments to InfluxDB, until a 204 for all of it.

`answer` is the table of what each answer means; `influx` makes one request; `sender` decides what
goes next, from the `jobs` that wait; `backoff` and `pace` say when and how much, `narrowing`
finds the bad lines of a refused batch, and `conflicts`, `doubts` and `leftovers` remember what was
found about measurements and files. `causes` says in words why a connection failed.

The service wires it; `check`, `export` and `once` use `answer` and `influx`. It never reads the
port, and never removes anything that InfluxDB has not acknowledged.
"""
