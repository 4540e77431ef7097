"""Sensors and schedules: what starts work, and when."""
