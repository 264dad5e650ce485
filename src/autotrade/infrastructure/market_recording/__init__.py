"""What the engine saw of the market, written beside the journal: one compressed file a session."""
