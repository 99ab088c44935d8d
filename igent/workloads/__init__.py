"""The workloads that ship: one package each."""
