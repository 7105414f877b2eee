"""What a run changes in its place, arguments and globals, taken down and done again on a hit."""
