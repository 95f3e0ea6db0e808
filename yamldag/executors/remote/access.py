"""The way into a Kubernetes cluster: where its API is and who we are there, by a connection, by a kubeconfig as kubectl
reads it, or by the service account of the pod that we run in.

Keys and tokens are read where they lie, and stay in memory.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import ssl
import subprocess
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from yamldag.executors.remote.credentials import Unusable, read

POD = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where a pod finds its service account."""
_USUAL = "~/.kube/config"
_PATIENCE = 60
"""Seconds for a program that signs in."""

Token = Callable[[bool], str | None]
"""The token of a request; called with True, a new one, because the last was not good."""


class Access(NamedTuple):
    url: str
    namespace: str | None
    """The one that is meant where none is said."""
    token: Token
    tls: ssl.SSLContext


def access(settings: dict[str, Any], pod: str = POD) -> Access:
    """By settings as `yamldag.operators.kubernetes.cluster` gives them. Raises Unusable."""
    if settings["url"] is not None:
        ca = None if settings["ca_file"] is None else read(settings["ca_file"])
        pair = [read(settings[name]) for name in ("cert_file", "key_file") if settings[name] is not None]
        return Access(settings["url"], None, lambda _: settings["token"], _tls(ca, "".join(pair)))
    if settings["in_cluster"]:
        return _of_pod(pod)
    named = settings["kubeconfig"] or os.environ.get("KUBECONFIG")
    paths = [path for path in (named or os.path.expanduser(_USUAL)).split(os.pathsep) if path]
    there = [path for path in paths if os.path.exists(path)]
    if there:
        return _of_kubeconfig(_Kubeconfig(there), settings)
    if named:
        raise Unusable(f"the kubeconfig `{named}` can't be read: no such file or directory")
    if os.path.exists(f"{pod}/token"):
        return _of_pod(pod)
    raise Unusable(
        f"no cluster is known here: there is no `{_USUAL}`, and this is no pod. Declare one: `type: kubernetes` under "
        "`connections:`"
    )


def _of_pod(pod: str) -> Access:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host or not os.path.exists(f"{pod}/token"):
        raise Unusable(
            "this is no pod with a service account: leave `in_cluster` out, or give `url` or `kubeconfig`"
        )
    host = f"[{host}]" if ":" in host else host
    namespace = read(f"{pod}/namespace").strip() if os.path.exists(f"{pod}/namespace") else None
    # It is written anew every hour.
    return Access(
        f"https://{host}:{port}",
        namespace,
        lambda _: read(f"{pod}/token").strip(),
        _tls(read(f"{pod}/ca.crt")),
    )


