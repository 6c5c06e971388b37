"""Words of questions: verbs of docstrings, what askers say for them, synonyms, stop words."""

from __future__ import annotations

# imperative -> (what a question says the asker wants to do); the rest of the verbs stay as they are
WANT = {
    "return": "get",
    "compute": "calculate",
    "calculate": "compute",
    "create": "make",
    "make": "create",
    "construct": "build",
    "generate": "produce",
    "remove": "delete",
    "delete": "remove",
    "retrieve": "fetch",
    "fetch": "retrieve",
    "convert": "turn",
    "determine": "find out",
    "check": "find out",
    "test": "check",
    "print": "show",
    "display": "show",
    "send": "transmit",
    "execute": "run",
    "perform": "do",
    "modify": "change",
    "append": "add at the end",
    "search": "look",
    "find": "look up",
    "obtain": "get",
    "begin": "start",
    "start": "begin",
    "stop": "end",
    "wait": "wait",
    "evaluate": "work out",
    "parse": "read",
    "replace": "exchange",
    "copy": "duplicate",
    "merge": "combine",
    "join": "connect",
    "split": "divide",
    "iterate": "go",
}
_VERBS_TEXT = """
    add adjust allow analyze append apply assert assign attach begin bind broadcast build cache
    calculate call cancel change check choose clean clear clip close collapse collect combine
    compare compile compress compute concatenate configure connect construct convert copy count
    create decode decompress decorate define delete detach detect determine disable dispatch
    display divide do draw drop dump emit enable encode ensure enter estimate evaluate exchange
    execute exit expand export extend extract fetch fill filter find fit flatten flip flush
    force format forward gather generate get give group handle hash hide identify implement
    import infer initialize insert inspect install instantiate integrate interpolate invert
    iterate join kill list listen load locate lock log look lookup make manage map mark match
    measure merge modify move multiply normalize notify obtain open order output pack pad parse
    partition pass perform permute play pop prepare prevent print process produce project prompt
    provide push put query quote raise randomize read rebuild receive record recursively reduce
    refresh register release reload remove rename render reorder repeat replace report request
    reset reshape resize resolve restore resume retrieve return reverse rewrite rotate round run
    sample save scale scan schedule search select send serialize set shift show shuffle shut
    signal simplify skip sleep solve sort specify split squeeze stack start stop store strip
    submit subtract suggest sum swap switch synchronize take tell terminate test throw toggle
    tokenize trace train transfer transform translate transpose traverse truncate try turn undo
    uninstall unlock unpack unregister unset update use validate verify visit wait walk wrap
    write yield zip
"""
VERBS = frozenset(_VERBS_TEXT.split())

SYNONYMS = {
    "list": "sequence",
    "dictionary": "mapping",
    "dict": "mapping",
    "string": "text",
    "text": "string",
    "file": "file",
    "directory": "folder",
    "folder": "directory",
    "number": "value",
    "items": "elements",
    "elements": "entries",
    "path": "location",
    "error": "failure",
    "function": "callable",
    "array": "array",
    "current": "present",
    "specified": "given",
    "given": "chosen",
    "maximum": "largest",
    "minimum": "smallest",
    "size": "extent",
    "length": "number of elements",
    "new": "fresh",
    "name": "label",
    "time": "moment",
    "message": "note",
    "random": "arbitrary",
    "sorted": "ordered",
    "matrix": "2-d array",
    "integer": "whole number",
}
_STOP_WORDS_TEXT = """
    a an the of in on to for from by with and or as is are be it its this that which if whether
    into at not given specified return returns get using use used new all any will can also such
    object instance self
"""
STOP_WORDS = frozenset(_STOP_WORDS_TEXT.split())
