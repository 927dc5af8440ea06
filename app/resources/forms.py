"""The base of every form that acts: how it is filled, planned, and what it says when done."""
