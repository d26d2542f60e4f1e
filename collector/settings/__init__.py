"""What a person sets: names, defaults, limits, and what is said about a wrong value.

`search` finds the texts (environment, `.env`, credentials, secret files) and who gave each;
`settings` makes checked values of them. Service and commands load them once and hand plain values
on: no room below knows that there are settings. It never opens a port, a spool or a connection.
"""
