"""Which licence a distribution is under, as an SPDX identifier, and where that was read."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageMetadata

from groundup.data.document import UNKNOWN_LICENCE

STDLIB = ("PSF-2.0", "the standard library's LICENSE (Python Software Foundation License 2)")
_SPDX = re.compile(
    r"^\(?[A-Za-z0-9.+-]+(?: WITH [A-Za-z0-9.+-]+)?\)?(?:\s+(?:AND|OR)\s+\(?[\w.+-]+\)?)*$"
)

# https://spdx.org/licenses/ identifiers of the trove classifiers that name one licence exactly
_CLASSIFIERS = {
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "The Unlicense (Unlicense)": "Unlicense",
    "zlib/libpng License": "Zlib",
    "BSD License": "BSD-3-Clause",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
}

# words that the old free-form License field uses for one SPDX licence
_FIELDS = {
    "mit": "MIT",
    "mit license": "MIT",
    "the mit license": "MIT",
    "apache 2.0": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "apache": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd-3": "BSD-3-Clause",
    "3-clause bsd": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "modified bsd license": "BSD-3-Clause",
    "bsd 2-clause": "BSD-2-Clause",
    "mpl-2.0": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "psf": "PSF-2.0",
    "isc": "ISC",
    "isc license": "ISC",
}

# sentences that only this licence's text has, most specific first
_TEXTS = (
    ("Apache-2.0", r"Apache License\s+Version 2\.0"),
    ("MPL-2.0", r"Mozilla Public License,? Version 2\.0"),
    ("AGPL-3.0-only", r"GNU AFFERO GENERAL PUBLIC LICENSE\s+Version 3"),
    ("LGPL-3.0-only", r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3"),
    ("GPL-3.0-only", r"GNU GENERAL PUBLIC LICENSE\s+Version 3"),
    ("GPL-2.0-only", r"GNU GENERAL PUBLIC LICENSE\s+Version 2"),
    ("PSF-2.0", r"PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2"),
    ("BSD-3-Clause", r"Redistribution and use in source and binary forms[\s\S]*Neither the name"),
    ("BSD-2-Clause", r"Redistribution and use in source and binary forms"),
    ("MIT", r"Permission is hereby granted, free of charge, to any person obtaining a copy"),
    (
        "ISC",
        r"Permission to use, copy, modify, and(?:/or)? distribute this software for any purpose",
    ),
    ("Unlicense", r"This is free and unencumbered software released into the public domain"),
)
_LICENCE_FILE = re.compile(r"(?:^|/)(?:licen[cs]e|copying|unlicense|notice)[^/]*$", re.I)


def is_licence_file(name: str) -> bool:
    """Whether a file's name says that it holds a licence."""
    return bool(_LICENCE_FILE.search(name)) and not name.endswith((".py", ".pyc", ".pyi"))


def licence_of_text(text: str) -> str:
    """SPDX identifier of a licence text, or LicenseRef-unknown."""
    for identifier, pattern in _TEXTS:
        if re.search(pattern, text):
            return identifier
    return UNKNOWN_LICENCE


def licence_of(distribution: Distribution) -> tuple[str, str]:
    """(SPDX, evidence): License-Expression, then classifiers, License field, licence files."""
    metadata = distribution.metadata
    expression = _field(metadata, "License-Expression")
    if expression:
        return expression, "METADATA License-Expression"
    ends = [c.rpartition(" :: ")[2] for c in metadata.get_all("Classifier") or () if "License" in c]
    named = sorted({_CLASSIFIERS[end] for end in ends if end in _CLASSIFIERS})
    field = _field(metadata, "License")
    exact = _FIELDS.get(field.lower()) or (field if _is_spdx(field) else "")
    if named and not (named == ["BSD-3-Clause"] and "BSD" in exact):
        return " OR ".join(named), f"METADATA Classifier {'; '.join(ends)}"
    if exact:
        return exact, f"METADATA License: {field}"
    if (identifier := licence_of_text(field)) != UNKNOWN_LICENCE:
        return identifier, "METADATA License (full text)"
    return _from_files(distribution)


def _field(metadata: PackageMetadata, key: str) -> str:
    """A header of the metadata, "" where it is missing."""
    return metadata[key].strip() if key in metadata else ""


def _is_spdx(field: str) -> bool:
    return bool(_SPDX.match(field)) and (" " in field or "-" in field or field in ("MIT", "ISC"))


def _from_files(distribution: Distribution) -> tuple[str, str]:
    for file in distribution.files or ():
        if is_licence_file(str(file)):
            try:
                text = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            if (identifier := licence_of_text(text)) != UNKNOWN_LICENCE:
                return identifier, f"text of {file}"
    return UNKNOWN_LICENCE, "no License-Expression, classifier, License field or known text"
