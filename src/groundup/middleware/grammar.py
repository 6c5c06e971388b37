"""The patterns by which questions are read: kinds, names in slots, parameters, scopes."""

from __future__ import annotations

import re

IDENT = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
THING = r"(?:function|method|class|module|package|library|statement|keyword|decorator|attribute)"
NAME = rf"[`'\"]?(?P<x>{IDENT})(?:\(\))?[`'\"]?"
ARTICLE = r"(?:the\s+|an?\s+)?"
THE_NAME = rf"{ARTICLE}(?:{THING}\s+)?{NAME}"
FILE_NAMES = re.compile(r"\.(?:py|txt|csv|json|md|toml|yaml|yml|pdf|html|cfg|ini|log|zip|gz|exe)$")
ABBREVIATIONS = frozenset({"e.g", "i.e", "etc", "vs"})
PRONOUNS = re.compile(r"\b(?:it|its|it's|that one|this one|the same|that function|they|them)\b")

_KIND_RULES = (
    ("raises", r"\bhow (?:can|could|might|does) .*\bfail\b|\bexceptions?\s*[?.]*$"),
    ("difference", r"\bdifferences?\b|\bdiffers?\b|\b(?:vs|versus)\b|\bcompared? (?:to|with)\b"),
    ("what", rf"^what(?:'s| is| are)\s+(?:an?\s+)?{THING}s?\s*[?.!]*$"),
    (
        "members",
        r"^what are (?:all )?(?:the )?(?:\w+ )?(?:methods|functions|classes|attributes|members)\b"
        r"|\b(?:what|which) (?:\w+ ){0,2}?(?:methods|functions|classes|attributes|members)"
        r" (?:does|do|has|have|are (?:there )?(?:in|on|of)) (?:the )?(?:class |module )?[\w`.]+"
        r"(?: (?:class|module))?(?: (?:have|offer|provide|define|contain|support))?\s*[?.!]*$",
    ),
    (
        "which",
        rf"\b(?:which|what)\s+(?:\w+\s+){{0,2}}?{THING}s?\b"
        r"(?!\s+(?:is|are|does|do)\s+(?:in|on|of)\b)"
        r"|^which\b(?!.*\b(?:exceptions?|errors?|arguments?|parameters?|methods?|version)\b)"
        rf"|\bis there (?:an?|any|some|anything)\b|\bname(?: of)? (?:the|a) {THING}"
        r"|\bwhat (?:can|could|do|should|would) i use (?:to|as)\b|^i (?:want|need) to\b"
        r"|\b(?:said|say|says) (?:on|about)\b",
    ),
    (
        "members",
        r"\b(?:what|which|list|show|name|all)\b.*"
        r"\b(?:methods|attributes|members|classes|functions)\b"
        r".*\b(?:of|in|on|does|has|have|from|for)\b"
        r"|\bmethods of\b|\bwhat can i do with\b|\bwhat(?:'s| is) in(?:side)?\b.*\bmodule\b",
    ),
    ("default", r"\bdefaults?\b"),
    (
        "parameter",
        r"\bwhat (?:does|is|do|are)\b.*\b(?:argument|parameter|option|keyword|flag)\b"
        r"|\b(?:meaning|purpose) of (?:the )?\S+ (?:argument|parameter|option)"
        rf"|\bwhat (?:does|is) [`'\"]?{IDENT}[`'\"]? (?:do|mean|for) in\b",
    ),
    (
        "signature",
        r"\bsignatures?\b|\b(?:arguments?|parameters?|args|params)\b"
        r"|\bhow (?:do i|do you|to|can i|is|are) .*\bcall(?:ed)?\b",
    ),
    (
        "where",
        r"\bwhere\b.*\b(?:defined|implemented|located|live|lives|found|declared|source|is|code)\b"
        r"|\bwhich file\b",
    ),
    (
        "raises",
        r"\b(?:raises?|throws?|raised|thrown)\b(?!.*\bhow\b)"
        r"|\b(?:exceptions?|errors?)\b.*\b(?:from|by|of|for|can)\b"
        r"|\b(?:what|which) (?:exceptions?|errors?)\b|\bhow does .* fail\b|\bexceptions\?",
    ),
    (
        "returns",
        r"\breturns?\b|\breturned\b|\breturn (?:type|value)\b"
        r"|\bcomes? out of\b|\b(?:gives?|gets?) (?:back|me)\b|\b(?:output|result) of\b",
    ),
    (
        "example",
        r"\bexamples?\b|\bsample (?:code|usage)\b|\bhow (?:do i|do you|to|can i) use\b"
        r"|\busage of\b",
    ),
    ("how", r"\bhow\b|\bthe way to\b"),
)
KINDS = tuple((kind, re.compile(pattern)) for kind, pattern in _KIND_RULES)
"""The first rule that fits gives the kind, so their order matters; `what` when none fits."""

DOTTED = re.compile(r"`[^`]*`|\b\w+(?:\.\w+)+")
"""Names as such; `errors` in `setuptools.errors.X` must not read as a question on errors."""

ABOUT = re.compile(
    r"\b(?:said|says?|know|read|anything|something)\b.*\b(?:on|about)\b", re.IGNORECASE
)
"""Questions for a text on a subject: "what does the guide say about cleaning"."""

NAMED_HEADING = re.compile(
    r"\b(?:says?|said|know|read|written|anything|something|section)\b.*?\b(?:on|about|called|named)"
    r"\s+(?:the\s+)?(?P<x>\S.*?)\s*[?.!]*$",
    re.IGNORECASE,
)
"""The subject of a question for a text, which may be a heading word by word."""

