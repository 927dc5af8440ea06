"""How Encante reaches a browser."""
