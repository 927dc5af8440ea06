"""`make fuzz`: 20,000 requests, and figures of what came of them."""
