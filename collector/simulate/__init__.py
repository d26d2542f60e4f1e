"""A household and its meter, the other end of the cable, for trying everything without one.

`house` says what is used when, from a seed (kitchen, machines, solar panels under the `weather`,
by `localtime`); `meter` counts it and keeps the books; `dialect` prints a reading as a telegram;
`likeness` prints it as a recorded telegram is printed; `wire` is the cable; `stream` puts the
telegrams onto it.

The commands `simulate` and `demo` and the tests call it. It never reads what the collector made
of a telegram: its books are what the rest is compared with.
"""
