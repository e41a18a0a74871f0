"""`python -m bot.settings > docs/settings.md`"""

from bot.settings.page import settings_page

print(settings_page(), end="")
