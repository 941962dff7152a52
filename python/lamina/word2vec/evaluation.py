"""How good are the vectors? Analogies, and correlation with human judgement."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lamina._native import core
from lamina.word2vec.compression import open_plain
from lamina.word2vec.correlation import Correlation, pearson, spearman
from lamina.word2vec.queries import Queries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

Quadruple: TypeAlias = "tuple[str, str, str, str]"


def _lines(path: str | os.PathLike[str], encoding: str) -> Iterator[tuple[int, str]]:
    """Yield the number (from 1 on) and the text of each line."""
    with open_plain(path) as file:
        for number, line in enumerate(file, 1):
            try:
                text = line.decode(encoding)
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"{os.fspath(path)}, line {number}: not {encoding} ({error.reason})"
                ) from error
            yield number, text.lstrip("\ufeff") if number == 1 else text


def _read_questions(path: str | os.PathLike[str], fold: bool) -> list[tuple[str, list[Quadruple]]]:
    """Return the sections of an analogy file: the name, and its lines of four words."""
    sections: list[tuple[str, list[Quadruple]]] = []
    for number, line in _lines(path, "utf-8"):
        if line.startswith(": "):
            sections.append((line.lstrip(": ").strip(), []))
            continue
        words = (line.upper() if fold else line).split()
        if not words:
            continue
        if not sections:
            raise ValueError(
                f"{os.fspath(path)}, line {number}: wanted a section, ': name', before the first "
                f"question, got {line[:60]!r}. Is this an analogy file?"
            )
        if len(words) != 4:
            logger.info("line %d of %s has not four words, skipped", number, path)
            continue
        sections[-1][1].append((words[0], words[1], words[2], words[3]))
    if not any(questions for _, questions in sections):
        raise ValueError(f"{os.fspath(path)} holds no question (a line of four words)")
    return sections


def _log_section(section: dict[str, Any]) -> float:
    """Log and return the share of a section's questions that were answered right."""
    right, wrong = len(section["correct"]), len(section["incorrect"])
    if right + wrong == 0:
        return 0.0
    score = right / (right + wrong)
    logger.info("%s: %.1f%% (%d of %d)", section["section"], 100 * score, right, right + wrong)
    return score


