"""What a person types: one module or folder a command, and `cli`, the command line before them.

A command reads its arguments and the settings, asks the rooms below, prints, and gives the exit
status. Data goes to stdout, everything else to stderr. Nobody calls a command but `cli`; a command
never keeps what the service needs: `run` only starts it. What a command needs is imported when it
runs, so that `--help` waits for none of the libraries.
"""
