// What the figures build Telegraf from. It has no packages of its own.
module telegraf-build

go 1.25.5

require github.com/influxdata/telegraf v1.37.2
