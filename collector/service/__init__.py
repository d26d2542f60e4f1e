"""The process: three threads wired together, and what the machine wants of a service.

`service` starts reader, keeper and sender and stops them in order; `parts` makes them from the
settings, `places` finds the directories, `former` those of before, `process` is around it:
signals, crashes, exit status.
`report` tells others how it goes, through the `status` file and `notify` (systemd, its watchdog).
`watch` sees whether all still move, the disks too; `lock` keeps a spool to one process, `ending`
turns signals into an orderly end, `malloc` gives memory back.

`run` and `once` start it; other commands read its status file and its lock. It never handles a
telegram or an answer itself: it only hands the parts to each other.
"""
