"""The P1 protocol without I/O: bytes in, values out.

    decryption  bytes -> bytes, with every encrypted telegram decrypted
    framing     bytes -> frames, from `/` to `!`
    telegram    frame -> Telegram: everything that one telegram says
    document    Telegram -> plain data, for JSON
    disguise    frame -> frame, with everything replaced that says whose it is
    diagnosis   what bytes are in which there is no telegram

`telegram` stands on `lines` (a frame cut into lines), `sheet` with its `readers` (a line to what
it says), `values` and `time` (the text between brackets), `checksum`, and `obis`: the field table.

Everybody above calls it. Nothing in here reads a clock, a file, a setting or the network, and
nothing logs. There is no list of dialects: one grammar and one table read every meter, because the
telegram says what it is.
"""
