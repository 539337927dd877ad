"""Opens a Coffre from its files alone. Written from docs/spec, not from src.

usage: open-data-folder.py <folder>, with {"ciphertext", "context"} in one JSON line each on standard input;
answers one line each: {"plaintext": base64} or {"error": text}.
"""

import base64
import hashlib
import hmac
import json
import sqlite3
import struct
import sys
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand


def lp(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def expand(key: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(algorithm=hashes.SHA512(), length=length, info=info).derive(key)


def open_chunked(key: bytes, body: bytes, context: bytes) -> bytes:
    """docs/spec/chunked.md, for messages of less than one chunk."""
    salt, commitment, chunk = body[:24], body[24:56], body[56:]
    info = b"c2sp.org/chunked-encryption@v1+" + b"AEAD_AES_256_GCM" + b"\0" + salt + context
    derived = expand(key, info, 76)
    assert hmac.compare_digest(derived[44:], commitment), "commitment"
    assert 16 <= len(chunk) < 16_400, "one final chunk"
    return AESGCM(derived[:32]).decrypt(derived[32:44], chunk, None)


def open_slot(seal_key: bytes, slot: bytes) -> bytes:
    """docs/spec/seal.md."""
    assert slot[:4] == b"CFRS" and slot[4] == 1 and slot[5] == 1, "header"
    assert hashlib.sha256(slot[:-32]).digest() == slot[-32:], "digest"
    (length,) = struct.unpack(">I", slot[6:10])
    return open_chunked(seal_key, slot[10 + length : -32], slot[: 10 + length])


def unwrap(root: bytes, wrapped: bytes, row: sqlite3.Row) -> bytes:
    """docs/spec/wrapped-key.md."""
    assert wrapped[0] == 1, "format"
    fields = [row["tenant"], row["id"], str(row["version"]), row["algorithm"], row["purpose"]]
    context = b"coffre wrapped key v1\0\1" + b"".join(lp(field.encode()) for field in fields)
    return open_chunked(root, wrapped[1:], context)


def decrypt(text: str, pairs: dict, find) -> bytes:
    """docs/spec/ciphertext.md."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    header, salt, commitment, nonce = data[:24], data[24:48], data[48:80], data[80:92]
    assert header[:3] == bytes.fromhex("7287f5") and header[3] == 1, "magic"
    row, material = find(header[4:20].hex(), struct.unpack(">I", header[20:24])[0])
    derived = expand(material, b"coffre ciphertext v1\0" + header + salt, 64)
    assert hmac.compare_digest(derived[32:], commitment), "commitment"
    ordered = sorted((name.encode(), value.encode()) for name, value in pairs.items())
    aad = header + salt + commitment + lp(row["tenant"].encode()) + lp(row["purpose"].encode())
    aad += struct.pack(">I", len(ordered)) + b"".join(lp(name) + lp(value) for name, value in ordered)
    return AESGCM(derived[:32]).decrypt(nonce, data[92:], aad)


def main(folder: Path) -> None:
    database = sqlite3.connect(folder / "coffre.db")
    database.row_factory = sqlite3.Row
    seal_key = bytes.fromhex((folder / "seal.key").read_text().strip())
    root = open_slot(seal_key, database.execute("SELECT wrapped FROM seal_slot").fetchone()[0])
    query = "SELECT * FROM key_version JOIN key ON key.id = key_version.key_id"
    rows = {(row["id"].replace("-", ""), row["version"]): row for row in database.execute(query)}

    def find(key_id: str, version: int):
        row = rows[(key_id, version)]
        return row, unwrap(root, row["wrapped"], row)

    for line in sys.stdin:
        request = json.loads(line)
        try:
            plaintext = decrypt(request["ciphertext"], request["context"], find)
            print(json.dumps({"plaintext": base64.b64encode(plaintext).decode()}))
        except Exception as error:  # noqa: BLE001
            print(json.dumps({"error": type(error).__name__}))


main(Path(sys.argv[1]))
