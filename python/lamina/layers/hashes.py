"""The hashes by which Keras's layers put texts into bins.

FarmHash64 (google/farmhash, farmhashna), and SipHash-2-4 where there is a salt.
"""

from __future__ import annotations

from struct import unpack_from
from typing import Any

_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_MASK = (1 << 64) - 1


def _rotate(x: int, by: int) -> int:
    x &= _MASK
    return (x >> by | x << (64 - by)) & _MASK


def _mix(x: int) -> int:
    x &= _MASK
    return x ^ x >> 47


def _join(u: int, v: int, factor: int) -> int:
    a = _mix((u ^ v) * factor)
    return _mix((v ^ a) * factor) * factor & _MASK


def _word(s: bytes, at: int) -> int:
    value: int = unpack_from("<Q", s, at)[0]
    return value


def farmhash64(s: bytes) -> int:
    """Return the hash of bytes: 64 bits, the same on every machine."""
    n = len(s)
    if n <= 16:
        return _short(s, n)
    if n > 64:
        return _long(s, n)
    factor = (_K2 + n * 2) & _MASK
    c, d = _word(s, n - 8) * factor, _word(s, n - 16) * _K2
    if n <= 32:
        a, b = _word(s, 0) * _K1 & _MASK, _word(s, 8)
        first = (_rotate(a + b, 43) + _rotate(c, 30) + d) & _MASK
        return _join(first, (a + _rotate(b + _K2, 18) + c) & _MASK, factor)
    a, b = _word(s, 0) * _K2 & _MASK, _word(s, 8)
    y = (_rotate(a + b, 43) + _rotate(c, 30) + d) & _MASK
    z = _join(y, (a + _rotate(b + _K2, 18) + c) & _MASK, factor)
    e, f = _word(s, 16) * factor & _MASK, _word(s, 24)
    g, h = (y + _word(s, n - 32)) * factor, (z + _word(s, n - 24)) * factor
    first = (_rotate(e + f, 43) + _rotate(g, 30) + h) & _MASK
    return _join(first, (e + _rotate(f + a, 18) + g) & _MASK, factor)


def _short(s: bytes, n: int) -> int:
    factor = (_K2 + n * 2) & _MASK
    if n >= 8:
        a, b = (_word(s, 0) + _K2) & _MASK, _word(s, n - 8)
        c = (_rotate(b, 37) * factor + a) & _MASK
        return _join(c, (_rotate(a, 25) + b) * factor & _MASK, factor)
    if n >= 4:
        a = unpack_from("<I", s, 0)[0]
        return _join((n + (a << 3)) & _MASK, unpack_from("<I", s, n - 4)[0], factor)
    if n > 0:
        y, z = s[0] + (s[n >> 1] << 8), n + (s[n - 1] << 2)
        return _mix(y * _K2 & _MASK ^ z * _K0 & _MASK) * _K2 & _MASK
    return _K2


def _half(s: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """Mix 32 bytes into a pair."""
    w, x, y, z = unpack_from("<4Q", s, at)
    a = (a + w) & _MASK
    b = _rotate(b + a + z, 21)
    c = a
    a = (a + x + y) & _MASK
    b = b + _rotate(a, 44)
    return (a + z) & _MASK, (b + c) & _MASK


def _long(s: bytes, n: int) -> int:
    seed = 81
    y = seed * _K1 + 113
    z = _mix(y * _K2 + 113) * _K2
    v = w = (0, 0)
    x = seed * _K2 + _word(s, 0)

    def round_(at: int, factor: int, second: int, first: int) -> None:
        nonlocal v, w, x, y, z
        x = _rotate(x + y + v[0] + _word(s, at + 8), 37) * factor
        y = _rotate(y + v[1] + _word(s, at + 48), 42) * factor
        x = (x & _MASK) ^ (w[1] * second & _MASK)
        y += v[0] * first + _word(s, at + 40)
        z = _rotate(z + w[0], 33) * factor
        v = _half(s, at, v[1] * factor, x + w[0])
        w = _half(s, at + 32, z + w[1], y + _word(s, at + 16))
        z, x = x, z & _MASK

    for at in range(0, (n - 1) // 64 * 64, 64):
        round_(at, _K1, 1, 1)
    factor = _K1 + ((z & 0xFF) << 1)
    w = (w[0] + (n - 1 & 63)) & _MASK, w[1]
    v = (v[0] + w[0]) & _MASK, v[1]
    w = (w[0] + v[0]) & _MASK, w[1]
    round_(n - 64, factor, 9, 9)
    first = (_join(v[0], w[0], factor) + _mix(y) * _K0 + z) & _MASK
    return _join(first, (_join(v[1], w[1], factor) + x) & _MASK, factor)


def siphash64(s: bytes, key: list[int]) -> int:
    """Return SipHash-2-4 of bytes under a key of two numbers (Aumasson and Bernstein 2012)."""
    a = key[0] & _MASK ^ 0x736F6D6570736575
    b = key[1] & _MASK ^ 0x646F72616E646F6D
    c = key[0] & _MASK ^ 0x6C7967656E657261
    d = key[1] & _MASK ^ 0x7465646279746573

    def rounds(number: int) -> None:
        nonlocal a, b, c, d
        for _ in range(number):
            a, c = (a + b) & _MASK, (c + d) & _MASK
            b, d = _rotate(b, 64 - 13) ^ a, _rotate(d, 64 - 16) ^ c
            a = _rotate(a, 32)
            a, c = (a + d) & _MASK, (c + b) & _MASK
            d, b = _rotate(d, 64 - 21) ^ a, _rotate(b, 64 - 17) ^ c
            c = _rotate(c, 32)

    padded = s + bytes(7 - len(s) % 8) + bytes([len(s) & 0xFF])
    for at in range(0, len(padded), 8):
        word = _word(padded, at)
        d ^= word
        rounds(2)
        a ^= word
    c ^= 0xFF
    rounds(4)
    return a ^ b ^ c ^ d


def checked_salt(layer: Any, salt: Any) -> list[int] | None:
    """Return a salt as two whole numbers."""
    if salt is None:
        return None
    pair = [salt, salt] if isinstance(salt, int) else list(salt)
    if len(pair) != 2 or not all(isinstance(each, int) for each in pair):
        raise ValueError(f"{layer}: salt must be a whole number or two of them, got {salt!r}")
    return pair
