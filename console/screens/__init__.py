"""One module a screen: composes widgets, calls services, sets reactives."""
