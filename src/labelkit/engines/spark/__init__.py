"""Spark: the same votes, faults and ids on a cluster."""
