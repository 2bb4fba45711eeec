"""A client of a running server's API: small, synchronous, standard library and the API's own models.

    >>> client = Client("http://127.0.0.1:8042", token="outdial_…")
    >>> client.group("east").holds
    >>> client.pause_group("east")

What the server refuses is a `Refused` with the code and the mistakes that it told.
"""

from outdial.client.calls import Client
from outdial.client.transport import NotReached, NotSent, Refused

__all__ = ["Client", "NotReached", "NotSent", "Refused"]
