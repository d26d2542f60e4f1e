"""Reads the P1 port of a smart meter, keeps every reading, delivers it to InfluxDB."""

__version__ = "0.1.0"
