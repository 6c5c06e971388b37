"""Licences from metadata, in the order of their trustworthiness."""

from importlib.metadata import Distribution

import pytest

from groundup.data.document import UNKNOWN_LICENCE
from groundup.data.licences import is_licence_file, licence_of, licence_of_text


class Fake(Distribution):
    def __init__(self, root, metadata):
        self.root, self.metadata_text = root, metadata

    def read_text(self, filename):
        if filename == "METADATA":
            return "Metadata-Version: 2.1\nName: x\nVersion: 1\n" + self.metadata_text + "\n"
        return "LICENSE,,\n" if filename == "RECORD" else None

    def locate_file(self, path):
        return self.root / str(path)


@pytest.mark.parametrize(
    ("metadata", "licence", "evidence"),
    [
        ("License-Expression: MIT AND BSD-3-Clause", "MIT AND BSD-3-Clause", "License-Expression"),
        (
            "Classifier: License :: OSI Approved :: Apache Software License",
            "Apache-2.0",
            "Classifier",
        ),
        ("License: BSD 3-Clause", "BSD-3-Clause", "License"),
        (
            "License: BSD-2-Clause\nClassifier: License :: OSI Approved :: BSD License",
            "BSD-2-Clause",
            "License",
        ),
        ("License: see my homepage", UNKNOWN_LICENCE, "no License"),
        ("Summary: nothing", UNKNOWN_LICENCE, "no License"),
    ],
)
def test_metadata(tmp_path, metadata, licence, evidence):
    found, why = licence_of(Fake(tmp_path, metadata))
    assert found == licence
    assert evidence in why


def test_licence_file_is_the_last_resort(tmp_path):
    (tmp_path / "LICENSE").write_text("Apache License\n   Version 2.0, January 2004\n")
    assert licence_of(Fake(tmp_path, "Summary: x")) == ("Apache-2.0", "text of LICENSE")


def test_known_distributions_of_this_environment():
    known = {"numpy": "BSD-3-Clause", "pytest": "MIT", "datasketch": "MIT", "hypothesis": "MPL-2.0"}
    for name, licence in known.items():
        assert licence in licence_of(Distribution.from_name(name))[0]


def test_texts_and_names():
    assert licence_of_text("anything else") == UNKNOWN_LICENCE
    assert is_licence_file("pkg.dist-info/licenses/LICENSE.txt")
    assert not is_licence_file("pkg/license.py")
