"""Judgements about what others reach, and what we reach of others. Pure: facts in, findings out."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.app.doctor.finding import Finding, fault, ok, warning

SOON = 14
"""Days before its end at which a certificate is to be looked at."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking an address for its sessions: `ours` where it has those of this installation, `floormic` where
    it is one at all. `trouble`: why there was no answer."""

    ours: bool = False
    floormic: bool = False
    status: int = 0
    trouble: str = ""


def is_local(host: str) -> bool:
    """Whether only this machine reaches it."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def judge_running_port(host: str, port: int, answer: Answer) -> Finding:
    where = _port(host, port)
    if answer.floormic:
        return ok("port", f"the program answers on {where}")
    why = answer.trouble or f"status {answer.status}"
    return fault("port", f"the program runs, and does not answer on {where} ({why})", "look at its log; start it anew")


def judge_free_port(host: str, port: int, bind: str, kept: bool) -> Finding:
    """`bind`: why the port cannot be had, "" where it is free; `kept`: systemd keeps it for the program."""
    where = _port(host, port)
    if kept:
        return ok("port", f"systemd keeps {where} and starts the program when somebody comes")
    if bind:
        return fault("port", f"{where}: {bind}", "stop that program or choose another port under [web]")
    return ok("port", f"{where} is free" if port else "any free port is taken")


def _port(host: str, port: int) -> str:
    return f"port {port} on {host or 'every address'}"


def judge_address(public_url: str, host: str) -> Finding:
    """Whether what people type is safe on its way."""
    if not public_url:
        if is_local(host):
            return warning(
                "public address",
                "only this machine reaches the pages: there is no public_url, and the host is this machine's",
                'say under [web] public_url = "https://…", and put a proxy before it (docs/running.md)',
            )
        return warning(
            "public address",
            "links and the QR code have the address of the port, for public_url says nothing",
            'say under [web] public_url = "https://…"',
        )
    if public_url.startswith("https:") or is_local(urlsplit(public_url).hostname or ""):
        return ok("public address", f"links lead to {public_url}")
    return warning(
        "public address",
        f"what people send to {public_url} can be read on the way, cookies of organisers too",
        "let a proxy with a certificate stand before it, and write https:// (docs/running.md)",
    )


def judge_certificate(days: float | None, trouble: str) -> Finding:
    """`days` until its end; None where it is not good, with the `trouble`."""
    if days is None:
        return fault(
            "certificate", f"the certificate of public_url is not accepted: {trouble}", "renew it at the proxy"
        )
    if days < SOON:
        return warning("certificate", f"the certificate of public_url ends in {days:.0f} days", "renew it at the proxy")
    return ok("certificate", f"the certificate of public_url is good for {days:.0f} more days")


def judge_way_in(public_url: str, answer: Answer | None) -> Finding:
    """Whether the public address leads to this program; None where it does not run."""
    if answer is None:
        return ok("way in", f"the program does not run, so {public_url} could not be followed to it")
    if answer.ours:
        return ok("way in", f"{public_url} leads to this program")
    if answer.floormic:
        return fault(
            "way in",
            f"{public_url} leads to another Floormic, or to another session list",
            "let the proxy lead to the port of this one",
        )
    why = answer.trouble or f"status {answer.status}"
    return fault(
        "way in", f"{public_url} does not lead to this program ({why})", "look at the proxy, the name and the firewall"
    )


def judge_proxies(public_url: str, host: str, trusted: Sequence[str]) -> Finding:
    for text in trusted:
        network = ipaddress.ip_network(text, strict=False)
        if network.prefixlen == 0 or (not network.is_private and network.num_addresses > 65_536):
            return fault(
                "proxies",
                f"trusted_proxies has {text}: anybody there may say to come from any address",
                "name the addresses of your own proxies only",
            )
    if public_url.startswith("https:") and not trusted:
        return warning(
            "proxies",
            "behind a proxy everybody has its address, so that all share one limit: trusted_proxies is empty",
            'say under [web] trusted_proxies = ["127.0.0.1"], or where the proxy is',
        )
    return ok("proxies", "trusted_proxies fit" if trusted else "no proxy is trusted")


def judge_chat(name: str, said: str, trouble: str) -> Finding:
    """What the platform answered when the keys were tried, in its words, or why it did not."""
    if trouble:
        return fault(
            "chat", f"{name}: {trouble}", f"look at the network; floormic connect --replace sets {name} up anew"
        )
    return ok("chat", f"{name}: {said}")


def judge_source(name: str, state: str, trouble: str) -> Finding:
    """As the running program sees it: `state` is "connected", "starting", "lost", "refused" or "" for not yet."""
    if state == "connected":
        return ok("chat", f"{name}: the running program is connected")
    if state == "starting":
        return warning("chat", f"{name}: the running program is just connecting", "floormic sources --watch")
    if not state:
        return warning(
            "chat", f"{name}: the running program does not know it", "start the program anew, so that it reads the file"
        )
    return fault("chat", f"{name}: {trouble or state}", "floormic sources says since when and why")
