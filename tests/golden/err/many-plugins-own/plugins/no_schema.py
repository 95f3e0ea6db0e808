schema = "text"
