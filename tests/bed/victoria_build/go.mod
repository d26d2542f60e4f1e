// What the tests build VictoriaMetrics from. It has no packages of its own.
module victoria-build

go 1.26.6

require github.com/VictoriaMetrics/VictoriaMetrics v1.151.0
