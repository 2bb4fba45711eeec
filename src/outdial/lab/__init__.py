"""A lab of real SIP servers on loopback addresses: Asterisk 22 and 16, callees and agents' phones made with sipp."""

from outdial.lab.fetch import LabUnavailable, Program, cache_folder, fetch, version_of

__all__ = ["LabUnavailable", "Program", "cache_folder", "fetch", "version_of"]
