"""The reader's side, and its thread: from the meter's port to records on the RAM disk.

`sources` opens the port (serial, TCP, a file) and reads bytes, `port` says which one where none is
set, and which program has it already, `line` keeps it open for ever and finds its speed,
`clock` says what time a telegram gets, `debt` whether it owes a checksum, `gaps` how many did not
come, `reader` makes a record of each telegram and hands it to `spool`. `gateway` asks one over
HTTP; `share` gives the bytes to other programs too. `bell` wakes it.

The service wires it and `check`, `capture` and `once` use its parts. It never touches the disk or
the network to InfluxDB: neither a slow card nor a hung server may cost a telegram.
"""
