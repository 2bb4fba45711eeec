"""The signature of a message, as the specification of Standard Webhooks has it.

Signed are id, instant and body, so none of them can be changed, and an old message cannot be sent again as a new one:
the receiver refuses what is older than some minutes. The instant is that of the try, the id that of the message.

Source: Standard Webhooks 1.0, "Signature scheme"; HMAC: RFC 2104 with SHA-256.
"""

import base64
import hashlib
import hmac

VERSION = "v1"


def signature(secret: bytes, message_id: str, timestamp_s: int, body: bytes) -> str:
    """What the header `webhook-signature` holds.

    Args:
        secret: shared with the receiver.
        message_id: header `webhook-id`.
        timestamp_s: header `webhook-timestamp`. Unit: seconds since 1970.
        body: what is sent, byte for byte.
    """
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp_s, body)
    return f"{VERSION},{base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()}"


def headers_of(secret: bytes, message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Headers of one delivery."""
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": signature(secret, message_id, timestamp_s, body),
    }
