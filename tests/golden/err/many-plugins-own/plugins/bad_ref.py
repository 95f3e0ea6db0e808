schema = {"properties": {"times": {"$ref": "#/definitions/number"}}}


def run(times): ...
