# Tab completion in bash; the installer puts this where bash looks for it.
complete -o default -W "run check once show decode capture spool import put export prices pair simulate demo" p1-collector
