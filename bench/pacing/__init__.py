"""Pacing, measured: one model of a campaign group, our pacer, those of others, and what nobody can beat."""
