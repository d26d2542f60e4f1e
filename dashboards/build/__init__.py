"""Makes the dashboards that are shipped: Grafana's JSON and the template for InfluxDB's own UI.

`python -m dashboards.build` in the project's directory writes the files, `--check` tells whether
they are what would be written. `look` has the colours and units, `influxql` and `flux` the
queries; a module a dashboard has its panels.
"""
