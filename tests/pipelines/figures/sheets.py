"""What a cell of a spreadsheet file may begin with, and what stood in it before it was made safe."""

from pipelines.outside_text import spreadsheet_text

FORMULA_STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


def original_text(cell: str) -> str:
    """The text behind a CSV cell: the prefix goes if the rest would have needed it."""
    return cell[1:] if cell.startswith("'") and spreadsheet_text(cell[1:])[0] == cell else cell
