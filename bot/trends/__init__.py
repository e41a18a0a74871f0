"""What a series was about, evening by evening. Pure: from what the store kept to topics, to counts, and to what may be
said of them.

People are those who asked; of a topic on an evening the share of all who asked that evening counts. That a share rose
or fell is said only where chance would hardly do it: against all evenings before (Fisher's exact test) and over the
whole series (Cochran and Armitage's test for a trend), with as many tests taken into account as are made together
(`SURE`; Benjamini and Hochberg, 1995). A human on several chats counts on each of them.

Dismissed questions are left out. Asked again is what was surely asked on an earlier evening (`bot.recurring`).
"""

from bot.trends.finding import find_trends, in_order
from bot.trends.model import Cell, Evening, Gap, Point, Row, Trends
from bot.trends.plain import ROWS, Rows, to_csv, to_text

__all__ = [
    "ROWS",
    "Cell",
    "Evening",
    "Gap",
    "Point",
    "Row",
    "Rows",
    "Trends",
    "find_trends",
    "in_order",
    "to_csv",
    "to_text",
]
