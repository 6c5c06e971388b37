"""A small real corpus (sources of the standard library) as tokenizer and shards."""

import argparse
import json
import json.decoder
import json.encoder
import json.scanner
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIAL = ["endoftext", "pad", "system", "user", "assistant", "context", "end"]
TRAIN = (argparse, textwrap, json.encoder, json.scanner)
HELD_OUT = (json.decoder, json)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Tiny tensors gain nothing from threads, and waiting threads disturb other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tokenizer_dir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tokenizer")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=[f"<|{name}|>" for name in SPECIAL],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([Path(m.__file__).read_text() for m in TRAIN], trainer)
    tokenizer.save(str(directory / "tokenizer.json"))
    return directory


@pytest.fixture(scope="session")
def heldout_bytes():
    return b"".join(Path(module.__file__).read_bytes() for module in HELD_OUT)


@pytest.fixture(scope="session")
def shards(tmp_path_factory, tokenizer_dir):
    directory = tmp_path_factory.mktemp("shards")
    tokenizer = Tokenizer.from_file(str(tokenizer_dir / "tokenizer.json"))
    for split, modules in (("train", TRAIN), ("held-out", HELD_OUT)):
        ids = []
        for module in modules:
            ids += [0, *tokenizer.encode(Path(module.__file__).read_text()).ids]
        np.array(ids, dtype="<u2").tofile(directory / f"{split}.bin")
    (directory / "shards.json").write_text(json.dumps({"note": "test"}))
    return directory
