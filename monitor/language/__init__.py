"""What any step may know about text: folding, tokens, the language of a text, names of languages.

Inflection and the gazetteer come to live here too: they expand keywords and never stem the text.
"""
