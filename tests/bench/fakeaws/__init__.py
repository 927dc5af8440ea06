"""An AWS endpoint that serves generated pages fast: what the benchmarks collect from."""
