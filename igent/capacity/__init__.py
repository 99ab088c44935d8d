"""The ledger of shared capacity: never oversold."""
