"""Tasks are called by what they do."""


def check(plan):
    for task in plan["tasks"]:
        if task["id"].endswith("s"):
            yield task["id"], f"`{task['id']}` does not say what it does"
    if not plan["owner"]:
        yield None, "nobody owns it"
