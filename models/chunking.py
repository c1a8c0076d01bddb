"""Cut a text into chunks that an encoder can read whole.

No word is lost: joining the chunks gives the text's words in their order. Short blocks (lines) are packed together,
because a heading alone embeds to noise, and a block is only cut inside when it is longer than a chunk. Only a run
without spaces that is longer than a chunk by itself (Chinese, base64) is cut between characters.
"""

import re
from collections.abc import Iterable, Sequence

from models.tokens import TokenCounter

MAX_CHUNK_TOKENS = 220
"""Tokens in a chunk. MiniLM reads 256 with its two special tokens; sentence packing seldom fills the last few, and
cost grows with length. Look again when the encoder changes."""

SENTENCE_END = re.compile(r"(?<=[.!?…。])[\"'\u201d\u2019)\]]*\s+")  # closing quotes stay with their sentence


def chunk_text(text: str, count_tokens: TokenCounter, max_tokens: int = MAX_CHUNK_TOKENS) -> list[str]:
    """Chunks of at most ``max_tokens`` tokens, cut between blocks, else sentences, else words.

    Args:
        text: Any text; blocks are separated by newlines. White space inside a block is not kept.
        count_tokens: From ``models.tokens.token_counter``, or an encoder's ``count_tokens``.
        max_tokens: Upper bound for every chunk, special tokens left out; at least 1.

    Returns:
        Chunks in reading order, none of them empty; ``[]`` for a text without words.
    """
    if max_tokens < 1:
        message = f"max_tokens is {max_tokens}; a chunk needs at least 1 token"
        raise ValueError(message)
    blocks = [" ".join(block.split()) for block in text.splitlines()]
    return _pack([block for block in blocks if block], "\n", count_tokens, max_tokens)


def split_sentences(text: str) -> list[str]:
    """Sentences of a text in order; a line break always ends one. Words are kept, the space between is not."""
    found: list[str] = []
    for block in text.splitlines():
        start = 0
        for match in SENTENCE_END.finditer(block):
            found.append(block[start : match.end()].strip())
            start = match.end()
        found.append(block[start:].strip())
    return [sentence for sentence in found if sentence]


def _pack(parts: Sequence[str], joint: str, count_tokens: TokenCounter, max_tokens: int) -> list[str]:
    chunks: list[str] = []
    open_parts: list[str] = []
    open_tokens = 0
    for part, tokens in zip(parts, count_tokens(parts) if parts else [], strict=True):
        if open_parts and open_tokens + tokens > max_tokens:
            chunks.append(joint.join(open_parts))
            open_parts, open_tokens = [], 0
        if tokens > max_tokens and len(part) > 1:
            smaller, smaller_joint = _smaller_parts(part)
            pieces = _pack(smaller, smaller_joint, count_tokens, max_tokens)
            chunks.extend(pieces[:-1])
            open_parts, open_tokens = [pieces[-1]], count_tokens([pieces[-1]])[0]
        else:
            open_parts.append(part)
            open_tokens += tokens
    if open_parts:
        chunks.append(joint.join(open_parts))
    return chunks


def _smaller_parts(part: str) -> tuple[list[str], str]:
    """What to cut a too long part into, and what joins it again: sentences, else words, else halves of a word."""
    sentences = split_sentences(part)
    if len(sentences) > 1:
        return sentences, " "
    words = part.split()
    if len(words) > 1:
        return words, " "
    middle = len(part) // 2
    return [part[:middle], part[middle:]], ""


def distinct(texts: Iterable[str]) -> list[str]:
    """Texts without repeats, first occurrence first."""
    return list(dict.fromkeys(texts))
