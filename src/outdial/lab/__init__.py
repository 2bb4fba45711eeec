"""A lab of real servers on loopback addresses: Asterisk 22 and 16, callees and phones made with sipp, PostgreSQL."""

from outdial.lab.fetch import LabUnavailable, Program, cache_folder, fetch, version_of

__all__ = ["LabUnavailable", "Program", "cache_folder", "fetch", "version_of"]
