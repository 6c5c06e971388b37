"""Pieces of text from byte tokens: joined they are the text, and nothing passes a stop string."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from groundup.apps.pieces import Pieces


def decode(ids: Sequence[int]) -> str:
    """Every byte is a token: the hardest case for whole characters."""
    return bytes(ids).decode("utf-8", "replace")


def run(text: str, stops: tuple[str, ...]) -> list[str]:
    pieces = Pieces(decode, stops)
    found = []
    for byte in text.encode():
        found.append(pieces.feed(byte))
        if pieces.stopped:
            break
    return [*found, pieces.rest()]


@given(st.text())
def test_joined_pieces_are_the_text(text: str) -> None:
    assert "".join(run(text, ())) == text


@given(st.text(alphabet="abé\n"), st.lists(st.text("abé\n", min_size=1, max_size=4), max_size=3))
def test_the_text_ends_before_the_first_stop(text: str, stops: list[str]) -> None:
    found = "".join(run(text, tuple(stops)))
    assert text.startswith(found)
    assert not any(stop in found for stop in stops)
    if not any(stop in text for stop in stops):
        assert found == text


def test_no_piece_holds_half_a_character() -> None:
    assert [piece for piece in run("é€😀", ()) if piece] == ["é", "€", "😀"]


def test_a_stop_over_two_pieces() -> None:
    assert "".join(run("one END two", ("END",))) == "one "
