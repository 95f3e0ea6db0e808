"""Forty secrets of every shape that people have, for tests that look for them where they must not be."""

from __future__ import annotations

_KEY = "\n".join(
    ["-----BEGIN PRIVATE KEY-----"]
    + [f"MIIEvQ{number:02}IBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us" for number in range(12)]
    + ["-----END PRIVATE KEY-----"]
)

CANARIES = [
    "k3y",
    "p1n!",
    "abc12",
    "hunter2",
    "hunter2hunter2",
    "correct horse battery staple",
    "tr0ub4dor&3",
    "pass/word+with=signs",
    "semi;colon|pipe&amp",
    "quote'inside",
    'double"quote"inside',
    "both'kinds\"here",
    "back\\slash\\path",
    "dollar$HOME$(id)",
    "back`tick`",
    "percent%41%zz",
    "question?mark#hash",
    "at@host:port/path",
    "[brackets]{braces}",
    "(parens)*star*",
    "<tag attr='x'>&",
    "tab\tinside",
    "line one\nline two\nline three",
    "windows\r\nline ends\r\nhere",
    "trailing newline kept\n",
    " leading and trailing ",
    "ümläut-ñandú-ß",
    "пароль-секрет",
    "密码是秘密的",
    "emoji🔑key🔒",
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "aGVsbG8gd29ybGQgc2VjcmV0Cg==",
    "6d79207365637265742068657865",
    '{"type": "service_account", "key": "abc/def+123"}',
    "postgresql://etl:pa%40ss@db.example.org/sales",
    "x" * 300 + "y1",
    _KEY,
]
assert len(CANARIES) == len(set(CANARIES)) == 40
