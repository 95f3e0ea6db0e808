schema = {"properties": {}}
run = "later"
