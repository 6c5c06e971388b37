"""Files are whole or as they were before."""

import hashlib
import json

import pytest

from groundup.facts.files import file_digest, replacing, write_json, write_text


def fill_the_disk(path):
    with replacing(path) as temporary:
        temporary.write_text("half")
        raise OSError(28, "No space left on device")


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "w"
    path.write_text("old")
    with pytest.raises(OSError, match="No space left"):
        fill_the_disk(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_written_text_json_and_digest(tmp_path):
    write_text(tmp_path / "new" / "a.txt", "ein Maß\n")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "ein Maß\n".encode()
    write_json(tmp_path / "a.json", {"b": 1, "a": tmp_path})
    assert json.loads((tmp_path / "a.json").read_text()) == {"b": 1, "a": str(tmp_path)}
    expected = hashlib.sha256("ein Maß\n".encode()).hexdigest()
    assert file_digest(tmp_path / "new" / "a.txt") == expected
