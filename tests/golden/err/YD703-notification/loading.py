def tell(who, urgent=False):
    return who
