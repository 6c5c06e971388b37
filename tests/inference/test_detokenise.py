"""Streaming text against the tokenizers library, and stop strings at every cut."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers.pre_tokenizers import ByteLevel

from groundup.inference.detokenise import TextStream, byte_of_letter, token_bytes
from groundup.recipes.chat_format import load_tokenizer


def test_byte_letters_are_those_of_tokenizers():
    assert set(byte_of_letter()) == set(ByteLevel.alphabet())
    assert sorted(byte_of_letter().values()) == list(range(256))


def test_streams_equal_decoding_at_once(tokenizer_dir):
    tokenizer = load_tokenizer(tokenizer_dir)
    table = token_bytes(tokenizer)

    @settings(deadline=None)
    @given(st.text(max_size=40))
    def check(text):
        ids = tokenizer.encode(text).ids
        stream = TextStream(table)
        pieces = [stream.add(token) for token in ids]
        assert "".join(pieces) + stream.end() == text == tokenizer.decode(ids)
        assert not any("\ufffd" in piece for piece in pieces if "\ufffd" not in text)

    check()


@given(st.text("ab<|", max_size=30), st.lists(st.text("ab<|", min_size=1, max_size=4), max_size=3))
def test_stop_strings_are_found_however_the_text_is_cut(text, stops):
    table = [bytes([byte]) for byte in range(256)]
    stream = TextStream(table, stops)
    given_out = ""
    for byte in text.encode():
        given_out += stream.add(byte)
        if stream.stopped:
            break
    given_out += stream.end()
    places = [
        (end - len(s), end)
        for end in range(1, len(text) + 1)
        for s in stops
        if text[:end].endswith(s)
    ]
    first_end = min((end for _, end in places), default=None)
    expected = text if first_end is None else text[: min(b for b, e in places if e == first_end)]
    assert given_out == expected
    assert stream.stopped == bool(places)


def test_an_unfinished_character_waits_and_then_is_replaced():
    stream = TextStream([bytes([byte]) for byte in range(256)])
    assert stream.add(0xE6) == ""
    assert stream.add(0x97) == ""
    assert stream.add(0xA5) == "日"
    assert stream.add(0xC3) == ""
    assert stream.end() == "\ufffd"
