"""A household and its meter, the other end of the cable, for trying everything without one.

`house` says what is used when, from a seed (kitchen, machines, solar panels, the weather over
them, by `localtime`); `meter` counts it; `likeness` prints a reading as a recorded telegram is,
such as those of the kinds that have a name; `wire` is the cable; `stream` puts them onto it.

The commands `simulate` and `demo` and the tests call it. It never reads what the collector made
of a telegram: what it counts is what the rest is compared with.
"""
