"""The `once` command: one telegram for each time it is started, by cron or a systemd timer."""
