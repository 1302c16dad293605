"""Trackers: observers that project records into other tools."""
