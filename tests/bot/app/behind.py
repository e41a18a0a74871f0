"""The whole program behind a real proxy, set up with the very files of `config/`, and somebody who comes through it."""

import asyncio
import datetime
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.app import Hall, open_hall
from bot.connectors.intake import IntakeOptions
from bot.settings import SessionSettings, Settings, WebSettings
from tests.bot.encoders import SameWords

CONFIG = Path(__file__).parents[3] / "config"
NAME = "floor.test"
SECRET = "a-shared-secret-of-the-proxied-hall-42"
HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"
"""Two addresses of clients. The first is the proxy's own."""


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody uses just now."""
    sockets = [socket.create_server((HERE, 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for `NAME` that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(NAME), x509.IPAddress(ip_address(HERE))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files[1].write_bytes(private)
    return files


def _changed(text: str, changes: dict[str, str]) -> str:
    """The file of `config/` with other names and ports; each must be there to be changed."""
    for pattern, other in changes.items():
        text, times = re.subn(pattern, other, text, flags=re.MULTILINE)
        if not times:
            raise ValueError(f"{pattern} is not in the file")
    return text


def _nginx(folder: Path, to: int, port: int, plain: int, files: tuple[Path, Path]) -> list[str]:
    site = _changed(
        (CONFIG / "nginx.conf").read_text(encoding="utf-8"),
        {
            r"server 127\.0\.0\.1:8080;": f"server 127.0.0.1:{to};",
            r"listen 443 ssl http2;": f"listen {HERE}:{port} ssl http2;",
            r"listen 80;": f"listen {HERE}:{plain};",
            r"^.*listen \[::\].*\n": "",
            r"floor\.example\.org;": f"{NAME};",
            r"ssl_certificate .*;": f"ssl_certificate {files[0]};",
            r"ssl_certificate_key .*;": f"ssl_certificate_key {files[1]};",
        },
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    user = "user root;\n" if os.getuid() == 0 else ""
    main = (
        f"{user}daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/nginx.log;\nworker_processes 1;\n"
        f"events {{ worker_connections 512; }}\nhttp {{\naccess_log off;\n{temporary}{site}\n}}\n"
    )
    (folder / "main.conf").write_text(main, encoding="utf-8")
    return ["nginx", "-p", str(folder), "-c", str(folder / "main.conf"), "-e", str(folder / "nginx.log")]


def caddy(folder: Path, file: str, to: Sequence[int], port: int, plain: int, files: tuple[Path, Path]) -> list[str]:
    """The command of a Caddy with this file of `config/` before the program's processes at these ports; its own files
    lie in `folder`, and it listens at `port` with this certificate and its key."""
    tls = f"\ttls {files[0]} {files[1]}"
    upstreams = " ".join(f"{HERE}:{one}" for one in to)
    site = _changed(
        (CONFIG / file).read_text(encoding="utf-8"),
        {
            r"^\{\$FLOOR:floor\.example\.org\} \{": f"https://{NAME}:{port} {{\n\tbind {HERE}\n{tls}",
            r"\{\$FLOORMIC:[^}]*\}": upstreams,
        },
    )
    options = f"{{\n\tadmin off\n\tauto_https disable_redirects\n\thttp_port {plain}\n}}\n"
    (folder / "Caddyfile").write_text(options + site, encoding="utf-8")
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def _caddy(folder: Path, to: int, port: int, plain: int, files: tuple[Path, Path]) -> list[str]:
    return caddy(folder, "Caddyfile", [to], port, plain, files)


PROXIES = {"nginx": _nginx, "caddy": _caddy}


def missing(proxy: str) -> str:
    """Why it cannot be played with this proxy; "" where it can."""
    return "" if shutil.which(proxy) else f"{proxy} is not installed"


class Resolver(AbstractResolver):
    """Every name is this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        flags = socket.AI_NUMERICHOST
        return [ResolveResult(hostname=host, host=HERE, port=port, family=socket.AF_INET, proto=0, flags=flags)]

    async def close(self) -> None: ...


@dataclass
class Behind:
    """The program and the proxy before it. `url` is the public address."""

    proxy: str
    folder: Path
    port: int
    plain: int
    to: int
    certificate: Path
    hall: Hall | None = None
    running: AsyncExitStack | None = None

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}"

    @property
    def inside(self) -> str:
        """The program's own address, past the proxy."""
        return f"http://{HERE}:{self.to}"

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    def client(self, address: str = HERE, **more: Any) -> aiohttp.ClientSession:
        """Somebody with cookies of their own who comes from this address."""
        connector = aiohttp.TCPConnector(ssl=self.trust(), resolver=Resolver(), local_addr=(address, 0))
        headers = {"Origin": self.url, **more}
        return aiohttp.ClientSession(self.url, connector=connector, headers=headers)

    async def start(self) -> Hall:
        """The program, with the data that it had."""
        talk = SessionSettings(id="talk", title="A talk", language="en")
        settings = Settings(
            data=self.folder / "data",
            web=WebSettings(port=self.to, public_url=self.url, trusted_proxies=(HERE,)),
            session=(talk,),
            sources=(IntakeOptions(name="lobby", session="talk", secret=SECRET),),
        )
        self.running = AsyncExitStack()
        self.hall = await self.running.enter_async_context(open_hall(settings, encoder=SameWords()))
        await self.hall.loaded()
        return self.hall

    async def stop(self) -> None:
        if self.running is not None:
            await self.running.aclose()
            self.running = None


async def _answers(port: int, process: asyncio.subprocess.Process) -> None:
    """Until somebody listens at this port."""
    async with asyncio.timeout(30):
        while True:
            if process.returncode is not None:
                raise RuntimeError("the proxy did not start")
            try:
                _, writer = await asyncio.open_connection(HERE, port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


@asynccontextmanager
async def proxying(command: Sequence[str], folder: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """A proxy that listens at this port, until the block ends. What it says is in `said.log`."""
    environ = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "said.log").open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *command, env=environ, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
    try:
        await _answers(port, process)
        yield process
    except (RuntimeError, TimeoutError) as error:
        raise RuntimeError(f"{error}: {(folder / 'said.log').read_text()}") from error
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


@asynccontextmanager
async def behind(proxy: str) -> AsyncIterator[Behind]:
    """The program behind this proxy, both running."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        port, plain, to = free_ports(3)
        files = make_certificate(folder)
        hidden = Behind(proxy, folder, port, plain, to, files[0])
        async with proxying(PROXIES[proxy](folder, to, port, plain, files), folder, port):
            try:
                await hidden.start()
                yield hidden
            finally:
                await hidden.stop()
