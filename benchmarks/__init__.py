"""Measurements that can be run again: `python -m benchmarks.preview`, `python -m benchmarks.life`. See README.md."""
