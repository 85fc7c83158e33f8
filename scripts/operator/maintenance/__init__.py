"""`scripts/store maintenance`: closing the store and opening it, announcing it, and passes through it."""