class _Kubeconfig:
    """One or several files; of what two of them name, the first is meant."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.current: str | None = None
        self._parts: dict[str, dict[str, dict[str, Any]]] = {"clusters": {}, "contexts": {}, "users": {}}
        for path in paths:
            document = _document(path)
            self.current = self.current or document.get("current-context") or None
            for kind, known in self._parts.items():
                for entry in document.get(kind) or ():
                    if isinstance(entry, dict) and isinstance(
                        part := entry.get(kind.removesuffix("s")), dict
                    ):
                        known.setdefault(str(entry.get("name")), {**part, "folder": os.path.dirname(path)})

    def part(self, kind: str, name: Any) -> dict[str, Any]:
        found = self._parts[kind].get(str(name))
        if found is None:
            known = ", ".join(f"`{each}`" for each in self._parts[kind])
            raise Unusable(
                f"the kubeconfig has no {kind.removesuffix('s')} `{name}`"
                + (f": it has {known}" if known else "")
            )
        return found


def _document(path: str) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.load(read(path), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except yaml.YAMLError:
        raise Unusable(f"the kubeconfig `{path}` is no YAML") from None
    if not isinstance(found, dict):
        raise Unusable(f"the kubeconfig `{path}` should be a mapping")
    return found


def _of_kubeconfig(config: _Kubeconfig, settings: dict[str, Any]) -> Access:
    name = settings["context"] or config.current
    if not name:
        raise Unusable("the kubeconfig has no current context: give `context`")
    context = config.part("contexts", name)
    cluster = config.part("clusters", context.get("cluster"))
    user: dict[str, Any] = {"folder": "/"}
    if context.get("user"):
        user = config.part("users", context["user"])
    url = cluster.get("server")
    if not url:
        raise Unusable(f"the cluster of the context `{name}` has no `server`")
    if cluster.get("insecure-skip-tls-verify"):
        raise Unusable(
            f"the context `{name}` is not to check who the cluster is (`insecure-skip-tls-verify`), which a secret "
            "would go to: give `certificate-authority`"
        )
    program = (
        None if user.get("exec") is None or settings["token"] else _Program(user["exec"], user["folder"])
    )
    pair = program.pair() if program else ""
    if not pair and _has(user, "client-certificate"):
        pair = f"{_pem(user, 'client-certificate')}\n{_pem(user, 'client-key')}"
    return Access(
        str(url).rstrip("/"),
        context.get("namespace"),
        program.token if program else _token(user, settings["token"]),
        _tls(
            _pem(cluster, "certificate-authority") if _has(cluster, "certificate-authority") else None, pair
        ),
    )


def _token(user: dict[str, Any], given: str | None) -> Token:
    """Of a user of a kubeconfig; `given` is said beside it."""
    if given is None and user.get("token") is None and user.get("tokenFile"):
        path = os.path.join(user["folder"], str(user["tokenFile"]))
        return lambda _: read(path).strip()
    if given is None and user.get("auth-provider") is not None:
        raise Unusable(
            "the kubeconfig signs in by an `auth-provider`, which Kubernetes no longer has: give `token`"
        )
    return lambda _: given or user.get("token")


class _Program:
    """A program that signs in, as kubectl calls it: `exec` of a kubeconfig's user."""

    def __init__(self, given: dict[str, Any], folder: str) -> None:
        self._given = given
        command = str(given.get("command") or "")
        # A name without a slash is sought on the path, any other from the file's folder.
        self._command = os.path.join(folder, command) if "/" in command else command
        self._status: dict[str, Any] | None = None

    def token(self, anew: bool) -> str | None:
        if self._status is None or anew:
            self._status = self._called()
        return self._status.get("token")

    def pair(self) -> str:
        self._status = self._called()
        parts = (self._status.get("clientCertificateData"), self._status.get("clientKeyData"))
        return "\n".join(parts) if all(parts) else ""  # type: ignore[arg-type]

    def _called(self) -> dict[str, Any]:
        given = self._given
        asked = {
            "apiVersion": given.get("apiVersion"),
            "kind": "ExecCredential",
            "spec": {"interactive": False},
        }
        own = {str(each["name"]): str(each["value"]) for each in given.get("env") or ()}
        words = [self._command, *map(str, given.get("args") or ())]
        try:
            done = subprocess.run(  # noqa: S603 - the kubeconfig names it, as for kubectl
                words,
                env={**os.environ, **own, "KUBERNETES_EXEC_INFO": json.dumps(asked)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                timeout=_PATIENCE,
                check=True,
            )
            return dict(json.loads(done.stdout)["status"])
        except FileNotFoundError:
            raise Unusable(
                f"the kubeconfig signs in by `{given.get('command')}`, which is not here"
            ) from None
        except subprocess.CalledProcessError as failed:
            raise Unusable(
                f"`{given.get('command')}`, by which the kubeconfig signs in, failed: exit code {failed.returncode}"
            ) from None
        except subprocess.TimeoutExpired:
            raise Unusable(
                f"`{given.get('command')}`, by which the kubeconfig signs in, gave nothing for {_PATIENCE} seconds"
            ) from None
        except (OSError, ValueError, KeyError, TypeError):
            raise Unusable(
                f"`{given.get('command')}`, by which the kubeconfig signs in, gave no `ExecCredential`"
            ) from None


def _has(part: dict[str, Any], name: str) -> bool:
    return bool(part.get(name) or part.get(f"{name}-data"))


def _pem(part: dict[str, Any], name: str) -> str:
    """What a kubeconfig holds itself, or has in a file."""
    if part.get(f"{name}-data"):
        try:
            return base64.b64decode(str(part[f"{name}-data"]), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise Unusable(f"`{name}-data` of the kubeconfig is not base64") from None
    if not part.get(name):
        raise Unusable(f"the kubeconfig has no `{name}`")
    return read(os.path.join(part["folder"], str(part[name])))


def _tls(ca: str | None, pair: str = "") -> ssl.SSLContext:
    """`ca`: certificates that are trusted, in place of the machine's. `pair`: a certificate of ours, and its key."""
    try:
        context = ssl.create_default_context(cadata=ca)
    except (ssl.SSLError, ValueError):
        raise Unusable("the certificates by which the cluster is known can't be read") from None
    if pair:
        held = os.memfd_create("pair", os.MFD_CLOEXEC)  # what loads a key takes files alone
        try:
            os.write(held, pair.encode())
            context.load_cert_chain(f"/proc/self/fd/{held}")
        except (ssl.SSLError, OSError):
            raise Unusable("the certificate that signs in, or its key, can't be read") from None
        finally:
            os.close(held)
    return context
