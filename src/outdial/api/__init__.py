"""The HTTP API: requests in, facts for the core out; views of the core in, JSON out.

It knows the core and an ASGI library, nobody else. Whatever it needs beyond (databases, files, servers) is handed over
by those who put it together, as the Protocols of this package. Decision 0022.
"""
