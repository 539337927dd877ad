"""Opens a backup from its objects alone. Written from docs/spec/backup.md, chunked.md and recovery-key.md, not from src.

usage: open-backup.py <folder> <series>, with {"signer"} and one of {"recovery"} (the secret as text) and {"passphrase"} as
JSON on standard input; writes the newest backup to standard output when the last byte of it has been verified.
"""

import base64
import gzip
import hashlib
import hmac
import json
import sys
import unicodedata
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def b64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def open_chunked(key: bytes, message: bytes, context: bytes) -> bytes:
    salt, commitment, rest = message[:24], message[24:56], message[56:]
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context
    derived = HKDFExpand(algorithm=hashes.SHA512(), length=76, info=info).derive(key)
    assert hmac.compare_digest(derived[44:], commitment), "commitment"
    chunks = [rest[at : at + 16_400] for at in range(0, len(rest), 16_400)]
    assert chunks and 16 <= len(chunks[-1]) < 16_400, "the final chunk"
    base = int.from_bytes(derived[32:44], "big")
    aead = AESGCM(derived[:32])
    return b"".join(aead.decrypt((base ^ k).to_bytes(12, "big"), chunk, None) for k, chunk in enumerate(chunks))


def read_note(data: bytes, verifier: str) -> list[bytes]:
    name, key_hash, key = verifier.split("+", 2)
    text, signatures = data.rsplit(b"\n\n", 1)
    text += b"\n"
    for line in signatures.decode().splitlines():
        dash, signer, signature = line.split(" ")
        blob = base64.b64decode(signature)
        if dash == "—" and signer == name and blob[:4].hex() == key_hash:
            Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:]).verify(blob[4:], text)
            return text[:-1].split(b"\n")
    raise AssertionError("nobody trusted has signed it")


def parse_recovery_key(text: str) -> bytes:
    digits = "".join(text.removeprefix("COFFRE-RECOVERY-").split("-"))
    bits = "".join(f"{DIGITS.index(digit):05b}" for digit in digits)
    data = bytes(int(bits[at : at + 8], 2) for at in range(0, 288, 8))
    assert data[0] == 3 and hashlib.sha256(b"coffre recovery key v1" + data[:33]).digest()[:3] == data[33:], "check"
    return data[1:33]


def decapsulate(seed: bytes, encapsulated: bytes) -> bytes:
    expanded = hashlib.shake_256(seed).digest(96)
    ml_kem, x = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(expanded[64:])
    ct_m, ct_x = encapsulated[:1_088], encapsulated[1_088:]
    ss_x = x.exchange(X25519PublicKey.from_public_bytes(ct_x))
    pk_x = x.public_key().public_bytes_raw()
    return hashlib.sha3_256(ml_kem.decapsulate(ct_m) + ss_x + ct_x + pk_x + bytes.fromhex("5c2e2f2f5e5c")).digest()


def open_slot(slot: dict, backup_id: bytes, secrets: dict) -> bytes | None:
    if slot["slot"] == "recovery" and "recovery" in secrets:
        shared = decapsulate(parse_recovery_key(secrets["recovery"]), b64(slot["encapsulated"]))
        return open_chunked(shared, b64(slot["wrapped"]), b"coffre backup recovery slot v1\0" + backup_id)
    if slot["slot"] == "passphrase" and "passphrase" in secrets:
        costs = {name: int(value) for name, value in (each.split("=") for each in slot["argon2id"].split(","))}
        assert 65_536 <= costs["m"] <= 1_048_576 and 3 <= costs["t"] <= 10, "costs"
        stretch = Argon2id(
            salt=b64(slot["salt"]), length=32, iterations=costs["t"], lanes=costs["p"], memory_cost=costs["m"]
        )
        key = stretch.derive(unicodedata.normalize("NFC", secrets["passphrase"]).encode())
        context = b"coffre backup passphrase slot v1\0" + backup_id + slot["argon2id"].encode()
        return open_chunked(key, b64(slot["wrapped"]), context)
    return None


def main(folder: Path, secrets: dict) -> None:
    manifest_path = max(folder.glob("*.manifest"))
    kind, header_line, body_line, record_line, *slots = read_note(manifest_path.read_bytes(), secrets["signer"])
    assert kind == b"coffre/backup/v1", "type"
    header, body = json.loads(header_line), json.loads(body_line)
    assert manifest_path.name == f"{body['sequence']:012}.manifest" and header["series"] == folder.name, "name"
    kind, head, *entries = read_note((folder / "catalogue").read_bytes(), secrets["signer"])
    assert kind == b"coffre/backup-catalogue/v1", "type"
    digest = hashlib.sha256(record_line).hexdigest()
    entry = {"sequence": body["sequence"], "id": header["id"], "record": digest}
    assert json.loads(entries[-1]) == entry or body["sequence"] > json.loads(head)["newest"], "catalogue"
    backup_id = bytes.fromhex(header["id"].replace("-", ""))
    key = next(filter(None, (open_slot(json.loads(slot), backup_id, secrets) for slot in slots)))
    record_context = b"coffre backup record v1\0" + header_line + b"\n" + body_line
    record = json.loads(open_chunked(key, b64(record_line.decode()), record_context))
    data = (folder / f"{header['id']}.body").read_bytes()
    assert len(data) == body["bodyBytes"] and hashlib.sha256(data).hexdigest() == body["bodySha256"], "body"
    assert data[:20] == bytes.fromhex("7287f505") + backup_id, "body id"
    stored = open_chunked(key, data[20:], b"coffre backup body v1\0" + header_line)
    plain = {"none": lambda each: each, "gzip": gzip.decompress}[header["compression"]](stored)
    assert len(plain) == record["plainBytes"] and hashlib.sha256(plain).hexdigest() == record["plainSha256"], "plain"
    sys.stdout.buffer.write(plain)


main(Path(sys.argv[1], sys.argv[2]), json.load(sys.stdin))
