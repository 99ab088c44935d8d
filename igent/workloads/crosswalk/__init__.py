"""The workload `crosswalk`: which provision of one retirement plan document answers which provision of another."""
