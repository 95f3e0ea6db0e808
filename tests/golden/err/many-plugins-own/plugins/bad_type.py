schema = {"properties": {"times": {"type": "int"}}}


def run(times): ...
