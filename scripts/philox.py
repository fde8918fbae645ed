"""The numbers of kernels/rng.h in NumPy: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011).

`python scripts/philox.py` checks the generator against the known answers of Random123.
"""

import numpy as np


def philox(counter, key0, key1):
    """Ten rounds over four arrays of words; returns the four arrays of the block."""
    c0, c1, c2, c3 = (np.asarray(word, np.uint64) for word in counter)
    low = np.uint64(0xFFFFFFFF)
    for round in range(10):
        k0 = np.uint64((key0 + round * 0x9E3779B9) & 0xFFFFFFFF)
        k1 = np.uint64((key1 + round * 0xBB67AE85) & 0xFFFFFFFF)
        product0 = c0 * np.uint64(0xD2511F53)
        product1 = c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (
            (product1 >> np.uint64(32)) ^ c1 ^ k0,
            product1 & low,
            (product0 >> np.uint64(32)) ^ c3 ^ k1,
            product0 & low,
        )
    return c0, c1, c2, c3


def stream_of(name):
    """FNV-1a, 32 bits, of a parameter's module path or an op's name."""
    hash = 2166136261
    for byte in name.encode():
        hash = (hash ^ byte) * 16777619 & 0xFFFFFFFF
    return hash


class Random:
    """The numbers with index 0 .. count-1 of one (seed, stream, step)."""

    def __init__(self, seed, stream, step=0):
        self.seed, self.stream, self.step = seed, stream, step

    def bits(self, count):
        block = np.arange((count + 3) // 4, dtype=np.uint64)
        rest = np.ones_like(block)
        counter = (
            block & np.uint64(0xFFFFFFFF),
            block >> np.uint64(32),
            rest * np.uint64(self.stream),
            rest * np.uint64(self.step),
        )
        return np.stack(philox(counter, self.seed & 0xFFFFFFFF, self.seed >> 32), axis=1).reshape(-1)[:count]

    def uniform(self, count):
        """In (0, 1): the middle of one of 2^24 equal cells."""
        return ((self.bits(count) >> np.uint64(8)).astype(np.float64) + 0.5) * 2.0**-24

    def normal(self, count):
        """Box and Muller: indices 2i and 2i + 1 are the cosine and the sine of one pair of uniforms."""
        pairs = self.uniform((count + 1) // 2 * 2).reshape(-1, 2)
        radius, angle = np.sqrt(-2 * np.log(pairs[:, 0])), 2 * np.pi * pairs[:, 1]
        return np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=1).reshape(-1)[:count]


KNOWN_ANSWERS = (  # counter, key, block: Random123, kat_vectors, philox4x32 with 10 rounds
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)

if __name__ == "__main__":
    for counter, key, expected in KNOWN_ANSWERS:
        block = tuple(int(word) for word in philox(counter, *key))
        assert block == expected, f"counter {counter}, key {key}: {block}, not {expected}"
    print(f"{len(KNOWN_ANSWERS)} known answers")
