"""Stories: reports of one event across outlets. Today copies: near-identical reports become one story.

Similarity across languages, developments and figures come to live here beside `copies`.
"""

from monitor.stories.copies import CopyIndex
from monitor.stories.likeness import sketch_of

__all__ = ["CopyIndex", "sketch_of"]
