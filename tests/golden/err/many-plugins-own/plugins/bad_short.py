schema = {"properties": {"text": {"type": "string"}}, "x-short": "txt"}


def run(text): ...
