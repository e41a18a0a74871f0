"""Texts that run a script wherever a page takes them for markup, and how a browser tells that one did."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import BrowserContext, Page

MARK = "pl0ad"
"""Stands in every payload, and so on every page that shows one."""

MARKUP: Sequence[str] = (
    f"<script>alert('{MARK}')</script>",
    f"<img src=x onerror=alert('{MARK}')>",
    f"<svg onload=alert('{MARK}')></svg>",
    f"</script><script>alert('{MARK}')</script>",
    f"</title></textarea></style><img src=x onerror=alert('{MARK}')>",
    f"<details open ontoggle=alert('{MARK}')><summary>{MARK}</summary></details>",
    f"<iframe srcdoc=\"<script>parent.alert('{MARK}')</script>\"></iframe>",
    f"<math><mtext><img src=x onerror=alert('{MARK}')></mtext></math>",
    f"--><img src=x onerror=alert('{MARK}')><!--",
    f"<input autofocus onfocus=alert('{MARK}')>",
    f"]]><img src=x onerror=alert('{MARK}')>",
)
"""Each of them runs when it is put into a page as markup."""

BREAKERS: Sequence[str] = (
    f"\"><img src=x onerror=alert('{MARK}')>",
    f"' onmouseover='alert(\"{MARK}\")' autofocus onfocus='alert(\"{MARK}\")",
    f"{MARK}\\u003cimg src=x onerror=alert(1)\\u003e",
    f"&lt;img src=x onerror=alert('{MARK}')&gt;",
    f"{{{{ 7*7 }}}} {{% print('{MARK}') %}} ${{alert('{MARK}')}}",
    f'[{MARK}](javascript:alert(1)) ![x](x"onerror=alert(1))',
    f"javascript:alert('{MARK}')//",
    f"data:text/html,<script>alert('{MARK}')</script>",
    f"\u2028<img src=x onerror=alert('{MARK}')>\u2029",
    f"\uff1cscript\uff1ealert('{MARK}')\uff1c/script\uff1e",
    f"<scr\u200bipt>alert('{MARK}')</scr\u200bipt><img/src=`x`onerror=alert('{MARK}')>",
)
"""These get out of attributes, scripts, templates, addresses and Markdown, or are markup after one step too many."""

PAYLOADS = (*MARKUP, *BREAKERS)

WATCH = """
window.alert = (what) => window.tellTest("ran: " + what + " at " + location.pathname);
document.addEventListener("securitypolicyviolation", (event) =>
  window.tellTest("refused: " + event.violatedDirective + " " + event.blockedURI + " at " + location.pathname));
"""

FOREIGN = """() => {
  const found = [];
  for (const node of document.querySelectorAll("*")) {
    for (const { name, value } of node.attributes) {
      if (name.startsWith("on") || name === "srcdoc") found.push(`${node.localName} ${name}`);
      if (/^\\s*(javascript|data:text)/i.test(value) && ["href", "src", "action", "formaction", "xlink:href"].includes(name))
        found.push(`${node.localName} ${name}=${value}`);
    }
    if (["iframe", "object", "embed", "base", "math"].includes(node.localName) && !node.hasAttribute("data-ours"))
      if (!(node.localName === "iframe" && node.src.startsWith(location.origin + "/s/"))) found.push(node.localName);
  }
  return found;
}"""  # noqa: E501 (a script)
"""What no page of ours has, and a payload that became markup would: handlers, frames, addresses that are scripts."""


@dataclass
class Watcher:
    """What the pages of a browser profile were seen to do. `told`: what ran or was refused by the policy."""

    told: list[str] = field(default_factory=list)

    @property
    def ran(self) -> list[str]:
        return [one for one in self.told if one.startswith("ran")]

    async def watch(self, context: BrowserContext) -> None:
        async def tell(source: Any, what: str) -> None:
            self.told.append(what)

        await context.expose_binding("tellTest", tell)
        await context.add_init_script(WATCH)
        context.on("dialog", lambda dialog: self.told.append(f"ran: a dialog, {dialog.message}"))

    async def foreign(self, page: Page) -> list[str]:
        return [f"{one} at {page.url}" for one in await page.evaluate(FOREIGN)]
