"""Writes the answer of each kind of question from the passages that hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from groundup.data.document import Passage
from groundup.middleware import quotes
from groundup.middleware.draft import Draft
from groundup.middleware.library import Library
from groundup.middleware.symbols import SymbolTable
from groundup.middleware.terms import query_terms, terms

MEMBERS_SHOWN = 12
OTHERS_SHOWN = 4
LONGEST_INLINE = 200
"""Characters of a quote in a list; a longer one is cut at a word."""


@dataclass(frozen=True)
class Outcome:
    """How composing ended; the words are in the draft."""

    declined: bool = False
    reason: str = ""


ANSWERED = Outcome()


def not_documented(draft: Draft, passage: Passage, lack: str) -> Outcome:
    """Say what the documentation lacks ("names no exceptions"), and quote what it does say."""
    if (found := quotes.summary(passage)) is not None:
        draft.say(f"The documentation of `{passage.name}` {lack}. It says:")
        draft.prose(passage, found)
    elif (head := quotes.signature(passage)) is not None:
        draft.say(f"`{passage.name}` has no documentation besides its source:")
        draft.code(passage, head)
    else:
        draft.say(f"The documentation of `{passage.name}` {lack}.")
    return Outcome(True, f"the documentation of {passage.name} {lack}")


def signature(draft: Draft, passage: Passage) -> Outcome:
    """The head of the definition as code, then the first sentence."""
    head = quotes.signature(passage)
    if head is None:
        return not_documented(draft, passage, "does not say how it is called")
    draft.say(f"`{passage.name}` is called like this:")
    draft.code(passage, head)
    _first_sentence(draft, passage)
    return ANSWERED


def _first_sentence(draft: Draft, passage: Passage) -> None:
    if (found := quotes.summary(passage)) is not None:
        draft.prose(passage, found)


def returns(draft: Draft, passage: Passage) -> Outcome:
    """The documented return value, else the annotation, else that neither is there."""
    found = quotes.given(passage.returns, passage.returns_start, passage.returns_end)
    if passage.returns.startswith("The return value of") and passage.name not in passage.returns:
        found = None  # that sentence is about a callback
    head = quotes.signature(passage)
    annotation = quotes.return_annotation(passage.signature)
    if found is not None:
        draft.say(f"What `{passage.name}` returns, in the words of its documentation:")
        draft.prose(passage, found)
        return ANSWERED
    if annotation and head is not None and not quotes.is_type(annotation):
        draft.say(f"The documentation of `{passage.name}` puts it like this:")
        draft.code(passage, head, "text")
        _first_sentence(draft, passage)
        return ANSWERED
    if annotation and head is not None:
        draft.say(f"By its signature, `{passage.name}` returns `{annotation}`:")
        draft.code(passage, head)
        _first_sentence(draft, passage)
        return ANSWERED
    if passage.kind == "class" and head is not None:
        draft.say(f"`{passage.name}` is a class: calling it returns a new instance of it.")
        draft.code(passage, head)
        _first_sentence(draft, passage)
        return ANSWERED
    if passage.kind != "module" and (said := quotes.return_sentence(passage)) is not None:
        draft.say(f"What the documentation of `{passage.name}` says on what it returns:")
        draft.prose(passage, said)
        return ANSWERED
    return not_documented(draft, passage, "does not say what it returns")


def raises(draft: Draft, passage: Passage, library: Library) -> Outcome:
    """The documented exceptions; where none are, the `raise` lines of the source, as such."""
    found = quotes.given(passage.raises, passage.raises_start, passage.raises_end)
    if found is not None:
        draft.say(f"What the documentation of `{passage.name}` says about exceptions:")
        draft.prose(passage, found)
        return ANSWERED
    outcome = not_documented(draft, passage, "names no exceptions")
    document = library.document(passage.uri)
    if document["kind"] == "python-source":
        lines = quotes.raise_statements(document["text"], document["first_line"], passage)
        if lines:
            draft.say("Its source has these `raise` lines, which are not a complete list:")
            items = [f"- `{line.text}` {draft.mark(passage, line)}" for line in lines[:4]]
            draft.say("\n".join(items))
    return outcome


def what(draft: Draft, passage: Passage, library: Library, table: SymbolTable) -> Outcome:
    """Signature, first sentence, and for a module or class its public members."""
    if passage.kind in ("section", "topic"):
        return section(draft, passage, passage.name)
    head = quotes.signature(passage)
    if head is not None and passage.kind != "module":
        draft.code(passage, head)
    else:
        draft.say(f"`{passage.name}` ({passage.kind})")
    found = quotes.summary(passage)
    if found is None and head is None:
        return not_documented(draft, passage, "does not say what it does")
    if found is not None:
        draft.prose(passage, found)
    else:
        draft.say(f"`{passage.name}` has no documentation besides its source.")
    if passage.kind in ("module", "class"):
        _member_line(draft, passage, library, table)
    return ANSWERED


def _member_line(draft: Draft, passage: Passage, library: Library, table: SymbolTable) -> None:
    rows = table.members(library.row_of[passage.passage_id])
    if rows:
        names = [f"`{table.names[row].rpartition('.')[2]}`" for row in rows[:MEMBERS_SHOWN]]
        more = f" and {len(rows) - MEMBERS_SHOWN} more" if len(rows) > MEMBERS_SHOWN else ""
        kind = "methods" if passage.kind == "class" else "members"
        draft.say(f"Documented {kind}: {', '.join(names)}{more}.")


def package_fact(draft: Draft, passage: Passage, fact: str, library: Library) -> Outcome:
    """Version or licence of the package that a passage is from, as recorded at collection."""
    document = library.document(passage.uri)
    package = document["source"].removeprefix("dist:").removeprefix("folder:")
    if fact == "version":
        draft.say(
            f"The documents of {package} collected here are of version {document['version']}."
        )
    else:
        draft.say(
            f"The documents of {package} collected here are under {document['licence']} "
            f"(read from: {document['licence_evidence'] or 'nowhere, it is not stated'})."
        )
    if (head := quotes.signature(passage) or quotes.summary(passage)) is not None:
        draft.say(f"One of them: `{passage.uri}` {draft.mark(passage, head)}")
    return ANSWERED


def aspect(draft: Draft, passage: Passage, words: str, question: str) -> Outcome:
    """What the documentation says on one aspect ("thread safe"), or that it says nothing."""
    near = quotes.closest(passage, question)
    if near is None or not set(terms(near.text)) & (
        set(query_terms(question)) - set(terms(passage.name))
    ):
        return not_documented(draft, passage, f"does not speak of “{words}”")
    draft.say(f"The documentation of `{passage.name}` comes nearest to that here:")
    draft.prose(passage, near)
    return ANSWERED


def section(draft: Draft, passage: Passage, question: str) -> Outcome:
    """The paragraph of a section or topic that is closest to the question."""
    found = quotes.closest(passage, question)
    if found is None:
        return not_documented(draft, passage, "is a heading only")
    draft.say(f"From “{passage.name}”:")
    draft.prose(passage, found)
    return ANSWERED


def which(draft: Draft, ranked: Sequence[Passage], question: str) -> Outcome:
    """The best passage, then at most two others that are also close."""
    top = ranked[0]
    if top.kind in ("section", "topic"):
        outcome = section(draft, top, question)
    else:
        draft.say(f"`{top.name}`")
        _head_and_sentence(draft, top)
        outcome = ANSWERED
    _also(draft, [p for p in ranked[1:] if p.name != top.name][:2])
    return outcome


def how(draft: Draft, ranked: Sequence[Passage], question: str) -> Outcome:
    """As `which`, with an example from the documentation where there is one."""
    top = ranked[0]
    if top.kind in ("section", "topic"):
        outcome = section(draft, top, question)
    else:
        draft.say(f"With `{top.name}`:")
        _head_and_sentence(draft, top)
        if (shown := quotes.example(top)) is not None:
            draft.code(top, shown)
        outcome = ANSWERED
    _also(draft, [p for p in ranked[1:] if p.name != top.name][:2])
    return outcome


def how_with(draft: Draft, passage: Passage, question: str) -> Outcome:
    """How to do something with one named symbol: its head, the paragraph on it, an example."""
    _head_and_sentence(draft, passage)
    near = quotes.closest(passage, question)
    first = quotes.summary(passage)
    if near is not None and not (first and near.start <= first.end):
        draft.prose(passage, near)
    if (shown := quotes.example(passage)) is not None:
        draft.code(passage, shown)
    if quotes.signature(passage) is None and first is None:
        return not_documented(draft, passage, "does not say how it is used")
    return ANSWERED


def _head_and_sentence(draft: Draft, passage: Passage) -> None:
    if (head := quotes.signature(passage)) is not None:
        draft.code(passage, head)
    _first_sentence(draft, passage)


def _also(draft: Draft, others: Sequence[Passage]) -> None:
    items = [f"- `{p.name}`: {_short(draft, p)}" for p in others]
    if items:
        draft.say("Also close:\n" + "\n".join(items))


def _short(draft: Draft, passage: Passage) -> str:
    found = quotes.summary(passage)
    if found is None:
        head = quotes.signature(passage)
        marker = f" {draft.mark(passage, head)}" if head is not None else ""
        return f"{passage.kind}, undocumented{marker}"
    if len(found.text) <= LONGEST_INLINE:
        return draft.inline(passage, found)
    front = found.text[:LONGEST_INLINE].rsplit(maxsplit=1)[0]
    return draft.inline(passage, quotes.Quote(front, found.start, found.end), " …")


def where(draft: Draft, passage: Passage, library: Library) -> Outcome:
    """File and line of the definition."""
    document = library.document(passage.uri)
    head = quotes.signature(passage) or quotes.summary(passage)
    if head is None:
        return not_documented(draft, passage, "does not say where it is defined")
    if not document["path"]:
        origin = document.get("origin") or ""
        inside = f" (in `{origin}`)" if origin else ""
        draft.say(
            f"`{passage.name}` has no Python source here: it is compiled{inside}. "
            f"Its documentation is `{passage.uri}`, line {head.start}:"
        )
    else:
        draft.say(f"`{passage.name}` is in `{document['path']}`, line {head.start}:")
    draft.code(passage, head)
    return ANSWERED


def members(draft: Draft, passage: Passage, library: Library, table: SymbolTable) -> Outcome:
    """The public methods of a class or members of a module, each with its first sentence."""
    rows = table.members(library.row_of[passage.passage_id])
    if not rows:
        return not_documented(draft, passage, "lists no members")
    kind = "methods" if passage.kind == "class" else "members"
    draft.say(f"`{passage.name}` has {len(rows)} documented {kind}:")
    shown = library.passages(rows[:MEMBERS_SHOWN])
    lines = [f"- `{p.name.rpartition('.')[2]}`: {_short(draft, p)}" for p in shown]
    if len(rows) > MEMBERS_SHOWN:
        rest = [table.names[row].rpartition(".")[2] for row in rows[MEMBERS_SHOWN:]]
        lines.append("- and " + ", ".join(f"`{name}`" for name in rest[:40]))
    draft.say("\n".join(lines))
    return ANSWERED


def default(draft: Draft, passage: Passage, name: str) -> Outcome:
    """The default of one parameter, or of all where none is named."""
    known = quotes.parameters(passage.signature)
    head = quotes.signature(passage)
    if head is None or not known:
        return not_documented(draft, passage, "does not show its parameters")
    if name and name not in known:
        return _no_parameter(draft, passage, name, list(known))
    wanted = {name: known[name]} if name else {k: v for k, v in known.items() if v is not None}
    if name and known[name] is None:
        draft.say(f"`{name}` of `{passage.name}` has no default; it must be given:")
    elif not wanted:
        draft.say(f"No parameter of `{passage.name}` has a default:")
    else:
        parts = [f"`{key}` defaults to `{value}`" for key, value in wanted.items()]
        draft.say(f"In `{passage.name}`, {', '.join(parts)}:")
    draft.code(passage, head)
    if name and (described := quotes.parameter(passage, name)) is not None:
        draft.prose(passage, described)
    return ANSWERED


def parameter(draft: Draft, passage: Passage, name: str) -> Outcome:
    """What one parameter is for."""
    known = quotes.parameters(passage.signature)
    if name and known and name not in known and f"**{name}" not in known:
        found = quotes.parameter(passage, name)
        if found is None:
            return _no_parameter(draft, passage, name, list(known))
    found = quotes.parameter(passage, name)
    if found is None:
        return not_documented(draft, passage, f"does not describe the parameter `{name}`")
    draft.say(f"About `{name}`, the documentation of `{passage.name}` says:")
    draft.prose(passage, found)
    if known.get(name) is not None and (head := quotes.signature(passage)) is not None:
        draft.say(f"Its default is `{known[name]}`:")
        draft.code(passage, head)
    return ANSWERED


def _no_parameter(draft: Draft, passage: Passage, name: str, known: Sequence[str]) -> Outcome:
    has = ", ".join(f"`{each}`" for each in known)
    draft.say(f"`{passage.name}` has no parameter `{name}`; it has {has}:")
    if (head := quotes.signature(passage)) is not None:
        draft.code(passage, head)
    return Outcome(True, f"{passage.name} has no parameter {name}")


def example(draft: Draft, passage: Passage, library: Library, table: SymbolTable) -> Outcome:
    """An example from the documentation, after the signature."""
    found = quotes.example(passage)
    if found is None:
        outcome = not_documented(draft, passage, "gives no example")
        if (head := quotes.signature(passage)) is not None and quotes.summary(passage) is not None:
            draft.code(passage, head)
        return outcome
    draft.say(f"An example from the documentation of `{passage.name}`:")
    draft.code(passage, found)
    _first_sentence(draft, passage)
    return ANSWERED


def difference(draft: Draft, pair: Sequence[Passage]) -> Outcome:
    """What the documentation says of each, one after the other."""
    draft.say("The documentation does not compare them; it says of each:")
    for passage in pair:
        draft.say(f"**`{passage.name}`**")
        _head_and_sentence(draft, passage)
    return ANSWERED


def other_meanings(draft: Draft, mention: str, names: Sequence[str]) -> None:
    """Say which other symbols go by the name that was asked about."""
    distinct = [name for name in dict.fromkeys(names) if name]
    if distinct:
        listed = ", ".join(f"`{name}`" for name in distinct[:OTHERS_SHOWN])
        more = f" and {len(distinct) - OTHERS_SHOWN} more" if len(distinct) > OTHERS_SHOWN else ""
        draft.say(f"Other things named `{mention}`: {listed}{more}.")
