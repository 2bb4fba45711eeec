"""outdial: an outbound contact server. Campaign groups dial through a SIP cluster and share its ports."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("outdial")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
