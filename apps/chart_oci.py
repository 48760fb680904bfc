"""Door to charts in an OCI registry: tags, manifest, config and chart layer.

Speaks the distribution protocol's read half itself, because a registry client
would bring its own redirects, retries and credential rules. Everything named
by a digest is verified against it.

Authentication follows Docker's practice: without credentials at first, then
whatever the 401 names. Basic goes to the registry itself. Bearer fetches a
token from the realm, with the credentials if there are any. The realm may be
on another host, as with most public registries: whoever controls the registry
could as well have asked for the password with Basic, so this gives nothing
away — but only over https (or to loopback, for a plain-http registry there),
and only where the address guard lets us connect. The scope asked for is our
own, pull on this one repository, never the one in the challenge.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode, urljoin

from apps import chart_fetch, versions
from apps.chart_fetch import (
    Credentials,
    FetchLimits,
    Reply,
    RepositoryCode,
    Request,
    Session,
    terminal,
)
from apps.chart_http import check_digest
from kubecarrier.lib.netguard import (
    AddressCode,
    AddressError,
    Policy,
    check_url,
    is_loopback,
    parse_url,
)

MAX_PAGES: Final = 100
MAX_TAGS: Final = 50_000
_MAX_TOKEN: Final = 64 * 1024
_CONFIG_TYPE: Final = "application/vnd.cncf.helm.config.v1+json"
_CHART_TYPES: Final = frozenset(
    ["application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"]
)
_MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
_PART: Final = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_PATH: Final = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_PARAMETER: Final = re.compile(r'([a-zA-Z]+)="([^"\\]{0,2000})"')
_NEXT: Final = re.compile(r'<([^<>]{1,2000})>\s*;\s*rel="?next"?')


@dataclass(frozen=True, slots=True)
class OciReference:
    """`oci://host[:port]/path/chart`, read: `registry` is host and port as written."""

    registry: str
    path: str


@dataclass(frozen=True, slots=True)
class OciChart:
    """A chart as pushed. `digest` is the archive's sha256 in hex, `config` Chart.yaml as JSON."""

    version: str
    manifest_digest: str
    digest: str
    config: dict[str, object]
    archive: bytes


def parse_reference(text: str) -> OciReference:
    """Raises `AddressError` (`address_invalid`) for anything but a plain reference."""
    target = parse_url(text, ("oci",))
    rest = text.partition("://")[2]
    registry, _, path = rest.partition("/")
    path = path.rstrip("/")
    if not _PATH.fullmatch(path) or len(path) > 255 or not target.host:
        message = "A registry reference reads oci://host/path/chart, without a tag."
        raise AddressError(AddressCode.INVALID, message, host=target.host)
    return OciReference(registry, path)


def version_of(tag: str) -> str:
    """A tag cannot hold `+`, so Helm writes `_`."""
    return tag.replace("_", "+")


def tag_of(version: str) -> str:
    """The tag for a version. Raises `VersionError` if it cannot be one."""
    tag = version.replace("+", "_")
    if not _TAG.fullmatch(tag):
        raise versions.VersionError(versions.VersionCode.VERSION, "This cannot be a tag.")
    return tag


