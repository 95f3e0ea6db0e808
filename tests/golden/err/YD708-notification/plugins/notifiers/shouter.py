schema = {"properties": {"text": {"type": "string"}}}


def run(text): ...
