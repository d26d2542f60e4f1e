"""The whole path at work, on a simulated household, and accounted for.

`stage` runs a meter on a pseudo-terminal and `p1-collector run` as a process on it, `view` shows
what happens, `account` says at the end where every telegram is, `command` is `p1-collector demo`.
"""
