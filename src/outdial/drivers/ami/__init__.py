"""Asterisk over AMI, its manager interface: `wire`, `tcp`, `link` carry messages, the others say what they mean.

* `wire`: bytes become messages, requests become bytes. No I/O.
* `link`: the connection: login, supervision, loss. `tcp`: what it stands on.
* `requests`, `calls`, `legs`, `phones`, `verdicts`, `endings`: requests and calls, as the core understands them. Pure.
"""