@dataclass(frozen=True, slots=True)
class OciRepository:
    """One chart in a registry. `plain_http` is for a registry on loopback only."""

    reference: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    ca_pem: str | None = field(default=None, repr=False)
    policy: Policy = field(default_factory=Policy)
    plain_http: bool = False
    limits: FetchLimits = field(default_factory=FetchLimits)

    def list_versions(self) -> tuple[str, ...]:
        """All tags that are versions, `_` read as `+`, newest first.

        Raises `RepositoryError`, `AddressError`, `UnresolvableError`.
        """
        with self._registry() as registry:
            found = [version_of(tag) for tag in registry.tags()]
        good = [(versions.sort_key(each), each) for each in found if _is_version(each)]
        return tuple(each for _, each in sorted(good, reverse=True))

    def resolve(self, version: str) -> str:
        """The manifest's digest (`sha256:…`) behind a version now."""
        with self._registry() as registry:
            return registry.manifest(tag_of(version)).digest

    def fetch_chart(self, version: str) -> OciChart:
        """Manifest, config and archive of a version, each verified by digest."""
        with self._registry() as registry:
            manifest = registry.manifest(tag_of(version))
            config = registry.blob(manifest.config, self.limits.small_bytes)
            archive = registry.blob(manifest.layer, self.limits.archive_bytes)
        if not archive.startswith(b"\x1f\x8b"):
            raise terminal(RepositoryCode.CONTENT, "The layer is no chart archive.", registry.base)
        return OciChart(
            version=version,
            manifest_digest=manifest.digest,
            digest=manifest.layer.digest.removeprefix("sha256:"),
            config=_json(config, registry.base),
            archive=archive,
        )

    @contextmanager
    def _registry(self) -> Iterator[_Registry]:
        reference = parse_reference(self.reference)
        base = f"{'http' if self.plain_http else 'https'}://{reference.registry}/"
        if self.plain_http:
            _require_loopback(base, self.policy)
        credentials = Credentials(self.username, self.password)
        with chart_fetch.session(self.policy, self.ca_pem, self.limits) as session:
            yield _Registry(session, base, reference.path, credentials, self.plain_http)


def _is_version(text: str) -> bool:
    try:
        versions.parse_version(text)
    except versions.VersionError:
        return False
    return True


def _require_loopback(url: str, policy: Policy) -> None:
    checked = check_url(url, policy, ("http",))
    if not all(is_loopback(address) for address in checked.addresses):
        message = "A registry without TLS is accepted on loopback only."
        raise AddressError(AddressCode.FORBIDDEN, message, host=checked.host)


@dataclass(frozen=True, slots=True)
class _Descriptor:
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class _Manifest:
    digest: str
    config: _Descriptor
    layer: _Descriptor


@dataclass(slots=True)
class _Registry:
    """The registry during one operation; remembers how to authenticate."""

    session: Session
    base: str
    path: str
    credentials: Credentials
    plain_http: bool
    authorization: str | None = None

    def tags(self) -> list[str]:
        """All tags, page by page, on the registry's own origin only."""
        url: str | None = self._url("tags/list?n=1000")
        tags: list[str] = []
        for _ in range(MAX_PAGES):
            reply = self._get(url or "", self.session.limits.small_bytes)
            tags += _tag_names(_json(reply.body, reply.url))
            url = _next_page(reply, self.base)
            if url is None or len(tags) >= MAX_TAGS:
                break
        return tags[:MAX_TAGS]

    def manifest(self, tag: str) -> _Manifest:
        reply = self._get(
            self._url(f"manifests/{quote(tag)}"),
            self.session.limits.small_bytes,
            {"Accept": _MANIFEST_TYPE},
        )
        digest = f"sha256:{hashlib.sha256(reply.body).hexdigest()}"
        promised = reply.headers.get("docker-content-digest", digest)
        if promised != digest:
            message = "The manifest is not what its digest promises."
            raise terminal(RepositoryCode.DIGEST, message, reply.url)
        return _read_manifest(_json(reply.body, reply.url), digest, reply.url)

    def blob(self, descriptor: _Descriptor, limit: int) -> bytes:
        if descriptor.size > limit:
            message = f"The registry announces over {limit} bytes."
            raise terminal(RepositoryCode.TOO_LARGE, message, self.base)
        reply = self._get(self._url(f"blobs/{descriptor.digest}"), descriptor.size)
        check_digest(reply.body, descriptor.digest, reply.url)
        return reply.body

    def _url(self, rest: str) -> str:
        return f"{self.base}v2/{self.path}/{rest}"

    def _get(self, url: str, limit: int, headers: dict[str, str] | None = None) -> Reply:
        reply = self._try(url, limit, headers, frozenset([401]))
        if reply.status != 401:
            return reply
        self.authorization = self._answer(reply.headers.get("www-authenticate", ""))
        return self._try(url, limit, headers, frozenset())

    def _try(
        self, url: str, limit: int, headers: dict[str, str] | None, passed: frozenset[int]
    ) -> Reply:
        return self.session.get(
            Request(
                url=url,
                home=self.base,
                max_bytes=limit,
                authorization=self.authorization,
                headers=headers or {},
                schemes=("http", "https") if self.plain_http else ("https",),
                passed=passed,
            )
        )

    def _answer(self, challenge: str) -> str | None:
        """The Authorization header that a challenge asks for."""
        scheme, _, rest = challenge[:8192].partition(" ")
        if scheme.lower() == "bearer":
            return f"Bearer {self._token(dict(_PARAMETER.findall(rest)))}"
        return self.credentials.header()

    def _token(self, challenge: dict[str, str]) -> str:
        realm = challenge.get("realm", "")
        self._check_realm(realm)
        query = {"service": challenge.get("service", ""), "scope": f"repository:{self.path}:pull"}
        separator = "&" if "?" in realm else "?"
        reply = self.session.get(
            Request(
                url=f"{realm}{separator}{urlencode({k: v for k, v in query.items() if v})}",
                home=realm,
                max_bytes=_MAX_TOKEN,
                authorization=self.credentials.header(),
                schemes=("http", "https") if self.plain_http else ("https",),
            )
        )
        return _token_text(_json(reply.body, reply.url), reply.url)

    def _check_realm(self, realm: str) -> None:
        target = parse_url(realm, ("http", "https") if self.plain_http else ("https",))
        if target.scheme == "http":
            _require_loopback(realm, Policy(allow_loopback=True))


