"""Commands that are carried out elsewhere: on another machine, in a container."""
