"""How a command ends that is called in the test's own process."""


def code_of(main, arguments):
    """Return a command's exit code, also where its parser of arguments leaves."""
    try:
        return main(arguments)
    except SystemExit as left:
        return left.code
