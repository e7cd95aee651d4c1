"""What every part may use and none is about: this machine, files written whole, packages that are optional."""
