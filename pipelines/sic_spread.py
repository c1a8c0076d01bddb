"""How the firms of each sector spread over SIC 2007 codes: for comparison, never for assignment.

A firm may give several codes and stands under each, so that shares may add up to more than 1; a firm that gives none
stands in a row of its own. The codes' names are those of their divisions, in our words: the standard's own index is
not shipped.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from labels.taxonomy import Cluster, Taxonomy, load_taxonomy
from labels.taxonomy_file import unknown
from pipelines.errors import UsageError
from pipelines.figures import Moment
from pipelines.firm_facts import left_out, sectors_of, sic_codes
from pipelines.workspace import Workspace, write_whole

DIVISIONS = {
    "01": "Crops, animals, hunting", "02": "Forestry", "03": "Fishing and fish farms",
    "05": "Coal mining", "06": "Oil and gas extraction", "07": "Metal ore mining", "08": "Other mining and quarrying",
    "09": "Services to mining",
    "10": "Making food", "11": "Making drinks", "12": "Making tobacco goods", "13": "Making textiles",
    "14": "Making clothes", "15": "Making leather goods", "16": "Making wood goods", "17": "Making paper goods",
    "18": "Printing and copying recordings", "19": "Refining oil, coke", "20": "Making chemicals",
    "21": "Making medicines", "22": "Making rubber and plastic goods", "23": "Making glass, ceramics, cement, stone",
    "24": "Making basic metals", "25": "Making metal goods", "26": "Making computers, electronics, optics",
    "27": "Making electrical equipment", "28": "Making machinery", "29": "Making motor vehicles",
    "30": "Making other transport equipment", "31": "Making furniture", "32": "Other manufacturing",
    "33": "Repairing and installing machinery",
    "35": "Electricity, gas, steam",
    "36": "Water supply", "37": "Sewerage", "38": "Waste and materials recovery", "39": "Cleaning up land and water",
    "41": "Building", "42": "Civil engineering", "43": "Specialised construction",
    "45": "Motor trade and repair", "46": "Wholesale", "47": "Retail",
    "49": "Land transport, pipelines", "50": "Water transport", "51": "Air transport",
    "52": "Warehousing, services to transport", "53": "Post and couriers",
    "55": "Accommodation", "56": "Food and drink service",
    "58": "Publishing", "59": "Film, television, music", "60": "Broadcasting", "61": "Telecommunications",
    "62": "Programming and computer consultancy", "63": "Information services",
    "64": "Finance", "65": "Insurance and pensions", "66": "Services to finance and insurance",
    "68": "Real estate",
    "69": "Law and accounting", "70": "Head offices, management consultancy",
    "71": "Architecture, engineering, testing",
    "72": "Research and development", "73": "Advertising and market research", "74": "Other professional services",
    "75": "Veterinary services",
    "77": "Rental and leasing", "78": "Employment agencies", "79": "Travel agencies", "80": "Security services",
    "81": "Services to buildings and landscape", "82": "Office and business support",
    "84": "Public administration, defence", "85": "Education",
    "86": "Health", "87": "Residential care", "88": "Social work",
    "90": "Arts and entertainment", "91": "Libraries, museums, nature reserves", "92": "Gambling",
    "93": "Sport and recreation",
    "94": "Membership organisations", "95": "Repairing computers and household goods", "96": "Other personal services",
    "97": "Households with domestic staff", "98": "Households producing for themselves",
    "99": "Bodies outside the country's jurisdiction",
}  # fmt: skip
"""The 88 divisions of UK SIC 2007 by their two digits, in short words of our own."""


@dataclass(frozen=True)
class SicRow:
    """One code's firms in a sector or cluster; dissolved firms are left out, as everywhere."""

    sector: str
    sic_code: str  # five digits; empty for firms that give none
    division: str
    firms: int
    share_of_sector: float  # of all the sector's firms
    share_of_code: float | None  # of all firms of the list with this code; None where no code is given


def sic_spread(workspace: Workspace, wanted: Sequence[str] = ()) -> list[SicRow]:
    """Every sector's and cluster's firms by SIC code, in taxonomy order, the commonest code first.

    Args:
        workspace: The workspace, its firms classified.
        wanted: Keys of sectors and clusters; all of them when there are none.

    Raises:
        UsageError: A key that the taxonomy does not have, or no firm of the list has a SIC code.
    """
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    for key in wanted:
        if key not in taxonomy.counted:
            known = f"known: {', '.join(taxonomy.counted)}"
            raise UsageError(f"sector {key!r} is not in taxonomy.yaml{unknown(key, taxonomy.counted, known)}")
    moment = Moment.now(workspace.lake)
    firms = moment.read("firms")
    gone = left_out(firms)
    codes = {firm_id: given for firm_id, given in sic_codes(firms).items() if firm_id not in gone}
    if not any(codes.values()):
        raise UsageError(
            "no firm of the list has a SIC code; import a firm list with a column sic_codes (five digits each)"
        )
    return spread(taxonomy, codes, sectors_of(moment.read("assignments")), wanted)


def spread(
    taxonomy: Taxonomy, codes: Mapping[str, Sequence[str]], sectors: Mapping[str, set[str]], wanted: Sequence[str] = ()
) -> list[SicRow]:
    """The same from values: SIC codes of every firm that counts, and sectors of every firm that is in one."""
    everywhere = Counter(code for given in codes.values() for code in given)
    found = []
    for key in taxonomy.counted:
        if wanted and key not in wanted:
            continue
        members = members_of(taxonomy, key, codes, sectors)
        here = Counter(code for firm_id in members for code in codes[firm_id] or ("",))
        for code, firms in sorted(here.items(), key=lambda pair: (not pair[0], -pair[1], pair[0])):
            of_code = firms / everywhere[code] if code else None
            division = DIVISIONS.get(code[:2], "not in SIC 2007") if code else ""
            found.append(SicRow(key, code, division, firms, firms / len(members), of_code))
    return found


def members_of(
    taxonomy: Taxonomy, key: str, codes: Mapping[str, Sequence[str]], sectors: Mapping[str, set[str]]
) -> list[str]:
    """Firms of ``codes`` that are in a sector or cluster."""
    gathered = next((found for found in taxonomy.clusters if found.key == key), Cluster(key, key, sectors=(key,)))
    return [firm_id for firm_id, given in codes.items() if gathered.holds(sectors.get(firm_id, ()), given)]


def write_spread(path: Path, found: Sequence[SicRow]) -> None:
    """Write the table as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(SicRow))
    writer.writerows(asdict(row).values() for row in found)
    write_whole(path, text.getvalue().encode())
