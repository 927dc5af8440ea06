"""Requests by the thousand that no browser would send; each is answered, none by a 500."""
