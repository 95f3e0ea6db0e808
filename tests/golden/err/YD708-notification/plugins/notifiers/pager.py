schema = {}
