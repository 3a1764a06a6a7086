"""Certificates for the TLS rows, made with the openssl command: one authority and what it signed, well or badly."""

import ssl
import subprocess
from pathlib import Path


class Authority:
    """A private certificate authority in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "index.txt").write_text("")
        (folder / "serial").write_text("1000\n")
        self._run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
                  "-subj", "/CN=Test authority", "-days", "30", "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip

    def _run(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True)

    def server(self, name: str, start: str = "20240101000000Z", end: str = "20450101000000Z") -> ssl.SSLContext:
        """A server's side with a certificate for a host name, valid from `start` to `end`."""
        stem = f"{name}-{start}-{end}"
        (self._folder / f"{stem}.conf").write_text(
            "[ca]\ndefault_ca = one\n[one]\ndatabase = index.txt\nserial = serial\nnew_certs_dir = .\n"
            "default_md = sha256\npolicy = any\nunique_subject = no\n[any]\ncommonName = supplied\n"
            f"[v3]\nsubjectAltName = DNS:{name}\n"
        )
        self._run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{stem}.key", "-out", f"{stem}.csr",
                  "-subj", f"/CN={name}")  # fmt: skip
        self._run("ca", "-batch", "-config", f"{stem}.conf", "-extensions", "v3", "-cert", "ca.pem", "-keyfile",
                  "ca.key", "-in", f"{stem}.csr", "-out", f"{stem}.pem", "-notext", "-startdate", start,
                  "-enddate", end)  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / f"{stem}.pem", self._folder / f"{stem}.key")
        return context

    def client(self) -> ssl.SSLContext:
        """A client's side that trusts this authority and no other."""
        return ssl.create_default_context(cafile=str(self._folder / "ca.pem"))
