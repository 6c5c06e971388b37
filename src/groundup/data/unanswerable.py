"""Questions that the documents do not answer, so that saying "I do not know" can be measured.

Four sorts: symbols that look real and do not exist; real symbols asked for what their text does
not say; attributes of libraries that are not installed; and everyday questions.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import TypeVar

from groundup.data.document import HELD_OUT, TRAIN, Document, Passage
from groundup.data.wording import TEMPLATES, fill

Item = TypeVar("Item")
_SUFFIXES = (
    *("_all", "_fast", "_safely", "_with_retry", "_in_parallel", "_by_name", "_from_yaml"),
    *("_async_all", "_or_default", "_twice", "_in_reverse", "_to_excel", "_recursive_all"),
)
_PREFIXES = ("auto_", "smart_", "pre_", "multi_", "quick_", "deep_")
# known libraries and attributes that they have; only those not installed here are asked about
_LIBRARIES = {
    "pandas": ("DataFrame.groupby", "read_csv", "merge", "DataFrame.pivot_table", "concat"),
    "requests": ("get", "Session.post", "Response.json"),
    "flask": ("Flask.route", "render_template", "jsonify"),
    "django": ("db.models.Model.save", "shortcuts.get_object_or_404", "urls.path"),
    "sklearn": ("linear_model.LogisticRegression", "model_selection.train_test_split"),
    "matplotlib": ("pyplot.plot", "pyplot.subplots", "axes.Axes.set_title"),
    "tensorflow": ("keras.Model.fit", "data.Dataset.map", "GradientTape"),
    "jax": ("jit", "vmap", "grad"),
    "sqlalchemy": ("create_engine", "orm.Session.commit", "select"),
    "boto3": ("client", "resource"),
    "polars": ("DataFrame.select", "scan_parquet", "col"),
    "bs4": ("BeautifulSoup.find_all", "BeautifulSoup.select"),
    "PIL": ("Image.open", "ImageDraw.Draw"),
    "cv2": ("imread", "cvtColor", "VideoCapture"),
    "celery": ("Celery.task", "group"),
    "redis": ("Redis.set", "Redis.pipeline"),
    "spacy": ("load", "tokens.Doc.ents"),
    "nltk": ("word_tokenize", "pos_tag"),
    "plotly": ("express.scatter", "graph_objects.Figure"),
    "seaborn": ("heatmap", "pairplot"),
    "xgboost": ("XGBClassifier", "train"),
    "aiohttp": ("ClientSession.get", "web.Application"),
    "lxml": ("etree.parse", "html.fromstring"),
    "paramiko": ("SSHClient.connect", "Transport"),
    "pygame": ("display.set_mode", "event.get"),
    "fastapi": ("FastAPI.get", "Depends"),
}
_EVERYDAY = {
    "What will the weather be in {slot} tomorrow?": ("Lisbon", "Oslo", "Nairobi", "Quito", "Hanoi"),
    "How do I cook {slot}?": ("risotto", "lentil soup", "pancakes", "ramen", "paella"),
    "Who won the {slot} last year?": ("football cup", "chess championship", "Tour de France"),
    "What is the capital of {slot}?": ("Australia", "Mongolia", "Peru", "Canada", "Ghana"),
    "How much does {slot} cost?": ("a train ticket to Rome", "a used bicycle", "a new passport"),
    "When was {slot} born?": ("Mozart", "Marie Curie", "Ada Lovelace", "Frida Kahlo"),
    "How do I get rid of {slot}?": ("hiccups", "fruit flies", "a headache", "moss in the lawn"),
    "Write a poem about {slot}.": ("the sea", "autumn leaves", "my cat", "winter mornings"),
    "What is a good name for {slot}?": ("a puppy", "a bakery", "a rock band"),
    "How far is {slot} from here?": ("the moon", "Tokyo", "the nearest beach"),
    "Which {slot} should I watch tonight?": ("film", "series", "documentary"),
    "How do I plant {slot}?": ("tomatoes", "an apple tree", "tulips"),
    "Who wrote {slot}?": ("Don Quixote", "the Odyssey", "Pride and Prejudice"),
    "Can you recommend a {slot} nearby?": ("dentist", "restaurant", "hiking trail"),
    "What is {slot} made of?": ("glass", "the sun", "chocolate", "concrete"),
    "How tall is {slot}?": ("Mount Everest", "the Eiffel Tower", "a giraffe"),
}


@dataclass(frozen=True)
class Unanswerable:
    """A question without an answer here, its sort and its split."""

    question: str
    sort: str
    split: str
    seen_template: bool = True


def unanswerable(
    passages: Sequence[Passage], documents: Sequence[Document], limit: int, seed: int
) -> list[Unanswerable]:
    """At most `limit` questions a split, the sorts in equal parts as far as there are enough.

    The top-level modules and names of the corpus are what "does not exist" is held against.
    """
    names = {name for passage in passages for name in (passage.name, *passage.aliases)}
    made = []
    for side in (TRAIN, HELD_OUT):
        own = [p for p in passages if p.split == side and p.kind not in ("section", "topic")]
        texts = {document.doc_id: document.text for document in documents if document.split == side}
        share = max(1, limit // 4)
        rng = random.Random(f"{seed} unanswerable {side}")
        sorts = {
            "missing-symbol": _missing(own, names, texts, side, rng),
            "not-said": _not_said(own, side, rng),
            "other-library": _other_library({name.partition(".")[0] for name in names}, side, rng),
            "off-topic": _everyday(side, rng),
        }
        for sort, questions in sorts.items():
            made += [
                Unanswerable(text, sort, side, seen)
                for text, seen in itertools.islice(questions, share)
            ]
    return list({item.question: item for item in made}.values())


def _template(kind: str, side: str, rng: random.Random) -> tuple[str, bool]:
    templates = TEMPLATES[kind]
    if side == HELD_OUT and rng.random() < 0.5:
        return rng.choice(templates.unseen), False
    return rng.choice(templates.trained), True


def _missing(
    passages: Sequence[Passage],
    names: Set[str],
    texts: dict[str, str],
    side: str,
    rng: random.Random,
) -> Iterator[tuple[str, bool]]:
    """Made-up neighbours of real names, which no document of the corpus mentions."""
    lasts = {name.rpartition(".")[2] for name in names}
    for passage in _shuffled([p for p in passages if "." in p.name], rng):
        owner, _, last = passage.name.rpartition(".")
        made = last + rng.choice(_SUFFIXES) if rng.random() < 0.6 else rng.choice(_PREFIXES) + last
        if passage.kind == "class":
            made = last + rng.choice(("Factory2", "Helper", "Lite", "Pool", "Proxy", "Plus"))
        known = made in lasts or f"{owner}.{made}" in names
        if known or re.search(rf"\b{re.escape(made)}\b", texts.get(passage.doc_id, "")):
            continue
        template, seen = _template(
            rng.choice(("signature", "returns", "raises", "what")), side, rng
        )
        yield fill(template, name=f"{owner}.{made}"), seen


def _not_said(
    passages: Sequence[Passage], side: str, rng: random.Random
) -> Iterator[tuple[str, bool]]:
    """Real, documented symbols, asked which exceptions they raise where the text names none."""
    silent = [
        p
        for p in passages
        if p.kind in ("function", "method") and p.summary and not p.raises and _names_no_error(p)
    ]
    for passage in _shuffled(silent, rng):
        template, seen = _template("raises", side, rng)
        yield fill(template, name=passage.name), seen


def _names_no_error(passage: Passage) -> bool:
    return not re.search(r"rais|throw|error|exception|fail|invalid", passage.text, re.I)


def _other_library(
    installed: Set[str], side: str, rng: random.Random
) -> Iterator[tuple[str, bool]]:
    """Attributes of libraries that are not here; the libraries differ between the splits."""
    absent = sorted(set(_LIBRARIES) - installed)
    own = [
        library for number, library in enumerate(absent) if (number % 3 == 0) == (side == HELD_OUT)
    ]
    asked = [(lib, attribute) for lib in own for attribute in _LIBRARIES[lib]]
    for kind in ("signature", "returns", "what", "raises"):
        for library, attribute in _shuffled(asked, rng):
            template, seen = _template(kind, side, rng)
            yield fill(template, name=f"{library}.{attribute}"), seen


def _everyday(side: str, rng: random.Random) -> Iterator[tuple[str, bool]]:
    """Everyday questions; the wordings differ between the splits."""
    own = [
        template
        for number, template in enumerate(sorted(_EVERYDAY))
        if (number % 3 == 0) == (side == HELD_OUT)
    ]
    pairs = [(template, slot) for template in own for slot in _EVERYDAY[template]]
    for template, slot in _shuffled(pairs, rng):
        yield fill(template, slot=slot), side == TRAIN


def _shuffled(items: Sequence[Item], rng: random.Random) -> list[Item]:
    return rng.sample(list(items), len(items))
