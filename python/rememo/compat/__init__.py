"""Other caches' interfaces, for programs that were written for them.

They keep their names and their habits; behind them are this package's fingerprints and its store.
"""
