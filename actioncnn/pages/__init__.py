"""Pages of HTML: one run, and several compared."""
