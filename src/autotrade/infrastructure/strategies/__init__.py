"""Tools for who writes a strategy: a skeleton to begin with and the contract's checks."""
