"""The functions whose calls are timed, each in a module with nothing else to look at."""
