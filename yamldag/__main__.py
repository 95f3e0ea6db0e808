from yamldag.cli.main import entry

entry()
