"""Verifies an exported audit log, a checkpoint and proofs. Written from docs/spec, not from src.

usage: verify-audit-log.py <verifier key> export <export.ndjson> <checkpoint>
       verify-audit-log.py <verifier key> inclusion <proof>
       verify-audit-log.py <verifier key> consistency <proof> <older checkpoint>
Prints one line of what is proved, or exits with 1.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def leaf(body: bytes) -> bytes:
    return hashlib.sha256(b"\0" + body).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def read_key(text: str) -> tuple[str, bytes, bytes]:
    name, key_hash, encoded = text.split("+", 2)
    data = base64.b64decode(encoded, validate=True)
    assert data[0] == 1 and len(data) == 33, "an Ed25519 key"
    own = hashlib.sha256(name.encode() + b"\n\x01" + data[1:]).digest()[:4]
    assert own.hex() == key_hash, "key hash"
    return name, own, data[1:]


def open_checkpoint(note: str, key: tuple[str, bytes, bytes]) -> tuple[str, int, bytes]:
    """docs/spec/audit-checkpoint.md, "Checkpoint"."""
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    signed = False
    for line in signatures.rstrip("\n").split("\n"):
        dash, name, encoded = line.split(" ")
        data = base64.b64decode(encoded, validate=True)
        assert dash == "\u2014", "signature line"
        if (name, data[:4]) == key[:2]:
            Ed25519PublicKey.from_public_bytes(key[2]).verify(data[4:], text.encode())
            signed = True
    assert signed, "no signature of this key"
    origin, size, root, *_ = text.split("\n")
    return origin, int(size), base64.b64decode(root, validate=True)


def tree_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node(tree_root(leaves[:split]), tree_root(leaves[split:]))


def verify_export(path: str, checkpoint: str, key) -> str:
    _, size, root = open_checkpoint(Path(checkpoint).read_text(), key)
    leaves: list[bytes] = []
    previous = "0" * 64
    for index, body in enumerate(Path(path).read_bytes().split(b"\n")[:-1]):
        record = json.loads(body)
        assert record["i"] == index, f"index {index}"
        assert record["prev"] == previous, f"chain {index}"
        leaves.append(leaf(body))
        previous = leaves[-1].hex()
    assert len(leaves) >= size, "shorter than the checkpoint"
    assert tree_root(leaves[:size]) == root, "root"
    return f"export {len(leaves)} signed {size}"


def split_proof(path: str) -> tuple[list[str], str]:
    head, _, checkpoint = Path(path).read_text().partition("\n\n")
    return head.split("\n"), checkpoint


def verify_inclusion(path: str, key) -> str:
    """c2sp.org/tlog-proof, then RFC 9162, section 2.1.3.2."""
    lines, checkpoint = split_proof(path)
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    body = base64.b64decode(lines[1].removeprefix("extra "), validate=True)
    index = int(lines[2].removeprefix("index "))
    _, size, root = open_checkpoint(checkpoint, key)
    assert index < size, "index"
    fn, sn, current = index, size - 1, leaf(body)
    for line in lines[3:]:
        hash_ = base64.b64decode(line, validate=True)
        assert sn != 0, "path"
        if fn & 1 or fn == sn:
            current = node(hash_, current)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            current = node(current, hash_)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0 and current == root, "root"
    return f"inclusion {index} of {size}"


def verify_consistency(path: str, older: str, key) -> str:
    """RFC 9162, section 2.1.4.2, for sizes above 0."""
    lines, checkpoint = split_proof(path)
    _, first, old_root = open_checkpoint(Path(older).read_text(), key)
    _, second, new_root = open_checkpoint(checkpoint, key)
    assert int(lines[0].removeprefix("old ")) == first and 0 < first <= second, "sizes"
    hashes = [base64.b64decode(line, validate=True) for line in lines[1:]]
    if first == second:
        assert not hashes and old_root == new_root, "equal sizes"
        return f"consistency {first} to {second}"
    if first & (first - 1) == 0:
        hashes.insert(0, old_root)
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = hashes[0]
    for hash_ in hashes[1:]:
        assert sn != 0, "path"
        if fn & 1 or fn == sn:
            fr, sr = node(hash_, fr), node(hash_, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, hash_)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0 and fr == old_root and sr == new_root, "root"
    return f"consistency {first} to {second}"


def main(arguments: list[str]) -> None:
    key = read_key(arguments[0])
    kinds = {"export": verify_export, "inclusion": verify_inclusion, "consistency": verify_consistency}
    print(kinds[arguments[1]](*arguments[2:], key))


main(sys.argv[1:])
