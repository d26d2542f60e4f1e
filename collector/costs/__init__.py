"""What things cost: the contracts that a person writes down, and the price of each quarter hour.

`contracts` reads their file, `prices` makes points of them beside the readings. InfluxQL combines
two sub-queries only within one measurement: so a price lies in the measurement of what it is the
price of, in a series of its own, at the end of its quarter hour, as the reading does that closes
it. Nothing here computes a cost: a contract is corrected, a price or a reading comes late, and
the sums of the dashboards are right.
"""