def _token_text(document: dict[str, object], url: str) -> str:
    token = document.get("token") or document.get("access_token")
    if isinstance(token, str) and token.isascii() and token.isprintable() and " " not in token:
        return token
    raise terminal(RepositoryCode.CONTENT, "The token service gave no token.", url)


def _json(body: bytes, url: str) -> dict[str, object]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        code = RepositoryCode.HTML if body.lstrip()[:1] == b"<" else RepositoryCode.CONTENT
        raise terminal(code, "The registry's answer is not a JSON object.", url)
    return document


def _tag_names(document: dict[str, object]) -> list[str]:
    tags = document.get("tags")
    found = tags if isinstance(tags, list) else []
    return [tag for tag in found if isinstance(tag, str) and _TAG.fullmatch(tag)]


def _next_page(reply: Reply, base: str) -> str | None:
    match = _NEXT.search(reply.headers.get("link", "")[:4096])
    if match is None:
        return None
    url: str = urljoin(reply.url, match[1])
    if not chart_fetch.same_origin(url, base):
        message = "The registry's next page is on another host."
        raise terminal(RepositoryCode.REDIRECT, message, reply.url)
    return url


def _read_manifest(document: dict[str, object], digest: str, url: str) -> _Manifest:
    config: Any = document.get("config")
    layers: Any = document.get("layers")
    if not isinstance(config, dict) or config.get("mediaType") != _CONFIG_TYPE:
        raise terminal(RepositoryCode.CONTENT, "This is not a Helm chart.", url)
    charts = [
        each
        for each in (layers if isinstance(layers, list) else [])
        if isinstance(each, dict) and each.get("mediaType") in _CHART_TYPES
    ]
    if len(charts) != 1:
        raise terminal(RepositoryCode.CONTENT, "The manifest has no chart layer.", url)
    return _Manifest(digest, _descriptor(config, url), _descriptor(charts[0], url))


def _descriptor(row: dict[str, Any], url: str) -> _Descriptor:
    digest, size = row.get("digest"), row.get("size")
    good = isinstance(digest, str) and _DIGEST.fullmatch(digest)
    if not good or type(size) is not int or size < 0:
        raise terminal(RepositoryCode.CONTENT, "The manifest has no usable digest.", url)
    return _Descriptor(str(digest), size)
