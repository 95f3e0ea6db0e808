"""Plug-ins: what others bring. Listed without being imported, described in a process of their own, loaded by tasks.

A plug-in is an object, often a module: an operator or a notifier has `schema` and `run`, a source of secrets has
`find`, an executor has `run`, advice has `check`. It is announced

- by an installed package, as an entry point in the group of its kind (`yamldag.operators`);
- by the project's folder `plugins/`: `shout.py` there is the operator `shout`, `secrets/sops.py` a source of secrets;
- by `plugins: [module]` of the project file: a module is the operator of its name, a package is a folder as above.
"""
