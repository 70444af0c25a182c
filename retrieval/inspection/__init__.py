"""Looks at what retrieval needs and has made, without making, repairing or fetching anything.

Each module looks at one thing and yields findings; errors that are no finding of theirs are left to the caller.
"""
