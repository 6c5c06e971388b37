"""Opens the parts of a release and makes them answer; the only file here that meets torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from groundup.apps.examples import example_questions
from groundup.apps.library import Library
from groundup.apps.release import Release
from groundup.apps.service import Service
from groundup.apps.weights import read_weights

if TYPE_CHECKING:
    import tokenizers

    from groundup.middleware.retrieval import Retriever

EXAMPLE_COLUMNS = ("name", "kind", "signature", "returns", "raises", "summary", "text")


class PlainTokenizer:
    """A tokenizer without the marks that a model adds around a text."""

    def __init__(self, tokenizer: tokenizers.Tokenizer) -> None:
        self._tokenizer = tokenizer

    def encode(self, text: str) -> list[int]:
        """Token ids of a text."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids; special tokens have none."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))


def load_service(release: Release, energy: str = "auto") -> Service:
    """Open everything that a release needs to answer; `energy` as in the `[systems]` table.

    Raises ArtifactError when a part is missing or unreadable.
    """
    # these bring torch and pyarrow, which a server does not need before it has a release
    from groundup.inference.engine import Engine
    from groundup.middleware.assistant import open_assistant
    from groundup.recipes.text_encoder import TextEncoder, open_tokenizer
    from groundup.systems.energy import EnergyMeter

    parts = release.artifacts
    assistant = open_assistant(parts["index"], parts["encoder"], parts["tokenizer"])
    encoder = TextEncoder.open(parts["encoder"], parts["tokenizer"])
    return Service(
        release=release,
        library=Library(parts["index"]),  # its documents lie in small groups, quick to look up
        weights=read_weights(release.served_model),
        assistant=assistant,
        model=Engine(release.served_model),
        tokenizer=PlainTokenizer(open_tokenizer(parts["tokenizer"])),
        encoder=encoder,
        meter=partial(EnergyMeter, energy),
        examples=_examples(release, assistant.retriever),
    )


def _examples(release: Release, retriever: Retriever) -> tuple[str, ...]:
    columns = {name: retriever.library.column(name) for name in EXAMPLE_COLUMNS}
    return example_questions(release, columns, retriever.table.priors)
