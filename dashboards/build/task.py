"""What InfluxDB does by itself, in Flux: the task that keeps what lasts, and the checks."""

from typing import Final

DOWNSAMPLE: Final = """\
// Registers, gas, water, heat, peaks and failures as they are; power and voltage as means over
// five minutes. What has arrived up to two days late comes along; writing a point twice changes
// nothing.
from(bucket: "p1")
  |> range(start: -2d)
  |> filter(
    fn: (r) =>
      r._measurement == "readings" or r._measurement == "gas" or r._measurement == "water"
      or r._measurement == "heat" or r._measurement == "cooling" or r._measurement == "submeter"
      or r._measurement == "demand_peak" or r._measurement == "power_failure",
  )
  |> to(bucket: "p1-long")

from(bucket: "p1")
  |> range(start: -2d)
  |> filter(fn: (r) => r._measurement == "electricity")
  |> filter(fn: (r) => r._field =~ /^(power|voltage|current)_.*_(kw|v|a)$/)
  |> aggregateWindow(every: 5m, fn: mean, createEmpty: false)
  |> to(bucket: "p1-long")
"""

SILENCE: Final = """\
from(bucket: "p1")
  |> range(start: -1h)
  |> filter(fn: (r) => r._measurement == "electricity" and r._field == "energy_import_kwh")
"""

BACKLOG: Final = """\
from(bucket: "p1")
  |> range(start: -1h)
  |> filter(fn: (r) => r._measurement == "collector" and r._field == "spool_bytes")
  |> aggregateWindow(every: 5m, fn: last, createEmpty: false)
  |> yield(name: "last")
"""
