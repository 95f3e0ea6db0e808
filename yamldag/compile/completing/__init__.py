"""What may stand at a place of a text, and what a word there means: for editors and for the playground alike."""

from yamldag.compile.completing.meanings import Meaning, explain
from yamldag.compile.completing.offers import Offer, Offers, complete

__all__ = ["Meaning", "Offer", "Offers", "complete", "explain"]
