"""Word2Vec: word vectors from a corpus, with gensim's interface.

Dimensions: V words, d numbers in a vector.
"""

from __future__ import annotations

import os
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._native import core
from lamina.word2vec import model_file
from lamina.word2vec.corpus import open_corpus
from lamina.word2vec.legacy import LegacyWord2Vec, translate_arguments
from lamina.word2vec.options import Options, flag
from lamina.word2vec.prediction import Predictor
from lamina.word2vec.training import Progress, corpus_checksum, run_epochs
from lamina.word2vec.weights import PaddedMatrix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from lamina.word2vec.callbacks import CallbackAny2Vec
    from lamina.word2vec.corpus import EncodedCorpus

    Sentences = Iterable[Iterable[str]]
    Path = str | os.PathLike[str]
    TrimRule = Callable[[str, int, int], int]


class Word2Vec(Predictor, LegacyWord2Vec):
    """Word vectors learnt by predicting words from their neighbours, or neighbours from words.

    Skip-gram (``sg=1``) maximises ``sum log p(w | c)`` over every word ``w`` and each word ``c``
    within ``window`` of it; CBOW (``sg=0``) maximises ``log p(w | mean of its c)``. With input
    vectors ``v`` and output vectors ``u``, the objective is one of

    - negative sampling (``negative=k``): ``log s(u_w . v_c) + sum over k drawn n of
      log s(-u_n . v_c)``, ``s`` the logistic function, ``n`` drawn in proportion to
      ``count ** ns_exponent``. The contexts of a word share its draws;
    - hierarchical softmax (``hs=1``): ``sum log s(+-u_node . v_c)`` along the word's path in a
      Huffman tree. With an explicit ``negative=`` as well, both are trained;
    - ``objective='softmax'``: ``log softmax(u . v_c)_w``, exact, for small vocabularies.

    Training is stochastic gradient ascent, one window at a time, while the learning rate falls from
    ``alpha`` to ``min_alpha``. One worker and one seed give the same bits every time; several
    workers update the shared vectors without locks.

    Args:
        sentences: a reader (``Text8Corpus``, ``LineSentence``, ``PathLineSentences``), or any
            iterable of lists of strings that can be gone through more than once.
        corpus_file: instead of ``sentences``, the path of a text file with a sentence a line.
        vector_size: numbers in a vector (d).
        alpha: the first learning rate.
        window: the largest distance between a word and its context.
        min_count: words seen less often are dropped.
        max_vocab_size: prune rare words during the scan whenever more are held.
        sample: words whose share of the corpus exceeds this are thinned; 0 keeps all.
        seed: of the first vectors and of every draw.
        workers: threads; all cores by default.
        min_alpha: the last learning rate.
        sg: 1 for skip-gram, 0 for CBOW.
        hs: 1 for hierarchical softmax.
        negative: the number of negative samples; 5 unless ``hs=1`` or ``objective`` is given.
        ns_exponent: of the counts, in the distribution of the negative samples.
        cbow_mean: 1 to average the context in CBOW, 0 to sum it.
        hashfxn, batch_words, null_word: accepted for gensim's sake, without effect.
        epochs: passes over the corpus.
        trim_rule: ``f(word, count, min_count)`` returning a ``RULE_*`` of ``vocabulary``.
        sorted_vocab: 1 to order words by descending count.
        compute_loss: keep the mean loss per pair; see ``training_losses``.
        callbacks: instances of ``CallbackAny2Vec``.
        comment: kept as an attribute.
        max_final_vocab: raise ``min_count`` until at most so many words are left.
        shrink_windows: draw each window's reach from 1 to ``window``, as word2vec.c does.
        objective: ``'softmax'`` for the exact objective.
        checkpoint: a file to save the model and the state of its training to, now and then, and
            at Ctrl-C; an interrupted constructor leaves no other trace (``build_vocab`` and
            ``train`` on a model without a corpus leave the model).
        checkpoint_every: seconds between two checkpoints.
        verbose: 0 hides the progress bar.
        old: the spellings of gensim 3, ``size=`` and ``iter=``.

    Raises:
        ValueError: if an argument is out of range, or the corpus leaves no words.
        TypeError: if an argument, or a word of the corpus, has the wrong type.

    Source: Mikolov et al., arXiv 1301.3781 and 1310.4546; the interface is gensim 4's.

    """

    def __init__(
        self,
        sentences: Sentences | None = None,
        corpus_file: Path | None = None,
        vector_size: int = 100,
        alpha: float = 0.025,
        window: int = 5,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        sample: float = 1e-3,
        seed: int = 1,
        workers: int | None = None,
        min_alpha: float = 1e-4,
        sg: int = 0,
        hs: int = 0,
        negative: int | None = None,
        ns_exponent: float = 0.75,
        cbow_mean: int = 1,
        hashfxn: Callable[[str], int] | None = None,
        epochs: int = 5,
        null_word: int = 0,
        trim_rule: TrimRule | None = None,
        sorted_vocab: int = 1,
        batch_words: int = 10_000,
        compute_loss: bool = False,
        callbacks: Iterable[CallbackAny2Vec] = (),
        comment: str | None = None,
        max_final_vocab: int | None = None,
        shrink_windows: bool = True,
        *,
        objective: str | None = None,
        checkpoint: Path | None = None,
        checkpoint_every: float = 600.0,
        verbose: int = 1,
        **old: Any,
    ) -> None:
        del hashfxn, null_word, batch_words
        renamed = translate_arguments(old, vector_size=vector_size, epochs=epochs)
        if objective not in (None, "softmax"):
            raise ValueError(f"Word2Vec: objective must be None or 'softmax', got {objective!r}")
        if negative is None:
            negative = 0 if flag("hs", hs) or objective else 5
        self.options = Options(
            vector_size=renamed["vector_size"],
            learning_rate=alpha,
            final_learning_rate=min_alpha,
            window=window,
            min_count=min_count,
            max_vocabulary_scanned=max_vocab_size,
            max_vocabulary=max_final_vocab,
            sample=sample,
            seed=seed,
            workers=workers,
            skip_gram=flag("sg", sg),
            hierarchical=flag("hs", hs),
            negative_samples=negative,
            negative_exponent=ns_exponent,
            average_context=flag("cbow_mean", cbow_mean),
            softmax=objective == "softmax",
            epochs=renamed["epochs"],
            sort_vocabulary=flag("sorted_vocab", sorted_vocab),
            shrink_windows=flag("shrink_windows", shrink_windows),
            compute_loss=flag("compute_loss", compute_loss),
        )
        self.options.check()
        self.start_empty()
        self.comment = comment
        if sentences is None and corpus_file is None:
            if checkpoint is not None or callbacks:
                warnings.warn(
                    "Word2Vec: callbacks and checkpoint are for the training that a corpus starts, "
                    "and there is none here; pass them to train()",
                    stacklevel=2,
                )
            return
        _check_checkpoint(checkpoint, checkpoint_every)
        self.build_vocab(sentences, corpus_file, trim_rule=trim_rule, verbose=verbose)
        self.train(
            sentences,
            corpus_file,
            callbacks=callbacks,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
            verbose=verbose,
        )

    def __str__(self) -> str:
        """Return the model's main figures in a line."""
        return f"Word2Vec<vocab={len(self.wv)}, vector_size={self.vector_size}, alpha={self.alpha}>"

    def _repr_html_(self) -> str:
        architecture = "skip-gram" if self.options.skip_gram else "CBOW"
        return (
            f"<div><b>{type(self).__name__}</b>: {architecture}, window {self.options.window}, "
            f"epochs {self.options.epochs}{self.wv._repr_html_()}</div>"
        )

    def train(
        self,
        corpus_iterable: Sentences | None = None,
        corpus_file: Path | None = None,
        total_examples: int | None = None,
        total_words: int | None = None,
        epochs: int | None = None,
        start_alpha: float | None = None,
        end_alpha: float | None = None,
        word_count: int = 0,
        queue_factor: int = 2,
        report_delay: float = 1.0,
        compute_loss: bool | None = None,
        callbacks: Iterable[CallbackAny2Vec] = (),
        *,
        sentences: Sentences | None = None,
        resume: bool = False,
        checkpoint: Path | None = None,
        checkpoint_every: float = 600.0,
        verbose: int = 1,
    ) -> tuple[int, int]:
        """Train on a corpus, for ``epochs`` passes (by default the model's).

        The learning rate falls from ``start_alpha`` to ``end_alpha`` (by default the model's) in
        proportion to the words seen. The size of the corpus is counted here: ``total_examples``,
        ``total_words``, ``word_count``, ``queue_factor`` and ``report_delay`` are accepted for
        gensim's sake, without effect.

        ``checkpoint`` names a file that takes the model and the state of its training every
        ``checkpoint_every`` seconds, and when training is interrupted. To go on, load that file and
        call ``train`` on the same corpus with ``resume=True``; with one worker the result is the
        same to the last bit as if it had never stopped.

        Returns:
            The number of words trained on after thinning, and the number in the corpus; both over
            all epochs.

        Raises:
            RuntimeError: if there is no vocabulary, or nothing to resume.
            ValueError: if the corpus has none of the vocabulary's words, or is not the one whose
                training is resumed.

        """
        del total_examples, total_words, word_count, queue_factor, report_delay
        if not len(self.wv):
            raise RuntimeError(
                "Word2Vec.train: there is no vocabulary yet; call build_vocab(corpus) first"
            )
        _check_checkpoint(checkpoint, checkpoint_every)
        with_loss = self.compute_loss if compute_loss is None else compute_loss
        callbacks = list(callbacks)
        corpus = open_corpus(corpus_iterable if sentences is None else sentences, corpus_file)
        encoded = corpus.encode(self.wv.index_to_key, threads=self._threads())
        if not encoded.known_words:
            raise ValueError(
                f"Word2Vec.train: none of the corpus's {encoded.total_words} words is in the "
                f"vocabulary of {len(self.wv)} words: was it built from another corpus?"
            )
        progress = (
            self._resumed(encoded, epochs, start_alpha, end_alpha)
            if resume
            else self._fresh(encoded, epochs, start_alpha, end_alpha)
        )
        self.compute_loss = with_loss
        trainer = self._trainer(encoded.ids)
        try:
            progress.use_units(trainer.unit_size)
        except ValueError as error:
            raise ValueError(f"Word2Vec.train: {error}") from None
        self.progress = progress
        started = time.monotonic()
        for callback in callbacks:
            callback.on_train_begin(self)
        try:
            run_epochs(
                self,
                trainer,
                progress,
                threads=self._threads(),
                callbacks=callbacks,
                save_checkpoint=(lambda: self.save(checkpoint)) if checkpoint else None,
                checkpoint_every=checkpoint_every,
                verbose=verbose,
            )
        finally:
            self.total_train_time += time.monotonic() - started
            self.wv.norms = None
        self.train_count += 1
        self._check_finite()
        for callback in callbacks:
            callback.on_train_end(self)
        return progress.words, encoded.total_words * progress.epochs

    def _fresh(
        self,
        encoded: EncodedCorpus,
        epochs: int | None,
        start_alpha: float | None,
        end_alpha: float | None,
    ) -> Progress:
        options = self.options
        progress = Progress(
            epochs=options.epochs if epochs is None else epochs,
            first_learning_rate=options.learning_rate if start_alpha is None else start_alpha,
            last_learning_rate=options.final_learning_rate if end_alpha is None else end_alpha,
            corpus_size=len(encoded.ids),
            corpus_checksum=corpus_checksum(encoded.ids),
        )
        try:
            progress.check()
        except (TypeError, ValueError) as error:
            raise type(error)(f"Word2Vec.train: {error}") from None
        # numpy's numbers cannot be written into a checkpoint.
        progress.epochs = int(progress.epochs)
        progress.first_learning_rate = float(progress.first_learning_rate)
        progress.last_learning_rate = float(progress.last_learning_rate)
        return progress

    def _resumed(
        self,
        encoded: EncodedCorpus,
        epochs: int | None,
        start_alpha: float | None,
        end_alpha: float | None,
    ) -> Progress:
        progress = self.progress
        if progress is None:
            raise RuntimeError(
                "Word2Vec.train: nothing to resume. resume=True continues a model that was loaded "
                "from a checkpoint, or whose training was interrupted."
            )
        for name, wanted, begun in (
            ("epochs", epochs, progress.epochs),
            ("start_alpha", start_alpha, progress.first_learning_rate),
            ("end_alpha", end_alpha, progress.last_learning_rate),
        ):
            if wanted is not None and wanted != begun:
                raise ValueError(
                    f"Word2Vec.train: resume=True goes on with the training that began with "
                    f"{name}={begun!r}, and here {name}={wanted!r} is asked for"
                )
        size, checksum = len(encoded.ids), corpus_checksum(encoded.ids)
        if (progress.corpus_size, progress.corpus_checksum) != (size, checksum):
            raise ValueError(
                "Word2Vec.train: resume=True on another corpus: training began on "
                f"{progress.corpus_size} ids (CRC-32 {progress.corpus_checksum:08x}), this one has "
                f"{size} ({checksum:08x})"
            )
        return progress

    def _trainer(self, ids: NDArray[np.int32]) -> core.Trainer:
        options = self.options
        if self.wv.vectors is not self._vectors.rows:  # loaded from a file, or set by hand
            if self.wv.vectors.shape != (len(self.wv), options.vector_size):
                raise ValueError(
                    f"Word2Vec.train: wv.vectors has shape {self.wv.vectors.shape}, wanted "
                    f"{(len(self.wv), options.vector_size)}"
                )
            self._vectors = PaddedMatrix.of(np.asarray(self.wv.vectors, np.float32))
            self.wv.vectors = self._vectors.rows
        return core.Trainer(
            ids,
            np.ascontiguousarray(self.wv.expandos["count"], np.int64),
            self._vectors.padded,
            self.output_rows.padded if self.output_rows else None,
            self.node_rows.padded if self.node_rows else None,
            skip_gram=options.skip_gram,
            softmax=options.softmax,
            hierarchical=options.hierarchical,
            negative_samples=options.negative_samples,
            negative_exponent=options.negative_exponent,
            sample=options.sample,
            window=options.window,
            shrink_windows=options.shrink_windows,
            average_context=options.average_context,
            with_loss=options.compute_loss,
            seed=options.seed,
        )

    def _check_finite(self) -> None:
        """Warn of vectors that have run away; a row's sum shows it."""
        with np.errstate(all="ignore"):
            sums = self.wv.vectors.sum(axis=1)
        if not np.isfinite(sums).all():
            warnings.warn(
                f"Word2Vec.train: {np.count_nonzero(~np.isfinite(sums))} of {len(sums)} vectors "
                f"are not finite after training: is alpha={self.alpha!r} too large?",
                RuntimeWarning,
                stacklevel=3,
            )

    @property
    def training_losses(self) -> list[float]:
        """The mean loss per pair of each epoch of the last training, with ``compute_loss=True``.

        A pair is a word and one context (skip-gram) or its whole context (CBOW); the loss is in
        nats: minus the objective that the class describes.
        """
        return list(self.progress.epoch_losses) if self.progress else []

    def get_latest_training_loss(self) -> float:
        """Return the mean loss per pair of the epoch under way, or else of the last one."""
        progress = self.progress
        if progress is None:
            return 0.0
        if progress.pairs:
            return progress.loss_sum / progress.pairs
        return progress.epoch_losses[-1] if progress.epoch_losses else 0.0

    def save(self, path: Path, *_: Any, **__: Any) -> None:
        """Write the whole model to one file, in the safetensors format.

        The file appears whole or not at all. gensim's further arguments are accepted without
        effect: there is one file, and it can always be memory-mapped.
        """
        model_file.save(self, path)

    @classmethod
    def load(cls, path: Path, *_: Any, **__: Any) -> Word2Vec:
        """Read a model that ``save`` or a checkpoint wrote; it can be queried and trained on.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if the file is damaged or of another kind; it names the file and the place.

        """
        return model_file.load(cls, path)


def _check_checkpoint(path: Path | None, seconds: float) -> None:
    """Find out now, not minutes later, that a checkpoint cannot be written."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds >= 0:
        raise ValueError(f"checkpoint_every must be a number of seconds, got {seconds!r}")
    if path is None:
        return
    target = os.path.realpath(path)
    if os.path.isdir(target):  # noqa: PTH112 - realpath gave a str
        raise IsADirectoryError(f"checkpoint: {os.fspath(path)} is a folder: name a file in it")
    if not os.path.isdir(os.path.dirname(target)):  # noqa: PTH112, PTH120
        raise FileNotFoundError(f"checkpoint: the folder of {os.fspath(path)} does not exist")
