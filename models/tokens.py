"""Count the tokens an encoder sees in a text, without loading torch.

The tokeniser file that sentence-transformers ships carries its own truncation and padding; both are switched off here,
or every text would seem to have exactly 128 tokens.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from models.errors import EncoderError

TokenCounter = Callable[[Sequence[str]], list[int]]


def token_counter(tokenizer_file: Path) -> TokenCounter:
    """A function from texts to their token counts, special tokens left out.

    Raises:
        EncoderError: The file is missing or is no tokeniser.
    """
    tokenizer = _tokenizer(tokenizer_file)

    def count(texts: Sequence[str]) -> list[int]:
        return [len(encoding) for encoding in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    return count


def token_ids(tokenizer_file: Path, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
    """Token numbers of each text with its special tokens, cut to ``max_tokens`` of which the last is the closing one.

    Raises:
        EncoderError: The file is missing or is no tokeniser.
    """
    found = _tokenizer(tokenizer_file).encode_batch_fast(list(texts), add_special_tokens=True)
    return [_cut(encoding.ids, max_tokens) for encoding in found]


def _cut(ids: list[int], max_tokens: int) -> list[int]:
    return ids if len(ids) <= max_tokens else [*ids[: max_tokens - 1], ids[-1]]


@lru_cache(maxsize=4)
def _tokenizer(tokenizer_file: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(tokenizer_file))
    except Exception as error:  # tokenizers raises bare Exception for every fault
        message = f"{tokenizer_file}: not a readable tokenizer.json ({error}). Reinstall the encoder or name another."
        raise EncoderError(message) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
