"""Requests by the thousand that no browser would send; the console answers each, and never by 500."""
