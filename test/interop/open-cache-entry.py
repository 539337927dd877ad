"""Opens an entry of docs/spec/cache.md, format 2, written from the specification alone. Lines of JSON in and out."""
import base64
import hashlib
import hmac
import json
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def lp(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def expand(prk: bytes, info: bytes, length: int) -> bytes:
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(prk, block + info + bytes([counter]), hashlib.sha512).digest()
        out, counter = out + block, counter + 1
    return out[:length]


def open_entry(case):
    stored, blob = bytes.fromhex(case["stored"]), bytes.fromhex(case["dataKey"])
    key_id, key = blob[1:17], blob[17:]
    assert stored[:4] == b"cfc\x02"
    written_at, expires_at = struct.unpack(">QQ", stored[4:20])
    message = stored[20:]
    header, salt, commitment = message[:24], message[24:48], message[48:80]
    nonce, sealed = message[80:92], message[92:]
    assert header == bytes.fromhex("7287f501") + key_id + struct.pack(">I", 1)
    derived = expand(key, b"coffre ciphertext v1\0" + header + salt, 64)
    assert hmac.compare_digest(derived[32:], commitment)
    pairs = {
        "user": case["user"],
        "key": case["storedName"],
        "format": "2",
        "writtenAt": str(written_at),
        "expiresAt": str(expires_at),
    }
    aad = header + salt + commitment + lp(b"default") + lp(b"encrypt") + struct.pack(">I", len(pairs))
    for name in sorted(pairs, key=lambda each: each.encode()):
        aad += lp(name.encode()) + lp(pairs[name].encode())
    plaintext = AESGCM(derived[:32]).decrypt(nonce, sealed, aad)
    end = 4 + struct.unpack(">I", plaintext[:4])[0]
    user, name = case["user"].encode(), plaintext[4:end]
    tag = expand(key, b"coffre cache name v1\0" + lp(user) + lp(name), 16)
    return {
        "name": name.decode(),
        "value": base64.b64encode(plaintext[end:]).decode(),
        "writtenAt": written_at,
        "expiresAt": expires_at,
        "hash": base64.urlsafe_b64encode(tag).decode().rstrip("="),
    }


for line in sys.stdin:
    try:
        print(json.dumps(open_entry(json.loads(line))))
    except (AssertionError, InvalidTag):
        print("null")
