"""The `put` command: lines of anything, through the same spool, with the same guarantees.

`lines` takes them from a file or a pipe some at a time, reads each strictly and gives it its time
in seconds; `session` hands them to the service.
"""
