"""Runs real agents with the action's configs. See README.md."""