HOW_TO = re.compile(
    r"\bhow (?:do|can|would|should|could|to)\b(?!.*\b(?:call|called|use|fail|signature|default)\b)"
)
ABOUT_A_SYMBOL = frozenset(
    {"signature", "returns", "raises", "default", "parameter", "where", "example", "members"}
)
"""Kinds that ask about one named thing."""

_ASPECTS = (
    r"(?:signature|arguments?|parameters?|args|params|docs?|documentation|examples?|methods"
    r"|members|attributes|functions|classes|help|usage|purpose|use|source|exceptions?|errors?"
    r"|output|result|source code)"
)
_DOES = (
    r"(?:return|raise|throw|do\b|mean|take|accept|yield|give|default|defined|implemented|located"
    r"|call|have|work|live)"
)
_SLOT_RULES = (
    rf"\b(?:does|do|can|will|is|are|would)\s+{THE_NAME}(?:\s+{THING})?\s+{_DOES}",
    rf"\b{_ASPECTS}\s+(?:of|for|to|on|in|from|by)\s+{THE_NAME}",
    rf"\bwhat(?:'s| is| are)\s+{THE_NAME}(?:\s+{THING})?\s*[?.!]*$",
    rf"\bhow (?:do i|do you|to|can i|should i|does one)\s+(?:use|call|import)\s+{THE_NAME}",
    rf"\bwhere (?:is|are)\s+{THE_NAME}",
    rf"\b(?:explain|describe|tell me about|what about|and)\s+{THE_NAME}(?:\s+{THING})?\s*[?.!]*$",
    rf"\b(?:explain|describe)\s+{THE_NAME}",
    rf"\b{NAME}\s+{THING}\b",
    rf"\b{THING}\s+{NAME}\b",
    rf"\bdefaults?\b.*\b(?:of|in|for)\s+{THE_NAME}\s*[?.!]*$",
    rf"\buse\s+{NAME}\s+for\s*[?.!]*$",
    rf"^\s*{NAME}\s*[?.!]*$",
)
SLOTS = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _SLOT_RULES)
"""Places where a plain word is meant as a name: `deque` in "what does deque return"."""

STATEMENT = re.compile(
    r"[`'\"]?\b(\w+)\b[`'\"]?\s+(?:statement|keyword|loop|expression|clause|operator)s?\b",
    re.IGNORECASE,
)
"""`for` in "the for statement": syntax, which has topics instead of symbols."""

A_CONCEPT = re.compile(r"\bwhat(?:'s| is| are)\s+(?:an?\s+)?(?P<x>[a-z]+)\s*[?.!]*$")
"""A plain word asked about in general: "what is a generator", "what are decorators"."""

GREETING = re.compile(
    r"^\W*(?:hi|hello|hey|thanks?|thank you|thx|bye|goodbye|ok|okay|cool"
    r"|good (?:morning|day|evening))"
    r"(?:\s+(?:there|you|a lot|very much|so much))?\W*$",
    re.IGNORECASE,
)

PACKAGE_FACT = re.compile(r"\b(?P<fact>version|licen[cs]e)\b", re.IGNORECASE)
"""Version and licence, which are known of every package that was collected."""

ASPECT = re.compile(r"^(?:is|are|can|does|do|did|will|should|would|why|when)\b", re.IGNORECASE)
"""Questions that ask whether or why something is so, not for the thing as a whole."""

PAIR = re.compile(
    rf"(?:\bbetween\s+{ARTICLE}{NAME}\s+and\s+{ARTICLE}[`'\"]?(?P<y>{IDENT}))"
    rf"|(?:{NAME.replace('<x>', '<v>')}\s+(?:vs\.?|versus)\s+[`'\"]?(?P<w>{IDENT}))",
    re.IGNORECASE,
)
"""The two names of a comparison."""

SCOPE = re.compile(
    rf"\b(?:(?:with|in|using|via)\s+{THE_NAME}|does\s+{NAME.replace('<x>', '<y>')}\s+say)",
    re.IGNORECASE,
)
"""The package that a question is about: "… with numpy"."""

_PARAMETER_RULES = (
    rf"{NAME}\s+(?:argument|parameter|option|keyword|flag)\b",
    rf"(?:argument|parameter|option|keyword|flag)\s+{NAME}(?!\w*\s*[?.!]*$)",
    rf"\bdefaults?(?:\s+value)?\s+(?:of|for)\s+{ARTICLE}{NAME}\s+(?:in|of|for)\b",
    rf"\bwhat\s+(?:does|is)\s+{NAME}\s+(?:do|mean|for)\s+in\b",
    rf"\bdefault\s+{NAME}\s+(?:in|of|for)\b",
    rf"\bwhat\s+does\s+{NAME}\s+default\s+to\b",
)
PARAMETER = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _PARAMETER_RULES)

BEHIND = re.compile(
    rf"[`'\"]?({IDENT})[`'\"]?(?:\(\))?(?:\s+{THING})?\s+(?:in|of|from|on)\s+"
    rf"{ARTICLE}(?:{THING}\s+)?[`'\"]?({IDENT})"
)
"""`dumps` and its owner in "dumps in json"."""
BEFORE = re.compile(rf"\b({IDENT})'s\s+(?:{THING}\s+)?({IDENT})")
"""The owner and `dumps` in "json's dumps"."""
BESIDE = re.compile(rf"(?=\b({IDENT})\s+({IDENT})\b)")
"""The owner and `dumps` in "json dumps"."""

_PLAIN = """return returns raise raises default value type class method function module statement
object it its that this there they difference example signature exceptions exception errors error
arguments parameters argument parameter something someone anything way best better"""
PLAIN = frozenset(_PLAIN.split())
"""Words that stand in slots but are not names there."""
