"""Snapshots of the domain's repositories as JSON files, for fast recovery and for people."""
