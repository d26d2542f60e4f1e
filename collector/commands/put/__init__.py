"""The `put` command: lines of anything, through the same spool, with the same guarantees.

`lines` reads one line strictly and gives it its time in seconds, `stream` takes them from a file
or a pipe some at a time, `session` hands them to the service.
"""
