// What the tests build InfluxDB 1 from. It has no packages of its own.
module influxd-build

go 1.26

require (
	github.com/influxdata/flux v0.200.0
	github.com/influxdata/influxdb v1.13.2
	github.com/influxdata/pkg-config v0.3.0
)

// The Flux that InfluxDB 2 is built with: one build of it serves both, and version 1 has it off.
replace github.com/influxdata/flux => github.com/influxdata/flux v0.196.1
