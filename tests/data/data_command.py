"""Calls `zsl-data` in the test's own process."""

from zsl_runner.data.command.cli import main


def run(capsys, *arguments):
    """Return the exit code of a command, and what it wrote to standard output and to standard error."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err
