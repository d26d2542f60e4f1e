"""The whole path at work, on a simulated household, through an outage, and accounted for.

`stage` plays it: a `meter` on a pseudo-terminal, `p1-collector run` as a `process` on it, and what
takes the readings: the `receiver`, which is there, goes away and comes back, before an `influxdb`
or in its stead. At the end it says where every telegram is. `view` shows what happens, `command`
is `p1-collector demo`.
"""
