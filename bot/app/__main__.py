"""Makes pages of docs: `python -m bot.app settings` prints docs/settings.md; `python -m bot.app connectors` reads
docs/connectors.md and prints it with its table made anew."""

import sys

from bot.app.sources import KINDS
from bot.settings import connectors_page, settings_page

match sys.argv[1:]:
    case ["settings"]:
        print(settings_page([kind.options for kind in KINDS.values()]), end="")
    case ["connectors"]:
        print(connectors_page(sys.stdin.read(), list(KINDS.values())), end="")
    case _:
        sys.exit("name the page: settings or connectors")
