"""The `prices` command: what the contracts and the market say, into the spool's inbox."""
