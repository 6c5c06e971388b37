"""The assistant: reads a question, finds passages, answers with verified quotes, or declines."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace

from groundup.data.document import Passage
from groundup.middleware import compose, quotes
from groundup.middleware.citations import Citation
from groundup.middleware.compose import Outcome
from groundup.middleware.draft import Draft
from groundup.middleware.grammar import (
    A_CONCEPT,
    ABOUT_A_SYMBOL,
    ASPECT,
    GREETING,
    NAMED_HEADING,
    PACKAGE_FACT,
)
from groundup.middleware.policy import Policy, features
from groundup.middleware.questions import Mention, Understood, understand
from groundup.middleware.retrieval import Hit, Retriever
from groundup.middleware.symbols import heading_key
from groundup.middleware.terms import STOP, expand, query_terms, terms, words

PASSAGES = 8
ROUTED = frozenset({"signature", "returns", "raises", "what", "which"})
"""Kinds that the learned router knows; the others are left to the rules."""
EVERYDAY = 1.1
"""Least importance of a symbol for which a plain word is taken."""
LONG_TASK = 4
"""Words besides a name from which a question describes a task rather than asks for the name."""


@dataclass(frozen=True)
class Answer:
    """What is served: markdown with `[n]` markers, and what they cite."""

    question: str
    text: str
    citations: tuple[Citation, ...]
    abstained: bool
    reason: str
    """Why it was declined, or empty."""
    kind: str
    symbol: str
    """Name of the passage that the answer is about, or empty."""
    confidence: float
    hits: tuple[Hit, ...]
    seconds: dict[str, float] = field(default_factory=dict)
    """By stage: read, retrieve, choose, compose, total."""
    tokens: dict[str, int] = field(default_factory=dict)
    """Of the question (`prompt`) and the answer (`completion`), when there is a tokenizer."""

    def as_dict(self) -> dict[str, object]:
        """JSON form; hits by id and score only."""
        values = asdict(self)
        values["hits"] = [
            {"passage_id": h.passage.passage_id, "score": h.score, **h.parts} for h in self.hits
        ]
        return values


class Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.began = self.last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """Book the time since the last lap."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self.last
        self.last = now

    def total(self) -> dict[str, float]:
        """Stages and their sum."""
        return {**self.seconds, "total": time.perf_counter() - self.began}


Router = Callable[[str], str]
"""From a question to its kind."""
Chooser = Callable[[str, Sequence[Hit]], list[Hit]]
"""Reorders the best passages for a question."""
CountTokens = Callable[[str], int]


class Assistant:
    """Answers from one retriever. The model parts are optional and used as the policy says."""

    def __init__(
        self,
        retriever: Retriever,
        policy: Policy | None = None,
        router: Router | None = None,
        chooser: Chooser | None = None,
        count_tokens: CountTokens | None = None,
    ) -> None:
        self.retriever, self.policy = retriever, policy or Policy()
        self.router, self.chooser, self.count_tokens = router, chooser, count_tokens

    def answer(self, question: str, earlier: Sequence[str] = ()) -> Answer:
        """Answer one question; `earlier` are the user's earlier questions, oldest first."""
        clock = Clock()
        read = self.read(question, earlier)
        clock.lap("read")
        hits = self.retriever.search_understood(read, PASSAGES)
        clock.lap("retrieve")
        draft = Draft(self.retriever.library.stored)
        writer = _Writer(self, draft, read, hits, clock)
        outcome = writer.write()
        clock.lap("compose")
        return Answer(
            question,
            draft.text,
            tuple(draft.citations),
            outcome.declined,
            outcome.reason,
            read.kind,
            writer.subject,
            writer.confidence,
            tuple(writer.hits),
            clock.total(),
            self._tokens(question, draft.text),
        )

    def read(self, question: str, earlier: Sequence[str] = ()) -> Understood:
        """Kind and names of a question; the kind by the model where the policy says so."""
        read = understand(question, self.retriever.table, earlier)
        if self.policy.route_by_model and self.router is not None and read.kind in ROUTED:
            read = replace(read, kind=self.router(question))
        return read

    def stream(self, question: str, earlier: Sequence[str] = ()) -> Iterator[str]:
        """The answer's text in pieces of about a word, as a chat shows it."""
        yield from pieces(self.answer(question, earlier).text)

    def _tokens(self, question: str, text: str) -> dict[str, int]:
        if self.count_tokens is None:
            return {}
        return {"prompt": self.count_tokens(question), "completion": self.count_tokens(text)}


def pieces(text: str) -> Iterator[str]:
    """Words with the white space behind them; joined they are the text."""
    for match in re.finditer(r"\s*\S+\s*", text):
        yield match[0]


