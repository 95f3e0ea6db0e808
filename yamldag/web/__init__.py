"""The pages and the API of `yamldag serve`."""
