"""How requests are taken from the network, and answers put on it.

gunicorn's worker with threads, whose threads neither wait for a request nor for its reader: slow
clients hold nobody up.
"""
