"""Set-up and other help for working on this checkout; run as `python -m scripts.<name>`."""
