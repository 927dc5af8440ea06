"""The benchmarks: ``python -m tests.bench`` prints them and writes bench-results.json."""
