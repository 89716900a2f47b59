"""A load on the demo server that looks like a real service, in a process of its own.

Six applications on about forty connections: `traffic` is their everyday work, `trouble` what goes wrong in it.
Most of the time is waited, not worked: server and load together take a few hundredths of one core.
"""
