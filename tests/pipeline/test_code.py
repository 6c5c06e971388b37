"""The digest of a step's code follows imports, and only those."""

from __future__ import annotations

import hashlib

from groundup.pipeline import code


def test_digest_covers_what_a_module_imports() -> None:
    assert "groundup.facts.errors" in code._imports("groundup.facts.check")
    own = code.code_digest(("groundup.facts.check",))
    assert own != code.code_digest(("groundup.facts.errors",))
    assert own == code.code_digest(("groundup.facts.check", "groundup.facts.errors"))


def test_digest_is_that_of_the_sources_by_name() -> None:
    source = code._source("groundup.facts.errors")
    expected = hashlib.sha256(b"groundup.facts.errors\0" + source).hexdigest()[:16]
    assert code.code_digest(("groundup.facts.errors",)) == expected
