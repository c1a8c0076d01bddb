"""The card's layout, and that names from outside cannot break it."""

from models.card import CardTable, model_card


def test_the_card_holds_what_was_handed_in() -> None:
    table = CardTable("Sectors", ("sector", "f1"), (("space_tech", "0.81"),), "On unseen firms.")
    card = model_card("A model", "For firms.", {"encoder": "minilm"}, [table], ["It cannot count."])
    for line in (
        "# A model",
        "| encoder | minilm |",
        "| space_tech | 0.81 |",
        "On unseen firms.",
        "- It cannot count.",
    ):
        assert line in card.splitlines()


def test_cells_cannot_leave_their_cell() -> None:
    card = model_card("T", "s", {"name": "a|b\n# <script>"}, [], [])
    assert "| name | a\\|b # &lt;script> |" in card.splitlines()
