"""How an examination reads: for people, with marks that do not need their colours, and for programs."""

from bot.app.doctor.examination import Examined
from bot.app.doctor.finding import Finding, Verdict
from bot.phrases import in_language

MARKS = {Verdict.OK: "✓", Verdict.WARNING: "!", Verdict.FAULT: "✗"}
WORDS = {Verdict.OK: "ok", Verdict.WARNING: "warning", Verdict.FAULT: "mend"}
STYLES = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.FAULT: "bold red"}


def told_examination(examined: Examined, language: str) -> list[tuple[str, str]]:
    """Lines with their style ("": plain)."""

    def said(text: str) -> str:
        return in_language(text, language)

    lines: list[tuple[str, str]] = []
    for group, findings in examined.groups.items():
        lines += [(said(group), "bold")] + [line for one in findings for line in _lines(one, language)] + [("", "")]
    faults, warnings = (
        sum(one.verdict is verdict for one in examined.findings) for verdict in (Verdict.FAULT, Verdict.WARNING)
    )
    state = "The program runs." if examined.running else "The program does not run."
    if faults:
        verdict = f"Not safe to run tonight: to be mended {faults}, warnings {warnings}."
    elif warnings:
        verdict = f"Safe to run tonight; warnings {warnings}."
    else:
        verdict = "Safe to run tonight."
    between = "" if language == "zh" else " "
    return [*lines, (f"{said(state)}{between}{said(verdict)}", "bold")]


def _lines(finding: Finding, language: str) -> list[tuple[str, str]]:
    colon = "：" if language == "zh" else ": "
    word = "" if finding.verdict is Verdict.OK else in_language(WORDS[finding.verdict], language) + colon
    head = f"  {MARKS[finding.verdict]} {word}"
    lines = [(head + in_language(finding.what, language), STYLES[finding.verdict])]
    if finding.mend:
        lines.append((f"      → {in_language(finding.mend, language)}", ""))
    return lines


def examination_json(examined: Examined) -> dict[str, object]:
    """`safe`, when and how long, and the findings; texts are in English."""
    return {
        "safe": examined.safe,
        "at": examined.at,
        "seconds": round(examined.seconds, 3),
        "running": examined.running,
        "findings": [
            {
                "group": group.lower(),
                "check": one.check,
                "verdict": one.verdict.value,
                "what": one.what,
                "mend": one.mend,
            }
            for group, findings in examined.groups.items()
            for one in findings
        ],
    }
