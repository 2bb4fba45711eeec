"""The configuration file: TOML in, a checked and frozen configuration out, every mistake at once."""

from outdial.config.loaded import Loaded, Password, Server
from outdial.config.loading import load, loads
from outdial.config.servers import Driver

__all__ = ["Driver", "Loaded", "Password", "Server", "load", "loads"]
