def show(*_): pass