class _Writer:
    """Decides what to write for one question."""

    def __init__(
        self, assistant: Assistant, draft: Draft, read: Understood, hits: list[Hit], clock: Clock
    ) -> None:
        self.retriever, self.policy = assistant.retriever, assistant.policy
        self.chooser, self.draft, self.read = assistant.chooser, draft, read
        self.hits, self.clock = hits, clock
        self.subject = ""
        self.confidence = 0.0

    def write(self) -> Outcome:
        """Fill the draft."""
        if not self.read.question.strip():
            self.draft.say("Ask me something about the Python that is documented here.")
            return Outcome(True, "empty question")
        if GREETING.match(self.read.question):
            self.draft.say("Hello. Ask me what something here does, returns or raises.")
            return Outcome(True, "not a question")
        missing = self._missing()
        if missing is not None:
            return self._unknown(missing)
        named = [mention for mention in self.read.mentions if mention.rows]
        if self.read.kind == "difference" and len(named) >= 2:
            asked = self.read.question
            return self._difference(sorted(named[:2], key=lambda m: asked.find(m.text)))
        if named and self._is_about(named[0]):
            return self._about(named[0])
        return self._found()

    def _missing(self) -> Mention | None:
        """A name that is asked about and is not here.

        In a question that describes a task at length, an unknown name is only a word of it.
        """
        task = self.read.kind in ("which", "how")
        for mention in self.read.unknown:
            ticked = re.search(rf"`\s*{re.escape(mention.text)}", self.read.question)
            rest = set(query_terms(self.read.question)) - set(terms(mention.text))
            if ticked or not task or ("." in mention.text and len(rest) < LONG_TASK):
                return mention
        return None

    def _is_about(self, mention: Mention) -> bool:
        """Whether the question is about this name, not merely within it ("… with pathlib")."""
        passage = self.retriever.library.passage(mention.rows[0])
        if self.read.kind == "which":
            return False
        if self.read.kind == "how":
            asks_itself = re.search(
                r"\bhow (?:does|do|is|are)\b(?! (?:i|you|we|one)\b)", self.read.question.lower()
            )
            return mention.strong and (passage.kind != "module" or bool(asks_itself))
        return mention.strong or self._worth_naming(mention, passage)

    def _worth_naming(self, mention: Mention, passage: Passage) -> bool:
        """Whether a plain word is likelier this symbol than an everyday word or a concept."""
        if self.read.described:
            return False
        concept = A_CONCEPT.search(self.read.question.lower())
        exact = passage.name.rpartition(".")[2] == mention.text
        deep_module = passage.kind == "module" and "." in passage.name
        if concept and (deep_module or not exact) and passage.name.lower() != mention.text:
            return False
        return float(self.retriever.value[mention.rows[0]]) >= EVERYDAY

    def _about(self, mention: Mention) -> Outcome:
        table = self.retriever.table
        passage = self._choose_meaning(mention)
        self.subject, self.confidence = passage.name, 1.0
        outcome = self._by_kind(passage)
        others = [table.names[row] for row in mention.rows if table.names[row] != passage.name]
        exact = passage.name.endswith("." + mention.text) or passage.name == mention.text
        whole = passage.name == mention.text and passage.kind == "module"
        if others and "." not in mention.text and exact and not whole:
            compose.other_meanings(self.draft, mention.text, others)
        return outcome

    def _choose_meaning(self, mention: Mention) -> Passage:
        """The likeliest passage; a topic where the question speaks of a statement or keyword."""
        passages = self.retriever.library.passages(mention.rows[:6])
        if re.search(
            r"\b(?:statement|keyword|loop|operator|expression)s?\b", self.read.question.lower()
        ):
            return next((p for p in passages if p.kind == "topic"), passages[0])
        wanted = {"members": ("class", "module")}.get(self.read.kind)
        if wanted and passages[0].kind not in wanted:
            return next((p for p in passages if p.kind in wanted), passages[0])
        return passages[0]

    def _by_kind(self, passage: Passage) -> Outcome:
        draft, read = self.draft, self.read
        library, table = self.retriever.library, self.retriever.table
        if passage.kind in ("section", "topic"):
            return compose.section(draft, passage, read.question)
        if read.kind in ("default", "parameter") and (read.parameter or read.kind == "default"):
            write = compose.default if read.kind == "default" else compose.parameter
            return write(draft, passage, read.parameter)
        if read.kind in ("signature", "parameter") and passage.kind == "module":
            return compose.what(draft, passage, library, table)
        if read.kind in ("signature", "parameter"):
            return compose.signature(draft, passage)
        if read.kind == "returns":
            return compose.returns(draft, passage)
        if read.kind == "raises":
            return compose.raises(draft, passage, library)
        if read.kind == "where":
            return compose.where(draft, passage, library)
        if read.kind == "members":
            return compose.members(draft, passage, library, table)
        if read.kind == "example" and passage.kind == "module":
            return compose.what(draft, passage, library, table)
        if read.kind == "example" and read.question.lower().startswith("how"):
            return compose.how_with(draft, passage, read.question)
        if read.kind == "example":
            return compose.example(draft, passage, library, table)
        if read.kind == "how":
            return compose.how_with(draft, passage, read.question)
        if (fact := PACKAGE_FACT.search(read.question)) and passage.kind == "module":
            return compose.package_fact(draft, passage, fact["fact"].lower(), library)
        if ASPECT.match(read.question) and (about := self._aspect_words(passage)):
            return compose.aspect(draft, passage, about, read.question)
        return compose.what(draft, passage, library, table)

    def _aspect_words(self, passage: Passage) -> str:
        """Words of the question besides the name: "thread safe" of "is json.loads thread safe"."""
        named = set(terms(passage.name)) | {t for m in self.read.mentions for t in terms(m.text)}
        rest = [
            word
            for word in words(self.read.question)
            if word.lower() not in STOP and not set(expand(word)) & named
        ]
        return " ".join(rest)

    def _difference(self, named: Sequence[Mention]) -> Outcome:
        passages = [self.retriever.library.passage(mention.rows[0]) for mention in named[:2]]
        self.subject, self.confidence = passages[0].name, 1.0
        return compose.difference(self.draft, passages)

    def _found(self) -> Outcome:
        """No name decides: answer from what was found, if that is likely enough."""
        if (headed := self._headed()) is not None:
            self.subject, self.confidence = headed.name, 1.0
            return compose.section(self.draft, headed, self.read.question)
        if any(mention.rows for mention in self.read.mentions):
            plain = replace(self.read, mentions=())  # no word was meant as the name asked for
            self.hits = self.retriever.search_understood(plain, PASSAGES)
        if not self.hits:
            return self._nothing()
        row = features(self.read.question, self.hits, self.retriever)
        self.confidence = float(self.policy.confidence(row)[0])
        if self.confidence < self.policy.threshold or self._too_little_said():
            return self._nothing()
        if self.policy.choose_by_model and self.chooser is not None:
            self.hits = self.chooser(self.read.question, self.hits)
            self.clock.lap("choose")
        ranked = _distinct([hit.passage for hit in self.hits])
        if len(query_terms(self.read.question)) < 2:
            ranked.sort(key=lambda passage: quotes.summary(passage) is None)
        self.subject = ranked[0].name
        if self.read.kind in ABOUT_A_SYMBOL and ranked[0].kind not in ("section", "topic"):
            return self._by_kind(ranked[0])
        if self.read.kind == "how":
            return compose.how(self.draft, ranked, self.read.question)
        return compose.which(self.draft, ranked, self.read.question)

    def _headed(self) -> Passage | None:
        """The section with text whose heading the question names word by word, or None.

        Of several, one that was found by its words as well.
        """
        asked = NAMED_HEADING.search(self.read.question)
        subject = asked["x"] if asked else self.read.question
        rows = self.retriever.table.headings.get(heading_key(subject), [])
        found = [hit.passage for hit in self.hits]
        sections = self.retriever.library.passages(rows[:PASSAGES])
        likely = [p for p in sections if p in found] or sections
        return next((p for p in likely if quotes.closest(p, "") is not None), None)

    def _too_little_said(self) -> bool:
        """One word is covered by any passage that has it; then it must be in the name."""
        asked = query_terms(self.read.question)
        first = self.hits[0].passage
        known = set(terms(f"{first.name} {' '.join(first.aliases)}"))
        return len(asked) < 2 and not set(asked) & known

    def _nothing(self) -> Outcome:
        """Decline, and name what is nearest."""
        self.draft.say("I found nothing here that answers this with certainty, so I do not answer.")
        near = [hit.passage for hit in self.hits if hit.parts["bm25"] > 0][:3]
        if near and self.confidence > self.policy.threshold / 4:
            names = ", ".join(f"`{passage.name}`" for passage in near)
            self.draft.say(f"The nearest that is documented here: {names}.")
        return Outcome(True, "nothing found with enough confidence")

    def _unknown(self, mention: Mention) -> Outcome:
        """Decline a name that is not here: say what its front part has, and what is near."""
        table = self.retriever.table
        front, _, leaf = mention.text.rpartition(".")
        row = table.owner(front) if front else None
        if row is not None:
            owner = table.names[row]
            self.draft.say(f"`{owner}` is documented here, but nothing in it named `{leaf}`.")
        else:
            self.draft.say(f"Nothing named `{mention.text}` is documented here.")
        near = table.nearest(mention.text)
        if near:
            self.draft.say(
                "Names spelled like it: " + ", ".join(f"`{name}`" for name in near) + "."
            )
        elif row is not None and (rows := table.members(row)):
            names = ", ".join(f"`{table.names[each].rpartition('.')[2]}`" for each in rows[:10])
            self.draft.say(f"It has: {names}.")
        return Outcome(True, f"unknown name {mention.text}")


def _distinct(passages: Sequence[Passage]) -> list[Passage]:
    """Without repeated names and without undocumented ones behind documented ones."""
    seen: dict[str, Passage] = {}
    for passage in passages:
        if passage.name not in seen and (
            quotes.summary(passage) or quotes.signature(passage) or passage.text
        ):
            seen[passage.name] = passage
    return list(seen.values())
