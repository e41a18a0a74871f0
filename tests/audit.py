"""`make audit`: are there known vulnerabilities in the versions of constraints.txt? Asks OSV by way of pip-audit.

Exit status: 0 none is known, or it could not be asked (and it says so), 1 there are some.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
PATIENCE = 300  # seconds


def main(arguments: Sequence[str] = ()) -> int:
    """`arguments` are further ones for pip-audit, such as --osv-url."""
    asked = ["-r", str(ROOT / "constraints.txt"), "--no-deps", "--disable-pip", "-s", "osv", "-f", "json"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", *asked, *arguments],
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        found = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        print("NOT AUDITED: the list of known vulnerabilities could not be reached; nothing is known either way")
        return 0
    bad = [(one, flaw) for one in found for flaw in one.get("vulns", [])]
    for one, flaw in bad:
        mended = ", ".join(flaw["fix_versions"]) or "no version yet"
        print(f"{one['name']} {one['version']}: {flaw['id']}, mended in {mended}")
    left = [one["name"] for one in found if "skip_reason" in one]
    said = f"{len(found) - len(left)} packages audited, {len(bad)} known vulnerabilities"
    print(f"{said}; left out: {', '.join(left) or 'none'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
