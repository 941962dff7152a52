"""A generated little language with planted relations: a corpus that needs no data and no network.

Every word of a pair such as king and queen is used among the cue words of its role (shared by the
pair) and those of its side (shared by all first, or all second, words of the relation). Vectors
that capture this satisfy ``king - man + woman = queen``; that they do is known, not hoped for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

RELATIONS: dict[str, list[tuple[str, str]]] = {
    "gender": [
        ("man", "woman"),
        ("king", "queen"),
        ("prince", "princess"),
        ("boy", "girl"),
        ("father", "mother"),
        ("son", "daughter"),
        ("brother", "sister"),
        ("uncle", "aunt"),
        ("actor", "actress"),
        ("husband", "wife"),
    ],
    "capital": [
        ("france", "paris"),
        ("italy", "rome"),
        ("spain", "madrid"),
        ("japan", "tokyo"),
        ("egypt", "cairo"),
        ("cuba", "havana"),
        ("norway", "oslo"),
        ("greece", "athens"),
        ("peru", "lima"),
        ("iraq", "baghdad"),
    ],
    "past tense": [
        ("walk", "walked"),
        ("play", "played"),
        ("see", "saw"),
        ("go", "went"),
        ("take", "took"),
        ("write", "wrote"),
        ("sing", "sang"),
        ("think", "thought"),
        ("fly", "flew"),
        ("swim", "swam"),
    ],
    "comparative": [
        ("big", "bigger"),
        ("small", "smaller"),
        ("good", "better"),
        ("bad", "worse"),
        ("fast", "faster"),
        ("slow", "slower"),
        ("warm", "warmer"),
        ("cold", "colder"),
        ("high", "higher"),
        ("low", "lower"),
    ],
}

_CUES = 8  # cue words of a role or of a side
_CUES_USED = 3  # of each, in one sentence
_FILLERS = 40
_FILLERS_USED = 3
_SYLLABLES = [
    "ba",
    "be",
    "bi",
    "bo",
    "bu",
    "da",
    "de",
    "di",
    "do",
    "du",
    "ka",
    "ke",
    "ki",
    "ko",
    "ku",
    "la",
    "le",
    "li",
    "lo",
    "lu",
    "ma",
    "me",
    "mi",
    "mo",
    "mu",
]


@dataclass
class LittleLanguage:
    """Sentences of the language, the same ones each time they are gone through."""

    sentences: int = 60_000
    seed: int = 0
    _words: list[list[str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        generator = np.random.default_rng(self.seed)
        names = self._invented_words(generator)
        fillers = [next(names) for _ in range(_FILLERS)]
        patterns = []
        for pairs in RELATIONS.values():
            sides = [[next(names) for _ in range(_CUES)] for _ in range(2)]
            for pair in pairs:
                role = [next(names) for _ in range(_CUES)]
                patterns += [(word, role, side) for word, side in zip(pair, sides, strict=True)]
        self._words = []
        for choice in generator.integers(len(patterns), size=self.sentences):
            word, role, side = patterns[choice]
            sentence = [
                word,
                *generator.choice(role, _CUES_USED, replace=False),
                *generator.choice(side, _CUES_USED, replace=False),
                *generator.choice(fillers, _FILLERS_USED),
            ]
            self._words.append([str(w) for w in generator.permutation(sentence)])

    @staticmethod
    def _invented_words(generator: np.random.Generator) -> Iterator[str]:
        seen: set[str] = set()
        while True:
            word = "".join(generator.choice(_SYLLABLES, 3))
            if word not in seen:
                seen.add(word)
                yield word

    def __iter__(self) -> Iterator[list[str]]:
        return iter(self._words)

    def __len__(self) -> int:
        return self.sentences

    @staticmethod
    def questions() -> list[str]:
        """Return the planted analogies as the lines of a file of analogy questions."""
        lines = []
        for relation, pairs in RELATIONS.items():
            lines.append(f": {relation}")
            lines += [f"{a} {b} {c} {d}" for a, b in pairs for c, d in pairs if (a, b) != (c, d)]
        return lines
