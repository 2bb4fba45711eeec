"""What operators do with the database of a running server: the other side of the API's Protocols.

The commands of the command line do the same on a database that no server uses, with the same functions.
"""
