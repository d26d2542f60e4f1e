"""The `import` command: old recordings into the spool's inbox, so with the same guarantees.

`recording` is what can be imported: files of telegrams as a meter sent them, and in `database` the
SQLite file of slimmemeter-rpi. `job` makes a record of each telegram, and of records segments in
the inbox; `session` goes through the files, and says how far it is.

An import may be broken off and repeated at will. The points carry the telegrams' own times, so
sending one twice changes nothing. So as not to begin anew all the same, a note in the spool says
behind each segment that was handed over where the next begins, and what must not be written again
because it only repeats. The note is written after the segment: what a crash between the two costs
is one segment that is sent twice. It goes when the file is done.

Old data never cost live ones: the service takes the inbox last, and the command waits while what
is in there reaches its bound.
"""
