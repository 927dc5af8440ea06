"""The sandbox: an embedded AWS for trying things out and for the tests.

It is a moto server of our own, in a process of its own (`python -m app.sandbox`), and imports
nothing of the rest of the application.
"""
