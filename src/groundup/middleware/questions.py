"""Reads a question: which kind it is, and which names it mentions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from groundup.middleware.symbols import SymbolTable
from groundup.middleware.terms import STOP

IDENT = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
THING = r"(?:function|method|class|module|package|library|statement|keyword|decorator|attribute)"
NAME = rf"[`'\"]?(?P<x>{IDENT})(?:\(\))?[`'\"]?"
FILE_NAMES = re.compile(r"\.(?:py|txt|csv|json|md|toml|yaml|yml|pdf|html|cfg|ini|log|zip|gz|exe)$")
ABBREVIATIONS = frozenset({"e.g", "i.e", "etc", "vs"})
PRONOUNS = re.compile(r"\b(?:it|its|it's|that one|this one|the same|that function|they|them)\b")

# The first rule that fits gives the kind. Their order matters: "which function raises" is `which`.
KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("difference", r"\bdifferences?\b|\bdiffers?\b|\b(?:vs|versus)\b|\bcompared? (?:to|with)\b"),
        (
            "which",
            rf"\b(?:which|what)\s+(?:\w+\s+){{0,2}}?{THING}s?\b(?!\s+(?:is|are|does|do)\s+(?:in|on|of)\b)"
            r"|^which\b(?!.*\b(?:exceptions?|errors?|arguments?|parameters?|methods?|version)\b)"
            rf"|\bis there (?:a|an|any|some)\b|\bname of (?:the|a) {THING}",
        ),
        (
            "members",
            r"\b(?:what|which|list|show|name|all)\b.*\b(?:methods|attributes|members|classes|functions)"
            r"\b.*\b(?:of|in|on|does|has|have|from|for)\b|\bmethods of\b|\bwhat can i do with\b"
            r"|\bwhat(?:'s| is) in(?:side)?\b.*\bmodule\b",
        ),
        ("default", r"\bdefaults?\b"),
        (
            "parameter",
            r"\bwhat (?:does|is|do|are)\b.*\b(?:argument|parameter|option|keyword|flag)\s+(?:do|does|mean|for|of|in|to)?"
            r"|\b(?:meaning|purpose) of (?:the )?\S+ (?:argument|parameter|option)"
            rf"|\bwhat (?:does|is) [`'\"]?{IDENT}[`'\"]? (?:do|mean|for) in\b",
        ),
        (
            "signature",
            r"\bsignatures?\b|\b(?:arguments?|parameters?|args|params)\b"
            r"|\bhow (?:do i|do you|to|can i|is|are) .*\bcall(?:ed)?\b",
        ),
        ("where", r"\bwhere\b.*\b(?:defined|implemented|located|live|lives|found|declared|source|is|code)\b|\bwhich file\b"),
        (
            "raises",
            r"\b(?:raises?|throws?|raised|thrown)\b(?!.*\bhow\b)|\b(?:exceptions?|errors?)\b.*\b(?:from|by|of|for|can)\b"
            r"|\b(?:what|which) (?:exceptions?|errors?)\b|\bhow does .* fail\b|\bexceptions\?",
        ),
        (
            "returns",
            r"\breturns?\b|\breturned\b|\breturn (?:type|value)\b|\bgives? back\b|\boutput of\b|\bresult of\b",
        ),
        ("example", r"\bexamples?\b|\bsample (?:code|usage)\b|\bhow (?:do i|do you|to|can i) use\b|\busage of\b"),
        ("how", r"\bhow\b"),
        ("what", r"^(?:what|explain|describe|tell me|who|why|when|is|does|can)\b|\bpurpose of\b|\bdocs?\b|\bdocumentation\b|\bhelp\b"),
    )
)
HOW_TO = re.compile(r"\bhow (?:do|can|would|should|could|to)\b(?!.*\b(?:call|use)\b)")
ABOUT_A_SYMBOL = frozenset(
    {"signature", "returns", "raises", "default", "parameter", "where", "example", "members"}
)
"""Kinds that ask about one named thing."""

# Places where a plain word is meant as a name: `deque` in "what does deque return".
SLOTS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:does|do|can|will|is|are|would)\s+(?:the\s+)?(?:{THING}\s+)?{NAME}(?:\s+{THING})?\s+"
        r"(?:return|raise|throw|do\b|mean|take|accept|yield|give|default|defined|implemented|located|call|have|work|live)",
        rf"\b(?:signature|arguments?|parameters?|args|params|docs?|documentation|examples?|methods|members|attributes|functions|classes|help|usage|purpose|use|source|exceptions?|errors?|output|result|source code)\s+(?:of|for|to|on|in|from|by)\s+(?:the\s+|a\s+|an\s+)?(?:{THING}\s+)?{NAME}",
        rf"\bwhat(?:'s| is| are)\s+(?:the\s+|a\s+|an\s+)?(?:{THING}\s+)?{NAME}(?:\s+{THING})?\s*[?.!]*$",
        rf"\bhow (?:do i|do you|to|can i|should i|does one)\s+(?:use|call|import)\s+(?:the\s+|a\s+|an\s+)?(?:{THING}\s+)?{NAME}",
        rf"\bwhere (?:is|are)\s+(?:the\s+)?(?:{THING}\s+)?{NAME}",
        rf"\b(?:explain|describe|tell me about|what about|and)\s+(?:the\s+)?(?:{THING}\s+)?{NAME}(?:\s+{THING})?\s*[?.!]*$",
        rf"\b{NAME}\s+{THING}\b",
        rf"\b{THING}\s+{NAME}\b",
        rf"^\s*{NAME}\s*[?.!]*$",
    )
)
PAIR = re.compile(
    rf"(?:\bbetween\s+(?:an?\s+|the\s+)?{NAME}\s+and\s+(?:an?\s+|the\s+)?[`'\"]?(?P<y>{IDENT}))"
    rf"|(?:{NAME.replace('<x>', '<v>')}\s+(?:vs\.?|versus)\s+[`'\"]?(?P<w>{IDENT}))",
    re.IGNORECASE,
)
PARAMETER = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{NAME}\s+(?:argument|parameter|option|keyword|flag)",
        rf"(?:argument|parameter|option|keyword|flag)\s+{NAME}",
        rf"\bdefaults?(?:\s+value)?\s+(?:of|for)\s+(?:the\s+)?{NAME}\s+(?:in|of|for)\b",
        rf"\bwhat\s+(?:does|is)\s+{NAME}\s+(?:do|mean|for)\s+in\b",
        rf"\bdefault\s+{NAME}\s+(?:in|of|for)\b",
        rf"\bwhat\s+does\s+{NAME}\s+default\s+to\b",
    )
)


@dataclass(frozen=True)
class Mention:
    """One name in a question, and the passages it can mean."""

    text: str
    rows: tuple[int, ...]
    """Passage numbers, likeliest first; empty when the name is unknown."""
    strong: bool
    """Surely meant as a name (backticks, dots, brackets, underscores), or a plain word?"""


@dataclass(frozen=True)
class Understood:
    """A question, read."""

    question: str
    kind: str
    mentions: tuple[Mention, ...]
    parameter: str = ""
    follow_up: bool = False
    """The symbol was taken from an earlier question."""

    @property
    def unknown(self) -> tuple[Mention, ...]:
        """Names that surely are meant as such and that nothing here defines."""
        return tuple(m for m in self.mentions if m.strong and not m.rows)


def kind_of(question: str) -> str:
    """The kind of a question by rule; `what` when none fits."""
    text = " ".join(question.lower().split())
    if HOW_TO.search(text) and not re.search(r"\bhow (?:do|can|to).*\b(?:signature|default)\b", text):
        return "how"
    return next((kind for kind, rule in KINDS if rule.search(text)), "what")


def understand(question: str, table: SymbolTable, earlier: Sequence[str] = ()) -> Understood:
    """Kind and mentions; `earlier` are the user's earlier questions of this chat, oldest first.

    A question that names nothing itself but asks about a symbol ("and what does it raise?")
    takes the symbol of the nearest earlier question.
    """
    kind = kind_of(question)
    parameter = _parameter(question, kind)
    mentions = tuple(find_mentions(question, table, parameter))
    named = any(mention.rows or mention.strong for mention in mentions)
    if not named and earlier and _leans_back(question, kind):
        before = understand(earlier[-1], table, earlier[:-1])
        kept = tuple(mention for mention in before.mentions if mention.rows)
        if kept:
            return Understood(question, kind, kept, parameter, follow_up=True)
    return Understood(question, kind, mentions, parameter)


def _leans_back(question: str, kind: str) -> bool:
    text = question.lower()
    short = len(text.split()) <= 6
    return bool(PRONOUNS.search(text)) or (short and (kind in ABOUT_A_SYMBOL or text.startswith("and ")))


def _parameter(question: str, kind: str) -> str:
    if kind not in ("default", "parameter"):
        return ""
    for pattern in PARAMETER:
        for match in pattern.finditer(question):
            if match["x"].lower() not in STOP and match["x"].lower() not in ("default", "value"):
                return match["x"]
    return ""


def find_mentions(question: str, table: SymbolTable, parameter: str = "") -> Iterator[Mention]:
    """Names in a question, the surest first, each passage set once."""
    seen: set[str] = {parameter.lower()} if parameter else set()
    for text, strong in _candidates(question, table):
        if text.lower() in seen or any(text.lower() in other.split(".") for other in seen):
            continue
        rows = tuple(table.resolve(text))
        if rows or strong:
            seen.add(text.lower())
            yield Mention(text, rows, strong)


def _candidates(question: str, table: SymbolTable) -> Iterator[tuple[str, bool]]:
    """(text, surely a name) in falling order of sureness."""
    for match in re.finditer(rf"`\s*({IDENT})[^`]*`", question):
        yield match[1], True
    yield from ((text, True) for text in _qualified(question, table))
    for match in re.finditer(rf"(?<![\w`'\"]){IDENT}(?:\(\))?", question):
        text = match[0].removesuffix("()")
        if _looks_like_code(text, match[0]):
            file_like = bool(FILE_NAMES.search(text))
            yield text, not file_like
    for match in PAIR.finditer(question):
        yield from ((match[group], True) for group in "xyvw" if match[group])
    for slot in SLOTS:
        for match in slot.finditer(question):
            if match["x"].lower() not in STOP and match["x"].lower() not in PLAIN:
                yield match["x"], False


PLAIN = frozenset(
    """return returns raise raises default value type class method function module statement object
    it its that this there they difference example signature exceptions exception errors error
    arguments parameters argument parameter something someone anything way best better""".split()
)


def _looks_like_code(text: str, written: str) -> bool:
    if text.lower() in ABBREVIATIONS:
        return False
    dotted = "." in text
    snake = "_" in text.strip("_") or text.startswith("_")
    humps = re.search(r"[a-z0-9][A-Z]|[A-Z]{2,}[a-z]", text) is not None
    return dotted or snake or humps or written.endswith("()")


def _qualified(question: str, table: SymbolTable) -> Iterator[str]:
    """`json.dumps` for "dumps in json", "json's dumps", "the dumps function of json", "json dumps"."""
    behind = rf"[`'\"]?({IDENT})[`'\"]?(?:\(\))?(?:\s+{THING})?\s+(?:in|of|from|on)\s+(?:the\s+|a\s+)?(?:{THING}\s+)?[`'\"]?({IDENT})"
    before = rf"\b({IDENT})'s\s+(?:{THING}\s+)?({IDENT})"
    beside = rf"(?=\b({IDENT})\s+({IDENT})\b)"
    pairs = [(owner, leaf) for leaf, owner in re.findall(behind, question)]
    pairs += re.findall(before, question) + re.findall(beside, question)
    for owner, leaf in pairs:
        words = (owner.lower(), leaf.lower())
        if not any(word in STOP or word in PLAIN for word in words) and table.owns(owner, leaf):
            yield f"{owner}.{leaf}"
