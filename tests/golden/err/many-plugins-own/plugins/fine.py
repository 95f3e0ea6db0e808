schema = {"properties": {"text": {"type": "string"}, "times": {"type": "integer"}}}


def run(text, times=1): ...
