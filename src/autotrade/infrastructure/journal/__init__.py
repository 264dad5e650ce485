"""The ground state on disk: an append-only, hash-chained journal, its folder and its backups."""
