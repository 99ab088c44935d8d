"""The workload `sbus`: registrations to supplier offers, after an auction."""
