schema = {}


def run(): ...