class Evaluation(Queries):
    """gensim's two tests, with its arguments and results."""

    def _groups(self, restrict_vocab: int | None, fold: bool) -> dict[str, int]:
        """Return the row of each word among the first; of words equal under upper(), the first."""
        rows: dict[str, int] = {}
        for row, key in enumerate(self.index_to_key[:restrict_vocab]):
            rows.setdefault(str(key).upper() if fold else key, row)
        return rows

    def _answers(
        self, questions: list[Quadruple], rows: dict[str, int], fold: bool, end: int, multiply: bool
    ) -> NDArray[np.int32]:
        """Return for each question the row (of `rows`) whose group answers it best, or -1.

        Words that are equal under ``upper()`` are one group; those of the question's own words may
        not answer.
        """
        keys = self.index_to_key[:end]
        groups = np.fromiter(
            (rows[str(key).upper() if fold else key] for key in keys), np.int32, len(keys)
        )
        asked = np.array([[rows[word] for word in q[:3]] for q in questions], np.int32)
        used, numbers = np.unique(asked, return_inverse=True)
        vectors, lengths = self.vectors[used].astype(np.float32), self._lengths()
        words = vectors / np.where(lengths[used] > 0, lengths[used], 1)[:, np.newaxis]
        table = np.hstack([numbers.reshape(asked.shape).astype(np.int32), asked])
        best_scores = np.full(len(questions), -np.inf, np.float32)
        best_rows = np.full(len(questions), -1, np.int64)
        for first, block in self._float32_blocks(0, end):
            last = first + len(block)
            core.answer_analogies(
                block,
                lengths[first:last],
                groups[first:last],
                first,
                np.ascontiguousarray(words),
                np.ascontiguousarray(table),
                multiply,
                best_scores,
                best_rows,
            )
        return np.where(best_rows < 0, -1, groups[best_rows])

    def evaluate_word_analogies(
        self,
        analogies: str | os.PathLike[str],
        restrict_vocab: int | None = 300000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
        similarity_function: str = "most_similar",
    ) -> tuple[float, list[dict[str, Any]]]:
        """Answer "a is to b as c is to ..." for every line of a file and compare with the fourth.

        The answer is the word w, none of a, b, c, with the highest cos(w, b) + cos(w, c) -
        cos(w, a), or by 3CosMul under ``similarity_function="most_similar_cosmul"``. The file
        has sections, ": name", and four words a line. Questions with words beyond the first
        ``restrict_vocab`` are left out, or count as wrong under ``dummy4unknown``.
        ``case_insensitive`` compares words under ``upper()``, and the first of equals stands for
        all.

        Returns the share of right answers in [0, 1], and for each section and for the whole a dict
        of ``section``, ``correct`` and ``incorrect`` (lists of the four words).

        Raises:
            ValueError: if the file holds no question, or one before the first section.

        The ``compute-accuracy`` tool of word2vec.c.

        """
        rules = ("most_similar", "most_similar_cosmul")
        if similarity_function not in rules:
            raise ValueError(
                f"similarity_function must be one of {rules}, got {similarity_function!r}"
            )
        end = len(self.index_to_key[:restrict_vocab])
        rows = self._groups(restrict_vocab, case_insensitive)
        read = _read_questions(analogies, case_insensitive)
        asked = [q for _, questions in read for q in questions if all(word in rows for word in q)]
        answered: dict[Quadruple, bool] = {}
        if asked:
            answers = self._answers(
                asked, rows, case_insensitive, end, similarity_function == "most_similar_cosmul"
            )
            answered = {
                q: rows[q[3]] == answer for q, answer in zip(asked, answers.tolist(), strict=True)
            }
        sections: list[dict[str, Any]] = []
        for name, questions in read:
            section: dict[str, Any] = {"section": name, "correct": [], "incorrect": []}
            for question in questions:
                if question in answered:
                    section["correct" if answered[question] else "incorrect"].append(question)
                elif dummy4unknown:
                    section["incorrect"].append(question)
            _log_section(section)
            sections.append(section)
        total = {
            "section": "Total accuracy",
            "correct": [q for section in sections for q in section["correct"]],
            "incorrect": [q for section in sections for q in section["incorrect"]],
        }
        count = sum(len(questions) for _, questions in read)
        if len(asked) < count:
            logger.info("%d of %d questions have unknown words", count - len(asked), count)
        score = _log_section(total)
        return score, [*sections, total]

    def evaluate_word_pairs(
        self,
        pairs: str | os.PathLike[str],
        delimiter: str = "\t",
        encoding: str = "utf8",
        restrict_vocab: int | None = 300000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
    ) -> tuple[Correlation, Correlation, float]:
        """Correlate the cosines of word pairs with people's scores, a pair and score on each line.

        Lines that begin with "#" or are not two words and a number are skipped. Pairs with words
        beyond the first ``restrict_vocab`` are left out, or taken as 0 under ``dummy4unknown``.

        Returns Pearson's and Spearman's coefficients, each with its two-tailed p-value, and the
        percentage of pairs with unknown words.

        Raises:
            ValueError: if no pair is left.

        """
        rows = self._groups(restrict_vocab, case_insensitive)
        judged, measured = [], []
        unknown = invalid = 0
        for number, line in _lines(pairs, encoding):
            if line.startswith("#"):
                continue
            try:
                a, b, score = (line.upper() if case_insensitive else line).split(delimiter)
                value = float(score)
            except ValueError:
                invalid += 1
                logger.info("line %d of %s is not two words and a score, skipped", number, pairs)
                continue
            if a in rows and b in rows:
                judged.append(value)
                measured.append(self.similarity(rows[a], rows[b]))
                continue
            unknown += 1
            if dummy4unknown:
                judged.append(value)
                measured.append(0.0)
        if not judged:
            raise ValueError(
                f"{os.fspath(pairs)}: no pair to compare; {invalid} lines are not two words and a "
                f"score apart by {delimiter!r}, {unknown} have words that {self} does not"
            )
        if len(judged) < 3:
            logger.warning("only %d pairs of %s are known", len(judged), pairs)
        ratio = 100 * unknown / (len(judged) if dummy4unknown else len(judged) + unknown)
        results = pearson(judged, measured), spearman(judged, measured)
        logger.info(
            "%s: Pearson %.4f, Spearman %.4f, %.1f%% unknown",
            pairs,
            results[0].statistic,
            results[1].statistic,
            ratio,
        )
        return (*results, ratio)
